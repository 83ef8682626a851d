import { once } from 'node:events'
import { truncate } from 'node:fs/promises'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { FileDriver, MemoryDriver, Store } from '../src/index.ts'
import { collect, expectOnly, mebibyte, patternBytes, storeError, temporaryFolder } from './support.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function filledStore(size: number): Promise<{ folder: string; store: Store; bytes: Buffer }> {
  const folder = await temporaryFolder()
  const store = new Store('file', new FileDriver(folder))
  const bytes = patternBytes(size)
  await store.write('key', new PassThrough().end(bytes), { algorithms: [] })
  return { folder, store, bytes }
}

/** A real connection: what the server sends is what the client gets. */
async function connect(): Promise<{ response: ServerResponse; client: IncomingMessage }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close().closeAllConnections())
  const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
  response.flushHeaders()
  const [client] = (await once(request, 'response')) as [IncomingMessage]
  return { response, client }
}

describe('an open blob', () => {
  it('is sent whole over a connection, and its file is closed', async () => {
    const { folder, store, bytes } = await filledStore(9 * mebibyte + 5)
    const { response, client } = await connect()
    const received = collect(client)
    await (await store.open('key')).send(response)
    response.end()
    expect((await received).equals(bytes)).toBe(true)
    await expectOnly(folder, ['key'])
  })

  it('of a range is those bytes', async () => {
    const { store, bytes } = await filledStore(3 * mebibyte)
    const sink = new PassThrough({ highWaterMark: 4 * mebibyte })
    await (await store.open('key', { start: 10, end: 2 * mebibyte })).send(sink)
    expect((await collect(sink.end())).equals(bytes.subarray(10, 2 * mebibyte))).toBe(true)
  })

  it('comes from any driver', async () => {
    const store = new Store('memory', new MemoryDriver())
    const bytes = patternBytes(3 * mebibyte)
    await store.write('key', new PassThrough().end(bytes), { algorithms: [] })
    const sink = new PassThrough({ highWaterMark: 4 * mebibyte })
    await (await store.open('key')).send(sink)
    expect((await collect(sink.end())).equals(bytes)).toBe(true)
  })

  it('waits for a slow reader, and holds no more than its buffers meanwhile', async () => {
    const { store, bytes } = await filledStore(5 * mebibyte)
    const taken: Buffer[] = []
    const waiting: (() => void)[] = []
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, done) => {
        waiting.push(() => {
          taken.push(Buffer.from(chunk))
          done()
        })
      },
    })
    const sent = (await store.open('key')).send(slow)
    const over = new AbortController()
    const ended = sent.finally(() => over.abort())
    while (!over.signal.aborted) {
      waiting.shift()?.()
      await new Promise(setImmediate)
    }
    await ended
    expect(Buffer.concat(taken).equals(bytes)).toBe(true)
  })

  it('whose client leaves midway rejects, and closes its file', async () => {
    const { folder, store } = await filledStore(40 * mebibyte)
    const { response, client } = await connect()
    client.once('data', () => client.destroy())
    const blob = await store.open('key')
    await expect(blob.send(response)).rejects.toMatchObject({ code: expect.stringMatching(/^E/) as string })
    await expectOnly(folder, ['key'])
  })

  it('for somebody who has left already rejects at once', async () => {
    const { folder, store } = await filledStore(mebibyte)
    const gone = new PassThrough().destroy()
    await once(gone, 'close')
    await expect((await store.open('key')).send(gone)).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    await expectOnly(folder, ['key'])
  })

  it('whose file is cut meanwhile rejects with the cause, instead of sending fewer bytes', async () => {
    const { folder, store } = await filledStore(30 * mebibyte)
    const blob = await store.open('key')
    await truncate(join(folder, 'key'), 10)
    const error = await storeError(blob.send(new PassThrough({ highWaterMark: 64 * mebibyte })), 'io')
    expect(error.message).toContain('before byte')
    await expectOnly(folder, ['key'])
  })

  it('that is not sent is closed', async () => {
    const { folder, store } = await filledStore(mebibyte)
    await (await store.open('key')).close()
    await expectOnly(folder, ['key'])
  })

  it('that does not exist is refused before anything is opened', async () => {
    const { store } = await filledStore(1)
    await storeError(store.open('other'), 'not-found')
  })
})
