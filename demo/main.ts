/**
 * Shows the service at work: the real process on its embedded defaults, a real qcow2 image, imports that succeed and
 * one that fails. Exits 0 when everything went as it should.
 */
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { GlimpseClient, type ImageView, type TaskView } from '@glimpse/client'
import { type ImageSource, serveImage } from '../harness/image-source.ts'
import { makeQcow2 } from '../harness/qcow2.ts'
import { Service } from '../harness/service.ts'
import { Narrator } from './narrator.ts'

const imageSize = 24 * 1024 * 1024
const downloadMilliseconds = 1_500
const print = (text = ''): boolean => process.stdout.write(`${text}\n`)

const folder = await mkdtemp(path.join(tmpdir(), 'glimpse-demo-'))
try {
  await show()
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function show(): Promise<void> {
  const file = await makeImage()
  const bytes = await readFile(file)
  const source = await serveImage(bytes, downloadMilliseconds)
  const { port } = new URL(source.good)
  const config = `[import_filtering_opts]\nallowed_hosts = [127.0.0.1]\nallowed_ports = [${port}]\n`
  const service = await Service.start({ stateDir: path.join(folder, 'state'), config })
  print(`The service listens on ${service.address}`)
  const narrator = new Narrator()
  service.onLine((line) => narrator.hear(line))
  try {
    await play(new GlimpseClient({ endpoint: service.address }), narrator, source, file)
  } finally {
    source.close()
    await service.stop()
  }
  print('\nEverything went as it should.')
}

async function play(client: GlimpseClient, narrator: Narrator, source: ImageSource, file: string): Promise<void> {
  print('\n1. Import by glance-direct: the client stages the data, the service imports it')
  const direct = await newImage(client, 'staged')
  await client.images.stage(direct.id, Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>)
  const first = await importAndWait(client, direct.id, { method: 'glance-direct' })
  await expectStatus(client, direct.id, 'active')

  print('\n2. Import by web-download: the service fetches the data itself')
  const fetched = await newImage(client, 'fetched')
  const second = await importAndWait(client, fetched.id, { method: 'web-download', uri: source.good })
  await expectStatus(client, fetched.id, 'active')

  print('\n3. An import that must fail: the source breaks off')
  const failing = await newImage(client, 'broken')
  const third = await importAndWait(client, failing.id, { method: 'web-download', uri: source.broken })
  print(`    the task says: ${third.message}`)
  await expectStatus(client, failing.id, 'queued')

  print('\n4. The same image again, from a source that holds: nothing was lost by the failure')
  const fourth = await importAndWait(client, failing.id, { method: 'web-download', uri: source.good })
  await expectStatus(client, failing.id, 'active')

  print('\n5. Download, and compare')
  for (const { id } of [direct, fetched, failing]) await compare(client, id, file)

  print('\nTasks')
  for (const task of [first, second, third, fourth]) print(`    ${task.id}  ${task.status.padEnd(8)} ${task.message}`)
  for (const [name, task] of Object.entries({ 'web-download': second, 'the failure': third })) {
    print(`\nTimeline of ${name}`)
    narrator.timeline(task.id)
  }
}

/** A qcow2 image with random data, made by qemu-img where there is one. */
async function makeImage(): Promise<string> {
  const file = path.join(folder, 'disk.qcow2')
  const data = randomBytes(imageSize)
  try {
    const raw = path.join(folder, 'disk.raw')
    await writeFile(raw, data)
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, file], { stdio: 'ignore' })
    print('Made a qcow2 image of 24 MiB with qemu-img')
  } catch {
    await writeFile(file, makeQcow2(data))
    print('Made a qcow2 image of 24 MiB (qemu-img is not here, so with a writer of our own)')
  }
  return file
}

async function newImage(client: GlimpseClient, name: string): Promise<ImageView> {
  return await client.images.create({ name, disk_format: 'qcow2', container_format: 'bare' })
}

async function importAndWait(
  client: GlimpseClient,
  id: string,
  request: { method: string; uri?: string },
): Promise<TaskView> {
  await client.images.import(id, request)
  const tasks = await client.images.tasks(id)
  const newest = tasks.toSorted((a, b) => b.created_at.localeCompare(a.created_at))[0]!
  return await client.tasks.waitFor(newest.id, { intervalMs: 50 })
}

async function expectStatus(client: GlimpseClient, id: string, status: string): Promise<void> {
  const image = await client.images.show(id)
  print(`    the image is ${image.status}`)
  if (image.status !== status) throw new Error(`image ${id} should be ${status}, but is ${image.status}`)
}

async function compare(client: GlimpseClient, id: string, file: string): Promise<void> {
  const image = await client.images.show(id)
  const { body } = await client.images.download(id)
  const here = createHash('sha512')
  for await (const chunk of body ?? []) here.update(chunk)
  const there = createHash('sha512')
    .update(await readFile(file))
    .digest('hex')
  const same = here.digest('hex') === there && image.os_hash_value === there
  print(`    ${image.name?.padEnd(8)} sha512 ${there.slice(0, 16)}... ${same ? 'equal' : 'DIFFERENT'}`)
  if (!same) throw new Error(`image ${id} has other bytes than the file`)
}
