import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { imageId, startService } from './service.ts'

const data = 'the data of an image'
const md5 = createHash('md5').update(data).digest('hex')
const sha512 = createHash('sha512').update(data).digest('hex')

const queued = {
  id: imageId,
  name: 'one',
  status: 'queued',
  visibility: 'shared',
  protected: false,
  os_hidden: false,
  owner: null,
  container_format: 'bare',
  disk_format: 'raw',
  min_disk: 0,
  min_ram: 0,
  size: null,
  virtual_size: null,
  checksum: null,
  os_hash_algo: null,
  os_hash_value: null,
  tags: [],
  created_at: '2026-11-23T12:00:00Z',
  updated_at: '2026-11-23T12:00:00Z',
  self: `/v2/images/${imageId}`,
  file: `/v2/images/${imageId}/file`,
  schema: '/v2/schemas/image',
}
const active = {
  ...queued,
  status: 'active',
  size: data.length,
  checksum: md5,
  os_hash_algo: 'sha512',
  os_hash_value: sha512,
  stores: 'fast',
}

describe('images', () => {
  it('registers an image with all that can be said of it', async () => {
    const { send } = await startService()
    const said = {
      id: imageId,
      name: 'one',
      visibility: 'public',
      protected: true,
      os_hidden: true,
      owner: 'p1',
      container_format: 'bare',
      disk_format: 'raw',
      min_disk: 2,
      min_ram: 3,
      tags: ['a', 'b', 'a'],
      os_distro: 'debian',
      'owner_specified.openstack.md5': '',
    }
    const answer = await send('POST', '/v2/images', said, { host: 'images.example:9292' })
    expect(answer.json()).toEqual({ ...queued, ...said, tags: ['a', 'b'] })
    expect(answer.statusCode).toBe(201)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      location: `http://images.example:9292/v2/images/${imageId}`,
      'openstack-image-import-methods': 'glance-direct,web-download',
      'openstack-image-store-ids': 'fast,slow',
      'x-openstack-request-id': expect.stringMatching(/^req-[0-9a-f-]{36}$/) as unknown,
    })
  })

  it('registers an image of which nothing is said', async () => {
    const { send } = await startService({ multi: false })
    const answer = await send('POST', '/v2/images', {})
    expect(answer.json()).toEqual({
      ...queued,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      self: expect.any(String) as unknown,
      file: expect.any(String) as unknown,
      name: null,
      container_format: null,
      disk_format: null,
    })
    expect(answer.headers['openstack-image-store-ids']).toBeUndefined()
  })

  it('names its public endpoint in the places of new images', async () => {
    const { send } = await startService({ overrides: { 'DEFAULT.public_endpoint': 'https://cloud.example/image' } })
    const answer = await send('POST', '/v2/images', { id: imageId })
    expect(answer.headers.location).toBe(`https://cloud.example/image/v2/images/${imageId}`)
  })

  it('takes JSON of any media type', async () => {
    const { request } = await startService()
    const headers = { 'content-type': 'application/octet-stream' }
    const answer = await request({ method: 'POST', url: '/v2/images', headers, payload: `{"id":"${imageId}"}` })
    expect(answer.statusCode).toBe(201)
  })

  it('shows an image', async () => {
    const { request, createImage, upload } = await startService()
    await createImage()
    await upload(data)
    const answer = await request({ url: `/v2/images/${imageId}` })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual(active)
  })

  it('does not name stores where there can be one only', async () => {
    const { request, createImage, upload } = await startService({ multi: false })
    await createImage()
    await upload(data)
    const { stores: _, ...expected } = active
    expect((await request({ url: `/v2/images/${imageId}` })).json()).toEqual(expected)
  })

  it('lists images', async () => {
    const { request, createImage } = await startService()
    await createImage()
    const answer = await request({ url: '/v2/images' })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ images: [queued], first: '/v2/images', schema: '/v2/schemas/images' })
  })

  it('changes an image', async () => {
    const { send, createImage, clock } = await startService()
    await createImage({ os_distro: 'debian', gone: 'x' })
    clock.at += 1500
    const patch = [
      { op: 'replace', path: '/name', value: null },
      { op: 'add', path: '/tags', value: ['x', 'y', 'x'] },
      { op: 'add', path: '/a~1b~0c', value: 'escaped' },
      { op: 'replace', path: '/os_distro', value: 'fedora' },
      { op: 'remove', path: '/gone' },
      { op: 'replace', path: '/disk_format', value: 'qcow2' },
      { op: 'replace', path: '/os_hidden', value: true },
      { op: 'add', path: '/min_ram', value: 7 },
    ]
    const type = { 'content-type': 'application/openstack-images-v2.1-json-patch' }
    const answer = await send('PATCH', `/v2/images/${imageId}`, patch, type)
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      ...queued,
      name: null,
      tags: ['x', 'y'],
      'a/b~c': 'escaped',
      os_distro: 'fedora',
      disk_format: 'qcow2',
      os_hidden: true,
      min_ram: 7,
      updated_at: '2026-11-23T12:00:01Z',
    })
  })

  it('changes an image by the older kind of patch', async () => {
    const { send, createImage } = await startService()
    await createImage({ a: '1', b: '2' })
    const patch = [{ replace: '/a', value: '3' }, { remove: '/b' }, { add: '/c', value: '4' }]
    const type = { 'content-type': 'application/openstack-images-v2.0-json-patch; charset=utf-8' }
    const answer = await send('PATCH', `/v2/images/${imageId}`, patch, type)
    expect(answer.json()).toEqual({ ...queued, a: '3', c: '4' })
  })

  it('deletes an image with its data', async () => {
    const { request, createImage, upload, files } = await startService()
    await createImage()
    await upload(data)
    const answer = await request({ method: 'DELETE', url: `/v2/images/${imageId}` })
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
    expect((await request({ url: `/v2/images/${imageId}` })).statusCode).toBe(404)
    expect(await files('fast')).toEqual([])
  })
})

