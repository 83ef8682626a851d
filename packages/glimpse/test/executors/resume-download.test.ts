import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { imageId, type Service, startService } from '../api/service.ts'

const mebibyte = 1 << 20
const data: Buffer = Buffer.alloc(6 * mebibyte, 'the data of an image, ')

/** A source that breaks off its first answers in the middle. */
async function serve(breaks: number): Promise<{ port: number; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const web = createServer((request: IncomingMessage, response: ServerResponse) => {
    requests.push(request)
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const rest = data.subarray(start)
    const range = start > 0 ? { 'content-range': `bytes ${start}-${data.length - 1}/${data.length}` } : {}
    response.writeHead(start > 0 ? 206 : 200, { etag: '"v1"', 'content-length': rest.length, ...range })
    if (requests.length > breaks) response.end(rest)
    else response.write(rest.subarray(0, rest.length / 2), () => response.destroy())
  })
  await new Promise<void>((resolve) => {
    web.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    web.close()
    web.closeAllConnections()
  })
  return { port: (web.address() as AddressInfo).port, requests }
}

/** Imports from the port with waits that take no time. */
async function importFrom(kind: string, port: number): Promise<Service> {
  const service = await startService({
    overrides: {
      'task.task_executor': kind,
      'import_filtering_opts.allowed_hosts': '[127.0.0.1]',
      'import_filtering_opts.allowed_ports': `[${port}]`,
      'glimpse.download_retry_wait': '0',
    },
  })
  await service.createImage()
  const method = { name: 'web-download', uri: `http://127.0.0.1:${port}/x` }
  await service.send('POST', `/v2/images/${imageId}/import`, { method })
  await service.parts.executor.drain()
  return service
}

describe.each(['plain', 'taskflow'])('with %s, a download that breaks off', (kind) => {
  it('is gone on with by the next attempt', async () => {
    const { port, requests } = await serve(2)
    const { parts, files } = await importFrom(kind, port)
    const image = await parts.images.find(imageId)
    expect(image).toMatchObject({ status: 'active', size: data.length })
    const starts = requests.map(({ headers }) => Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0))
    expect(starts).toHaveLength(3)
    expect(starts).toEqual(starts.toSorted((a, b) => a - b))
    expect(starts[2]).toBeGreaterThan(0)
    expect(requests[2]?.headers['if-range']).toBe('"v1"')
    const whole = await parts.stores.default.read(imageId)
    expect(Buffer.concat(await whole.toArray()).equals(data)).toBe(true)
    expect([await files('fast'), await files('staging')]).toEqual([[imageId], []])
  })

  it('for good leaves nothing', async () => {
    const { port, requests } = await serve(3)
    const { parts, files } = await importFrom(kind, port)
    expect(requests).toHaveLength(3)
    expect(requests[2]?.headers.range).toMatch(/^bytes=\d+-$/)
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'queued', importTask: null })
    expect([await files('fast'), await files('staging')]).toEqual([[], []])
  })
})
