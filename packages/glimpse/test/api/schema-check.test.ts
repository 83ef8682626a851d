import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { pythonText } from '../../src/api/python-text.ts'
import { compileCheck } from '../../src/api/schema-check.ts'
import { imageSchema, imagesSchema } from '../../src/api/schemas/image-schema.ts'
import { taskSchema } from '../../src/api/schemas/task-schema.ts'
import { startService } from './service.ts'

const formats = { disk: ['raw'], container: ['bare'] }
const check = compileCheck({ name: 'image', schema: imageSchema({ formats }) })

function complaint(value: unknown): string {
  try {
    check(value)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('a value that does not match', () => {
  it('is told with the keyword and both places, as jsonschema for Python tells it', () => {
    expect(complaint({ tags: ['a', 5] })).toBe(
      "Provided object does not match schema 'image': 5 is not of type 'string'\n\n" +
        "Failed validating 'type' in schema['properties']['tags']['items']\n\n" +
        "On instance['tags'][1]:\n    5",
    )
  })

  it.each([
    [{ a: 5 }, "in schema['additionalProperties']\n\nOn instance['a']:"],
    [[], "Failed validating 'type' in schema\n\nOn instance:\n    []"],
    [{ 'a/b~c': null }, "On instance['a/b~c']:\n    None"],
  ])('%o has its place', (value, text) => {
    expect(complaint(value)).toContain(text)
  })

  it('that is long is cut', () => {
    expect(complaint({ a: Array.from({ length: 10_000 }, () => 1) }).length).toBeLessThan(2500)
  })

  it.each([
    [Type.Object({ a: Type.String() }), {}, "'a' is a required property"],
    [Type.Object({}, { additionalProperties: false }), { x: 1, y: 2 }, "('x', 'y' were unexpected)"],
    [Type.Array(Type.String(), { maxItems: 1 }), ['a', 'b'], "['a', 'b'] is too long"],
    [Type.Object({ a: Type.Literal(1) }), { a: 2 }, '1 was expected'],
    [Type.Integer({ minimum: 3 }), 2, '2 must be >= 3'],
  ])('is told for every keyword: %#', (schema, value, text) => {
    expect(() => compileCheck({ name: 'x', schema })(value)).toThrow(text)
  })
})

describe('what matches', () => {
  it.each([
    [{}],
    [{ name: null, min_disk: 1.0, tags: [] }],
    [{ constructor: 'x', toString: 'y', ['__proto__']: 'z' }],
    [JSON.parse('{"__proto__": "x"}') as object],
  ])('%j passes', (value) => {
    expect(complaint(value)).toBe('')
  })
})

describe('Python text', () => {
  it.each([
    ["it's", `"it's"`],
    [`it's "x"`, `'it\\'s "x"'`],
    ['a\\b\n\r\t', "'a\\\\b\\n\\r\\t'"],
    [[true, false, null, 1.5], '[True, False, None, 1.5]'],
    [{ a: { b: [] } }, "{'a': {'b': []}}"],
    [undefined, 'None'],
  ])('of %j', (value, text) => {
    expect(pythonText(value)).toBe(text)
  })
})

describe('schemas', () => {
  it('of images tell clients what they may set, and that all else is text', async () => {
    const { request } = await startService()
    const schema = (await request({ url: '/v2/schemas/image' })).json<{
      name: string
      properties: Record<string, { readOnly?: boolean; enum?: unknown[]; type: unknown }>
      additionalProperties: unknown
      required?: unknown
    }>()
    const readOnly = Object.entries(schema.properties).flatMap(([name, { readOnly }]) => (readOnly ? [name] : []))
    expect(schema.name).toBe('image')
    expect(schema.additionalProperties).toEqual({ type: 'string' })
    expect(schema.required).toBeUndefined()
    expect(readOnly.toSorted((a, b) => a.localeCompare(b))).toEqual(
      'checksum created_at direct_url file os_hash_algo os_hash_value schema self size status stores updated_at virtual_size'.split(
        ' ',
      ),
    )
    expect(schema.properties['disk_format']).toMatchObject({
      type: ['null', 'string'],
      enum: [null, 'ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'],
    })
  })

  it('fit what the service answers', async () => {
    const { request, createImage, upload } = await startService()
    await createImage({ a: 'b' })
    await upload('x')
    const { disk, container } = { disk: ['raw'], container: ['bare'] }
    const checkList = compileCheck({ name: 'images', schema: imagesSchema({ formats: { disk, container } }) })
    const list = (await request({ url: '/v2/images?limit=1' })).json<unknown>()
    expect(() => checkList(list)).not.toThrow()
  })

  it.each(['image', 'images', 'task', 'tasks'])('%s is there', async (name) => {
    const { request } = await startService()
    const answer = await request({ url: `/v2/schemas/${name}` })
    expect([answer.statusCode, answer.json<{ name: string }>().name]).toEqual([200, name])
  })

  it('of tasks hide in lists what lists leave out', async () => {
    const { request } = await startService()
    const { properties } = (await request({ url: '/v2/schemas/tasks' })).json<{
      properties: { tasks: { items: { properties: object } } }
    }>()
    const inList = Object.keys(properties.tasks.items.properties)
    const all = Object.keys((JSON.parse(JSON.stringify(taskSchema)) as { properties: object }).properties)
    expect(all.filter((name) => !inList.includes(name))).toEqual(['input', 'result', 'message'])
  })
})
