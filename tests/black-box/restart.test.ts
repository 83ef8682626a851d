import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { GlimpseClient } from '@glimpse/client'
import { afterEach, describe, expect, it } from 'vitest'
import {
  dataFolders,
  download,
  fileGrows,
  filesIn,
  holdBody,
  importAndWait,
  newImage,
  type Site,
  Stage,
  startImport,
} from './support.ts'

const data = randomBytes(4 << 20)
/** Less than half, so that it is on the disk by the time that a sender holds still. */
const partly = 1 << 20
/** So much that it is not copied at once. */
const large = randomBytes(64 << 20)
/** Where Linux has a file system in memory that everybody may write to. Source: shm_overview(7). */
const memory = '/dev/shm'
const whyNoCopy = whyNoOtherDisk()
const stopped = /service (stopped|was shut down) while this task was running/

const stage = new Stage()
afterEach(() => stage.close())

describe.each(['plain', 'taskflow'])('with task_executor = %s', (executor) => {
  const config = configOf(executor)
  const start = (stateDir?: string): Promise<Site> => stage.serve(config, stateDir)
  const killAndStart = (site: Site): Promise<Site> => killAndServe(site, config)

  it('kill -9 in the middle of an upload leaves a queued image without data, which takes the upload again', async () => {
    const site = await start()
    const { images } = dataFolders(site.stateDir)
    const { id } = await newImage(site.client)
    const lost = expect(site.client.images.upload(id, holdBody(data))).rejects.toMatchObject({ status: 0 })
    await fileGrows(images, partly)
    expect(await site.client.images.show(id)).toMatchObject({ status: 'saving' })
    const { client, stateDir } = await killAndStart(site)
    await lost
    await expectUsable(client, stateDir, id, { status: 'queued', files: [] })
    await client.images.upload(id, data)
    await expectActive(client, stateDir, id)
  })

  it('kill -9 in the middle of a stage leaves a queued image without data, which takes it again', async () => {
    const site = await start()
    const { staging } = dataFolders(site.stateDir)
    const { id } = await newImage(site.client)
    const lost = expect(site.client.images.stage(id, holdBody(data))).rejects.toMatchObject({ status: 0 })
    await fileGrows(staging, partly)
    expect(await site.client.images.show(id)).toMatchObject({ status: 'uploading' })
    const { client, stateDir } = await killAndStart(site)
    await lost
    await expectUsable(client, stateDir, id, { status: 'queued', files: [] })
    await client.images.stage(id, data)
    expect(await importAndWait(client, id, { method: 'glance-direct' })).toMatchObject({ status: 'success' })
    await expectActive(client, stateDir, id)
  })

  it('SIGTERM while an upload holds still exits with 0 and leaves a queued image without data', async () => {
    const site = await start()
    const { id } = await newImage(site.client)
    const lost = expect(site.client.images.upload(id, holdBody(data))).rejects.toThrow()
    await fileGrows(dataFolders(site.stateDir).images, partly)
    expect(await site.service.stop('SIGTERM')).toBe(0)
    await lost
    const { client, service, stateDir } = await start(site.stateDir)
    expectNoRepairs(service.log)
    await expectUsable(client, stateDir, id, { status: 'queued', files: [] })
  })
})

