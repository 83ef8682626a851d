import { PassThrough, Readable } from 'node:stream'
import { array, assert, asyncProperty, boolean, integer } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BlobWriter, FileDriver, HashPool, MemoryDriver, Store, type WriteResult } from '../src/index.ts'
import {
  ChunkSource,
  collect,
  expectOnly,
  hashesOf,
  mebibyte,
  patternBytes,
  storeError,
  temporaryFolder,
} from './support.ts'

const both = ['md5', 'sha512']

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

async function* endlessSource(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(65_536)
}

/** Sources that give one chunk, say so when they are asked for the next, and give nothing more, for ever. */
const stalledSources = {
  stream: (stalled: () => void): AsyncIterable<Uint8Array> => {
    let reads = 0
    return new Readable({
      highWaterMark: 1,
      read() {
        reads += 1
        if (reads === 1) this.push(patternBytes(10))
        else stalled()
      },
    })
  },
  async *generator(stalled: () => void): AsyncGenerator<Uint8Array> {
    yield patternBytes(10)
    stalled()
    await new Promise(() => undefined)
  },
}

interface Refused {
  readonly write: Promise<WriteResult>
  readonly source: ChunkSource
  readonly folder: string
}

/** A write of so many bytes to a folder of its own. */
async function writeSized(options: { size?: number; limit?: number }, given: number): Promise<Refused> {
  const folder = await temporaryFolder()
  const source = new ChunkSource(patternBytes(given))
  const write = new Store('file', new FileDriver(folder)).write('key', source, { algorithms: both, ...options })
  return { write, source, folder }
}

/** A memory store whose writers wait at a gate; an abort settles the write that waits. */
function gatedStore(): {
  store: Store
  gate: PromiseWithResolvers<void>
  reached: Promise<void>
  driver: MemoryDriver
} {
  const driver = new MemoryDriver()
  const gate = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  const create = driver.create.bind(driver)
  driver.create = async (key: string): Promise<BlobWriter> => {
    const writer = await create(key)
    const cut = Promise.withResolvers<void>()
    return {
      write: async (chunk) => {
        reached.resolve()
        await Promise.race([gate.promise, cut.promise])
        await writer.write(chunk)
      },
      commit: () => writer.commit(),
      abort: async () => {
        cut.reject(new Error('cut'))
        await cut.promise.catch(() => undefined)
        await writer.abort()
      },
    }
  }
  return { store: new Store('gated', driver), gate, reached: reached.promise, driver }
}

