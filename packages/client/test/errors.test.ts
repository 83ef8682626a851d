import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ApiError, GlimpseClient } from '../src/index.ts'
import { converse, failureOf, serve } from './service.ts'

async function refusal(status: number, type: string, body: unknown): Promise<ApiError> {
  const headers = { ...(type === '' ? {} : { 'content-type': type }), 'x-openstack-request-id': 'req-7' }
  const { client } = await converse([{ status, headers, body }])
  const error = await failureOf(client.images.show('i1'))
  expect(error).toBeInstanceOf(ApiError)
  return error as ApiError
}

describe('a refusal', () => {
  it('knows the call, the request id, and what plain text says', async () => {
    const error = await refusal(409, 'text/plain; charset=UTF-8', '409 Conflict\n\nImage has active task\n\n   ')
    const call = { method: 'GET', path: '/v2/images/i1', requestId: 'req-7' }
    expect(error).toMatchObject({ status: 409, title: 'Conflict', explanation: 'Image has active task', ...call })
    expect(error.message).toBe('GET /v2/images/i1: 409 Conflict: Image has active task (req-7)')
  })

  it('knows what HTML says', async () => {
    const page =
      '<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  ' +
      'No image &quot;a&amp;lt;b&quot; of &#x27;x&#39;&nbsp;&unknown; &#x110000;<br /><br />\n\n\n </body>\n</html>'
    const error = await refusal(404, 'text/html; charset=UTF-8', page)
    const explanation = 'No image "a&lt;b" of \'x\' &unknown; &#x110000;'
    expect(error).toMatchObject({ status: 404, title: 'Not Found', explanation })
  })

  it.each([
    [
      { message: 'No data <br /><br />\nhere\n\n', code: '409 Conflict', title: 'Conflict' },
      'Conflict',
      'No data here',
    ],
    [{ error: { message: 'Log in.', code: 409, title: 'Conflict' } }, 'Conflict', 'Log in.'],
    [{ statusCode: 409, error: 'Taken', message: 'a <b> &amp; c' }, 'Taken', 'a <b> &amp; c'],
    [{ conflictingRequest: { message: 'busy', code: 409 } }, 'Conflict', 'busy'],
    [{ errors: [{ title: 'Busy', detail: 'first' }, { detail: 'second' }] }, 'Busy', 'first'],
    [{ code: '409 Held', explanation: 'by another' }, 'Held', 'by another'],
    [{}, 'Conflict', ''],
  ])('knows what the JSON %j says', async (body, title, explanation) => {
    expect(await refusal(409, 'application/json', body)).toMatchObject({ status: 409, title, explanation })
  })

  it.each([
    ['application/json', 'not JSON at all'],
    ['application/json', '["a list"]'],
    ['text/plain', 'no status line'],
    ['', 'of no type'],
    ['application/xml', '<a/>'],
  ])('of type "%s" that is "%s" is told as it is', async (type, body) => {
    expect(await refusal(500, type, body)).toMatchObject({ title: 'Internal Server Error', explanation: body })
  })

  it('may have no body and no request id', async () => {
    const { client } = await converse([{ status: 503 }])
    const error = (await failureOf(client.images.list().next())) as ApiError
    expect(error).toMatchObject({ status: 503, explanation: '', requestId: undefined })
    expect(error.message).toBe('GET /v2/images: 503 Service Unavailable')
  })

  it('is read no further than its beginning, however long it is', async () => {
    const closed = Promise.withResolvers<void>()
    const endpoint = await serve((_request, response) => {
      response.writeHead(500, { 'content-type': 'text/plain' })
      const write = (): void => {
        if (!response.destroyed) response.write('x'.repeat(1 << 16), () => setImmediate(write))
      }
      write()
      response.on('close', closed.resolve)
    })
    const error = (await failureOf(new GlimpseClient({ endpoint }).images.show('i1'))) as ApiError
    expect(error.status).toBe(500)
    expect(error.explanation.length).toBeLessThan(1 << 20)
    await closed.promise
  })

  it('keeps its status when its body breaks off', async () => {
    const endpoint = await serve((_request, response) => {
      response.writeHead(500, { 'content-type': 'text/plain', 'content-length': '1000' })
      response.write('500 Internal Server Error\n\nbro', () => response.destroy())
    })
    await expect(new GlimpseClient({ endpoint }).images.show('i1')).rejects.toMatchObject({ status: 500 })
  })

  it('is read in time that grows with its length only', async () => {
    for (const hostile of ['<', '<title', '<title>', '<h1', '&#', '&amp', ' ', '\n', '<br']) {
      const body = hostile.repeat(60_000 / hostile.length)
      expect((await refusal(500, 'text/html', body)).status).toBe(500)
      expect((await refusal(500, 'application/json', { message: body })).status).toBe(500)
    }
  })
})