describe('with task_executor = plain', () => {
  const config = configOf('plain')

  it('kill -9 in the middle of a web-download fails its task with the cause, and the same import succeeds', async () => {
    const site = await stage.serve(config)
    const { id, source, task } = await beginDownload(site)
    const { client, service, stateDir } = await killAndServe(site, config)
    expect(service.log.map(({ msg }) => msg)).toContain('put right what an earlier process left unfinished')
    await expectFailed(client, task)
    await expectUsable(client, stateDir, id, { status: 'queued', files: [] })
    source.release()
    const again = await importAndWait(client, id, { method: 'web-download', uri: source.url })
    expect(again).toMatchObject({ status: 'success' })
    await expectActive(client, stateDir, id)
  })

  it('kill -9 while an import of staged data waits its turn keeps the data, and the same import succeeds', async () => {
    const alone = `${config}[wsgi]\ntask_pool_threads = 1\n`
    const site = await stage.serve(alone)
    const busy = await beginDownload(site)
    const { id } = await newImage(site.client)
    await site.client.images.stage(id, data)
    const { id: task } = await startImport(site.client, id, { method: 'glance-direct' })
    expect(await site.client.tasks.show(task)).toMatchObject({ status: 'pending' })
    const { client, stateDir } = await killAndServe(site, config)
    for (const ended of [task, busy.task]) await expectFailed(client, ended)
    const { staging } = dataFolders(stateDir)
    await expectUsable(client, stateDir, id, { status: 'uploading', files: [path.join(staging, id)] })
    expect(await client.images.show(busy.id)).toMatchObject({ status: 'queued' })
    expect(await importAndWait(client, id, { method: 'glance-direct' })).toMatchObject({ status: 'success' })
    await expectActive(client, stateDir, id)
  })

  it.skipIf(whyNoCopy !== '')(
    `kill -9 while staged data is copied to another disk keeps the data, and the same import succeeds${whyNoCopy}`,
    async () => {
      const store = await otherDisk()
      const { id, site, task } = await killCopy(`${config}${storeAt(store)}`, store)
      const { client, stateDir } = site
      await expectFailed(client, task)
      const staged = path.join(dataFolders(stateDir).staging, id)
      await expectUsable(client, stateDir, id, { status: 'uploading', files: [staged] })
      expect(await filesIn(store)).toEqual([])
      expect(await importAndWait(client, id, { method: 'glance-direct' })).toMatchObject({ status: 'success' })
      expect((await readFile(path.join(store, id))).equals(large)).toBe(true)
    },
  )

  it('SIGTERM while an import runs ends it with a cause, exits with 0, and leaves nothing to repair', async () => {
    const site = await stage.serve(config)
    const { id, source, task } = await beginDownload(site)
    expect(await site.service.stop('SIGTERM')).toBe(0)
    const { client, service, stateDir } = await stage.serve(config, site.stateDir)
    expectNoRepairs(service.log)
    await expectFailed(client, task)
    await expectUsable(client, stateDir, id, { status: 'queued', files: [] })
    source.release()
    const again = await importAndWait(client, id, { method: 'web-download', uri: source.url })
    expect(again).toMatchObject({ status: 'success' })
    await expectActive(client, stateDir, id)
  })
})

