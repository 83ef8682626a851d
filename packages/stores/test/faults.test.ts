import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileDriver, MemoryDriver, Store } from '../src/index.ts'
import { type Fault, FaultyDriver } from '../src/testing/index.ts'
import {
  ChunkSource,
  collect,
  expectOnly,
  keysOf,
  mebibyte,
  patternBytes,
  storeError,
  temporaryFolder,
} from './support.ts'

const both = ['md5', 'sha512']
const codes = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EROFS: 'read-only',
  EACCES: 'read-only',
  EIO: 'io',
} as const
const errnos = Object.keys(codes) as (keyof typeof codes)[]

async function faultyStore(...faults: Fault[]): Promise<{ folder: string; store: Store }> {
  const folder = await temporaryFolder()
  return { folder, store: new Store('faulty', new FaultyDriver(new FileDriver(folder), faults)) }
}

describe('a write that the disk fails', () => {
  const places = [
    { call: 'create', nth: 1, size: 10, written: 0 },
    { call: 'write', nth: 1, size: 10, written: 0 },
    { call: 'commit', nth: 1, size: 10, written: 10 },
    { call: 'create', nth: 1, size: 5 * mebibyte, written: 0 },
    { call: 'write', nth: 1, size: 5 * mebibyte, written: 0 },
    { call: 'write', nth: 3, size: 5 * mebibyte, written: mebibyte },
    { call: 'write', nth: 11, size: 5 * mebibyte + 1, written: 5 * mebibyte },
    { call: 'commit', nth: 1, size: 5 * mebibyte, written: 5 * mebibyte },
  ] as const
  const cases = places.flatMap((place) => errnos.map((errno) => ({ ...place, errno })))

  it.each(cases)(
    'at $call $nth of $size bytes with $errno leaves nothing',
    async ({ call, nth, size, written, errno }) => {
      const { folder, store } = await faultyStore({ call, nth, errno })
      const source = new ChunkSource(patternBytes(size))
      const error = await storeError(store.write('key', source, { algorithms: both }), codes[errno])
      expect(error.details).toMatchObject({ store: 'faulty', key: 'key', written, errno })
      if (source.pulled > 0) expect(source.ended).toBe(true)
      await expectOnly(folder, [])
      expect((await store.write('key', new ChunkSource(patternBytes(7)), { algorithms: both })).size).toBe(7)
    },
  )

  it('says how much was written, and what the system said', async () => {
    const { store } = await faultyStore({ call: 'write', nth: 7, errno: 'ENOSPC' })
    const write = store.write('key', new ChunkSource(patternBytes(9 * mebibyte)), { algorithms: both })
    const error = await storeError(write, 'full')
    expect(error.message).toBe("store 'faulty' is full: wrote 3145728 bytes of image key, then ENOSPC")
  })

  it('stops pulling an endless source', async () => {
    const { store } = await faultyStore({ call: 'write', nth: 2, errno: 'EIO' })
    let ended = false
    const endless = (async function* () {
      try {
        for (;;) yield new Uint8Array(65_536)
      } finally {
        ended = true
      }
    })()
    await storeError(store.write('key', endless, { algorithms: both }), 'io')
    expect(ended).toBe(true)
  })

  it('keeps its first cause when giving up fails too', async () => {
    const faults: Fault[] = [
      { call: 'write', errno: 'ENOSPC' },
      { call: 'abort', errno: 'EROFS' },
    ]
    const store = new Store('faulty', new FaultyDriver(new MemoryDriver(), faults))
    await storeError(store.write('key', new ChunkSource(patternBytes(10)), { algorithms: both }), 'full')
    expect(await store.has('key')).toBe(false)
  })
})

describe('a copy that the disk fails', () => {
  it.each(errnos)('at adopt with %s leaves nothing', async (errno) => {
    const { folder, store } = await faultyStore({ call: 'adopt', errno })
    const source = new Store('source', new FileDriver(await temporaryFolder()))
    await source.write('key', new ChunkSource(patternBytes(1000)), { algorithms: [] })
    const error = await storeError(store.copyFrom(source, 'key'), codes[errno])
    expect(error.details).toMatchObject({ store: 'faulty', key: 'key', action: 'copy image key' })
    await expectOnly(folder, [])
  })

  it.each(errnos)('at a streamed write with %s leaves nothing', async (errno) => {
    const { folder, store } = await faultyStore({ call: 'write', nth: 2, errno })
    const source = new Store('source', new MemoryDriver())
    await source.write('key', new ChunkSource(patternBytes(5 * mebibyte)), { algorithms: [] })
    await storeError(store.copyFrom(source, 'key'), codes[errno])
    await expectOnly(folder, [])
  })

  it('in the source, while it is read, names the source and leaves nothing', async () => {
    const faulty = new FaultyDriver(new MemoryDriver(), [{ call: 'next', nth: 3, errno: 'EIO' }])
    const source = new Store('source', faulty)
    await source.write('key', new ChunkSource(patternBytes(5 * mebibyte)), { algorithms: [] })
    const folder = await temporaryFolder()
    const copy = new Store('target', new FileDriver(folder)).copyFrom(source, 'key')
    const error = await storeError(copy, 'io')
    expect(error.message).toBe("store 'source' failed to read image key: EIO: made to fail, next 3")
    await expectOnly(folder, [])
  })
})

describe('a read that the disk fails', () => {
  it('ends the stream with a store error and closes the file', async () => {
    const { folder, store } = await faultyStore({ call: 'next', nth: 2, errno: 'EIO' })
    await store.write('key', new ChunkSource(patternBytes(3 * mebibyte)), { algorithms: [] })
    const stream = await store.read('key')
    await storeError(collect(stream), 'io')
    expect(stream.destroyed).toBe(true)
    await expectOnly(folder, ['key'])
  })

  it.each([
    ['read', (store: Store) => store.read('key')],
    ['size', (store: Store) => store.size('key')],
    ['size', (store: Store) => store.has('key')],
    ['changedAt', (store: Store) => store.changedAt('key')],
    ['delete', (store: Store) => store.delete('key')],
    ['list', (store: Store) => keysOf(store.list())],
    ['sweepParts', (store: Store) => store.removeParts()],
  ] as const)('at %s says so', async (call, ask) => {
    const { store } = await faultyStore({ call, errno: 'EIO' })
    const error = await storeError(ask(store), 'io')
    expect(error.message).toMatch(
      /^store 'faulty' failed to (read|measure|look at|delete) image key: EIO|(list its|remove the)/,
    )
  })

  it('that cannot be closed ends with a store error', async () => {
    const driver = new MemoryDriver()
    driver.read = async () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true as const, value: undefined }),
        return: () => Promise.reject(new Error('cannot close')),
      }),
    })
    const read = collect(await new Store('odd', driver).read('key'))
    expect((await storeError(read, 'io')).message).toBe("store 'odd' failed to read image key: cannot close")
  })
})

describe('a folder that is none', () => {
  it('fails every call with a cause', async () => {
    const file = join(await temporaryFolder(), 'file')
    await writeFile(file, 'not a folder')
    const store = new Store('odd', new FileDriver(file))
    await storeError(store.write('key', new ChunkSource(patternBytes(1)), { algorithms: [] }), 'io')
    await storeError(store.read('key'), 'io')
    await storeError(keysOf(store.list()), 'io')
    await storeError(store.removeParts(), 'io')
  })
})