describe('data', () => {
  it('takes and gives data', async () => {
    const { request, createImage, upload } = await startService()
    await createImage()
    const taken = await upload(data)
    expect([taken.statusCode, taken.body]).toEqual([204, ''])
    const answer = await request({ url: `/v2/images/${imageId}/file` })
    expect([answer.statusCode, answer.body]).toEqual([200, data])
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': `${data.length}`,
      'content-md5': md5,
      'accept-ranges': 'bytes',
    })
  })

  it('takes data into the store that is named', async () => {
    const { request, createImage, files } = await startService()
    await createImage()
    const headers = { 'content-type': 'application/octet-stream', 'x-image-meta-store': 'slow' }
    await request({ method: 'PUT', url: `/v2/images/${imageId}/file`, headers, payload: data })
    expect((await request({ url: `/v2/images/${imageId}` })).json()).toEqual({ ...active, stores: 'slow' })
    expect(await files('slow')).toEqual([imageId])
  })

  it.each([
    [{ range: 'bytes=0-3' }, 'the ', 'bytes 0-3/20'],
    [{ range: 'bytes=4-' }, data.slice(4), 'bytes 4-19/20'],
    [{ range: 'bytes=-5' }, 'image', 'bytes 15-19/20'],
    [{ range: 'bytes=0-999' }, data, 'bytes 0-19/20'],
    [{ 'content-range': 'bytes 4-7/*' }, 'data', 'bytes 4-7/20'],
  ])('gives a part of the data: %o', async (headers, body, contentRange) => {
    const { request, createImage, upload } = await startService()
    await createImage()
    await upload(data)
    const answer = await request({ url: `/v2/images/${imageId}/file`, headers })
    expect([answer.statusCode, answer.body]).toEqual([206, body])
    expect(answer.headers).toMatchObject({ 'content-range': contentRange, 'content-length': `${body.length}` })
  })

  it('says that there is no data', async () => {
    const { request, createImage } = await startService()
    await createImage()
    const answer = await request({ url: `/v2/images/${imageId}/file`, headers: { range: 'bytes=5-' } })
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
  })

  it('stages data and imports it, and tells by the image how that goes', async () => {
    const { request, send, createImage, parts } = await startService()
    await createImage()
    const headers = { 'content-type': 'application/octet-stream' }
    const staged = await request({ method: 'PUT', url: `/v2/images/${imageId}/stage`, headers, payload: data })
    expect([staged.statusCode, staged.body]).toEqual([204, ''])
    expect((await request({ url: `/v2/images/${imageId}` })).json()).toEqual({
      ...queued,
      status: 'uploading',
      size: data.length,
    })
    const body = { method: { name: 'glance-direct' }, stores: ['slow', 'fast'] }
    const answer = await send('POST', `/v2/images/${imageId}/import`, body)
    expect([answer.statusCode, answer.body]).toEqual([202, ''])
    await parts.executor.drain()
    expect((await request({ url: `/v2/images/${imageId}` })).json()).toMatchObject({
      status: 'active',
      checksum: md5,
      stores: expect.stringMatching(/^(slow,fast|fast,slow)$/) as unknown,
    })
  })
})

