import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { openHttpSource } from '../src/http-source.ts'
import { failureOf, options, readAll, startServer, textOf } from './http-source-server.ts'

const bytes = '0123456789'

/** A source of ten bytes of the version "v1" that honours ranges as RFC 9110 says. */
function serveRanges(request: IncomingMessage, response: ServerResponse): void {
  const offset = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1])
  response.setHeader('etag', '"v1"')
  if (Number.isNaN(offset) || request.headers['if-range'] !== '"v1"') return void response.end(bytes)
  if (offset >= bytes.length) return void response.writeHead(416, { 'content-range': 'bytes */10' }).end()
  response.writeHead(206, { 'content-range': `bytes ${offset}-9/10` }).end(bytes.slice(offset))
}

test('goes on where it was, if the source is still the same', async () => {
  using server = await startServer(serveRanges)
  const source = await openHttpSource(server.url, { ...options, from: { offset: 4, validator: '"v1"' } })
  expect(source).toMatchObject({ resumed: true, size: 10, validator: '"v1"' })
  expect(await textOf(source)).toBe('456789')
  expect(server.requests[0]?.headers).toMatchObject({ range: 'bytes=4-', 'if-range': '"v1"' })
})

test.each<[what: string, validator: string, handle: typeof serveRanges]>([
  ['has changed', '"v0"', serveRanges],
  ['ignores ranges', '"v1"', (_request, response) => response.setHeader('content-length', 10).end(bytes)],
])('starts again if the source %s', async (_what, validator, handle) => {
  using server = await startServer(handle)
  const source = await openHttpSource(server.url, { ...options, from: { offset: 4, validator } })
  expect(source).toMatchObject({ resumed: false, size: 10 })
  expect(await textOf(source)).toBe(bytes)
})

test.each<[what: string, offset: number, range: string | null, etag: string]>([
  ['has no such part', 10, null, '"v1"'],
  ['sends another part', 4, 'bytes 0-9/10', '"v1"'],
  ['sends a part of another version', 4, 'bytes 4-9/10', '"v2"'],
  ['does not say which part', 4, '', '"v1"'],
])('asks for the whole if the source %s', async (_what, offset, range, etag) => {
  using server = await startServer((request, response) => {
    if (request.headers.range === undefined || range === null) return serveRanges(request, response)
    const headers = range === '' ? { etag } : { etag, 'content-range': range }
    response.writeHead(206, headers).end('rubbish')
  })
  const source = await openHttpSource(server.url, { ...options, from: { offset, validator: '"v1"' } })
  expect(source).toMatchObject({ resumed: false, size: 10 })
  expect(await textOf(source)).toBe(bytes)
  expect(server.requests.map(({ headers }) => headers.range)).toEqual([`bytes=${offset}-`, undefined])
})

test('a time may say which version it was, and the size of the whole may be unknown', async () => {
  const validator = 'Tue, 01 Sep 2026 00:00:00 GMT'
  using server = await startServer((_request, response) => {
    response.writeHead(206, { 'content-range': 'bytes 4-9/*', 'last-modified': validator }).end('456789')
  })
  const source = await openHttpSource(server.url, { ...options, from: { offset: 4, validator } })
  expect(source).toMatchObject({ resumed: true, size: 10, validator })
  expect(await textOf(source)).toBe('456789')
})

test.each([
  ['is cut off', { 'content-range': 'bytes 4-9/10', 'content-length': '6' }],
  ['is shorter than what was asked for', { 'content-range': 'bytes 4-5/10' }],
])('a rest that %s is truncated, counted from the start of the whole', async (_what, headers) => {
  using server = await startServer((_request, response) => {
    response.writeHead(206, headers)
    response.write('45', () => ('content-length' in headers ? response.destroy() : response.end()))
  })
  const from = { offset: 4, validator: '"v1"' }
  expect(await failureOf(readAll(server.url, { from }))).toEqual([
    'truncated',
    'the source closed the connection after 6 of 10 bytes',
    true,
  ])
})

test('the range is asked for after a redirect too', async () => {
  using server = await startServer((request, response) => {
    if (request.url === '/x') response.writeHead(302, { location: '/y' }).end()
    else serveRanges(request, response)
  })
  expect(await readAll(server.url, { from: { offset: 4, validator: '"v1"' } })).toBe('456789')
})

test('an error is one, whatever was asked for', async () => {
  using server = await startServer((_request, response) => response.writeHead(503).end())
  const [code, , retryable] = await failureOf(readAll(server.url, { from: { offset: 4, validator: '"v1"' } }))
  expect([code, retryable]).toEqual(['status', true])
})
