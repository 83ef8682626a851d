/**
 * What does image data cost: speed, memory, and what others notice of it? Two limits are measured in the same run: the
 * same upload to disk by a bare server that computes no checksums, and the checksums alone, on one thread and on two.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { GlimpseClient } from '@glimpse/client'
import { Service } from '../harness/service.ts'
import { BareServer } from './bare-server.ts'
import { checksumsOnOneThread, checksumsOnTwoThreads } from './checksums.ts'

const mebibyte = 1_048_576
const size = 2_048 * mebibyte
const goals = { memoryMiB: 200, p99Ms: 50 }

interface Row {
  readonly what: string
  readonly mibPerSecond: number
}

export async function measure(): Promise<{ rows: Row[]; peakMemoryMiB: number; getWhileUploading: object }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-bench-'))
  try {
    const file = await makeFile(path.join(folder, 'data'))
    const rows = [await limitOfDisk(folder, file)]
    rows.push({ what: 'limit: md5 and sha512, one thread', mibPerSecond: checksumsOnOneThread(size / 4) })
    rows.push({ what: 'limit: md5 and sha512, two threads', mibPerSecond: await checksumsOnTwoThreads(size / 4) })
    const service = await Service.start({ stateDir: path.join(folder, 'state') })
    try {
      rows.push(...(await measureService(service, file)))
      console.table(rows)
      const peakMemoryMiB = Math.round(await service.peakMemory())
      console.log(`peak memory of the service: ${peakMemoryMiB} MiB (goal: below ${goals.memoryMiB})`)
      return { rows, peakMemoryMiB, getWhileUploading: await measureLatency(service, file) }
    } finally {
      await service.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureService(service: Service, file: string): Promise<Row[]> {
  const client = new GlimpseClient({ endpoint: service.address })
  const uploaded = await newImage(client)
  const staged = await newImage(client)
  const rows = [
    await timed('PUT /file', () => send(`${service.address}/v2/images/${uploaded}/file`, file)),
    await timed('PUT /stage', () => send(`${service.address}/v2/images/${staged}/stage`, file)),
    await timed('import of the staged data', async () => {
      await client.images.import(staged, { method: 'glance-direct' })
      while ((await client.images.show(staged)).status !== 'active');
    }),
    await timed('GET /file', () =>
      run('curl', ['-sSf', '-o', '/dev/null', `${service.address}/v2/images/${uploaded}/file`]),
    ),
  ]
  await client.images.delete(uploaded)
  await client.images.delete(staged)
  return rows
}

/** How long others wait for a record while two uploads run. */
async function measureLatency(service: Service, file: string): Promise<object> {
  const client = new GlimpseClient({ endpoint: service.address })
  const [record, ...uploads] = await Promise.all([newImage(client), newImage(client), newImage(client)])
  const script = fileURLToPath(new URL('latency-probe.ts', import.meta.url))
  const probe = spawn(process.execPath, [script, `${service.address}/v2/images/${record}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const heard = collect(probe)
  await Promise.all(uploads.map((id) => send(`${service.address}/v2/images/${id}/file`, file)))
  probe.stdin.end()
  const latency = JSON.parse(await heard) as { requests: number; p50: number; p99: number; max: number }
  console.log(`GET of a record during two uploads, ms (goal: p99 within ${goals.p99Ms}):`, latency)
  for (const id of uploads) await client.images.delete(id)
  return latency
}

async function limitOfDisk(folder: string, file: string): Promise<Row> {
  const server = await BareServer.start(path.join(folder, 'bare'))
  const row = await timed('limit: the same PUT to disk, no checksums', () => send(server.address, file))
  await server.stop()
  return row
}

async function makeFile(name: string): Promise<string> {
  const handle = await open(name, 'w')
  const chunk = Buffer.alloc(mebibyte)
  for (let at = 0; at < size; at += mebibyte) {
    chunk.writeDoubleLE(at, 0)
    await handle.write(chunk)
  }
  await handle.close()
  return name
}

async function newImage(client: GlimpseClient): Promise<string> {
  return (await client.images.create({ name: 'bench', disk_format: 'raw', container_format: 'bare' })).id
}

async function timed(what: string, work: () => Promise<void>): Promise<Row> {
  const began = performance.now()
  await work()
  return { what, mibPerSecond: Math.round((size / mebibyte) * (1_000 / (performance.now() - began))) }
}

async function send(url: string, file: string): Promise<void> {
  await run('curl', ['-sSf', '-T', file, '-H', 'Content-Type: application/octet-stream', '-H', 'Expect:', url])
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const [code] = (await once(spawn(program, args, { stdio: 'inherit' }), 'exit')) as [number]
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`)
}

async function collect(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout!) text += String(chunk)
  return text
}
