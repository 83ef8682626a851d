import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { openHttpSource } from '../src/http-source.ts'
import type { HostAddress, HostLookup } from '../src/http-source-exchange.ts'
import { failureOf, openFilter, options, readAll, startRawServer, startServer, textOf } from './http-source-server.ts'

const local: HostAddress = { address: '127.0.0.1', family: 4 }
const elsewhere: HostAddress = { address: '203.0.113.7', family: 4 }

const answer =
  (...addresses: HostAddress[]): HostLookup =>
  () =>
    Promise.resolve(addresses)

test('reads a body, and says its size, version and address', async () => {
  using server = await startServer((_request, response) => {
    response.setHeader('etag', '"v1"').setHeader('content-length', 5).end('bytes')
  })
  const source = await openHttpSource(server.url.replace('//', '//user:p%40ss@') + '?a=b#c', options)
  expect(source).toMatchObject({ size: 5, validator: '"v1"', resumed: false, finalUrl: `${server.url}?a=b` })
  expect(await textOf(source)).toBe('bytes')
  expect(server.requests[0]?.url).toBe('/x?a=b')
  expect(server.requests[0]?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
    'accept-encoding': 'identity',
    connection: 'close',
    host: `127.0.0.1:${server.port}`,
  })
})

test('a percent sign that stands for nothing is part of the password', async () => {
  using server = await startServer((_request, response) => response.end())
  await readAll(server.url.replace('//', '//user:100%@'))
  const expected = Buffer.from('user:100%').toString('base64')
  expect(server.requests[0]?.headers.authorization).toBe(`Basic ${expected}`)
})

test('the body can be read once', async () => {
  using server = await startServer((_request, response) => response.end('bytes'))
  const source = await openHttpSource(server.url, options)
  expect(await textOf(source)).toBe('bytes')
  expect(await textOf(source)).toBe('')
})

test.each<[headers: Record<string, string>, validator: string | null]>([
  [{ etag: '"a"', 'last-modified': 'Tue, 01 Sep 2026 00:00:00 GMT' }, '"a"'],
  [{ etag: 'W/"a"', 'last-modified': 'Tue, 01 Sep 2026 00:00:00 GMT' }, 'Tue, 01 Sep 2026 00:00:00 GMT'],
  [{ etag: 'W/"a"' }, null],
  [{}, null],
])('the validator of %j is %s', async (headers, validator) => {
  using server = await startServer((_request, response) => response.writeHead(200, headers).end())
  const source = await openHttpSource(server.url, options)
  source.close()
  expect(source.validator).toBe(validator)
})

test('a body without an announced size ends with its connection', async () => {
  using server = await startRawServer('HTTP/1.0 200 OK\r\n\r\nbytes', (socket) => socket.end())
  const source = await openHttpSource(server.url, options)
  expect(source.size).toBeNull()
  expect(await textOf(source)).toBe('bytes')
})

test('a chunked body ends with its last chunk', async () => {
  using server = await startServer((_request, response) => {
    response.write('by')
    response.end('tes')
  })
  expect(await readAll(server.url)).toBe('bytes')
})

test.each<[status: number, words: string, retryable: boolean]>([
  [204, 'No Content', false],
  [206, 'Partial Content', false],
  [304, 'Not Modified', false],
  [401, 'Unauthorized', false],
  [404, 'Not Found', false],
  [429, 'Too Many Requests', true],
  [500, 'Internal Server Error', true],
  [503, 'Service Unavailable', true],
  [302, 'Found', false],
  [599, 'an unknown status', false],
])('an answer of %d is an error, and its connection is closed', async (status, words, retryable) => {
  using server = await startServer((_request, response) => response.writeHead(status, 'rubbish').flushHeaders())
  const failure = await failureOf(openHttpSource(`${server.url}?token=secret`, options))
  expect(failure).toEqual(['status', `the source ${server.url}?... answered ${status} ${words}`, retryable])
  await server.closed
})

test('no message names the user or the password', async () => {
  using server = await startServer((_request, response) => response.writeHead(404).end())
  const url = server.url.replace('//', '//user:secret@')
  const [, message] = await failureOf(openHttpSource(url, options))
  expect(message).toBe(`the source ${server.url} answered 404 Not Found`)
})

test('a source that nothing listens at', async () => {
  const server = await startServer(() => {})
  server[Symbol.dispose]()
  expect(await failureOf(openHttpSource(server.url, options))).toEqual([
    'connect',
    `the source ${server.url} cannot be reached: nothing listens there (ECONNREFUSED)`,
    true,
  ])
})