describe('what is written', () => {
  it.each([0, 1, 65_536, 262_143, 262_144, 262_145, mebibyte, 4 * mebibyte, 9 * mebibyte + 5])(
    'a blob of %i bytes is stored, counted and hashed',
    async (size) => {
      const folder = await temporaryFolder()
      const store = new Store('file', new FileDriver(folder))
      const bytes = patternBytes(size)
      const result = await store.write('key', new ChunkSource(bytes), { algorithms: both })
      expect(result).toEqual({ size, hashes: hashesOf(bytes, both) })
      expect((await collect(await store.read('key'))).equals(bytes)).toBe(true)
      await expectOnly(folder, ['key'])
    },
  )

  it('does not depend on how the source cuts it, nor on an announced size', async () => {
    const bytes = patternBytes(3 * mebibyte)
    const pool = new HashPool({ ring: { slots: 2, slotBytes: 100_000 } })
    const cuts = array(integer({ min: 0, max: bytes.length }), { maxLength: 12 })
    await assert(
      asyncProperty(cuts, integer({ min: 0, max: bytes.length }), boolean(), async (cuts, length, announced) => {
        const places = [0, ...cuts.filter((cut) => cut < length).toSorted((a, b) => a - b), length]
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
        const store = new Store('memory', new MemoryDriver(), { hashing: pool })
        const size = announced ? length : undefined
        const result = await store.write('key', chunksOf(chunks), { algorithms: both, size, limit: length })
        const expected = bytes.subarray(0, length)
        expect(result).toEqual({ size: length, hashes: hashesOf(expected, both) })
        expect((await collect(await store.read('key'))).equals(expected)).toBe(true)
      }),
      { numRuns: 40 },
    )
    await pool.close()
  })

  it('may be in chunks larger than a slot, or in memory that the source uses again', async () => {
    const store = new Store('memory', new MemoryDriver())
    const large = patternBytes(7 * mebibyte)
    const { hashes } = await store.write('large', chunksOf([large]), { algorithms: ['sha256'] })
    expect(hashes).toEqual(hashesOf(large, ['sha256']))
    const reused = (async function* () {
      const chunk = new Uint8Array(50_000)
      for (let value = 0; value < 40; value += 1) yield chunk.fill(value)
    })()
    await store.write('reused', reused, { algorithms: [] })
    const expected = Buffer.concat(Array.from({ length: 40 }, (_, value) => Buffer.alloc(50_000, value)))
    expect((await collect(await store.read('reused'))).equals(expected)).toBe(true)
  })

  it('needs no checksums, and computes one that is named twice once', async () => {
    const store = new Store('memory', new MemoryDriver())
    const none = await store.write('none', new ChunkSource(patternBytes(2 * mebibyte)), { algorithms: [] })
    expect(none).toEqual({ size: 2 * mebibyte, hashes: {} })
    const twice = await store.write('twice', chunksOf([patternBytes(5)]), { algorithms: ['md5', 'md5'] })
    expect(twice.hashes).toEqual(hashesOf(patternBytes(5), ['md5']))
  })

  it('comes from many sources at the same time without mixing', async () => {
    const store = new Store('memory', new MemoryDriver())
    const seeds = Array.from({ length: 12 }, (_, seed) => seed)
    const results = await Promise.all(
      seeds.map((seed) =>
        store.write(`key-${seed}`, new ChunkSource(patternBytes(2 * mebibyte + seed, seed)), { algorithms: both }),
      ),
    )
    for (const seed of seeds) {
      expect(results[seed]?.hashes).toEqual(hashesOf(patternBytes(2 * mebibyte + seed, seed), both))
    }
  })

  it('is told to the listener in growing numbers of bytes that end at the size', async () => {
    const store = new Store('memory', new MemoryDriver())
    for (const size of [10, 5 * mebibyte + 1]) {
      const heard: number[] = []
      const onProgress = (bytes: number): void => void heard.push(bytes)
      await store.write(`key-${size}`, new ChunkSource(patternBytes(size)), { algorithms: both, onProgress })
      expect(heard).toEqual(heard.toSorted((a, b) => a - b))
      expect(heard.at(-1)).toBe(size)
      expect(heard.length).toBe(Math.ceil(size / (mebibyte / 2)))
    }
  })

  it('of two writers of one key, one wins and the other hears that it exists', async () => {
    const folder = await temporaryFolder()
    const store = new Store('file', new FileDriver(folder))
    const outcomes = await Promise.allSettled(
      [1, 2].map((seed) => store.write('key', new ChunkSource(patternBytes(mebibyte, seed)), { algorithms: both })),
    )
    expect(outcomes.map((outcome) => outcome.status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const lost = outcomes.find((outcome) => outcome.status === 'rejected')
    expect(String(lost?.reason)).toBe("StoreError: store 'file' already has image key, and never overwrites one")
    await expectOnly(folder, ['key'])
  })
})

describe('sizes and limits', () => {
  it.each([100, 3 * mebibyte])('a source that ends before the announced %i bytes is a mismatch', async (size) => {
    const { write, folder } = await writeSized({ size }, size - 1)
    const error = await storeError(write, 'size-mismatch')
    expect(error.message).toBe(
      `image key for store 'file' was announced with ${size} bytes, and ${size - 1} bytes came`,
    )
    await expectOnly(folder, [])
  })

  it.each([100, 3 * mebibyte])('a source that passes the announced %i bytes is refused at once', async (size) => {
    const { write, source, folder } = await writeSized({ size }, 20 * mebibyte)
    const error = await storeError(write, 'size-mismatch')
    expect(error.details).toMatchObject({ expected: size, store: 'file', key: 'key' })
    expect(source).toMatchObject({ pulled: Math.floor(size / 65_536) + 1, ended: true })
    await expectOnly(folder, [])
  })

  it.each([0, 100, 3 * mebibyte])('a source that passes the limit of %i bytes is refused at once', async (limit) => {
    const { write, source, folder } = await writeSized({ limit }, 20 * mebibyte)
    const error = await storeError(write, 'too-large')
    expect(error.message).toMatch(
      `too large for store 'file': ${error.details['given']} bytes were given, ${limit} bytes`,
    )
    expect(source).toMatchObject({ pulled: Math.floor(limit / 65_536) + 1, ended: true })
    await expectOnly(folder, [])
  })

  it('an announced size over the limit is refused before the source is pulled', async () => {
    const { write, source, folder } = await writeSized({ size: 11, limit: 10 }, 11)
    await storeError(write, 'too-large')
    expect(source.pulled).toBe(0)
    await expectOnly(folder, [])
  })

  it.each([-1, 1.5, Number.NaN])('a size or limit of %d is no number of bytes', async (bytes) => {
    const { write } = await writeSized({ size: bytes }, 10)
    await expect(write).rejects.toThrow(`size of image key is ${bytes}; a whole number of bytes is allowed`)
    const { write: limited } = await writeSized({ limit: bytes }, 10)
    await expect(limited).rejects.toThrow(RangeError)
  })
})

describe('what is refused before anything is written', () => {
  it.each(['', '.', '..', '.hidden', 'a/b', '../up', 'a\0b', 'ä', 'a b', 'a\n', 'x'.repeat(201)])(
    'the key %j',
    async (key) => {
      const folder = await temporaryFolder()
      const store = new Store('file', new FileDriver(folder))
      const source = new Readable({ read: () => undefined })
      const error = await storeError(store.write(key, source, { algorithms: [] }), 'invalid-key')
      expect(error.message).toContain('a key is 1 to 200 of A-Z a-z 0-9 . _ - and does not begin with a dot')
      expect(source.destroyed).toBe(true)
      await storeError(store.read(key), 'invalid-key')
      await storeError(store.size(key), 'invalid-key')
      await storeError(store.has(key), 'invalid-key')
      await storeError(store.delete(key), 'invalid-key')
      await storeError(store.copyFrom(store, key), 'invalid-key')
      expect(() => store.url(key)).toThrow('a key is 1 to 200')
      expect(() => store.localPath(key)).toThrow('a key is 1 to 200')
      await expectOnly(folder, [])
    },
  )

  it('an algorithm that is not known, naming those that are', async () => {
    const store = new Store('memory', new MemoryDriver())
    const source = new ChunkSource(patternBytes(10))
    const write = store.write('key', source, { algorithms: ['md5', 'crc-9'] })
    await expect(write).rejects.toThrow(/^hash algorithm 'crc-9' is not known; allowed are .*\bmd5\b.*\bsha512\b/)
    expect(source.pulled).toBe(0)
  })
})

describe('the source', () => {
  it.each([10, 2 * mebibyte])('passes its own error as it is after %i bytes, and nothing is left', async (size) => {
    const folder = await temporaryFolder()
    const broken = new Error('connection reset')
    const source = (async function* () {
      yield patternBytes(size)
      throw broken
    })()
    const write = new Store('file', new FileDriver(folder)).write('key', source, { algorithms: both })
    await expect(write).rejects.toBe(broken)
    await expectOnly(folder, [])
  })

  it('is refused when it gives something else than bytes', async () => {
    const store = new Store('memory', new MemoryDriver())
    const source = Readable.from(['text']) as AsyncIterable<Uint8Array>
    const write = store.write('key', source, { algorithms: both })
    await expect(write).rejects.toThrow('the source gave a chunk of type string; a Uint8Array is allowed')
  })

  it('is let go of although it fails to close, and its trouble hides nothing', async () => {
    const store = new Store('memory', new MemoryDriver())
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false as const, value: new Uint8Array(10) }),
        return: () => Promise.reject(new Error('cannot close')),
      }),
    }
    await storeError(store.write('key', source, { algorithms: both, limit: 100 }), 'too-large')
  })

  it('may be an HTTP-like stream that stays usable when its iterator is given', async () => {
    const store = new Store('memory', new MemoryDriver())
    const body = new PassThrough()
    body.write(patternBytes(1000))
    const source = body.iterator({ destroyOnReturn: false })
    await storeError(store.write('key', source, { algorithms: both, limit: 100 }), 'too-large')
    expect(body.destroyed).toBe(false)
  })

  it('is not pulled while no slot is free', async () => {
    const { store, gate, reached, driver } = gatedStore()
    const source = new ChunkSource(patternBytes(20 * mebibyte))
    const write = store.write('key', source, { algorithms: both })
    await reached
    for (let turn = 0; turn < 500; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(source.pulled).toBeLessThanOrEqual((2 * mebibyte) / 65_536 + 1)
    gate.resolve()
    expect((await write).size).toBe(20 * mebibyte)
    expect(await driver.size('key')).toBe(20 * mebibyte)
  })
})

