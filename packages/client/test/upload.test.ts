import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { GlimpseClient, type UploadBody } from '../src/index.ts'
import { converse, failureOf, reply, serve } from './service.ts'

const chunk = new Uint8Array(1 << 16).fill(7)

/** Chunks without end, and a promise that is kept when the reader lets go. */
function endless(): { source: AsyncGenerator<Uint8Array>; given: () => number; released: Promise<void> } {
  const released = Promise.withResolvers<void>()
  let given = 0
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (; ; given += chunk.byteLength) yield chunk
    } finally {
      released.resolve()
    }
  }
  return { source: chunks(), given: () => given, released: released.promise }
}

async function* few(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text)
}

describe('an upload', () => {
  it.each<[string, () => UploadBody]>([
    ['bytes', () => new TextEncoder().encode('image data')],
    ['a Buffer', () => Buffer.from('image data')],
    ['a Blob', () => new Blob(['image ', 'data'], { type: 'text/plain' })],
    ['an async iterable', () => few('image ', '', 'data')],
    ['a stream', () => new Blob(['image data']).stream()],
    ["Node's stream", () => Readable.from([Buffer.from('image '), Buffer.from('data')])],
  ])('takes %s', async (_what, body) => {
    const { client, seen } = await converse([{ status: 204 }])
    await client.images.upload('i1', body())
    await client.images.stage('i1', body(), { size: 10 })
    const headers = { 'content-type': 'application/octet-stream' }
    const sized = { ...headers, 'content-length': '10', 'x-openstack-image-size': '10' }
    expect(seen).toMatchObject([
      { method: 'PUT', url: '/v2/images/i1/file', body: 'image data', headers },
      { method: 'PUT', url: '/v2/images/i1/stage', body: 'image data', headers: sized },
    ])
  })

  it('of an unknown length goes in chunks', async () => {
    const { client, seen } = await converse([{ status: 204 }])
    await client.images.upload('i1', few('a'))
    expect(seen[0]?.headers).toMatchObject({ 'transfer-encoding': 'chunked' })
    expect(seen[0]?.headers['x-openstack-image-size']).toBeUndefined()
  })

  it('may be empty', async () => {
    const { client, seen } = await converse([{ status: 204 }])
    await client.images.upload('i1', new Uint8Array(), { size: 0 })
    await client.images.upload('i1', few(), { size: 0 })
    expect(seen.map(({ body, headers }) => body + headers['content-length'])).toEqual(['0', '0'])
  })

  it('arrives whole', async () => {
    const received = createHash('sha256')
    const endpoint = await serve((request, response) => {
      request.on('data', (data: Buffer) => received.update(data)).on('end', () => reply(response, { status: 204 }))
    })
    const sent = createHash('sha256')
    async function* numbered(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 256; i++) {
        const bytes = new Uint8Array(40_000 + i).fill(i)
        sent.update(bytes)
        yield bytes
      }
    }
    await new GlimpseClient({ endpoint }).images.upload('i1', numbered())
    expect(received.digest('hex')).toBe(sent.digest('hex'))
  })

  it('reads its source no further than the service takes it', async () => {
    const asked = Promise.withResolvers<IncomingMessage>()
    const endpoint = await serve((request) => {
      request.pause()
      asked.resolve(request)
    })
    const { source, given, released } = endless()
    const stop = new AbortController()
    const upload = failureOf(new GlimpseClient({ endpoint }).images.upload('i1', source, { signal: stop.signal }))
    await asked.promise
    // The source has stopped when many turns of the event loop ask it for nothing; buffers of the network hold the rest.
    for (let quiet = 0, before = given(); quiet < 200; quiet = given() === before ? quiet + 1 : 0) {
      before = given()
      await new Promise(setImmediate)
    }
    expect(given()).toBeLessThan(64 << 20)
    stop.abort()
    expect(await upload).toMatchObject({ name: 'AbortError' })
    await released
  })

  it('rejects with the reason of its signal, lets go of its source, and the service notices', async () => {
    const lost = Promise.withResolvers<void>()
    const stop = new AbortController()
    const reason = new Error('enough')
    const endpoint = await serve((request) => {
      request.once('data', () => stop.abort(reason))
      request.on('error', () => lost.resolve())
    })
    const { source, released } = endless()
    const client = new GlimpseClient({ endpoint })
    expect(await failureOf(client.images.upload('i1', source, { signal: stop.signal }))).toBe(reason)
    await Promise.all([released, lost.promise])
  })

  it('rejects at once when aborted while its source is busy', async () => {
    const stop = new AbortController()
    const cancelled = Promise.withResolvers<unknown>()
    const endpoint = await serve((request) => request.resume())
    const source = new ReadableStream<Uint8Array>({
      pull: () => {
        setImmediate(() => stop.abort())
        return new Promise(() => {})
      },
      cancel: cancelled.resolve,
    })
    const upload = new GlimpseClient({ endpoint }).images.upload('i1', source, { signal: stop.signal })
    await expect(upload).rejects.toMatchObject({ name: 'AbortError' })
    await cancelled.promise
  })

  it('that is refused halfway rejects with the refusal, and lets go of its source', async () => {
    const endpoint = await serve((request, response) => {
      request.once('data', () =>
        reply(response, { status: 413, headers: { 'content-type': 'text/plain' }, body: '413 Too Large\n\nquota' }),
      )
    })
    const { source, released } = endless()
    const upload = new GlimpseClient({ endpoint }).images.upload('i1', source)
    await expect(upload).rejects.toMatchObject({ status: 413, explanation: 'quota', method: 'PUT' })
    await released
  })

  it('that is over ends what fetch still holds of its body', async () => {
    let body: ReadableStream | undefined
    const refuse = async (_url: string, init: RequestInit): Promise<Response> => {
      if (init.body instanceof ReadableStream) body = init.body
      return new Response('409 Conflict\n\nno', { status: 409 })
    }
    const client = new GlimpseClient({ endpoint: 'http://127.0.0.1', fetch: refuse })
    await expect(client.images.upload('i1', endless().source)).rejects.toMatchObject({ status: 409 })
    await expect(body?.getReader().read()).rejects.toThrow('the call has ended')
  })

  it('that cannot be sent lets go of its source', async () => {
    const { source, released } = endless()
    // An iterator that was never asked cannot tidy up; one that was asked must.
    await source.next()
    const client = new GlimpseClient({
      endpoint: 'http://127.0.0.1',
      fetch: () => Promise.reject(new Error('offline')),
    })
    await expect(client.images.upload('i1', source)).rejects.toMatchObject({ status: 0, explanation: 'offline' })
    await released
  })

  it('rejects with what its source throws, and the service does not take it for whole', async () => {
    const failure = new Error('the disk is gone')
    const ends: string[] = []
    const lost = Promise.withResolvers<void>()
    const endpoint = await serve((request) => {
      request.on('data', () => {}).on('end', () => ends.push('whole'))
      request.on('error', () => lost.resolve())
    })
    const asked = Promise.withResolvers<void>()
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield chunk
      await asked.promise
      throw failure
    }
    const client = new GlimpseClient({
      endpoint,
      fetch: (url, init) => {
        setImmediate(() => asked.resolve())
        return fetch(url, init)
      },
    })
    expect(await failureOf(client.images.upload('i1', broken()))).toBe(failure)
    await lost.promise
    expect(ends).toEqual([])
  })

  it('is not failed by a source that cannot tidy up', async () => {
    const { client } = await converse([{ status: 204 }])
    const stubborn = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error('first')),
        return: () => {
          throw new Error('second')
        },
      }),
    }
    await expect(client.images.upload('i1', stubborn)).rejects.toThrow('first')
  })

  it.each([
    [3, 'size is 3, but the body gave at least 4 bytes'],
    [5, 'size is 5, but the body gave 4 bytes'],
  ])('rejects when a source of 4 bytes was said to have %i', async (size, message) => {
    const endpoint = await serve((request) => request.resume())
    const upload = new GlimpseClient({ endpoint }).images.upload('i1', few('ab', 'cd'), { size })
    await expect(upload).rejects.toThrow(new RangeError(message))
  })

  it('refuses a size that its bytes do not have', async () => {
    const { client, seen } = await converse([{ status: 204 }])
    for (const body of [new Uint8Array(4), new Blob(['abcd'])]) {
      const message = 'size is 5, but the body has 4 bytes'
      await expect(client.images.upload('i1', body, { size: 5 })).rejects.toThrow(new RangeError(message))
    }
    expect(seen).toEqual([])
  })

  it.each([-1, 1.5, Number.NaN, 2 ** 53])('refuses a size of %d', async (size) => {
    const { client, seen } = await converse([{ status: 204 }])
    const message = `size is ${size}: a whole number of bytes from 0 to 9007199254740991 is allowed`
    await expect(client.images.upload('i1', few('a'), { size })).rejects.toThrow(new RangeError(message))
    expect(seen).toEqual([])
  })

  it('refuses chunks that are not bytes', async () => {
    const { client } = await converse([{ status: 204 }])
    const texts = Readable.from(['text'])
    await expect(client.images.upload('i1', texts)).rejects.toThrow(
      new TypeError('the body gave a chunk that is a string: only Uint8Array is allowed'),
    )
  })
})
