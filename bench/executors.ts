/** What does the engine cost the user? The same import of many tiny images, by `plain` and by `taskflow`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { GlimpseClient } from '@glimpse/client'
import { Service } from '../harness/service.ts'

const images = 300
const rounds = 4
const data = new Uint8Array(4_096)
const executors = {
  plain: '[task]\ntask_executor = plain\n',
  'taskflow serial': '[task]\ntask_executor = taskflow\n[taskflow_executor]\nengine_mode = serial\n',
  'taskflow parallel': '[task]\ntask_executor = taskflow\n[taskflow_executor]\nengine_mode = parallel\n',
}

interface Row {
  readonly executor: string
  /** Milliseconds an image, staged before; best of the rounds. */
  readonly msPerImport: number
  readonly againstPlain: number
}

export async function measure(): Promise<{ rows: Row[] }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-bench-'))
  const best = new Map<string, number>()
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [executor, config] of Object.entries(executors)) {
        const ms = await measureExecutor(path.join(folder, `${executor} ${round}`), config)
        best.set(executor, Math.min(best.get(executor) ?? Infinity, ms))
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const plain = best.get('plain')!
  const rows = [...best].map(([executor, ms]) => ({
    executor,
    msPerImport: Number(ms.toFixed(3)),
    againstPlain: Number((ms / plain).toFixed(3)),
  }))
  console.table(rows)
  return { rows }
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
