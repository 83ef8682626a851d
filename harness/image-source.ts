import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A web server as an image mirror is one: it serves one image, not too fast. */
export interface ImageSource {
  /** Where the whole image is. */
  readonly good: string
  /** Where the connection breaks in the middle. */
  readonly broken: string
  close(): void
}

const pieces = 20

export async function serveImage(image: Buffer, milliseconds: number): Promise<ImageSource> {
  const server = createServer((request, response) => {
    const upTo = request.url === '/broken.qcow2' ? 0.6 : 1
    send(image, response, milliseconds, upTo).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { good: `${base}/disk.qcow2`, broken: `${base}/broken.qcow2`, close: () => server.close() }
}

async function send(image: Buffer, response: ServerResponse, milliseconds: number, upTo: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': image.length })
  const size = Math.ceil(image.length / pieces)
  for (let start = 0; start < image.length * upTo; start += size) {
    response.write(image.subarray(start, start + size))
    await pause(milliseconds / pieces)
  }
  if (upTo === 1) response.end()
  else response.destroy()
}
