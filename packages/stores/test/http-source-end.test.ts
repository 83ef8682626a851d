import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { openHttpSource } from '../src/http-source.ts'
import { failureOf, options, readAll, startRawServer, startServer, textOf } from './http-source-server.ts'

/** Sends two of ten bytes, and then nothing. */
function stall(_request: unknown, response: ServerResponse): void {
  response.setHeader('content-length', 10).write('ab')
}

const neverAnswer = () => new Promise<never>(() => {})

const head = 'HTTP/1.1 200 OK\r\n'

test.each<[what: string, bytes: string, ends: string]>([
  ['is shorter than announced', `${head}Content-Length: 10\r\n\r\nabcd`, '4 of 10 bytes'],
  ['is empty and was announced', `${head}Content-Length: 10\r\n\r\n`, '0 of 10 bytes'],
  ['lacks its last chunk', `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n`, '4 bytes'],
  ['ends within a chunk', `${head}Transfer-Encoding: chunked\r\n\r\n8\r\nabcd`, '4 bytes'],
])('a body that %s is truncated', async (_what, bytes, ends) => {
  using server = await startRawServer(bytes, (socket) => socket.end())
  expect(await failureOf(readAll(server.url))).toEqual([
    'truncated',
    `the source closed the connection after ${ends}`,
    true,
  ])
})

test('a body that breaks the rules of HTTP is truncated', async () => {
  const bytes = `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nzz\r\n`
  using server = await startRawServer(bytes, (socket) => socket.end())
  const [code, message] = await failureOf(readAll(server.url))
  expect(code).toBe('truncated')
  expect(message).toMatch(/^the source sent a broken body \(HPE_INVALID_CHUNK_SIZE\) after [04] bytes$/)
})

test('a connection that is reset is truncated, although no size was announced', async () => {
  const connected = Promise.withResolvers<Socket>()
  using server = await startRawServer('HTTP/1.0 200 OK\r\n\r\nbytes', connected.resolve)
  const source = await openHttpSource(server.url, options)
  const read = source.body[Symbol.asyncIterator]()
  expect((await read.next()).value?.length).toBe(5)
  const socket = await connected.promise
  socket.resetAndDestroy()
  expect(await failureOf(read.next())).toEqual(['truncated', 'the source closed the connection after 5 bytes', true])
})

test('a source that does not answer times out', async () => {
  using server = await startServer(() => {})
  expect(await failureOf(openHttpSource(server.url, { ...options, idleTimeoutMs: 50 }))).toEqual([
    'timeout',
    'the source sent nothing for 0.05 s',
    true,
  ])
  await server.closed
})

test('a source that falls silent times out', async () => {
  using server = await startServer(stall)
  expect(await failureOf(readAll(server.url, { idleTimeoutMs: 50 }))).toEqual([
    'timeout',
    'the source sent nothing for 0.05 s',
    true,
  ])
  await server.closed
})

test('a name server that does not answer times out', async () => {
  const hanging = { ...options, idleTimeoutMs: 50, lookup: neverAnswer }
  const [code] = await failureOf(openHttpSource('http://h.test/', hanging))
  expect(code).toBe('timeout')
})

test('a source that sends a little now and then is over when the total time is', async () => {
  using server = await startServer((_request, response) => {
    const drip = setInterval(() => response.write('.'), 10)
    response.on('close', () => clearInterval(drip))
  })
  expect(await failureOf(readAll(server.url, { totalTimeoutMs: 100 }))).toEqual([
    'timeout',
    'the source took longer than 0.1 s',
    true,
  ])
  await server.closed
})

test('the total time is over although nobody reads', async () => {
  using server = await startServer(stall)
  const source = await openHttpSource(server.url, { ...options, totalTimeoutMs: 100 })
  await server.closed
  const [code] = await failureOf(textOf(source))
  expect(code).toBe('timeout')
})

test('no total time means no limit', async () => {
  using server = await startServer((_request, response) => response.end('bytes'))
  expect(await readAll(server.url, { totalTimeoutMs: 0 })).toBe('bytes')
})

test('an aborted download closes its connection, whatever it waits for', async () => {
  using silent = await startServer(() => controller.abort())
  const controller = new AbortController()
  const { signal } = controller
  expect(await failureOf(openHttpSource(silent.url, { ...options, signal }))).toEqual([
    'aborted',
    'the download was aborted',
    false,
  ])
  await silent.closed

  using stalled = await startServer(stall)
  const later = new AbortController()
  const source = await openHttpSource(stalled.url, { ...options, signal: later.signal })
  const read = source.body[Symbol.asyncIterator]()
  expect((await read.next()).value?.length).toBe(2)
  const waiting = failureOf(read.next())
  later.abort()
  expect((await waiting)[0]).toBe('aborted')
  await stalled.closed
})

test('an abort closes the connection although nobody reads', async () => {
  using server = await startServer(stall)
  const controller = new AbortController()
  const source = await openHttpSource(server.url, { ...options, signal: controller.signal })
  controller.abort(new Error('enough'))
  await server.closed
  await expect(textOf(source)).rejects.toMatchObject({ code: 'aborted', cause: { message: 'enough' } })
})

test('nothing is sent for a download that is aborted before it starts', async () => {
  using server = await startServer(stall)
  const [code] = await failureOf(openHttpSource(server.url, { ...options, signal: AbortSignal.abort() }))
  expect(code).toBe('aborted')
  expect(server.requests).toHaveLength(0)
})

test('leaving the loop early closes the connection', async () => {
  using server = await startServer(stall)
  const source = await openHttpSource(server.url, options)
  for await (const chunk of source.body) {
    expect(chunk.length).toBe(2)
    break
  }
  await server.closed
})

test('a stream over the body that is destroyed before it is read closes the connection', async () => {
  using server = await startServer(stall)
  const source = await openHttpSource(server.url, options)
  Readable.from(source.body).destroy()
  source.close()
  await server.closed
})

test('a source that is closed has no bytes, and its connection is closed', async () => {
  using server = await startServer(stall)
  const source = await openHttpSource(server.url, options)
  source.close()
  await server.closed
  expect(await textOf(source)).toBe('')
})

test('an end that was read leaves no listener on the signal of the caller', async () => {
  using server = await startServer((_request, response) => response.end('bytes'))
  const { signal } = new AbortController()
  let listeners = 0
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1
    remove(...args)
  }
  await readAll(server.url, { signal })
  expect(listeners).toBe(0)
})
