import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { FileDriver, Store } from '@glimpse/stores'
import { FaultyDriver } from '@glimpse/stores/testing'
import { describe, expect, it, vi } from 'vitest'
import { writeData } from '../../src/data/writing.ts'
import type { ImageStatus } from '../../src/domain/image.ts'
import { type SweepParts, type Swept, sweep } from '../../src/usecases/sweep/sweep.ts'
import { uploadImage } from '../../src/usecases/upload-image.ts'
import { imageId, otherId, type Service, startService } from '../api/service.ts'

const taskId = '99999999-2222-3333-4444-555555555555'
const hour = 3_600_000
const nothing: Swept = { tasks: 0, images: 0, expired: 0, jobs: 0, runs: 0, parts: 0, files: 0 }
const context = { requestId: 'r', projectId: null, userId: null, isAdmin: true } as never
const removed = 'removed data that no image has'

/**
 * A service with one queued image, whose clock is the files' own until it is moved. With `plain`, a task that is accepted
 * and not submitted stays as it is.
 */
async function start(executor = 'taskflow'): Promise<Service> {
  const service = await startService({ overrides: { 'task.task_executor': executor } })
  service.clock.at = Date.now()
  await service.createImage()
  return service
}

function pass(service: Service, parts: Partial<SweepParts> = {}, signal = new AbortController().signal) {
  return sweep({ ...service.parts, sweepJobs: null, foreign: new Map(), ...parts }, signal)
}

/** Old enough for everything that is there to be swept. */
function grow(service: Service): void {
  service.clock.at += 2 * hour
}

async function put(store: Store, key = imageId) {
  return await writeData(store, key, Readable.from([Buffer.from('data')]), { hashAlgo: 'sha512', sizeCap: 100 })
}

async function placesOf({ files }: Service) {
  return { staging: await files('staging'), fast: await files('fast'), slow: await files('slow') }
}

function lines({ logged }: Service, msg: string) {
  return logged.filter((line) => line['msg'] === msg)
}

/** Moves the image to a status, as use cases and steps do. */
async function become({ parts: { images } }: Service, status: ImageStatus, set: object = {}): Promise<void> {
  if (status === 'active' || status === 'queued') await images.update(imageId, { set: { status: 'importing', ...set } })
  await images.update(imageId, { set: { status, ...set } }, { status: ['queued', 'importing'] })
}

