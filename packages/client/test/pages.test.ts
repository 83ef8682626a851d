import { describe, expect, it } from 'vitest'
import { GlimpseClient } from '../src/index.ts'
import { collect, converse, serve } from './service.ts'

describe('a list', () => {
  it('has the entries of all pages, in their order', async () => {
    const { client, seen } = await converse([
      { body: { images: [{ id: 'a' }, { id: 'b' }], next: '/v2/images?limit=2&marker=b' } },
      { body: { images: [{ id: 'c' }, { id: 'd' }], next: '/v2/images?limit=2&marker=d' } },
      { body: { images: [] } },
    ])
    expect((await collect(client.images.list({ limit: 2 }))).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd'])
    const urls = ['/v2/images?limit=2', '/v2/images?limit=2&marker=b', '/v2/images?limit=2&marker=d']
    expect(seen.map(({ url }) => url)).toEqual(urls)
  })

  it('asks for a page only when the loop gets there', async () => {
    const { client, seen } = await converse([
      { body: { tasks: [{ id: 'a' }, { id: 'b' }], next: '/v2/tasks?marker=b' } },
    ])
    for await (const { id } of client.tasks.list()) if (id === 'b') break
    expect(seen.map(({ url }) => url)).toEqual(['/v2/tasks'])
  })

  it('is filtered by what the service is told', async () => {
    const { client, seen } = await converse([{ body: { images: [], tasks: [] } }])
    const sort = 'name:asc,id'
    await collect(client.images.list({ tag: ['a b', 'c&d'], protected: true, size_min: 0, sort, name: undefined }))
    await collect(client.tasks.list({ status: 'failure', sort_key: 'updated_at', sort_dir: 'asc' }))
    const images = '/v2/images?tag=a+b&tag=c%26d&protected=true&size_min=0&sort=name%3Aasc%2Cid'
    expect(seen.map(({ url }) => url)).toEqual([images, '/v2/tasks?status=failure&sort_key=updated_at&sort_dir=asc'])
  })

  it('stays below the endpoint and on its host, whatever the link to the next page says', async () => {
    const seen: (string | undefined)[] = []
    const endpoint = await serve((request, response) => {
      const next = ['/v2/images?marker=a', 'http://127.0.0.2:1/elsewhere?marker=b'][seen.length]
      seen.push(request.url)
      response.end(JSON.stringify({ images: [{ id: String(seen.length) }], next }))
    })
    expect(await collect(new GlimpseClient({ endpoint: `${endpoint}/image` }).images.list())).toHaveLength(3)
    expect(seen).toEqual(['/image/v2/images', '/image/v2/images?marker=a', '/image/v2/images?marker=b'])
  })

  it('fails, not goes round for ever, when a page is its own next page', async () => {
    const { client, seen } = await converse([{ body: { images: [], next: '/v2/images?marker=a' } }])
    const explanation = 'this page says that it is its own next page'
    await expect(collect(client.images.list())).rejects.toMatchObject({ title: 'Unexpected answer', explanation })
    expect(seen).toHaveLength(2)
  })
})
