import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import net, { type AddressInfo, type Server, type Socket } from 'node:net'
import { type HttpSource, type HttpSourceOptions, openHttpSource } from '../src/http-source.ts'
import type { HttpSourceError } from '../src/http-source-error.ts'
import type { SourceFilter } from '../src/http-source-url.ts'

/** Lets everything through but addresses that are not public. */
export const openFilter: SourceFilter = {
  allowedSchemes: ['http', 'https'],
  disallowedSchemes: [],
  allowedHosts: [],
  disallowedHosts: [],
  allowedPorts: [],
  disallowedPorts: [],
}

/** Lets the test servers through too. */
export const localFilter: SourceFilter = { ...openFilter, allowedHosts: ['127.0.0.1', 'h.test'] }

export const options: HttpSourceOptions = { filter: localFilter, idleTimeoutMs: 5000, totalTimeoutMs: 10_000 }

/** A server on a free port that goes away, with its connections, at the end of the block. */
export interface TestServer extends Disposable {
  readonly url: string
  readonly port: number
  readonly requests: readonly IncomingMessage[]
  /** Settles when the first connection is closed. */
  readonly closed: Promise<unknown>
}

export async function startServer(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  host = '127.0.0.1',
): Promise<TestServer> {
  const requests: IncomingMessage[] = []
  const server = http.createServer((request, response) => {
    requests.push(request)
    handle(request, response)
  })
  return { ...(await listen(server, host)), requests }
}

/** A server that answers with `bytes` as they are, to whatever comes, and does what `then` says. */
export function startRawServer(bytes: string, then: (socket: Socket, data: Buffer) => void): Promise<TestServer> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (data) => socket.write(bytes, () => then(socket, data)))
  })
  return listen(server, '127.0.0.1')
}

async function listen(server: Server, host: string): Promise<TestServer> {
  const sockets = new Set<Socket>()
  const { promise: closed, resolve } = Promise.withResolvers<unknown>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', resolve)
  })
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stop = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}/x`, port, requests: [], closed, [Symbol.dispose]: stop }
}

/** Opens and reads a source to its end. */
export async function readAll(url: string, more: Partial<HttpSourceOptions> = {}): Promise<string> {
  return textOf(await openHttpSource(url, { ...options, ...more }))
}

/** Reads the body of a source to its end. */
export async function textOf({ body }: HttpSource): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** What went wrong, as far as tests compare it. */
export async function failureOf(work: Promise<unknown>): Promise<[code: string, message: string, retryable: boolean]> {
  const error = await work.then(
    () => null,
    (error: HttpSourceError) => error,
  )
  if (error === null) throw new Error('it did not fail')
  return [error.code, error.message, error.retryable]
}