describe('files of stores', () => {
  it('go with their deleted image, and each is told', async () => {
    const service = await start()
    const { stores, images } = service.parts
    for (const store of [stores.staging, ...stores.all.values()]) await put(store)
    await images.remove(imageId)
    grow(service)
    expect(await pass(service)).toEqual({ ...nothing, files: 3 })
    expect(await placesOf(service)).toEqual({ staging: [], fast: [], slow: [] })
    const told = lines(service, removed)
    expect(told.map(({ store }) => store)).toEqual(['os_glance_staging_store', 'fast', 'slow'])
    expect(told[0]).toMatchObject({ level: 40, image: imageId, why: 'the image is deleted' })
    expect(await pass(service)).toEqual(nothing)
  })

  it('stay while they are younger than an hour', async () => {
    const service = await start()
    await put(service.parts.stores.default)
    await service.parts.images.remove(imageId)
    service.clock.at += hour - 60_000
    expect(await pass(service)).toEqual(nothing)
    expect((await placesOf(service)).fast).toEqual([imageId])
  })

  it('stay where a location or a staging says so, and go everywhere else', async () => {
    const service = await start()
    const { stores, images } = service.parts
    const facts = await put(stores.staging)
    for (const store of stores.all.values()) await put(store)
    const addLocations = [{ store: 'fast', url: stores.default.url(imageId) }]
    await become(service, 'active')
    await images.update(imageId, { addLocations })
    await images.create({ id: otherId, name: null, owner: null })
    await put(stores.staging, otherId)
    await put(stores.default, otherId)
    await images.update(otherId, { set: { status: 'uploading', staged: facts } })
    grow(service)
    expect(await pass(service)).toEqual({ ...nothing, files: 3 })
    expect(await placesOf(service)).toEqual({ staging: [otherId], fast: [imageId], slow: [] })
    expect(lines(service, removed).map(({ why }) => why)).toEqual([
      'the image is active and has nothing staged',
      'the image is uploading and has no location in this store',
      'the image is active and has no location in this store',
    ])
  })

  it('stay when their names are of no image that ever was, which is told when their number changes', async () => {
    const service = await start()
    const { stores } = service.parts
    for (const name of ['README.txt', otherId]) await put(stores.default, name)
    grow(service)
    const foreign = new Map<string, number>()
    for (let round = 0; round < 2; round += 1) expect(await pass(service, { foreign })).toEqual(nothing)
    expect((await placesOf(service)).fast).toEqual([otherId, 'README.txt'])
    const msg = 'files whose names no image ever had are left alone'
    expect(lines(service, msg)).toMatchObject([{ store: 'fast', files: 2 }])
  })

  it.each(['saving', 'uploading', 'importing'] as const)('stay while the image is %s', async (status) => {
    const service = await start()
    await put(service.parts.stores.staging)
    await become(service, status)
    grow(service)
    const images = { ...service.parts.images, unsettled: async () => [] }
    expect(await pass(service, { images })).toEqual(nothing)
    expect((await placesOf(service)).staging).toEqual([imageId])
  })

  it('stay while a task that has the lock, or has yet to make the image, is unfinished', async () => {
    const service = await start('plain')
    const { tasks, stores, images } = service.parts
    const row = { type: 'import', owner: null, input: {}, requestId: null, userId: null } as const
    await tasks.accept({ ...row, id: taskId, imageId }, { image: imageId, expected: {} })
    await images.create({ id: otherId, name: null, owner: null })
    await images.remove(otherId)
    await tasks.accept({ ...row, id: otherId, imageId: otherId })
    for (const id of [imageId, otherId]) await put(stores.staging, id)
    grow(service)
    const executor = { ...service.parts.executor, keeps: async () => true }
    expect(await pass(service, { executor })).toEqual(nothing)
    expect((await placesOf(service)).staging).toEqual([imageId, otherId])
  })

  it('stay when the row has come to need them since the page was read', async () => {
    const service = await start()
    const { stores, images } = service.parts
    await put(stores.default)
    grow(service)
    const findAll: typeof images.findAll = async (ids) => {
      const found = await images.findAll(ids)
      if (ids.includes(imageId)) {
        await become(service, 'active')
        await images.update(imageId, { addLocations: [{ store: 'fast', url: stores.default.url(imageId) }] })
      }
      return found
    }
    expect(await pass(service, { images: { ...images, findAll } })).toEqual(nothing)
    expect((await placesOf(service)).fast).toEqual([imageId])
  })

  it('that are being removed are waited for by an upload that begins meanwhile', async () => {
    const service = await start()
    const { parts, folder } = service
    await put(parts.stores.default)
    grow(service)
    const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const driver = new FileDriver(join(folder, 'fast'))
    const slow = new Store('fast', driver)
    driver.changedAt = async () => {
      asked.resolve()
      await gate.promise
      return new Date(0)
    }
    const stores = { ...parts.stores, all: new Map([['fast', slow]]), default: slow }
    const swept = pass(service, { stores })
    await asked.promise
    const uploaded = uploadImage({ ...parts, stores }, context, imageId, Readable.from([Buffer.from('new data')]), {})
    await new Promise((resolve) => setImmediate(resolve))
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'queued' })
    gate.resolve()
    expect(await swept).toEqual({ ...nothing, files: 1 })
    await uploaded
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'active', size: 8 })
    expect(await slow.size(imageId)).toBe(8)
  })

  it('of a store that cannot be read are passed by, and it is told', async () => {
    const service = await start()
    const { parts, folder } = service
    await put(parts.stores.staging)
    await put(parts.stores.default)
    await put(parts.stores.all.get('slow')!)
    await parts.images.remove(imageId)
    grow(service)
    const faulty = new FaultyDriver(new FileDriver(join(folder, 'fast')), [
      { call: 'list', errno: 'EIO' },
      { call: 'sweepParts', errno: 'EIO' },
    ])
    const all = new Map([...parts.stores.all, ['fast', new Store('fast', faulty)]])
    expect(await pass(service, { stores: { ...parts.stores, all } })).toEqual({ ...nothing, files: 2 })
    expect(await placesOf(service)).toEqual({ staging: [], fast: [imageId], slow: [] })
    expect(lines(service, 'a part of the sweep was passed by')).toMatchObject([{ store: 'fast' }, { store: 'fast' }])
  })

  it('are looked through in pages', async () => {
    const service = await start()
    const { parts, folder } = service
    await mkdir(join(folder, 'fast'), { recursive: true })
    const ids = Array.from({ length: 230 }, (_, at) => `image-${at}`)
    for (const id of ids) {
      await parts.images.create({ id, name: null, owner: null })
      await writeFile(join(folder, 'fast', id), '')
    }
    grow(service)
    const findAll = vi.fn<typeof parts.images.findAll>((keys) => parts.images.findAll(keys))
    expect(await pass(service, { images: { ...parts.images, findAll } })).toEqual({ ...nothing, files: 230 })
    expect(findAll.mock.calls.map(([keys]) => keys.length)).toEqual([100, 100, 30])
  })

  it('stay after the pass was told to end', async () => {
    const service = await start()
    const { parts } = service
    const ids = ['a', 'b', 'c']
    for (const id of ids) {
      await parts.images.create({ id, name: null, owner: null })
      await put(parts.stores.default, id)
    }
    grow(service)
    const stopping = new AbortController()
    const isKnown: typeof parts.images.isKnown = async (id) => {
      stopping.abort()
      return await parts.images.isKnown(id)
    }
    expect(await pass(service, { images: { ...parts.images, isKnown } }, stopping.signal)).toMatchObject({ files: 1 })
    expect((await placesOf(service)).fast).toHaveLength(2)
    expect(await pass(service, {}, stopping.signal)).toEqual(nothing)
  })
})

