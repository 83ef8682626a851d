/** What does the engine cost the user? The same import of many tiny images, by `plain` and by `taskflow`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { GlimpseClient } from '@glimpse/client'
import { Service } from '../harness/service.ts'

const images = 300
const rounds = 9
const data = new Uint8Array(4_096)
const executors = {
  plain: '[task]\ntask_executor = plain\n',
  'taskflow serial': '[task]\ntask_executor = taskflow\n[taskflow_executor]\nengine_mode = serial\n',
  'taskflow parallel': '[task]\ntask_executor = taskflow\n[taskflow_executor]\nengine_mode = parallel\n',
}

interface Row {
  readonly executor: string
  /** Milliseconds an image, staged before; the median of the rounds. */
  readonly msPerImport: number
  /** The median of the ratios within a round. */
  readonly againstPlain: number
}

export async function measure(): Promise<{ rows: Row[] }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-bench-'))
  const times = new Map(Object.keys(executors).map((executor) => [executor, [] as number[]]))
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [executor, config] of inTurn(Object.entries(executors), round)) {
        times.get(executor)!.push(await measureExecutor(path.join(folder, `${executor} ${round}`), config))
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const plain = times.get('plain')!
  const rows = [...times].map(([executor, own]) => ({
    executor,
    msPerImport: Number(median(own).toFixed(3)),
    againstPlain: Number(median(own.map((ms, round) => ms / plain[round]!)).toFixed(3)),
  }))
  console.table(rows)
  return { rows }
}

/** Whoever comes first in a round finds another disk than who comes last. */
function inTurn<T>(list: readonly T[], round: number): T[] {
  const start = round % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}

async function measureExecutor(stateDir: string, config: string): Promise<number> {
  const service = await Service.start({ stateDir, config })
  try {
    const client = new GlimpseClient({ endpoint: service.address })
    const ids: string[] = []
    for (let count = 0; count < images; count++) {
      const { id } = await client.images.create({ name: `tiny-${count}`, disk_format: 'raw', container_format: 'bare' })
      await client.images.stage(id, data)
      ids.push(id)
    }
    const began = performance.now()
    for (const id of ids) await client.images.import(id, { method: 'glance-direct' })
    for (const id of ids) while ((await client.images.show(id)).status !== 'active');
    return (performance.now() - began) / images
  } finally {
    await service.stop()
  }
}
