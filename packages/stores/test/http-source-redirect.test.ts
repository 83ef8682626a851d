import { expect, test } from 'vitest'
import { openHttpSource } from '../src/http-source.ts'
import { failureOf, localFilter, options, readAll, startServer, type TestServer, textOf } from './http-source-server.ts'

/** Answers /x with a redirect to `location`, and everything else with its own path. */
function startRedirect(location: string, status = 302): Promise<TestServer> {
  return startServer((request, response) => {
    if (request.url === '/x') response.writeHead(status, { location }).end('elsewhere')
    else response.end(request.url)
  })
}

test.each([301, 302, 303, 307, 308])('follows a redirect with the status %d', async (status) => {
  using server = await startRedirect('/y?a=b', status)
  const source = await openHttpSource(server.url, options)
  expect(source.finalUrl).toBe(server.url.replace('/x', '/y?a=b'))
  expect(await textOf(source)).toBe('/y?a=b')
})

test('the user and password stay with their host', async () => {
  using target = await startServer((_request, response) => response.end('bytes'))
  using server = await startRedirect(target.url)
  await readAll(server.url.replace('//', '//user:secret@'))
  expect(server.requests[0]?.headers.authorization).toBeDefined()
  expect(target.requests[0]?.headers.authorization).toBeUndefined()
})

test('the redirects are counted, so a circle ends', async () => {
  using server = await startRedirect('/x')
  expect(await failureOf(openHttpSource(server.url, options))).toEqual([
    'redirects',
    `the source ${server.url} redirected more than 5 times`,
    false,
  ])
  expect(server.requests).toHaveLength(6)
})

test('no redirect is followed where none is wanted', async () => {
  using server = await startRedirect('/y')
  const [code] = await failureOf(openHttpSource(server.url, { ...options, maxRedirects: 0 }))
  expect(code).toBe('redirects')
  expect(server.requests).toHaveLength(1)
})

const notAllowed = 'is not among those that the operator allows (import_filtering_opts'

test.each<[location: string, code: string, message: string]>([
  ['http://169.254.169.254/meta', 'refused', `the host 169.254.169.254 ${notAllowed}.allowed_hosts)`],
  ['//2130706433:1/', 'refused', ''],
  ['http://user:secret@example.org/', 'refused', `the host example.org ${notAllowed}.allowed_hosts)`],
  [
    'http://127.0.0.1:22/',
    'refused',
    'the operator does not allow the port 22 (import_filtering_opts.disallowed_ports)',
  ],
  ['file:///etc/passwd', 'refused', 'the scheme file cannot be read; use http or https'],
  ['ftp://127.0.0.1/', 'refused', 'the scheme ftp cannot be read; use http or https'],
  ['http://user:secret@/', 'invalid-url', 'the source "http:///" is no URL; write http(s)://HOST/PATH'],
])('a redirect to %s is checked as the first URL is', async (location, code, message) => {
  using server = await startRedirect(location)
  const filter = { ...localFilter, disallowedPorts: [22, 1] }
  const failure = await failureOf(openHttpSource(server.url, { ...options, filter }))
  expect(failure[0]).toBe(code)
  expect(failure[1]).toContain(`redirected by ${server.url}: ${message}`)
  expect(failure[1]).not.toContain('secret')
  await server.closed
})

test('a host that is not allowed is not even looked up', async () => {
  using server = await startRedirect('http://inner.example/')
  const asked: string[] = []
  const lookup = (host: string) => {
    asked.push(host)
    return Promise.resolve([{ address: '127.0.0.1', family: 4 } as const])
  }
  const url = `http://h.test:${server.port}/x`
  const [code, message] = await failureOf(openHttpSource(url, { ...options, lookup }))
  expect(code).toBe('refused')
  expect(message).toContain(`redirected by ${url}: the host inner.example ${notAllowed}`)
  expect(asked).toEqual(['h.test'])
})

test('an error of the target names the URL that was asked for too', async () => {
  const target = await startServer(() => {})
  target[Symbol.dispose]()
  using server = await startRedirect(target.url)
  expect(await failureOf(openHttpSource(server.url, options))).toEqual([
    'connect',
    `redirected by ${server.url}: the source ${target.url} cannot be reached: nothing listens there (ECONNREFUSED)`,
    true,
  ])
})
