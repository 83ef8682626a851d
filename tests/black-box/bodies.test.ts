import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { dataFolders, fileGrows, filesIn, imageBecomes, newImage, type Site, Stage } from './support.ts'

const data = randomBytes(2 << 20)
/** Less than all, so that it is on the disk before a client leaves. */
const partly = 1 << 20

const stage = new Stage()
afterEach(() => stage.close())

/** How clients leave: they say that no more comes and listen on, or they are gone at once. */
const leave = {
  'closes its side': (socket: Socket) => socket.end(),
  resets: (socket: Socket) => socket.resetAndDestroy(),
}

const uploads = (['file', 'stage'] as const).flatMap((route) =>
  Object.entries(leave).map(([how, end]) => ({ route, how, end })),
)

describe.each(uploads)('a client that $how in the middle of PUT /$route', ({ route, end }) => {
  it('having announced more leaves a queued image and no data', async () => {
    const site = await stage.serve()
    const { id } = await newImage(site.client)
    const socket = await open(site, put(id, route, [`Content-Length: ${2 * data.length}`]))
    socket.write(data)
    await expectQueuedAfter(site, id, route, () => end(socket))
  })

  it('without the last chunk of a chunked body leaves a queued image and no data', async () => {
    const site = await stage.serve()
    const { id } = await newImage(site.client)
    const socket = await open(site, put(id, route, ['Transfer-Encoding: chunked']))
    socket.write(`${data.length.toString(16)}\r\n`)
    socket.write(data)
    await expectQueuedAfter(site, id, route, () => end(socket))
  })

  it('in the middle of a chunk leaves a queued image and no data', async () => {
    const site = await stage.serve()
    const { id } = await newImage(site.client)
    const socket = await open(site, put(id, route, ['Transfer-Encoding: chunked']))
    socket.write(`${(2 * data.length).toString(16)}\r\n`)
    socket.write(data)
    await expectQueuedAfter(site, id, route, () => end(socket))
  })
})

describe.each(['file', 'stage'] as const)('PUT /%s', (route) => {
  it.each([
    { name: 'more', announced: data.length - 1 },
    { name: 'less', announced: data.length + 1 },
  ])('with $name data than X-OpenStack-Image-Size announces is a 400 that leaves nothing', async ({ announced }) => {
    const site = await stage.serve()
    const { id } = await newImage(site.client)
    const lines = ['Transfer-Encoding: chunked', `X-OpenStack-Image-Size: ${announced}`]
    const socket = await open(site, put(id, route, [...lines, 'Connection: close']))
    const answer = readAll(socket)
    socket.write(`${data.length.toString(16)}\r\n`)
    socket.write(data)
    socket.write('\r\n0\r\n\r\n')
    expect(await answer).toMatch(
      /^HTTP\/1\.1 400 [^]*The image data is not as announced: image \S+ for store '\S+' was announced with \d+ bytes, and \d+ bytes came/,
    )
    await expectNothingLeft(site, id)
  })

  it('with a chunk whose size is no number is a 400 that leaves nothing', async () => {
    const site = await stage.serve()
    const { id } = await newImage(site.client)
    const socket = await open(site, put(id, route, ['Transfer-Encoding: chunked']))
    const answer = readAll(socket)
    socket.write('not-hex\r\n')
    expect(await answer).toMatch(/^HTTP\/1\.1 400 /)
    await imageBecomes(site.client, id, 'queued')
    await expectNothingLeft(site, id)
  })
})

it('ten clients that leave in the middle of a download leave no file open, and the next gets all of it', async () => {
  const image = randomBytes(32 << 20)
  const site = await stage.serve()
  const { client, service, stateDir } = site
  const { id } = await newImage(client)
  await client.images.upload(id, image)
  const { images } = dataFolders(stateDir)
  const sockets = await Promise.all(
    Array.from({ length: 10 }, () => open(site, `GET /v2/images/${id}/file HTTP/1.1\r\nHost: glimpse\r\n\r\n`)),
  )
  await Promise.all(sockets.map((socket) => once(socket, 'data').then(() => socket.pause())))
  expect((await service.openFiles(images)).length).toBeGreaterThan(0)
  for (const [index, socket] of sockets.entries()) {
    if (index % 2 === 0) socket.resetAndDestroy()
    else socket.destroy()
  }
  while ((await service.openFiles(images)).length > 0) await client.versions()
  const whole = await client.images.download(id)
  expect(Buffer.from(await whole.arrayBuffer()).equals(image)).toBe(true)
  expect(service.running).toBe(true)
  expect(service.log.filter(({ level }) => level >= 40)).toEqual([])
  // A file that nobody closed is closed by the garbage collector some time, which Node warns of.
  expect(service.stderr).not.toContain('garbage collection')
})

function put(id: string, route: 'file' | 'stage', lines: readonly string[]): string {
  const head = [`PUT /v2/images/${id}/${route} HTTP/1.1`, 'Host: glimpse', 'Content-Type: application/octet-stream']
  return `${[...head, ...lines].join('\r\n')}\r\n\r\n`
}

/** A connection on which the text is sent. What becomes of it later, a test sees elsewhere. */
async function open({ service }: Site, text: string): Promise<Socket> {
  const { hostname, port } = new URL(service.address)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  socket.on('error', () => undefined)
  stage.onClose(() => socket.destroy())
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

/** Everything that comes until the service closes the connection. */
async function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  await once(socket, 'end')
  socket.destroy()
  return text
}

/** Lets the client leave when its first bytes are on the disk. */
async function expectQueuedAfter(site: Site, id: string, route: 'file' | 'stage', act: () => unknown): Promise<void> {
  const { images, staging } = dataFolders(site.stateDir)
  await fileGrows(route === 'file' ? images : staging, partly)
  expect((await site.client.images.show(id)).status).toBe(route === 'file' ? 'saving' : 'uploading')
  act()
  await imageBecomes(site.client, id, 'queued')
  await expectNothingLeft(site, id)
}

/** No file, no part, nothing open; and the image takes its data. */
async function expectNothingLeft({ client, service, stateDir }: Site, id: string): Promise<void> {
  expect(await client.images.show(id)).toMatchObject({ status: 'queued', size: null, checksum: null })
  const { images, staging } = dataFolders(stateDir)
  expect(await filesIn(images, staging)).toEqual([])
  expect([...(await service.openFiles(images)), ...(await service.openFiles(staging))]).toEqual([])
  expect(service.running).toBe(true)
  await client.images.upload(id, data)
  expect(await client.images.show(id)).toMatchObject({ status: 'active', size: data.length })
}
