import { describe, expect, it } from 'vitest'
import { imageId, type Service, startService } from './service.ts'

async function ended(service: Service, type: string, input: object): Promise<{ status: string; message: string }> {
  const answer = await service.send('POST', '/v2/tasks', { type, input })
  if (answer.statusCode !== 201) throw new Error(answer.body)
  await service.parts.executor.drain()
  return (await service.request({ url: `/v2/tasks/${answer.json<{ id: string }>().id}` })).json()
}

describe('a task to import', () => {
  it.each([
    [undefined, 'the source "" is no URL'],
    ['file:///etc/passwd', 'the scheme file cannot be read'],
    ['http://127.0.0.1:22/x', '22'],
  ])('from %s is refused', async (source, cause) => {
    const { send } = await startService()
    const answer = await send('POST', '/v2/tasks', { type: 'import', input: { import_from: source } })
    expect([answer.statusCode, answer.body]).toEqual([
      400,
      expect.stringContaining('URI for legacy import task does not pass filtering: ') as unknown,
    ])
    expect(answer.body).toContain(cause)
  })

  it.each([
    [[], "'image_properties' must be an object, not []"],
    [{ min_ram: '5' }, `'min_ram' must be a number, not "5"`],
    [{ tags: 'a' }, `'tags' must be a list of strings of at most 255 characters, not "a"`],
    [{ tags: ['t'.repeat(256)] }, "'tags' must be a list of strings of at most 255 characters"],
    [{ visibility: 'x' }, `'visibility' must be one of community, public, private, shared, not "x"`],
    [{ name: 'n'.repeat(256) }, "'name' must be a string of at most 255 characters"],
    [{ ['p'.repeat(256)]: 'x' }, 'Custom property should not be greater than 255 characters.'],
    [{ size: '5' }, "Attribute 'size' is read-only."],
    [{ id: imageId }, "Attribute 'id' is read-only."],
    [{ os_glance_import_task: 'x' }, "Attribute 'os_glance_import_task' is reserved."],
  ])('into an image of %j fails with the reason', async (properties, message) => {
    const service = await startService()
    const input = { import_from: 'http://192.0.2.1/x', import_from_format: 'raw', image_properties: properties }
    const task = await ended(service, 'import', input)
    expect(task).toMatchObject({ status: 'failure', message: expect.stringContaining(message) as unknown })
    expect((await service.request({ url: '/v2/images' })).json()).toMatchObject({ images: [] })
  })
})

describe('a task that imports into an image', () => {
  const method = { name: 'web-download', uri: 'http://192.0.2.1/x' }

  it.each([
    [{ method: 'web-download' }, "Import request requires a 'name' field."],
    [{ method: { ...method, uri: 5 } }, `'uri' must be a string, not 5`],
    [{ method, stores: 'slow' }, `'stores' must be a list of strings, not "slow"`],
    [{ method, stores: [1] }, `'stores' must be a list of strings, not [1]`],
    [{ method, all_stores: 'true' }, "'all_stores' must be boolean value only"],
    [{ method, all_stores_must_succeed: 1 }, "'all_stores_must_succeed' must be boolean value only"],
  ])('as %j is refused', async (request, reason) => {
    const { send, createImage, parts } = await startService()
    await createImage()
    const input = { image_id: imageId, import_req: request }
    const answer = await send('POST', '/v2/tasks', { type: 'api_image_import', input })
    expect([answer.statusCode, answer.body]).toEqual([400, expect.stringContaining(reason) as unknown])
    expect(await parts.tasks.unfinished()).toEqual([])
  })

  it('goes where it says', async () => {
    const service = await startService()
    await service.createImage()
    const headers = { 'content-type': 'application/octet-stream' }
    await service.request({ method: 'PUT', url: `/v2/images/${imageId}/stage`, headers, payload: 'data' })
    const request = { method: { name: 'glance-direct' }, stores: ['slow'] }
    const task = await ended(service, 'api_image_import', { image_id: imageId, import_req: request })
    expect(task.status).toBe('success')
    expect([await service.files('fast'), await service.files('slow')]).toEqual([[], [imageId]])
  })
})

describe('tasks whose time is over', () => {
  it('are forgotten when a later one ends', async () => {
    const service = await startService()
    await ended(service, 'api_image_import', {})
    service.clock.at += 48 * 3_600_000
    await ended(service, 'api_image_import', {})
    expect((await service.request({ url: '/v2/tasks' })).json<{ tasks: unknown[] }>().tasks).toHaveLength(1)
  })

  it('do no harm when they cannot be deleted, which is logged', async () => {
    const service = await startService()
    Object.assign(service.parts.tasks, { expire: () => Promise.reject(new Error('busy')) })
    expect(await ended(service, 'api_image_import', {})).toMatchObject({ status: 'failure' })
    expect(service.logged).toContainEqual(
      expect.objectContaining({ msg: 'tasks whose time is over could not be deleted' }),
    )
  })
})
