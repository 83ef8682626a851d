import { describe, expect, it } from 'vitest'
import { GlimpseClient } from '../src/index.ts'
import { converse, failureOf, serve } from './service.ts'

const image = { id: 'i1', name: 'debian', status: 'queued', size: null, tags: [] }

describe('the endpoint', () => {
  it.each(['', '/', '/v2', '/v2/', '/image', '/image/v2/'])('may end in "%s"', async (end) => {
    const { seen, endpoint } = await converse([{ body: image }])
    await new GlimpseClient({ endpoint: `${endpoint}${end}` }).images.show('i1')
    expect(seen[0]?.url).toBe(`${end.startsWith('/image') ? '/image' : ''}/v2/images/i1`)
  })

  it.each(['127.0.0.1:9292', 'ftp://127.0.0.1', ''])('is refused when it is "%s"', (endpoint) => {
    expect(() => new GlimpseClient({ endpoint })).toThrow(`endpoint is '${endpoint}': an http or https URL is needed`)
  })
})

describe('every call', () => {
  it('carries the token, and none when there is none', async () => {
    const { client, seen, endpoint } = await converse([{ body: image }], { token: 'secret' })
    await client.images.show('i1')
    await new GlimpseClient({ endpoint }).images.show('i1')
    expect(seen.map(({ headers }) => headers['x-auth-token'])).toEqual(['secret', undefined])
  })

  it('goes through the fetch that was given, called as a plain function', async () => {
    const urls: string[] = []
    async function spy(this: unknown, url: string, init: RequestInit): Promise<Response> {
      urls.push(`${String(this)} ${init.method} ${url}`)
      return fetch(url, init)
    }
    const { client, endpoint } = await converse([{ body: image }], { fetch: spy })
    await client.images.show('i1')
    expect(urls).toEqual([`undefined GET ${endpoint}/v2/images/i1`])
  })

  it('does not carry the token to where a redirect points', async () => {
    const other = await converse([{ body: image }])
    const location = `${other.endpoint}/v2/images/i1`
    const { client } = await converse([{ status: 302, headers: { location } }], { token: 'secret' })
    await expect(client.images.show('i1')).rejects.toMatchObject({ name: 'ApiError', status: 302, title: 'Found' })
    expect(other.seen).toEqual([])
  })

  it('keeps an id in its place in the path', async () => {
    const { client, seen } = await converse([{ body: image }])
    await client.images.show('a/b?c#d')
    expect(seen[0]?.url).toBe('/v2/images/a%2Fb%3Fc%23d')
  })

  it.each(['', '.', '..'])('refuses the id "%s", which would make it another call', async (id) => {
    const { client, seen } = await converse([{ status: 204 }])
    const calls = [
      client.images.delete(id),
      client.images.show(id),
      client.images.update(id, []),
      client.images.upload(id, new Uint8Array()),
      client.images.stage(id, new Uint8Array()),
      client.images.download(id),
      client.images.import(id, { method: 'glance-direct' }),
      client.images.tasks(id),
      client.tasks.show(id),
      client.tasks.waitFor(id),
      client.schema(id),
    ]
    for (const error of await Promise.all(calls.map(failureOf))) {
      expect(error).toBeInstanceOf(TypeError)
      expect(String(error)).toContain(`'${id}' cannot be part of a path`)
    }
    expect(seen).toEqual([])
  })
})

describe('images', () => {
  it('are created', async () => {
    const { client, seen } = await converse([{ status: 201, body: image }])
    expect(await client.images.create({ name: 'debian', os_distro: 'debian' })).toEqual(image)
    expect(await client.images.create()).toEqual(image)
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/v2/images',
      headers: { 'content-type': 'application/json' },
    })
    expect(seen.map(({ body }) => body)).toEqual(['{"name":"debian","os_distro":"debian"}', '{}'])
  })

  it('are updated by a JSON patch of version 2.1', async () => {
    const { client, seen } = await converse([{ body: image }])
    const changes = [
      { op: 'replace', path: '/name', value: 'sid' },
      { op: 'remove', path: '/os_distro' },
    ] as const
    expect(await client.images.update('i1', changes)).toEqual(image)
    const headers = { 'content-type': 'application/openstack-images-v2.1-json-patch' }
    expect(seen[0]).toMatchObject({ method: 'PATCH', url: '/v2/images/i1', headers, body: JSON.stringify(changes) })
  })

  it('are deleted', async () => {
    const { client, seen } = await converse([{ status: 204 }])
    await expect(client.images.delete('i1')).resolves.toBeUndefined()
    expect(seen[0]).toMatchObject({ method: 'DELETE', url: '/v2/images/i1' })
  })

  it('are done with once the answer begins, where its body says nothing', async () => {
    const closed = Promise.withResolvers<void>()
    const endpoint = await serve((_request, response) => {
      response.write('and so on')
      response.on('close', closed.resolve)
    })
    await new GlimpseClient({ endpoint }).images.delete('i1')
    await closed.promise
  })

  it('are imported, and the request id is handed back', async () => {
    const { client, seen } = await converse([{ status: 202, headers: { 'x-openstack-request-id': 'req-1' } }])
    const uri = 'http://example.org/a'
    const request = { method: 'web-download', uri, stores: ['a'], allStores: false, allStoresMustSucceed: true }
    expect(await client.images.import('i1', request)).toEqual({ requestId: 'req-1' })
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/v2/images/i1/import' })
    const method = { name: 'web-download', uri }
    const body = { method, stores: ['a'], all_stores: false, all_stores_must_succeed: true }
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual(body)
  })

  it('are imported with no word about what was left out', async () => {
    const { client, seen } = await converse([{ status: 202 }])
    expect(await client.images.import('i1', { method: 'glance-direct' })).toEqual({ requestId: undefined })
    expect(seen[0]?.body).toBe('{"method":{"name":"glance-direct"}}')
  })

  it('have tasks', async () => {
    const { client, seen } = await converse([{ body: { tasks: [{ id: 't1', request_id: 'req-1' }] } }])
    expect(await client.images.tasks('i1')).toEqual([{ id: 't1', request_id: 'req-1' }])
    expect(seen[0]).toMatchObject({ method: 'GET', url: '/v2/images/i1/tasks' })
  })
})

describe('the service', () => {
  it('tells its versions', async () => {
    const versions = [{ id: 'v2.17', status: 'CURRENT', links: [{ rel: 'self', href: '/v2/' }] }]
    const { client, seen } = await converse([{ body: { versions } }])
    expect(await client.versions()).toEqual(versions)
    expect(seen[0]?.url).toBe('/versions')
  })

  it('tells its import methods', async () => {
    const methods = { description: 'Import methods available.', type: 'array', value: ['glance-direct', 'copy-image'] }
    const { client, seen } = await converse([{ body: { 'import-methods': methods } }])
    expect(await client.info.importMethods()).toEqual(['glance-direct', 'copy-image'])
    expect(seen[0]?.url).toBe('/v2/info/import')
  })

  it('tells its stores', async () => {
    const stores = [{ id: 'fast', default: 'true' }, { id: 'slow' }]
    const { client, seen } = await converse([{ body: { stores } }])
    expect(await client.info.stores()).toEqual(stores)
    expect(seen[0]?.url).toBe('/v2/info/stores')
  })

  it('tells its schemas, by names of several parts too', async () => {
    const { client, seen } = await converse([{ body: { name: 'namespace' } }])
    expect(await client.schema('metadefs/namespace')).toEqual({ name: 'namespace' })
    expect(seen[0]?.url).toBe('/v2/schemas/metadefs/namespace')
  })
})
