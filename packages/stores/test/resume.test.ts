import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileDriver, MemoryDriver, type OpenResumable, openHttpSource, Store } from '../src/index.ts'
import { FaultyDriver } from '../src/testing/index.ts'
import { options, startServer } from './http-source-server.ts'
import { collect, expectOnly, hashesOf, mebibyte, patternBytes, storeError, temporaryFolder } from './support.ts'

const algorithms = ['md5', 'sha512']
const bytes = patternBytes(5 * mebibyte + 7)
const whole = { size: bytes.length, hashes: hashesOf(bytes, algorithms) }

/** The first byte that is asked for. */
function startOf({ headers }: IncomingMessage): number {
  return Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
}

/** Serves `bytes`; the first answer is cut off after `cut` bytes, if it has more. */
function cutting(cut: number, validator: Record<string, string> = { etag: '"v1"' }) {
  let answers = 0
  return (request: IncomingMessage, response: ServerResponse): void => {
    const start = startOf(request)
    const rest = bytes.subarray(start)
    const range = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}
    response.writeHead(start > 0 ? 206 : 200, { ...validator, ...range, 'content-length': rest.length })
    answers += 1
    if (answers > 1 || cut >= rest.length) response.end(rest)
    else response.write(rest.subarray(0, cut), () => response.destroy())
  }
}

/** As a service asks: the label is all that an earlier answer said. */
function asking(url: string): OpenResumable {
  return async (part) => {
    const from = part ? { ...JSON.parse(part.label), offset: part.size } : undefined
    const source = await openHttpSource(url, { ...options, from })
    const { body, size, resumed, validator, finalUrl } = source
    return { body, size, resumed, label: validator === null ? null : JSON.stringify({ validator, size, finalUrl }) }
  }
}

async function fileStore(): Promise<{ folder: string; store: Store }> {
  const folder = await temporaryFolder()
  return { folder, store: new Store('file', new FileDriver(folder)) }
}

describe('a download that is cut off', () => {
  it.each([2, 1000, 262_144, 262_145, 3 * mebibyte + 11])('after %i bytes goes on at the last of them', async (cut) => {
    const { folder, store } = await fileStore()
    const asked: (number | null)[] = []
    const open: OpenResumable = async (part) => {
      asked.push(part?.size ?? null)
      const body = (async function* (): AsyncGenerator<Uint8Array> {
        if (part !== null) return yield bytes.subarray(part.size)
        yield bytes.subarray(0, cut)
        throw new Error('cut off')
      })()
      return { body, size: bytes.length, resumed: part !== null, label: 'v1' }
    }
    await expect(store.resume('key', open, { algorithms })).rejects.toThrow('cut off')
    expect(await store.resume('key', open, { algorithms })).toEqual(whole)
    expect(asked).toEqual([null, cut - 1])
    await expectOnly(folder, ['key'])
  })

  it('asks the source for the rest only, and tells of no byte twice', async () => {
    const cut = 3 * mebibyte + 11
    using server = await startServer(cutting(cut))
    const { folder, store } = await fileStore()
    await expect(store.resume('key', asking(server.url), { algorithms })).rejects.toMatchObject({ code: 'truncated' })
    expect(await store.has('key')).toBe(false)
    const heard: number[] = []
    const onProgress = (at: number): void => void heard.push(at)
    expect(await store.resume('key', asking(server.url), { algorithms, onProgress })).toEqual(whole)
    const asked = startOf(server.requests[1]!)
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThan(cut)
    expect(server.requests[1]?.headers['if-range']).toBe('"v1"')
    expect(heard[0]).toBeGreaterThan(asked)
    expect((await collect(await store.read('key'))).equals(bytes)).toBe(true)
    await expectOnly(folder, ['key'])
  })

  it('when all had come but the end goes on with its last byte', async () => {
    using server = await startServer(cutting(bytes.length))
    const { folder, store } = await fileStore()
    const keep = await new FileDriver(folder).createPart('key', JSON.stringify({ validator: '"v1"' }))
    await keep.write(bytes)
    await keep.keep()
    expect(await store.resume('key', asking(server.url), { algorithms })).toEqual(whole)
    expect(server.requests[0]?.headers.range).toBe(`bytes=${bytes.length - 1}-`)
    await expectOnly(folder, ['key'])
  })

  it.each<[string, Record<string, string>]>([
    ['a weak ETag only', { etag: 'W/"v1"' }],
    ['nothing', {}],
    [
      'a change in the second of the answer',
      { date: 'Tue, 01 Sep 2020 00:00:00 GMT', 'last-modified': 'Tue, 01 Sep 2020 00:00:00 GMT' },
    ],
  ])('from a source that is known by %s starts over, and nothing is kept', async (_what, validator) => {
    using server = await startServer(cutting(3 * mebibyte, validator))
    const { folder, store } = await fileStore()
    await expect(store.resume('key', asking(server.url), { algorithms })).rejects.toThrow()
    await expectOnly(folder, [])
    expect(await store.resume('key', asking(server.url), { algorithms })).toEqual(whole)
    expect(server.requests[1]?.headers.range).toBeUndefined()
  })

  it.each<[string, (response: ServerResponse, request: IncomingMessage) => void]>([
    ['has changed', (response) => response.writeHead(200, { etag: '"v2"' }).end(bytes)],
    ['sends another range', (response) => response.writeHead(206, { 'content-range': 'bytes 5-9/99' }).end('other')],
    [
      'has another size',
      (response, request) =>
        response.writeHead(206, { 'content-range': `bytes ${startOf(request)}-9999999/10000000` }).end('other'),
    ],
    ['has no such range', (response) => response.writeHead(416).end()],
  ])('starts over when the source %s', async (_what, second) => {
    let answers = 0
    const first = cutting(3 * mebibyte)
    using server = await startServer((request, response) =>
      ++answers === 2 ? second(response, request) : first(request, response),
    )
    const { folder, store } = await fileStore()
    await expect(store.resume('key', asking(server.url), { algorithms })).rejects.toThrow()
    expect(await store.resume('key', asking(server.url), { algorithms })).toEqual(whole)
    await expectOnly(folder, ['key'])
  })

  it('starts over when it is redirected elsewhere', async () => {
    let to = '/a'
    const serve = cutting(3 * mebibyte)
    using server = await startServer((request, response) =>
      request.url === '/x' ? void response.writeHead(302, { location: to }).end() : serve(request, response),
    )
    const { store } = await fileStore()
    await expect(store.resume('key', asking(server.url), { algorithms })).rejects.toThrow()
    to = '/b'
    expect(await store.resume('key', asking(server.url), { algorithms })).toEqual(whole)
    expect(server.requests.at(-1)?.headers.range).toBeUndefined()
  })

  it('by an abort keeps what was written; by the store itself, or a limit, nothing', async () => {
    using server = await startServer(cutting(bytes.length))
    const { folder, store } = await fileStore()
    const controller = new AbortController()
    const onProgress = (at: number): void => void (at >= 2 * mebibyte && controller.abort())
    const write = store.resume('key', asking(server.url), { algorithms, signal: controller.signal, onProgress })
    await storeError(write, 'aborted')
    expect((await readdir(folder)).length).toBe(2)
    await storeError(store.resume('key', asking(server.url), { algorithms, limit: 3 * mebibyte }), 'too-large')
    await store.dropPart('key')
    await expectOnly(folder, [])
    const faulty = new Store(
      'faulty',
      new FaultyDriver(new FileDriver(folder), [{ call: 'write', nth: 2, errno: 'EIO' }]),
    )
    await storeError(faulty.resume('key', asking(server.url), { algorithms }), 'io')
    await expectOnly(folder, [])
  })

  it('goes on in any driver that keeps parts', async () => {
    using server = await startServer(cutting(3 * mebibyte))
    const store = new Store('memory', new MemoryDriver())
    await expect(store.resume('key', asking(server.url), { algorithms })).rejects.toThrow()
    expect(await store.resume('key', asking(server.url), { algorithms })).toEqual(whole)
    expect(server.requests[1]?.headers.range).toMatch(/^bytes=\d+-$/)
    expect(await store.removeParts()).toBe(0)
  })
})

