import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileDriver, MemoryDriver, Store } from '../src/index.ts'
import { mountedDisk, mountRefusal } from './disks.ts'
import { ChunkSource, collect, expectOnly, mebibyte, patternBytes, storeError, temporaryFolder } from './support.ts'

const bytes = patternBytes(3 * mebibyte + 1)

async function fileStore(folder?: string): Promise<{ store: Store; folder: string }> {
  const place = folder ?? (await temporaryFolder())
  return { store: new Store('file', new FileDriver(place)), folder: place }
}

async function filled(store: Store): Promise<Store> {
  await store.write('key', new ChunkSource(bytes), { algorithms: [] })
  return store
}

function memoryStore(): Store {
  return new Store('memory', new MemoryDriver())
}

describe('a copy between stores', () => {
  it('of files on one file system is a hard link that outlives its source', async () => {
    const [from, to] = [await fileStore(), await fileStore()]
    await filled(from.store)
    const heard: number[] = []
    await to.store.copyFrom(from.store, 'key', { onProgress: (done) => heard.push(done) })
    expect((await stat(join(to.folder, 'key'))).ino).toBe((await stat(join(from.folder, 'key'))).ino)
    expect(heard).toEqual([bytes.length])
    await from.store.delete('key')
    expect((await collect(await to.store.read('key'))).equals(bytes)).toBe(true)
    await expectOnly(to.folder, ['key'])
  })

  it.skipIf(mountRefusal)(`of files on two file systems is a copy${mountRefusal}`, async () => {
    const [from, to] = [await fileStore(), await fileStore(await mountedDisk('8m'))]
    await filled(from.store)
    await to.store.copyFrom(from.store, 'key')
    expect((await collect(await to.store.read('key'))).equals(bytes)).toBe(true)
    expect((await stat(join(to.folder, 'key'))).dev).not.toBe((await stat(join(from.folder, 'key'))).dev)
    await expectOnly(to.folder, ['key'])
  })

  it.each(['memory to file', 'file to memory', 'memory to memory'])('from %s streams', async (way) => {
    const from = way.startsWith('memory') ? memoryStore() : (await fileStore()).store
    const to = way.endsWith('memory') ? memoryStore() : (await fileStore()).store
    await filled(from)
    const heard: number[] = []
    await to.copyFrom(from, 'key', { onProgress: (done) => heard.push(done) })
    expect((await collect(await to.read('key'))).equals(bytes)).toBe(true)
    expect(heard.at(-1)).toBe(bytes.length)
  })

  it.each([true, false])('never overwrites (by link: %s)', async (byLink) => {
    const from = byLink ? (await fileStore()).store : memoryStore()
    const to = (await fileStore()).store
    await filled(from)
    await to.write('key', new ChunkSource(patternBytes(5)), { algorithms: [] })
    await storeError(to.copyFrom(from, 'key'), 'exists')
    expect(await to.size('key')).toBe(5)
  })

  it('of what is not there says which store has not got it', async () => {
    const { store, folder } = await fileStore()
    const error = await storeError(store.copyFrom(memoryStore(), 'key'), 'not-found')
    expect(error.message).toBe("store 'memory' has no image key")
    await expectOnly(folder, [])
  })

  it.each([true, false])('that is aborted leaves nothing (by link: %s)', async (byLink) => {
    const from = byLink ? (await fileStore()).store : memoryStore()
    await filled(from)
    const { store, folder } = await fileStore()
    const signal = AbortSignal.abort(new Error('enough'))
    const error = await storeError(store.copyFrom(from, 'key', { signal }), 'aborted')
    expect(error.message).toBe("store 'file' was told to stop after 0 bytes of image key: enough")
    expect(error.cause).toBe(signal.reason)
    await expectOnly(folder, [])
  })

  it('that is aborted with a text says that text', async () => {
    const from = await filled((await fileStore()).store)
    const copy = (await fileStore()).store.copyFrom(from, 'key', { signal: AbortSignal.abort('not now') })
    expect((await storeError(copy, 'aborted')).details['reason']).toBe('not now')
  })
})
