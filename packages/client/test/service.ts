import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { type ClientOptions, GlimpseClient } from '../src/index.ts'

/** A real server on a free port, gone when the test is. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What a server was asked. */
export interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** A client of a server that notes what it is asked and gives one answer after another, the last one for ever. */
export async function converse(
  answers: readonly Answer[],
  options: Partial<ClientOptions> = {},
): Promise<{ client: GlimpseClient; seen: Seen[]; endpoint: string }> {
  const seen: Seen[] = []
  const endpoint = await serve(async (request, response) => {
    const body = await textOf(request)
    const answer = answers[Math.min(seen.length, answers.length - 1)] ?? {}
    seen.push({ method: request.method, url: request.url, headers: request.headers, body })
    reply(response, answer)
  })
  return { client: new GlimpseClient({ endpoint, ...options }), seen, endpoint }
}

export function reply(response: ServerResponse, { status = 200, headers = {}, body }: Answer): void {
  response.writeHead(status, headers)
  response.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body))
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** What a promise rejects with; a promise that is kept fails the test. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('expected a failure')
}
