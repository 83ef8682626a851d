import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Sample } from './samples.ts'

/** How one URL answers. */
interface Offer {
  readonly sample: Sample
  /** Milliseconds for the whole of it. */
  readonly pace: number
  /** Whether it can be asked for the rest of what it has. */
  readonly ranges: boolean
  /** It has nothing, until it is mended. */
  broken: boolean
}

const pieces = 16

/** A web server of images: each URL in its own pace, some without ranges, some broken at first. */
export class PacedSource {
  readonly #server: Server
  readonly #offers = new Map<string, Offer>()

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  static async open(): Promise<PacedSource> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new PacedSource(server)
  }

  /** Gives the URL. */
  offer(offer: Offer): string {
    const place = `/${randomBytes(6).toString('hex')}.img`
    this.#offers.set(place, offer)
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${place}`
  }

  mend(url: string): void {
    this.#offers.get(new URL(url).pathname)!.broken = false
  }

  withdraw(url: string): void {
    this.#offers.delete(new URL(url).pathname)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const offer = this.#offers.get(url)
    if (!offer || offer.broken) {
      response.writeHead(404).end()
      return
    }
    const { bytes, sha512 } = offer.sample
    const etag = `"${sha512.slice(0, 16)}"`
    const range = /^bytes=(\d+)-$/.exec(headers.range ?? '')
    const asked = offer.ranges && (headers['if-range'] ?? etag) === etag ? Number(range?.[1] ?? 0) : 0
    const from = asked < bytes.length ? asked : 0
    const length = { 'content-length': bytes.length - from, ...(offer.ranges && { etag, 'accept-ranges': 'bytes' }) }
    const part = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(from > 0 ? 206 : 200, { ...length, ...(from > 0 && part) })
    const size = Math.ceil(bytes.length / pieces)
    for (let start = from; start < bytes.length && !response.destroyed; start += size) {
      response.write(bytes.subarray(start, start + size))
      if (offer.pace > 0) await pause(offer.pace / pieces)
    }
    response.end()
  }
}