describe('no answer', () => {
  it('is status 0, and says why', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const client = new GlimpseClient({ endpoint: `http://127.0.0.1:${port}` })
    const error = (await failureOf(client.images.show('i1'))) as ApiError
    const explanation = `connect ECONNREFUSED 127.0.0.1:${port}`
    expect(error).toMatchObject({ name: 'ApiError', status: 0, title: 'No answer', explanation })
    expect(error.message).toBe(`GET /v2/images/i1: No answer: ${explanation}`)
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  it('says what a fetch of the caller throws, be it an error or not', async () => {
    const causes = [
      new Error('offline'),
      new TypeError('failed', { cause: Object.assign(new Error(), { code: 'E1' }) }),
      'x',
    ]
    const told = causes.map(async (cause) => {
      const client = new GlimpseClient({ endpoint: 'http://127.0.0.1', fetch: () => Promise.reject(cause) })
      return ((await failureOf(client.versions())) as ApiError).explanation
    })
    expect(await Promise.all(told)).toEqual(['offline', 'E1', 'x'])
  })

  it('is also an answer that breaks off', async () => {
    const endpoint = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"id"', () => response.destroy())
    })
    await expect(new GlimpseClient({ endpoint }).images.show('i1')).rejects.toMatchObject({
      status: 0,
      title: 'No answer',
    })
  })
})

describe('an answer that is not of this API', () => {
  it.each(['', 'hello', 'null', '[]', '{"id":'])('is an error when it is "%s"', async (body) => {
    const { client } = await converse([{ body }])
    const explanation = `expected a JSON object, got ${JSON.stringify(body)}`
    await expect(client.images.show('i1')).rejects.toMatchObject({
      status: 200,
      title: 'Unexpected answer',
      explanation,
    })
  })

  it('is an error when the list is missing', async () => {
    const { client } = await converse([{ body: { tasks: 1 } }])
    const lists = [client.images.tasks('i'), client.images.list().next(), client.tasks.list().next()]
    const more = [client.versions(), client.info.stores(), client.info.importMethods()]
    const told = (await Promise.all([...lists, ...more].map(failureOf))).map((error) => (error as ApiError).explanation)
    const expected = ['tasks', 'images', 'tasks', 'versions', 'stores', 'value']
    expect(told).toEqual(
      expected.map((key) => `expected a list under '${key}', got ${key === 'tasks' ? 1 : undefined}`),
    )
  })
})

describe('an aborted call', () => {
  it('rejects with the reason of its signal, while it waits for the answer', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const endpoint = await serve(() => stop.abort(reason))
    const client = new GlimpseClient({ endpoint })
    expect(await failureOf(client.images.show('i1', { signal: stop.signal }))).toBe(reason)
    expect(await failureOf(client.images.create({}, { signal: stop.signal }))).toBe(reason)
    expect(await failureOf(client.images.list({}, { signal: stop.signal }).next())).toBe(reason)
  })

  it.each([200, 500])('rejects with the reason of its signal, while it reads an answer of %i', async (status) => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const endpoint = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'text/plain' })
      response.write('{')
    })
    const client = new GlimpseClient({
      endpoint,
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        stop.abort(reason)
        return response
      },
    })
    expect(await failureOf(client.images.show('i1', { signal: stop.signal }))).toBe(reason)
  })
})
