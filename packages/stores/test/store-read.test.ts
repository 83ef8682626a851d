import { once } from 'node:events'
import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { FileDriver, MemoryDriver, Store } from '../src/index.ts'
import {
  ChunkSource,
  collect,
  expectOnly,
  keysOf,
  mebibyte,
  openFiles,
  patternBytes,
  storeError,
  temporaryFolder,
} from './support.ts'

async function filledStore(size: number): Promise<{ folder: string; store: Store; bytes: Buffer }> {
  const folder = await temporaryFolder()
  const store = new Store('file', new FileDriver(folder), { description: 'on this host' })
  const bytes = patternBytes(size)
  await store.write('key', new ChunkSource(bytes), { algorithms: [] })
  return { folder, store, bytes }
}

describe('a read', () => {
  it('is a stream of chunks of at most 1 MiB, and closes the file at its end', async () => {
    const { folder, store, bytes } = await filledStore(3 * mebibyte + 9)
    const stream = await store.read('key')
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(stream, 'close')
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(mebibyte)
    await expectOnly(folder, ['key'])
  })

  it('of a range gives those bytes', async () => {
    const { store, bytes } = await filledStore(2 * mebibyte)
    const part = await collect(await store.read('key', { start: 100, end: mebibyte + 200 }))
    expect(part.equals(bytes.subarray(100, mebibyte + 200))).toBe(true)
    expect(await collect(await store.read('key', { start: 5, end: 5 }))).toHaveLength(0)
  })

  it.each([
    [-1, 5],
    [5, 4],
    [0.5, 5],
    [0, Number.NaN],
  ])('of a range from %d to %d is refused', async (start, end) => {
    const { store } = await filledStore(10)
    await expect(store.read('key', { start, end })).rejects.toThrow(
      `range from ${start} to ${end} is not one; bytes with 0 <= start <= end are allowed`,
    )
  })

  it('that is destroyed closes the file: before, in, and while waiting for the first chunk', async () => {
    const { folder, store } = await filledStore(5 * mebibyte)
    const unread = await store.read('key')
    expect(await openFiles(folder)).toEqual([join(folder, 'key')])
    const begun = await store.read('key')
    await once(begun, 'readable')
    const waiting = await store.read('key')
    waiting.read(0)
    for (const stream of [unread, begun, waiting]) {
      stream.destroy()
      await once(stream, 'close')
    }
    await expectOnly(folder, ['key'])
  })

  it('of a file that is cut meanwhile fails, instead of giving fewer bytes', async () => {
    const { folder, store } = await filledStore(3 * mebibyte)
    const stream = await store.read('key')
    await truncate(join(folder, 'key'), 1000)
    const error = await storeError(collect(stream), 'io')
    expect(error.message).toBe("store 'file' failed to read image key: its file ends at byte 1000, before byte 3145728")
    await expectOnly(folder, ['key'])
  })

  it('of a blob that is deleted meanwhile goes on', async () => {
    const { store, bytes } = await filledStore(3 * mebibyte)
    const stream = await store.read('key')
    await store.delete('key')
    expect((await collect(stream)).equals(bytes)).toBe(true)
  })

  it('of what is not there says so before there is a stream', async () => {
    const error = await storeError(new Store('memory', new MemoryDriver()).read('nowhere'), 'not-found')
    expect(error.message).toBe("store 'memory' has no image nowhere")
  })
})

describe('a store', () => {
  it('says what it is and where a blob is', async () => {
    const { folder, store } = await filledStore(10)
    expect(store).toMatchObject({ id: 'file', type: 'file', description: 'on this host' })
    expect(store.url('key')).toBe(pathToFileURL(join(folder, 'key')).href)
    expect(store.localPath('key')).toBe(join(folder, 'key'))
    const memory = new Store('memory', new MemoryDriver())
    expect(memory).toMatchObject({ id: 'memory', type: 'memory', description: undefined })
    expect(memory.url('key')).toBe('memory:///key')
    expect(memory.localPath('key')).toBeUndefined()
  })

  it('knows what it has', async () => {
    const { store } = await filledStore(10)
    expect(await store.has('key')).toBe(true)
    expect(await store.size('key')).toBe(10)
    expect(await keysOf(store.list())).toEqual(['key'])
    await store.delete('key')
    expect(await store.has('key')).toBe(false)
    expect(await keysOf(store.list())).toEqual([])
    await storeError(store.delete('key'), 'not-found')
    await storeError(store.size('key'), 'not-found')
  })

  it('over a driver without parts has none to remove', async () => {
    expect(await new Store('memory', new MemoryDriver()).removeParts()).toBe(0)
  })
})