describe('with task_executor = taskflow', () => {
  const config = configOf('taskflow')

  it('kill -9 in the middle of a web-download: it goes on with the next start, and succeeds', async () => {
    const site = await stage.serve(config)
    const { id, source, task } = await beginDownload(site)
    const { client, service, stateDir } = await killAndServe(site, config)
    await service.line(({ msg, task: about }) => msg === 'task goes on where it was' && about === task)
    expect(await client.tasks.show(task)).toMatchObject({ status: 'processing' })
    expect(await client.images.show(id)).toMatchObject({ status: 'importing', os_glance_import_task: task })
    source.release()
    await expectImported(client, { id, task })
    await expectActive(client, stateDir, id)
  })

  it('kill -9 again and again in the same download: it succeeds at last', async () => {
    let site = await stage.serve(config)
    const { id, source, task } = await beginDownload(site)
    for (let kills = 0; kills < 3; kills++) {
      site = await killAndServe(site, config)
      await fileGrows(dataFolders(site.stateDir).staging, partly)
    }
    source.release()
    await expectImported(site.client, { id, task })
    await expectActive(site.client, site.stateDir, id)
  })

  it('kill -9 while an import of staged data waits its turn: it still has it, and succeeds', async () => {
    const alone = `${config}[wsgi]\ntask_pool_threads = 1\n`
    const site = await stage.serve(alone)
    const busy = await beginDownload(site)
    const { id } = await newImage(site.client)
    await site.client.images.stage(id, data)
    const { id: task } = await startImport(site.client, id, { method: 'glance-direct' })
    const { client, service, stateDir } = await killAndServe(site, alone)
    await service.line(({ msg, task: about }) => msg === 'task goes on where it was' && about === busy.task)
    expect(await client.tasks.show(task)).toMatchObject({ status: 'pending' })
    expect(await client.images.show(id)).toMatchObject({ status: 'uploading', os_glance_import_task: task })
    busy.source.release()
    await expectImported(client, busy)
    await expectImported(client, { id, task }, expect.stringMatching(/^Imported in/) as string)
    const { images, staging } = dataFolders(stateDir)
    const files = [id, busy.id].map((name) => path.join(images, name)).toSorted()
    expect(await filesIn(images, staging)).toEqual(files)
    for (const file of files) expect((await readFile(file)).equals(data)).toBe(true)
  })

  it.skipIf(whyNoCopy !== '')(
    `kill -9 while staged data is copied to another disk: it is copied anew, and the import succeeds${whyNoCopy}`,
    async () => {
      const store = await otherDisk()
      const { id, site, task } = await killCopy(`${config}${storeAt(store)}`, store)
      const { client, stateDir } = site
      await expectImported(client, { id, task })
      expect(await client.images.show(id)).toMatchObject({ status: 'active', size: large.length })
      expect(await filesIn(store, dataFolders(stateDir).staging)).toEqual([path.join(store, id)])
      expect((await readFile(path.join(store, id))).equals(large)).toBe(true)
    },
  )

  it('SIGTERM while an import runs: it exits with 0, leaves nothing to repair, and the next start goes on', async () => {
    const site = await stage.serve(config)
    const { id, source, task } = await beginDownload(site)
    expect(await site.service.stop('SIGTERM')).toBe(0)
    const { client, service, stateDir } = await stage.serve(config, site.stateDir)
    expectNoRepairs(service.log)
    await service.line(({ msg, task: about }) => msg === 'task goes on where it was' && about === task)
    expect(await client.tasks.show(task)).toMatchObject({ status: 'processing' })
    source.release()
    await expectImported(client, { id, task })
    await expectActive(client, stateDir, id)
  })

  it('SIGTERM while a step is about to end: it ends, and the next start goes on behind it', async () => {
    const site = await stage.serve(config)
    const { id, source, task } = await beginDownload(site)
    const stopped = site.service.stop('SIGTERM')
    await site.service.line(({ msg }) => msg === 'stopping')
    source.release()
    expect(await stopped).toBe(0)
    const { client, service, stateDir } = await stage.serve(config, site.stateDir)
    await expectImported(client, { id, task })
    expectNoRepairs(service.log)
    const begun = service.log.filter(({ state }) => state === 'RUNNING').map(({ step }) => step)
    expect(begun).toEqual(['import-to-file', 'activate', 'unstage'])
    await expectActive(client, stateDir, id)
  })
})

it('a start on a state that nothing is wrong with repairs nothing and says nothing of repairs', async () => {
  const site = await stage.serve()
  const staged = await newImage(site.client)
  await site.client.images.stage(staged.id, data)
  const active = await newImage(site.client)
  await site.client.images.upload(active.id, data)
  const queued = await newImage(site.client)
  await site.service.stop('SIGKILL')
  const { client, service, stateDir } = await stage.serve('', site.stateDir)
  expectNoRepairs(service.log)
  for (const [{ id }, status] of [
    [staged, 'uploading'] as const,
    [active, 'active'] as const,
    [queued, 'queued'] as const,
  ])
    expect(await client.images.show(id)).toMatchObject({ status })
  const { images, staging } = dataFolders(stateDir)
  expect(await filesIn(images, staging)).toEqual([path.join(images, active.id), path.join(staging, staged.id)])
})

function configOf(executor: string): string {
  return `[task]\ntask_executor = ${executor}\n`
}

async function killAndServe({ service, stateDir }: Site, config: string): Promise<Site> {
  expect(await service.stop('SIGKILL')).toBeNull()
  return await stage.serve(config, stateDir)
}

