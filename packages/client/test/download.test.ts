import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { type ByteRange, GlimpseClient } from '../src/index.ts'
import { converse, failureOf, serve } from './service.ts'

describe('a download', () => {
  it('has the data and its headers', async () => {
    const { client, seen } = await converse([{ headers: { 'content-md5': 'abc' }, body: 'image data' }])
    const response = await client.images.download('i1')
    expect(response.headers.get('content-md5')).toBe('abc')
    expect(await response.text()).toBe('image data')
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/v2/images/i1/file',
      headers: { 'accept-encoding': 'identity' },
    })
    expect(seen[0]?.headers.range).toBeUndefined()
  })

  it.each<[ByteRange, string]>([
    [{ first: 0, last: 0 }, 'bytes=0-0'],
    [{ first: 5 }, 'bytes=5-'],
    [{ first: 5, last: 2 ** 40 }, 'bytes=5-1099511627776'],
    [{ suffix: 3 }, 'bytes=-3'],
  ])('of the range %j asks for %s', async (range, header) => {
    const { client, seen } = await converse([{ status: 206, headers: { 'content-range': 'bytes 0-0/1' }, body: 'x' }])
    const response = await client.images.download('i1', { range })
    expect(response.status).toBe(206)
    expect(await response.text()).toBe('x')
    expect(seen[0]?.headers.range).toBe(header)
  })

  it.each<ByteRange>([
    { first: -1 },
    { first: 2, last: 1 },
    { first: 0.5 },
    { first: 0, last: Infinity },
    { suffix: -1 },
  ])('refuses the range %j', async (range) => {
    const { client, seen } = await converse([{ body: 'x' }])
    await expect(client.images.download('i1', { range })).rejects.toThrow(RangeError)
    await expect(client.images.download('i1', { range })).rejects.toThrow('whole numbers from 0 are allowed')
    expect(seen).toEqual([])
  })

  it('of an image without data is an answer without body', async () => {
    const { client } = await converse([{ status: 204 }])
    const { status, body } = await client.images.download('i1')
    expect([status, body]).toEqual([204, null])
  })

  it('that is refused rejects', async () => {
    const headers = { 'content-type': 'text/plain' }
    const { client } = await converse([{ status: 416, headers, body: '416 Range\n\nbeyond the end' }])
    const download = client.images.download('i1', { range: { first: 9 } })
    await expect(download).rejects.toMatchObject({ status: 416, explanation: 'beyond the end' })
  })

  it('hands on bytes while more are to come, and the service waits for a reader that is slow', async () => {
    const expected = createHash('sha256')
    let written = 0
    const wanted = { more: true }
    const blocked = Promise.withResolvers<void>()
    const endpoint = await serve(async (_request, response) => {
      for (let i = 0; wanted.more; i++) {
        const part = Buffer.alloc(1 << 16, i)
        expected.update(part)
        written += part.length
        if (!response.write(part)) {
          blocked.resolve()
          await once(response, 'drain')
        }
      }
      response.end()
    })
    const { body } = await new GlimpseClient({ endpoint }).images.download('i1')
    const reader = body!.getReader()
    const received = createHash('sha256')
    await blocked.promise
    let read = 0
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      // More than any buffer between the two holds has passed: the end is not there yet, the beginning is.
      if ((read += part.value.byteLength) > 32 << 20) wanted.more = false
      expect(written - read).toBeLessThan(24 << 20)
      received.update(part.value)
    }
    expect(read).toBe(written)
    expect(received.digest('hex')).toBe(expected.digest('hex'))
  })

  it('that is aborted ends its body with the reason, and the service notices', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const closed = Promise.withResolvers<void>()
    const endpoint = await serve((_request, response) => {
      response.write('some')
      response.on('close', closed.resolve)
    })
    const response = await new GlimpseClient({ endpoint }).images.download('i1', { signal: stop.signal })
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('some')
    stop.abort(reason)
    expect(await failureOf(reader.read())).toBe(reason)
    await closed.promise
  })

  it('that breaks off ends its body with an error', async () => {
    const endpoint = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('some', () => response.destroy())
    })
    const response = await new GlimpseClient({ endpoint }).images.download('i1')
    await expect(response.arrayBuffer()).rejects.toThrow('terminated')
  })
})