async function imported() {
  const service = await startService()
  await service.createImage()
  const headers = { 'content-type': 'application/octet-stream' }
  await service.request({ method: 'PUT', url: `/v2/images/${imageId}/stage`, headers, payload: data })
  const body = { method: { name: 'glance-direct' } }
  const answer = await service.send('POST', `/v2/images/${imageId}/import`, body)
  await service.parts.executor.drain()
  const [task] = await service.parts.tasks.list({ sort: { key: 'id', direction: 'asc' }, limit: 9 })
  return { ...service, id: task?.id, requestId: answer.headers['x-openstack-request-id'], message: task?.message }
}

describe('tasks', () => {
  it('lists tasks, by either type', async () => {
    const { request, id } = await imported()
    const stub = {
      id,
      type: 'api_image_import',
      status: 'success',
      owner: null,
      created_at: '2026-11-23T12:00:00Z',
      updated_at: '2026-11-23T12:00:00Z',
      expires_at: '2026-11-25T12:00:00Z',
      self: `/v2/tasks/${id}`,
      schema: '/v2/schemas/task',
    }
    const links = { first: '/v2/tasks', schema: '/v2/schemas/tasks' }
    expect((await request({ url: '/v2/tasks' })).json()).toEqual({ tasks: [stub], ...links })
    const ofType = async (type: string): Promise<unknown> => (await request({ url: `/v2/tasks?type=${type}` })).json()
    expect(await ofType('api_image_import')).toEqual({
      ...links,
      tasks: [stub],
      first: '/v2/tasks?type=api_image_import',
    })
    expect(await ofType('import')).toEqual({ ...links, tasks: [], first: '/v2/tasks?type=import' })
  })

  it('shows a task', async () => {
    const { request, id, requestId, message } = await imported()
    const answer = await request({ url: `/v2/tasks/${id}` })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      id,
      type: 'api_image_import',
      status: 'success',
      owner: null,
      message,
      input: { image_id: imageId, import_req: { method: { name: 'glance-direct' } }, backend: ['fast'] },
      result: { image_id: imageId },
      image_id: imageId,
      request_id: requestId,
      created_at: '2026-11-23T12:00:00Z',
      updated_at: '2026-11-23T12:00:00Z',
      expires_at: '2026-11-25T12:00:00Z',
      self: `/v2/tasks/${id}`,
      schema: '/v2/schemas/task',
    })
  })

  it('lists the tasks of an image in a shape of their own', async () => {
    const { request, id, requestId, message } = await imported()
    expect((await request({ url: `/v2/images/${imageId}/tasks` })).json()).toEqual({
      tasks: [
        {
          id,
          type: 'api_image_import',
          status: 'success',
          owner: null,
          image_id: imageId,
          request_id: requestId,
          user_id: null,
          input: { image_id: imageId, import_req: { method: { name: 'glance-direct' } }, backend: ['fast'] },
          result: { image_id: imageId },
          message,
          created_at: '2026-11-23T12:00:00.000000',
          updated_at: '2026-11-23T12:00:00.000000',
          expires_at: '2026-11-25T12:00:00.000000',
          deleted: false,
          deleted_at: null,
        },
      ],
    })
  })

  it('accepts a task', async () => {
    const { send, parts } = await startService()
    const input = { import_from: 'http://192.0.2.1/x', import_from_format: 'raw', image_properties: {} }
    const answer = await send('POST', '/v2/tasks', { type: 'import', input }, { host: 'h' })
    const task = answer.json<{ id: string }>()
    expect(answer.statusCode).toBe(201)
    expect(answer.headers.location).toBe(`http://h/v2/tasks/${task.id}`)
    expect(task).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      type: 'import',
      status: 'pending',
      owner: null,
      message: '',
      input,
      result: null,
      image_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      request_id: answer.headers['x-openstack-request-id'],
      created_at: '2026-11-23T12:00:00Z',
      updated_at: '2026-11-23T12:00:00Z',
      self: `/v2/tasks/${task.id}`,
      schema: '/v2/schemas/task',
    })
    await parts.executor.stop('the test is over')
  })
})

describe('information', () => {
  it('tells the import methods', async () => {
    const { request } = await startService()
    expect((await request({ url: '/v2/info/import' })).json()).toEqual({
      'import-methods': {
        description: 'The import methods of this service.',
        type: 'array',
        value: ['glance-direct', 'web-download'],
      },
    })
  })

  it('tells the stores', async () => {
    const { request } = await startService({ overrides: { 'slow.store_description': 'For old images' } })
    expect((await request({ url: '/v2/info/stores' })).json()).toEqual({
      stores: [
        { id: 'fast', default: 'true' },
        { id: 'slow', description: 'For old images' },
      ],
    })
  })
})