/** A store's folder that staged data cannot be linked into, only copied. */
async function otherDisk(): Promise<string> {
  const folder = await mkdtemp(path.join(memory, 'glimpse-test-'))
  stage.onClose(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function storeAt(folder: string): string {
  return `[DEFAULT]\nenabled_backends = far:file\n[far]\nfilesystem_store_datadir = ${folder}\n`
}

/** Kills an import that copies, and starts again; anew, should the copy have been done before the kill. */
async function killCopy(config: string, store: string): Promise<{ id: string; site: Site; task: string }> {
  for (;;) {
    const { client, service, stateDir } = await stage.serve(config)
    const { id } = await newImage(client)
    await client.images.stage(id, large)
    const begun = fileGrows(store, 1)
    const { id: task } = await startImport(client, id, { method: 'glance-direct' })
    await begun
    await service.stop('SIGKILL')
    const left = await filesIn(store)
    if (left.every((file) => file.endsWith('.part'))) return { id, task, site: await stage.serve(config, stateDir) }
    for (const file of left) await rm(file)
  }
}

/** Why nothing can be copied from disk to disk here, as the end of a test's name; empty when it can. */
function whyNoOtherDisk(): string {
  const [there, here] = [memory, tmpdir()].map((folder) => statSync(folder, { throwIfNoEntry: false })?.dev)
  return there !== undefined && there !== here ? '' : ` (skipped: ${memory} is no disk of its own)`
}

/** An import by web-download of which the half has come, and whose source holds still. */
async function beginDownload({ client, stateDir }: Site) {
  const source = await stage.holdSource(data)
  const { id } = await newImage(client)
  const { id: task } = await startImport(client, id, { method: 'web-download', uri: source.url })
  await fileGrows(dataFolders(stateDir).staging, partly)
  expect(await client.images.show(id)).toMatchObject({ status: 'importing', os_glance_import_task: task })
  return { id, source, task }
}

async function expectFailed(client: GlimpseClient, task: string): Promise<void> {
  const ended = await client.tasks.show(task)
  expect(ended).toMatchObject({ status: 'failure' })
  expect(ended.message).toMatch(stopped)
}

/** Waits for the task, which is to succeed and leave the image unlocked. */
async function expectImported(
  client: GlimpseClient,
  { id, task }: { readonly id: string; readonly task: string },
  message = 'Imported, after the service was started again',
): Promise<void> {
  const ended = await client.tasks.waitFor(task, { intervalMs: 20 })
  expect(ended).toMatchObject({ status: 'success', message, result: { image_id: id } })
  const image = await client.images.show(id)
  expect(Object.keys(image).filter((key) => key.startsWith('os_glance'))).toEqual([])
}

/** Not locked, and nothing is on the disk but what is named. */
async function expectUsable(
  client: GlimpseClient,
  stateDir: string,
  id: string,
  { status, files }: { readonly status: string; readonly files: readonly string[] },
): Promise<void> {
  const image = await client.images.show(id)
  expect(image).toMatchObject({ status })
  expect(Object.keys(image).filter((key) => key.startsWith('os_glance'))).toEqual([])
  const { images, staging } = dataFolders(stateDir)
  expect(await filesIn(images, staging)).toEqual(files)
}

async function expectActive(client: GlimpseClient, stateDir: string, id: string): Promise<void> {
  expect(await client.images.show(id)).toMatchObject({ status: 'active', size: data.length })
  const { images, staging } = dataFolders(stateDir)
  expect(await filesIn(images, staging)).toEqual([path.join(images, id)])
  expect((await readFile(path.join(images, id))).equals(data)).toBe(true)
  expect((await download(client, id)).equals(data)).toBe(true)
}

function expectNoRepairs(log: readonly { readonly msg: string; readonly level: number }[]): void {
  expect(log.filter(({ msg, level }) => level >= 40 || /put right|unfinished|repair/.test(msg))).toEqual([])
}