test.each<[what: string, bytes: string, cause: string, retryable: boolean]>([
  ['closes at once', '', 'it closed the connection without an answer (ECONNRESET)', true],
  ['speaks no HTTP', 'SSH-2.0-x\r\n\r\n', 'it does not speak as it should (HPE_INVALID_CONSTANT)', false],
])('a source that %s', async (_what, bytes, cause, retryable) => {
  using server = await startRawServer(bytes, (socket) => socket.end())
  expect(await failureOf(openHttpSource(server.url, options))).toEqual([
    'connect',
    `the source ${server.url} cannot be reached: ${cause}`,
    retryable,
  ])
})

test.each<[code: string, cause: string, retryable: boolean]>([
  ['ENOTFOUND', 'there is no host of that name', false],
  ['EAI_AGAIN', 'the name server did not answer', true],
])('a name that cannot be looked up: %s', async (code, cause, retryable) => {
  const lookup = () => Promise.reject(Object.assign(new Error('lookup'), { code }))
  expect(await failureOf(openHttpSource('http://h.test/x', { ...options, lookup }))).toEqual([
    'connect',
    `the source http://h.test/x cannot be reached: ${cause} (${code})`,
    retryable,
  ])
})

test('a name without an address', async () => {
  const lookup = answer()
  const [code, message] = await failureOf(openHttpSource('http://h.test/x', { ...options, lookup }))
  expect([code, message]).toEqual([
    'connect',
    'the source http://h.test/x cannot be reached: there is no host of that name (ENOTFOUND)',
  ])
})

test('one address of many that is not public refuses the host', async () => {
  const lookup = answer(elsewhere, local)
  expect(await failureOf(openHttpSource('http://h.test/x', { ...options, filter: openFilter, lookup }))).toEqual([
    'refused',
    'the address 127.0.0.1 of h.test is loopback; only an operator can allow it (import_filtering_opts.allowed_hosts)',
    false,
  ])
})

test('a name that is localhost to the system is refused', async () => {
  const [code, message] = await failureOf(openHttpSource('http://localhost/x', { ...options, filter: openFilter }))
  expect(code).toBe('refused')
  expect(message).toMatch(/^the address (127\.0\.0\.1|::1) of localhost is loopback;/)
})

test('connects to the address that was looked up, and still speaks to the name', async () => {
  using server = await startServer((_request, response) => response.end('bytes'))
  const answers = [[local], [elsewhere]]
  const asked: string[] = []
  const lookup = (host: string) => {
    asked.push(host)
    return Promise.resolve(answers.shift() ?? [])
  }
  expect(await readAll(`http://h.test:${server.port}/x`, { lookup })).toBe('bytes')
  expect(asked).toEqual(['h.test'])
  expect(server.requests[0]?.headers.host).toBe(`h.test:${server.port}`)
})

test('a name that changes to a loopback address after it was checked never leads there', async () => {
  using server = await startServer((_request, response) => response.end('secret'))
  const answers = [[elsewhere]]
  let asked = 0
  const lookup = () => {
    asked += 1
    return Promise.resolve(answers.shift() ?? [local])
  }
  const strict = { ...options, filter: openFilter, lookup, idleTimeoutMs: 100 }
  const [code] = await failureOf(openHttpSource(`http://h.test:${server.port}/x`, strict))
  expect(['timeout', 'connect']).toContain(code)
  expect(asked).toBe(1)
  expect(server.requests).toHaveLength(0)
})

test('tries the next address of a host when one does not answer', async () => {
  using server = await startServer((_request, response) => response.end('bytes'))
  const lookup = answer({ address: '127.0.0.2', family: 4 }, local)
  expect(await readAll(`http://h.test:${server.port}/x`, { lookup })).toBe('bytes')
})

test('TLS names the host, not the address', async () => {
  const hello = Promise.withResolvers<string>()
  using server = await startRawServer('', (socket, data) => {
    hello.resolve(data.toString('latin1'))
    socket.destroy()
  })
  const lookup = answer(local)
  const [code] = await failureOf(openHttpSource(`https://h.test:${server.port}/x`, { ...options, lookup }))
  expect(code).toBe('connect')
  expect(await hello.promise).toContain('h.test')
})

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

test.runIf(hasIpv6)('reads from an address of IPv6', async () => {
  using server = await startServer((_request, response) => response.end('bytes'), '::1')
  const filter = { ...openFilter, allowedHosts: ['::1'] }
  expect(await readAll(`http://[::1]:${server.port}/x`, { filter })).toBe('bytes')
  expect(server.requests[0]?.headers.host).toBe(`[::1]:${server.port}`)
})
