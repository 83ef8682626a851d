import { describe, expect, it } from 'vitest'
import { imageId, startService } from './service.ts'

const deep = (levels: number, open = '[', close = ']'): string => open.repeat(levels) + '1' + close.repeat(levels)
const json = 'application/json'
const patch = 'application/openstack-images-v2.1-json-patch'

describe('JSON that is nested without end', () => {
  it.each([
    ['a new image', 'POST', '/v2/images', json, `{"name":${deep(100_000)}}`],
    ['a patch', 'PATCH', `/v2/images/${imageId}`, patch, `[{"op":"add","path":"/x","value":${deep(100_000)}}]`],
    ['a task', 'POST', '/v2/tasks', json, `{"type":"import","input":${deep(100_000, '{"a":', '}')}}`],
  ] as const)('is refused in %s', async (_, method, url, type, payload) => {
    const { request, createImage } = await startService()
    await createImage()
    const answer = await request({ method, url, payload, headers: { 'content-type': type } })
    expect([answer.statusCode, answer.body]).toEqual([
      400,
      '400 Bad Request\n\nThe JSON in the request body is nested too deep: 100 levels are allowed.\n\n   ',
    ])
  })

  it('is taken up to the limit', async () => {
    const { request } = await startService()
    const payload = `{"type":"api_image_import","input":{"a":${deep(98)}}}`
    const answer = await request({ method: 'POST', url: '/v2/tasks', payload, headers: { 'content-type': json } })
    expect(answer.statusCode).toBe(201)
  })
})

describe('a list with filters without end', () => {
  it.each(['tag=a', 'property=a'])('by %s is refused', async (filter) => {
    const { request } = await startService()
    const ask = (count: number) => request({ url: `/v2/images?${Array(count).fill(filter).join('&')}` })
    expect((await ask(100)).statusCode).toBe(200)
    const answer = await ask(101)
    expect([answer.statusCode, answer.body]).toEqual([
      400,
      '400 Bad Request\n\n101 filters were given, 100 are allowed.\n\n   ',
    ])
  })
})