describe('parts of images', () => {
  const part = (id: string): string => `.${id}.0123456789abcdef.part`

  it('go once they are an hour old, with one line for each store', async () => {
    const service = await start()
    const { stagingDir } = service.parts.config.stores
    await mkdir(stagingDir, { recursive: true })
    await writeFile(join(stagingDir, part(imageId)), 'half')
    expect(await pass(service)).toEqual(nothing)
    grow(service)
    expect(await pass(service)).toEqual({ ...nothing, parts: 1 })
    expect((await placesOf(service)).staging).toEqual([])
    expect(lines(service, 'removed parts of images')).toMatchObject([{ level: 40, parts: 1 }])
  })

  it('that an unfinished task will go on with stay', async () => {
    const service = await start('plain')
    const { stores, tasks, executor } = service.parts
    const breakOff = async function* () {
      yield Buffer.alloc(300_000)
      throw new Error('the source broke off')
    }
    const open = async () => ({ body: breakOff(), size: 400_000, resumed: false, label: 'whose' })
    await expect(stores.staging.resume(imageId, open, { algorithms: [], limit: 1e6 })).rejects.toThrow('broke off')
    const kept = await placesOf(service)
    expect(kept.staging).toHaveLength(2)
    const row = { type: 'import', owner: null, input: {}, requestId: null, userId: null, id: taskId, imageId } as const
    await tasks.accept(row, { image: imageId, expected: {} })
    grow(service)
    expect(await pass(service, { executor: { ...executor, keeps: async () => true } })).toEqual(nothing)
    expect(await placesOf(service)).toEqual(kept)
    await tasks.finish(taskId, { status: 'failure', message: '' })
    expect(await pass(service)).toEqual({ ...nothing, parts: 1 })
    expect((await placesOf(service)).staging).toEqual([])
  })
})