describe('a listener that throws', () => {
  it.each([10, 3 * mebibyte])('fails the write of %i bytes with its own error', async (size) => {
    const folder = await temporaryFolder()
    const broken = new Error('listener')
    const onProgress = (): void => {
      throw broken
    }
    const source = new ChunkSource(patternBytes(size))
    const store = new Store('file', new FileDriver(folder))
    await expect(store.write('key', source, { algorithms: both, onProgress })).rejects.toBe(broken)
    expect(source.ended).toBe(true)
    await expectOnly(folder, [])
  })
})

describe('a write that failed', () => {
  it('gives the driver nothing more after its abort, and the listener hears nothing more', async () => {
    const driver = new MemoryDriver()
    const [reached, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const calls: string[] = []
    driver.create = async () => ({
      write: async () => {
        calls.push('write')
        reached.resolve()
        await late.promise
      },
      commit: async () => void calls.push('commit'),
      abort: async () => void calls.push('abort'),
    })
    const broken = new Error('connection reset')
    const source = (async function* () {
      yield patternBytes(1.5 * mebibyte)
      await reached.promise
      throw broken
    })()
    const onProgress = (): void => void calls.push('progress')
    const write = new Store('late', driver).write('key', source, { algorithms: both, onProgress })
    await expect(write).rejects.toBe(broken)
    late.resolve()
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(calls).toEqual(['write', 'abort'])
  })
})

describe('an abort', () => {
  it('before the write refuses it before the source is pulled', async () => {
    const folder = await temporaryFolder()
    const source = new ChunkSource(patternBytes(10))
    const signal = AbortSignal.abort(new Error('too late'))
    const write = new Store('file', new FileDriver(folder)).write('key', source, { algorithms: both, signal })
    const error = await storeError(write, 'aborted')
    expect(error.message).toBe("store 'file' was told to stop after 0 bytes of image key: too late")
    expect(error.cause).toBe(signal.reason)
    expect(source.pulled).toBe(0)
    await expectOnly(folder, [])
  })

  it.each(['stream', 'generator'] as const)('while the source, a %s, gives nothing ends the write', async (kind) => {
    const folder = await temporaryFolder()
    const controller = new AbortController()
    const source = stalledSources[kind](() => queueMicrotask(() => controller.abort('enough')))
    const options = { algorithms: both, signal: controller.signal }
    const error = await storeError(new Store('file', new FileDriver(folder)).write('key', source, options), 'aborted')
    expect(error.message).toBe("store 'file' was told to stop after 0 bytes of image key: enough")
    if (source instanceof Readable) expect(source.destroyed).toBe(true)
    await expectOnly(folder, [])
  })

  it('while the bytes stream in leaves nothing and lets go of the source', async () => {
    const folder = await temporaryFolder()
    const controller = new AbortController()
    const source = endlessSource()
    const write = new Store('file', new FileDriver(folder)).write('key', source, {
      algorithms: both,
      signal: controller.signal,
      onProgress: (bytes) => bytes >= 6 * mebibyte && controller.abort(),
    })
    const error = await storeError(write, 'aborted')
    expect(error.details['written']).toBe(6 * mebibyte)
    expect(await source.next()).toEqual({ done: true, value: undefined })
    await expectOnly(folder, [])
  })

  it.each([1000, 10 * mebibyte])('while the driver does not answer, of %i bytes, ends the write', async (size) => {
    const { store, reached, driver } = gatedStore()
    const controller = new AbortController()
    const source = new ChunkSource(patternBytes(size))
    const write = store.write('key', source, { algorithms: both, signal: controller.signal })
    await reached
    controller.abort(new Error('driver hangs'))
    await storeError(write, 'aborted')
    await expect(driver.size('key')).rejects.toThrow('no image key')
  })
})
