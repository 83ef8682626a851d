import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LightMyRequestResponse as Response } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Service, startService } from './service.ts'

const bytes = { 'content-type': 'application/octet-stream' }
const patch = { 'content-type': 'application/openstack-images-v2.1-json-patch' }
/** More than is written at once, so that others come in between. */
const newData = (): Buffer => Buffer.alloc(600_000, 'd')

type Act = (service: Service, url: string, source: string) => Promise<Response>
const put =
  (what: 'file' | 'stage', also: Record<string, string> = {}): Act =>
  ({ request }, url) =>
    request({ method: 'PUT', url: `${url}/${what}`, headers: { ...bytes, ...also }, payload: newData() })
const importBy =
  (name: 'web-download' | 'glance-direct'): Act =>
  ({ send }, url, uri) =>
    send('POST', `${url}/import`, { method: { name, uri }, all_stores: true })

const acts: Readonly<Record<string, Act>> = {
  upload: put('file'),
  'bad upload': put('file', { 'x-openstack-image-size': '5' }),
  stage: put('stage'),
  'bad stage': put('stage', { 'x-openstack-image-size': '5' }),
  'web import': importBy('web-download'),
  'direct import': importBy('glance-direct'),
  deletion: ({ request }, url) => request({ method: 'DELETE', url }),
  download: ({ request }, url) => request({ url: `${url}/file` }),
  patch: ({ send }, url) => send('PATCH', url, [{ op: 'add', path: '/x', value: 'y' }], patch),
}
const names = Object.keys(acts)
const pairs = names.flatMap((one) => names.map((other) => [one, other] as const))

async function startSource(): Promise<number> {
  const server = createServer((_request, response) => response.end(newData()))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/** Staged first where the pair says so; the second act begins so many turns of the event loop after the first. */
async function collide(service: Service, source: string, acting: readonly string[], apart: number): Promise<string> {
  const id = crypto.randomUUID()
  const url = `/v2/images/${id}`
  await service.createImage({ id })
  if (acting.includes('direct import')) await acts['stage']!(service, url, source)
  const answers = await Promise.all(
    acting.map(async (name, at) => {
      await turns(at * apart)
      return await acts[name]!(service, url, source)
    }),
  )
  expect(answers.filter(({ statusCode }) => statusCode >= 500).map(({ body }) => body)).toEqual([])
  return id
}

/** Wherever the image has data, and nowhere else, there is a file of its own. */
async function expectWhole({ parts, files }: Service, id: string): Promise<void> {
  const image = await parts.images.find(id)
  const homes = new Set(image?.locations.map(({ store }) => store))
  const hasData = { fast: homes.has('fast'), slow: homes.has('slow'), staging: image?.staged != null }
  for (const [place, expected] of Object.entries(hasData)) {
    const found = (await files(place as keyof typeof hasData)).filter((name) => name.includes(id))
    expect([place, ...found]).toEqual([place, ...(expected ? [id] : [])])
  }
  if (!image) return
  expect(['queued', 'uploading', 'active']).toContain(image.status)
  expect([image.status === 'active', image.status === 'uploading']).toEqual([homes.size > 0, image.staged !== null])
  expect([image.importTask, image.importingStores]).toEqual([null, []])
}

describe.each(['plain', 'taskflow'])('with the executor %s, requests about one image at the same time', (executor) => {
  it('leave it whole, or gone with all its data, and none breaks the service', { timeout: 60_000 }, async () => {
    const port = await startSource()
    const service = await startService({
      overrides: {
        'task.task_executor': executor,
        'import_filtering_opts.allowed_hosts': '[127.0.0.1]',
        'import_filtering_opts.allowed_ports': `[${port}]`,
      },
    })
    const ids: string[] = []
    for (const apart of [0, 8, 25]) {
      for (const pair of pairs) ids.push(await collide(service, `http://127.0.0.1:${port}/x`, pair, apart))
    }
    await service.parts.executor.drain()
    expect(await service.parts.tasks.unfinished()).toEqual([])
    for (const id of ids) await expectWhole(service, id)
  })
})
