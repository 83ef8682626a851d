import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { closeHashing, FileDriver, HashPool, type HashPoolOptions, MemoryDriver, Store } from '../src/index.ts'
import { ChunkSource, expectOnly, hashesOf, mebibyte, patternBytes, storeError, temporaryFolder } from './support.ts'

const both = ['md5', 'sha512']
const fragile = new URL('programs/fragile-worker.ts', import.meta.url)

function ownPool(options: HashPoolOptions): HashPool {
  const pool = new HashPool(options)
  onTestFinished(() => pool.close())
  return pool
}

/** The workers that start from here on. */
function watchWorkers(): Worker[] {
  const started: Worker[] = []
  const note = (worker: Worker): void => void started.push(worker)
  process.on('worker', note)
  onTestFinished(() => void process.off('worker', note))
  return started
}

function marked(size: number, mark: string): Buffer {
  const bytes = patternBytes(size)
  bytes.write(mark, 'latin1')
  return bytes
}

describe('checksums', () => {
  it('of up to 256 KiB need no worker and no ring', async () => {
    const started = watchWorkers()
    const pool = ownPool({})
    const store = new Store('memory', new MemoryDriver(), { hashing: pool })
    const bytes = patternBytes(256 * 1024)
    const result = await store.write('key', new ChunkSource(bytes), { algorithms: both, size: bytes.length })
    expect(result.hashes).toEqual(hashesOf(bytes, both))
    expect(started).toHaveLength(0)
  })

  it('of one write go to two workers, which all later writes share', async () => {
    const started = watchWorkers()
    const store = new Store('memory', new MemoryDriver(), { hashing: ownPool({ workers: 2 }) })
    const bytes = patternBytes(2 * mebibyte)
    await store.write('first', new ChunkSource(bytes), { algorithms: both })
    expect(started).toHaveLength(2)
    const keys = Array.from({ length: 6 }, (_, index) => `key-${index}`)
    await Promise.all(keys.map((key) => store.write(key, new ChunkSource(bytes), { algorithms: both })))
    expect(started).toHaveLength(2)
  })

  it('of one core share one worker', async () => {
    const started = watchWorkers()
    const store = new Store('memory', new MemoryDriver(), { hashing: ownPool({ workers: 1 }) })
    const bytes = patternBytes(2 * mebibyte)
    const { hashes } = await store.write('key', new ChunkSource(bytes), { algorithms: ['md5', 'sha1', 'sha512'] })
    expect(hashes).toEqual(hashesOf(bytes, ['md5', 'sha1', 'sha512']))
    expect(started).toHaveLength(1)
  })

  it('use a few rings again', () => {
    const pool = ownPool({})
    const rings = Array.from({ length: 6 }, () => pool.takeRing())
    for (const ring of rings) pool.giveRing(ring)
    const again = Array.from({ length: 6 }, () => pool.takeRing())
    expect(again.filter((ring) => rings.includes(ring))).toHaveLength(4)
  })
})

describe('a worker that dies', () => {
  it.each([
    ['exit', 'a checksum worker ended early, with exit code 3'],
    ['fail', 'a checksum worker broke: out of luck'],
  ])('fails its write, which leaves nothing, and is replaced (by %s)', async (mark, reason) => {
    const folder = await temporaryFolder()
    const store = new Store('file', new FileDriver(folder), { hashing: ownPool({ script: fragile }) })
    const source = new ChunkSource(marked(20 * mebibyte, mark))
    const error = await storeError(store.write('key', source, { algorithms: ['md5'] }), 'io')
    expect(error.message).toBe(`store 'file' failed to compute the checksums of image key: ${reason}`)
    expect(source.ended).toBe(true)
    await expectOnly(folder, [])
    const bytes = marked(3 * mebibyte, 'live')
    expect((await store.write('key', new ChunkSource(bytes), { algorithms: both })).hashes).toEqual(
      hashesOf(bytes, both),
    )
  })

  it('fails the writes that it served, not those of other workers', async () => {
    const pool = ownPool({ script: fragile, workers: 2 })
    const store = new Store('memory', new MemoryDriver(), { hashing: pool })
    const bytes = [marked(3 * mebibyte, 'exit'), marked(3 * mebibyte, 'live')]
    const [dying, living] = await Promise.allSettled(
      bytes.map((bytes, index) => store.write(`key-${index}`, new ChunkSource(bytes), { algorithms: ['md5'] })),
    )
    expect(dying?.status).toBe('rejected')
    expect(living?.status).toBe('fulfilled')
  })

  it('at its start fails the write', async () => {
    const script = new URL('programs/no-such-worker.ts', import.meta.url)
    const store = new Store('memory', new MemoryDriver(), { hashing: ownPool({ script }) })
    const write = store.write('key', new ChunkSource(patternBytes(3 * mebibyte)), { algorithms: both })
    expect((await storeError(write, 'io')).message).toContain('checksums of image key: a checksum worker broke')
  })

  it('when it is asked for what it does not know says so', async () => {
    const pool = ownPool({})
    const job = pool.open('no-such-checksum', pool.takeRing())
    await expect(job.update(0, 1)).rejects.toThrow(/a checksum worker broke: .*/)
    await expect(job.digest()).rejects.toThrow('a checksum worker broke')
    job.drop()
  })
})

describe('closing the workers', () => {
  it('fails what goes on, and a later write starts them again', async () => {
    const store = new Store('memory', new MemoryDriver())
    const bytes = patternBytes(3 * mebibyte)
    const source = (async function* () {
      yield bytes
      await closeHashing()
      yield bytes
    })()
    const error = await storeError(store.write('key', source, { algorithms: both }), 'io')
    expect(error.message).toContain('the checksum workers were closed')
    expect((await store.write('key', new ChunkSource(bytes), { algorithms: both })).hashes).toEqual(
      hashesOf(bytes, both),
    )
  })

  it.each([false, true])('a process ends by itself, not before its write (closed: %s)', async (closed) => {
    const index = new URL('../src/index.ts', import.meta.url).href
    const program = `
      import { closeHashing, MemoryDriver, Store } from ${JSON.stringify(index)}
      async function* zeros() { for (let n = 0; n < 160; n += 1) yield new Uint8Array(65536) }
      const store = new Store('memory', new MemoryDriver())
      const { hashes } = await store.write('key', zeros(), { algorithms: ['md5'] })
      const failed = await store.write('other', zeros(), { algorithms: ['md5'], limit: 5e6 }).catch((error) => error.code)
      console.log(hashes.md5, failed)
      if (${closed}) await closeHashing()`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece))
    expect(await once(child, 'close')).toEqual([0, null])
    expect(text).toBe(`${hashesOf(Buffer.alloc(160 * 65_536), ['md5'])['md5']} too-large\n`)
  })
})
