import { once } from 'node:events'
import { readdir, readlink } from 'node:fs/promises'
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { sep } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { requestIdOf } from '../../src/api/caller.ts'
import { imageId, otherId, type Service, startService } from './service.ts'

const url = `/v2/images/${imageId}`
const bytes = { 'content-type': 'application/octet-stream' }
const mebibyte = Buffer.alloc(1 << 20, 'x')

interface Listening extends Service {
  readonly port: number
  readonly open: (options: RequestOptions) => ClientRequest
  /** Ports of the clients that have connected so far. */
  readonly clients: readonly (number | undefined)[]
}

async function listen(overrides: Record<string, string> = {}): Promise<Listening> {
  const service = await startService({ overrides })
  await service.server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = service.server.server.address() as AddressInfo
  const open = (options: RequestOptions): ClientRequest => httpRequest({ host: '127.0.0.1', port, ...options })
  const clients: (number | undefined)[] = []
  service.server.server.on('connection', ({ remotePort }) => clients.push(remotePort))
  await service.createImage()
  return { ...service, port, open, clients }
}

async function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  return answer
}

describe('a server', () => {
  it('lets uploads take their time, but not headers', async () => {
    const { server } = await startService()
    expect([server.server.requestTimeout, server.server.headersTimeout]).toEqual([0, 60_000])
  })

  it('takes data of any length, announced or not', async () => {
    const service = await listen()
    for (const [id, headers] of [
      [imageId, { ...bytes, 'content-length': 5 * mebibyte.length }],
      [otherId, bytes],
    ] as const) {
      if (id === otherId) await service.send('POST', '/v2/images', { id, disk_format: 'raw', container_format: 'bare' })
      const upload = service.open({ method: 'PUT', path: `/v2/images/${id}/file`, headers })
      for (let at = 0; at < 5; at += 1) upload.write(mebibyte)
      upload.end()
      const answer = await answerOf(upload)
      expect([answer.statusCode, await text(answer)]).toEqual([204, ''])
      expect(await service.parts.images.find(id)).toMatchObject({ status: 'active', size: 5 * mebibyte.length })
    }
  })

  it('answers an upload that it refuses midway, and keeps the connection', async () => {
    const { open, clients } = await listen({ 'DEFAULT.image_size_cap': '1000' })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const upload = open({ method: 'PUT', path: `${url}/file`, headers: bytes, agent })
    for (let at = 0; at < 20; at += 1) upload.write(mebibyte)
    upload.end()
    const refused = await answerOf(upload)
    expect(refused.statusCode).toBe(413)
    await text(refused)
    const next = open({ path: url, agent })
    next.end()
    const answer = await answerOf(next)
    expect([answer.statusCode, clients.length]).toEqual([200, 1])
    expect(JSON.parse(await text(answer))).toMatchObject({ status: 'queued' })
  })

  it('answers an upload that it refuses at once, and keeps the connection', async () => {
    const { open, clients } = await listen()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const upload = open({ method: 'PUT', path: `/v2/images/${otherId}/file`, headers: bytes, agent })
    for (let at = 0; at < 20; at += 1) upload.write(mebibyte)
    upload.end()
    const refused = await answerOf(upload)
    expect([refused.statusCode, (await text(refused)).includes(otherId)]).toEqual([404, true])
    const next = open({ path: url, agent })
    next.end()
    const answer = await answerOf(next)
    expect([answer.statusCode, clients.length]).toEqual([200, 1])
    await text(answer)
  })

  it('forgets an upload whose client goes away', async () => {
    const service = await listen()
    const upload = service.open({ method: 'PUT', path: `${url}/file`, headers: { ...bytes, 'content-length': 9e9 } })
    upload.on('error', () => undefined)
    upload.write(mebibyte)
    await eventually(async () => (await service.parts.images.find(imageId))?.status === 'saving')
    upload.destroy()
    await eventually(async () => (await service.parts.images.find(imageId))?.status === 'queued')
    expect(await service.files('fast')).toEqual([])
  })

  it('closes the file of a download whose client goes away', async () => {
    const service = await listen()
    await service.upload(Buffer.alloc(32 << 20, 'y'))
    const { port } = service
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${url}/file HTTP/1.1\r\nhost: x\r\n\r\n`)
    await once(socket, 'data')
    socket.pause()
    socket.destroy()
    await eventually(async () => service.logged.some(({ path }) => path === `${url}/file`))
    await eventually(async () => (await connectionsOf(service)) === 0)
    await eventually(async () => !(await openFiles()).some((file) => file.startsWith(service.folder + sep + 'fast')))
    const again = service.open({ path: url })
    again.end()
    expect((await answerOf(again)).statusCode).toBe(200)
  })

  it('tells nothing of an error that nobody foresaw, but where to look', async () => {
    const { request, parts, logged } = await startService()
    Object.assign(parts.images, { find: () => Promise.reject(new Error('a secret')) })
    const answer = await request({ url, headers: { 'x-openstack-request-id': 'req-1' } })
    expect([answer.statusCode, answer.body]).toEqual([
      500,
      '500 Internal Server Error\n\nSomething failed that was not foreseen; the log of the service says what, under req-1.\n\n   ',
    ])
    expect(logged).toContainEqual(
      expect.objectContaining({
        requestId: 'req-1',
        msg: 'a request failed',
        err: expect.objectContaining({ message: 'a secret' }) as unknown,
      }),
    )
  })

  it('answers a method that nobody knows', async () => {
    const { open } = await listen()
    const request = open({ method: 'PROPFIND', path: '/v2/nothing' })
    request.end()
    const answer = await answerOf(request)
    expect([answer.statusCode, await text(answer)]).toEqual([
      501,
      '501 Not Implemented\n\nThe request method PROPFIND is not implemented for this server.\n\n   ',
    ])
  })
})

describe('request ids', () => {
  it.each([
    ['req-abc', 'req-abc'],
    ['abc', 'req-abc'],
    ['r'.repeat(64), `req-${'r'.repeat(64)}`],
  ])('%s is kept', async (given, expected) => {
    const { request } = await startService()
    const answer = await request({ url: '/v2/images', headers: { 'x-openstack-request-id': given } })
    expect(answer.headers['x-openstack-request-id']).toBe(expected)
  })

  it.each([['r'.repeat(65)], ['a b'], [''], [undefined], ['é']])('%s is replaced', (given) => {
    const headers = given === undefined ? {} : { 'x-openstack-request-id': given }
    expect(requestIdOf(headers, 64)).toMatch(/^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  it('of any length are kept where the deployer sets no limit', () => {
    const long = `req-${'r'.repeat(5000)}`
    expect(requestIdOf({ 'x-openstack-request-id': long }, 0)).toBe(long)
  })

  it('are in the log, with paths but without queries', async () => {
    const { request, logged } = await startService()
    await request({ url: '/v2/images?name=secret', headers: { 'x-openstack-request-id': 'req-1' } })
    expect(logged).toContainEqual(
      expect.objectContaining({ requestId: 'req-1', method: 'GET', path: '/v2/images', status: 200, msg: 'answered' }),
    )
    expect(JSON.stringify(logged)).not.toContain('secret')
  })
})

async function connectionsOf({ server }: Service): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}

/** Paths of the files that this process has open, on Linux. */
async function openFiles(): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd').catch(() => [])
  return await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
}

/** Asks until it is so, a turn of the event loop apart; the test's own time limit ends what never comes. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
}