describe('images that nobody works on', () => {
  it.each(['saving', 'uploading', 'importing'] as const)(
    'can be used again an hour after they became %s',
    async (status) => {
      const service = await start()
      const { images, stores } = service.parts
      await become(service, status)
      await put(stores.staging)
      await put(stores.default)
      expect(await pass(service)).toEqual(nothing)
      grow(service)
      expect(await pass(service)).toEqual({ ...nothing, images: 1 })
      expect(await images.find(imageId)).toMatchObject({ status: 'queued' })
      expect(await placesOf(service)).toEqual({ staging: [], fast: [], slow: [] })
      expect(lines(service, 'released an image that nobody works on')).toMatchObject([{ image: imageId, was: status }])
    },
  )

  it('lose the lock of a task that is gone, and keep what they have', async () => {
    const service = await start()
    const { images, stores } = service.parts
    await put(stores.default)
    await become(service, 'active', { importTask: taskId })
    await images.update(imageId, { addLocations: [{ store: 'fast', url: stores.default.url(imageId) }] })
    grow(service)
    expect(await pass(service)).toEqual({ ...nothing, images: 1 })
    expect(await images.find(imageId)).toMatchObject({ status: 'active', importTask: null })
    expect((await placesOf(service)).fast).toEqual([imageId])
  })

  it('are importing no more when their task has ended, and keep their staged data', async () => {
    const service = await start()
    const { images, stores } = service.parts
    const staged = await put(stores.staging)
    await become(service, 'importing', { importTask: taskId, staged })
    grow(service)
    expect(await pass(service)).toEqual({ ...nothing, images: 1 })
    expect(await images.find(imageId)).toMatchObject({ status: 'uploading', importTask: null, staged })
    expect((await placesOf(service)).staging).toEqual([imageId])
  })

  it('are not those of an upload that takes hours', async () => {
    const service = await start()
    const { parts } = service
    const body = new PassThrough()
    const uploaded = uploadImage(parts, context, imageId, body, {})
    body.write('some ')
    while ((await parts.images.find(imageId))?.status !== 'saving')
      await new Promise((resolve) => setImmediate(resolve))
    grow(service)
    expect(await pass(service)).toEqual(nothing)
    body.end('data')
    await uploaded
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'active', size: 9 })
    expect(await pass(service)).toEqual(nothing)
  })

  it('are not those that have changed since the page was read', async () => {
    const service = await start()
    const { images } = service.parts
    await become(service, 'saving')
    grow(service)
    const unsettled: typeof images.unsettled = async (after, limit) => {
      const found = await images.unsettled(after, limit)
      await images.update(imageId, { set: { status: 'active', size: 0 } }, { status: ['saving'] })
      return found
    }
    expect(await pass(service, { images: { ...images, unsettled } })).toEqual(nothing)
    expect(await images.find(imageId)).toMatchObject({ status: 'active' })
  })
})

describe('tasks', () => {
  const row = { type: 'api_image_import', owner: null, input: {}, requestId: null, userId: null } as const
  const accept = ({ parts: { tasks } }: Service) =>
    tasks.accept({ ...row, id: taskId, imageId }, { image: imageId, expected: {} })

  it('that no executor has end with the cause, and free their image, an hour after they last said something', async () => {
    const service = await start('plain')
    const { images, tasks } = service.parts
    await accept(service)
    await become(service, 'importing')
    expect(await pass(service)).toEqual(nothing)
    grow(service)
    expect(await pass(service)).toEqual({ ...nothing, tasks: 1, images: 1 })
    const message = expect.stringContaining('can be imported again') as unknown
    expect(await tasks.find(taskId)).toMatchObject({ status: 'failure', message })
    expect(await images.find(imageId)).toMatchObject({ status: 'queued', importTask: null })
    expect(lines(service, 'ended a task that nobody works on')).toMatchObject([{ level: 40, task: taskId, message }])
  })

  it('that an executor has are left to it, with their image', async () => {
    const service = await start('plain')
    await accept(service)
    await become(service, 'importing')
    await put(service.parts.stores.staging)
    grow(service)
    const executor = { ...service.parts.executor, keeps: async () => true }
    expect(await pass(service, { executor })).toEqual(nothing)
    expect(await service.parts.images.find(imageId)).toMatchObject({ status: 'importing', importTask: taskId })
    expect((await placesOf(service)).staging).toEqual([imageId])
  })

  it('go when their time is over, with one line', async () => {
    const service = await start('plain')
    const { tasks } = service.parts
    await accept(service)
    await tasks.finish(taskId, { status: 'failure', message: 'no' })
    service.clock.at += 47 * hour
    expect(await pass(service)).toEqual(nothing)
    service.clock.at += hour
    expect(await pass(service)).toEqual({ ...nothing, expired: 1 })
    expect(await tasks.find(taskId)).toBeUndefined()
    expect(lines(service, 'removed tasks that had ended')).toMatchObject([{ level: 40, tasks: 1 }])
  })
})