describe('a part after a power cut', () => {
  /** A part of 1000 bytes, whose mark is changed as if written before the system started. */
  async function afterPowerCut(change: object | string): Promise<{ folder: string; driver: FileDriver }> {
    const folder = await temporaryFolder()
    const driver = new FileDriver(folder)
    const writer = await driver.createPart('key', 'label')
    await writer.write(bytes.subarray(0, 1000))
    await writer.keep()
    const path = join(folder, '.key.kept.part')
    const mark = JSON.parse(await readFile(path, 'utf8')) as object
    await writeFile(path, typeof change === 'string' ? change : JSON.stringify({ ...mark, ...change }))
    return { folder, driver }
  }

  it('is trusted as far as it was synced, and the rest goes', async () => {
    const { driver } = await afterPowerCut({ boot: 'earlier', synced: 600 })
    const part = await driver.part('key')
    expect(part?.size).toBe(600)
    await (await part!.append(600)).keep()
    expect((await driver.part('key'))?.size).toBe(600)
  })

  it.each<[string, object | string]>([
    ['is shorter than what was synced', { boot: 'earlier', synced: 2000 }],
    ['has an empty mark', ''],
    ['has a torn mark', '{"label":"la'],
    ['has a mark that names another place', { data: '../x.part' }],
  ])('is none where it %s, and is swept', async (_what, change) => {
    const { folder, driver } = await afterPowerCut(change)
    expect(await driver.part('key')).toBeUndefined()
    await driver.sweepParts({ keep: () => false })
    await expectOnly(folder, [])
  })
})

it('a download whose process is killed is gone on with by the next', async () => {
  const index = new URL('../src/index.ts', import.meta.url).href
  let answers = 0
  const serve = cutting(bytes.length)
  using server = await startServer((request, response) => {
    if (++answers > 1) return serve(request, response)
    response.writeHead(200, { etag: '"v1"', 'content-length': bytes.length }).write(bytes.subarray(0, 4 * mebibyte))
  })
  const { folder, store } = await fileStore()
  const program = `
    import { FileDriver, openHttpSource, Store } from ${JSON.stringify(index)}
    const open = async () => {
      const { body, size, validator } = await openHttpSource(${JSON.stringify(server.url)}, ${JSON.stringify(options)})
      return { body, size, resumed: false, label: JSON.stringify({ validator, size }) }
    }
    const onProgress = (at) => at >= 2 * 2 ** 20 && process.stdout.write('.')
    await new Store('file', new FileDriver(${JSON.stringify(folder)})).resume('key', open, { algorithms: ['md5'], onProgress })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'close')
  expect(await store.removeParts({ keep: (key) => key === 'key' })).toBe(0)
  expect(await store.resume('key', asking(server.url), { algorithms })).toEqual(whole)
  const asked = startOf(server.requests[1]!)
  expect(asked).toBeGreaterThanOrEqual(2 * mebibyte - 1)
  expect((await collect(await store.read('key'))).equals(bytes)).toBe(true)
  await expectOnly(folder, ['key'])
})
