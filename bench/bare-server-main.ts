import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

const file = process.argv[2]!
const server = createServer({ highWaterMark: 1 << 20 }, (request, response) => {
  pipeline(request, createWriteStream(file, { highWaterMark: 1 << 20, flush: true }))
    .then(() => response.writeHead(204).end())
    .catch((error: unknown) => response.writeHead(500).end(String(error)))
})
server.requestTimeout = 0
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`))
