import type { InjectOptions, LightMyRequestResponse as Response } from 'fastify'
import { describe, expect, it } from 'vitest'
import { imageId, otherId, type Service, startService } from './service.ts'

const image = `/v2/images/${imageId}`
const missing = `/v2/images/${otherId}`
const bytes = { 'content-type': 'application/octet-stream' }
const v21 = 'application/openstack-images-v2.1-json-patch'
const v20 = 'application/openstack-images-v2.0-json-patch'

type Case = readonly [title: string, request: InjectOptions, status: number, text: string]

const post = (url: string, body: unknown): InjectOptions => ({
  method: 'POST',
  url,
  headers: { 'content-type': 'application/json' },
  payload: typeof body === 'string' ? body : JSON.stringify(body),
})
const patch = (operations: unknown, type = v21, url = image): InjectOptions => ({
  method: 'PATCH',
  url,
  headers: { 'content-type': type },
  payload: JSON.stringify(operations),
})
const one = (operation: unknown): InjectOptions => patch([operation])
const get = (url: string, headers: Record<string, string> = {}): InjectOptions => ({ method: 'GET', url, headers })

const start = "Provided object does not match schema 'image': "
const pointer = (path: string): InjectOptions => one({ op: 'add', path, value: 'x' })

const newImages: Case[] = [
  ['nothing', { method: 'POST', url: '/v2/images' }, 400, 'Body expected in request.'],
  ['no JSON', post('/v2/images', '{'), 400, 'Malformed JSON in request body.'],
  ['a number', post('/v2/images', '1'), 400, 'Unexpected body type. Expected list/dict.'],
  ['null', post('/v2/images', 'null'), 400, 'Unexpected body type. Expected list/dict.'],
  ['a list', post('/v2/images', '[]'), 400, `${start}[] is not of type 'object'`],
  ['a wrong type', post('/v2/images', { min_disk: 'x' }), 400, `${start}'x' is not of type 'integer'`],
  ['a fraction', post('/v2/images', { min_ram: 1.5 }), 400, `${start}1.5 is not of type 'integer'`],
  ['no boolean', post('/v2/images', { protected: 'yes' }), 400, `${start}'yes' is not of type 'boolean'`],
  ['a number as name', post('/v2/images', { name: 5 }), 400, `${start}5 is not of type 'null', 'string'`],
  ['a long name', post('/v2/images', { name: 'n'.repeat(256) }), 400, "nnn' is too long"],
  ['no format', post('/v2/images', { disk_format: 'x' }), 400, `${start}'x' is not one of [None, 'ami', 'ari',`],
  [
    'no visibility',
    post('/v2/images', { visibility: 'x' }),
    400,
    "'x' is not one of ['community', 'public', 'private', ",
  ],
  ['no id', post('/v2/images', { id: 'x' }), 400, `${start}'x' does not match '^([0-9a-fA-F]){8}-`],
  ['a tag that is none', post('/v2/images', { tags: [1] }), 400, `${start}1 is not of type 'string'`],
  ['a long tag', post('/v2/images', { tags: ['t'.repeat(256)] }), 400, "ttt' is too long"],
  [
    'a property of objects',
    post('/v2/images', { a: { b: [true] } }),
    400,
    `${start}{'b': [True]} is not of type 'string'`,
  ],
  [
    'a negative size',
    post('/v2/images', { min_disk: -1 }),
    400,
    "Invalid value '-1' for parameter 'min_disk': Cannot be a negative value",
  ],
  [
    'a huge size',
    post('/v2/images', { min_ram: 1e300 }),
    400,
    "Invalid value '1e+300' for parameter 'min_ram': Cannot be above",
  ],
  [
    'a long property',
    post('/v2/images', { ['p'.repeat(256)]: 'x' }),
    400,
    'Custom property should not be greater than 255 characters.',
  ],
  ...['self', 'file', 'schema', 'direct_url', 'stores', 'status', 'checksum', 'created_at', 'os_hash_value'].map(
    (name): Case => [
      `the read-only ${name}`,
      post('/v2/images', { [name]: 'queued' }),
      403,
      `Attribute '${name}' is read-only.`,
    ],
  ),
  ['the read-only size', post('/v2/images', { size: 5 }), 403, "Attribute 'size' is read-only."],
  ...['location', 'deleted', 'deleted_at', 'os_glance_import_task'].map(
    (name): Case => [
      `the reserved ${name}`,
      post('/v2/images', { [name]: 'x' }),
      403,
      `Attribute '${name}' is reserved.`,
    ],
  ),
  ['locations', post('/v2/images', { locations: [] }), 403, "Attribute 'locations' is reserved."],
  ['an id that is there', post('/v2/images', { id: imageId }), 409, `Image ID ${imageId} already exists!`],
  [
    'too many tags',
    post('/v2/images', { tags: ['a', 'b', 'c', 'd'] }),
    413,
    'The limit has been exceeded on the number of allowed image tags. Attempted: 4, Maximum: 3',
  ],
  [
    'too many properties',
    post('/v2/images', { a: '', b: '', c: '', d: '' }),
    413,
    'The limit has been exceeded on the number of allowed image properties. Attempted: 4, Maximum: 3',
  ],
  [
    'too much',
    post('/v2/images', { a: 'x'.repeat(1 << 20) }),
    413,
    'The request body is too large: 1048576 bytes are allowed.',
  ],
]

const patches: Case[] = [
  ['another media type', patch([], 'application/json'), 415, `Image PATCH expects Content-Type one of: ${v20}, ${v21}`],
  ['no media type', { method: 'PATCH', url: image, payload: '[]' }, 415, 'Image PATCH expects Content-Type one of: '],
  ['nothing', { method: 'PATCH', url: image, headers: { 'content-type': v21 } }, 400, 'Body expected in request.'],
  ['no list', patch({}), 400, 'Request body must be a JSON array of operation objects.'],
  ['a list of what is no operation', patch([1]), 400, 'Operations must be JSON objects.'],
  [
    'no op',
    one({ path: '/a' }),
    400,
    'Unable to find `op` in JSON Schema change. It must be one of the following: add, remove, replace.',
  ],
  [
    'another op',
    one({ op: 'move', path: '/a' }),
    400,
    'Invalid operation: `move`. It must be one of the following: add, remove, replace.',
  ],
  ['no path', one({ op: 'add', value: 'x' }), 400, "Unable to find 'path' in JSON Schema change"],
  ['a path of numbers', one({ op: 'add', path: 5, value: 'x' }), 400, 'The path of an operation is a string, not 5'],
  ['no value', one({ op: 'add', path: '/a' }), 400, 'Operation "add" requires a member named "value".'],
  ['a path without a slash', pointer('a'), 400, 'Pointer `a` does not start with "/".'],
  ['two slashes', pointer('/a//b'), 400, 'Pointer `/a//b` contains adjacent "/".'],
  ['a slash at the end', pointer('/a/'), 400, 'Pointer `/a/` end with "/".'],
  ['an empty path', pointer('/'), 400, 'Pointer `/` does not contains valid token.'],
  ['a wrong escape', pointer('/a~2'), 400, 'Pointer `/a~2` contains "~" not part of a recognized escape sequence.'],
  ['a deep path', pointer('/a/b'), 400, "Invalid JSON pointer for this resource: '/a/b'"],
  ['a tag by its place', pointer('/tags/-'), 400, "Invalid JSON pointer for this resource: '/tags/-'"],
  ['a wrong value', one({ op: 'replace', path: '/min_disk', value: 'x' }), 400, `${start}'x' is not of type 'integer'`],
  ['a property of numbers', one({ op: 'add', path: '/a', value: 5 }), 400, `${start}5 is not of type 'string'`],
  [
    'a negative size',
    one({ op: 'replace', path: '/min_ram', value: -2 }),
    400,
    "Invalid value '-2' for parameter 'min_ram'",
  ],
  [
    'a long property',
    pointer(`/${'p'.repeat(256)}`),
    400,
    'Custom property should not be greater than 255 characters.',
  ],
  ...['id', 'status', 'size', 'self', 'stores', 'os_hash_algo', 'created_at'].map(
    (name): Case => [
      `the read-only ${name}`,
      one({ op: 'replace', path: `/${name}`, value: 1 }),
      403,
      `Attribute '${name}' is read-only.`,
    ],
  ),
  ['a reserved name', one({ op: 'remove', path: '/deleted' }), 403, "Attribute 'deleted' is reserved."],
  ['a reserved prefix', pointer('/os_glance_x'), 403, "Attribute 'os_glance_x' is reserved."],
  ['a base attribute taken away', one({ op: 'remove', path: '/name' }), 403, 'Property name may not be removed.'],
  [
    'a location added',
    one({ op: 'add', path: '/locations/-', value: { url: 'file:///x', metadata: {} } }),
    403,
    "It's not allowed to add locations if locations are invisible.",
  ],
  [
    'a location taken away',
    one({ op: 'remove', path: '/locations/0' }),
    403,
    "It's not allowed to remove locations if",
  ],
  [
    'locations replaced',
    one({ op: 'replace', path: '/locations', value: [] }),
    403,
    "It's not allowed to update locations if",
  ],
  [
    'a missing property replaced',
    one({ op: 'replace', path: '/none', value: 'x' }),
    409,
    'Property none does not exist.',
  ],
  ['a missing property taken away', one({ op: 'remove', path: '/none' }), 409, 'Property none does not exist.'],
  ['a missing image', patch([], v21, missing), 404, `No image found with ID ${otherId}`],
  ['a property added twice (2.0)', patch([{ add: '/kept', value: 'x' }], v20), 409, 'Property kept already present.'],
  ['an attribute added (2.0)', patch([{ add: '/name', value: 'x' }], v20), 409, 'Property name already present.'],
  [
    'two verbs (2.0)',
    patch([{ add: '/a', remove: '/a' }], v20),
    400,
    'Operation objects must contain only one member named "add", "remove", or "replace".',
  ],
  [
    'no verb (2.0)',
    patch([{ op: 'add', path: '/a' }], v20),
    400,
    'Operation objects must contain exactly one member named',
  ],
  [
    'too many properties',
    patch(['a', 'b', 'c'].map((name) => ({ op: 'add', path: `/${name}`, value: '' }))),
    413,
    'The limit has been exceeded on the number of allowed image properties. Attempted: 4, Maximum: 3',
  ],
  [
    'too many tags',
    one({ op: 'add', path: '/tags', value: ['a', 'b', 'c', 'd'] }),
    413,
    'allowed image tags. Attempted: 4, Maximum: 3',
  ],
]

const lists: Case[] = [
  ['a limit that is no number', get('/v2/images?limit=x'), 400, 'limit param must be an integer'],
  ['a negative limit', get('/v2/images?limit=-1'), 400, 'limit param must be positive'],
  ['an unknown marker', get(`/v2/images?marker=${otherId}`), 400, `No image found with ID ${otherId}`],
  [
    'an unknown key',
    get('/v2/images?sort_key=x'),
    400,
    'Invalid sort key: x. It must be one of the following: name, status, container_format, disk_format, size, id, created_at, updated_at.',
  ],
  ['a key of the prototype', get('/v2/images?sort_key=constructor'), 400, 'Invalid sort key: constructor.'],
  ['an unknown direction', get('/v2/images?sort_dir=up'), 400, 'Invalid sort direction: up'],
  ['an unknown direction in the new form', get('/v2/images?sort=name:up'), 400, 'Invalid sort direction: up'],
  [
    'both forms of sorting',
    get('/v2/images?sort=name&sort_dir=asc'),
    400,
    'Old and new sorting syntax cannot be combined',
  ],
  [
    'directions too many',
    get('/v2/images?sort_key=name&sort_dir=asc&sort_dir=asc'),
    400,
    'Number of sort dirs does not match the number of sort keys',
  ],
  ['no visibility', get('/v2/images?visibility=x'), 400, 'Invalid visibility value: x'],
  [
    'changes-since',
    get('/v2/images?changes-since=2026-01-01'),
    400,
    'The "changes-since" filter is no longer available on v2.',
  ],
  ['no member status', get('/v2/images?member_status=x'), 400, 'Invalid status: x'],
  [
    'protected maybe',
    get('/v2/images?protected=True'),
    400,
    "Invalid value 'True' for 'protected' filter. Valid values are 'true' or 'false'.",
  ],
  ['hidden maybe', get('/v2/images?os_hidden=maybe'), 400, "Invalid value 'maybe' for 'os_hidden' filter."],
  ['a size that is none', get('/v2/images?size_min=x'), 400, 'Unable to filter on a range with a non-numeric value.'],
  [
    'a size beyond all',
    get('/v2/images?size_min=99999999999999999999'),
    400,
    'Unable to filter by size_min: 99999999999999999999 is given, at most 9007199254740991 is allowed.',
  ],
  [
    'no time',
    get('/v2/images?created_at=gt:yesterday'),
    400,
    'Bad "created_at" query filter format. Use ISO 8601 DateTime notation.',
  ],
  [
    'an unknown operator of times',
    get('/v2/images?updated_at=x:2026-01-01'),
    400,
    "Unable to filter by unknown operator 'x'.",
  ],
  ['an unknown operator', get('/v2/images?name=gt:a'), 400, "Unable to filter by unknown operator 'gt'."],
  ['an open quote', get('/v2/images?name=in:"a'), 400, 'Invalid filter value "a. The quote is not closed.'],
  ['no comma before a quote', get('/v2/images?name=in:a"b"'), 400, 'There is no comma before opening quotation mark.'],
  ['no comma after a quote', get('/v2/images?name=in:"a"b'), 400, 'There is no comma after closing quotation mark.'],
  ['tasks by an unknown status', get('/v2/tasks?status=x'), 400, 'Invalid status value: x'],
  ['tasks by an unknown type', get('/v2/tasks?type=export'), 400, 'Invalid type value: export'],
  ['tasks by their time', get('/v2/tasks?created_at=2026'), 400, 'Unable to filter tasks by created_at'],
  ['tasks after what is no id', get('/v2/tasks?marker=x'), 400, 'Invalid marker format'],
  ['tasks after an unknown one', get(`/v2/tasks?marker=${otherId}`), 400, `No task found with ID ${otherId}`],
  ['tasks in an unknown order', get('/v2/tasks?sort_key=x'), 400, 'Invalid sort key: x.'],
  ['tasks in an unknown direction', get('/v2/tasks?sort_dir=x'), 400, 'Invalid sort direction: x'],
  ['a limit of tasks', get('/v2/tasks?limit=x'), 400, 'limit param must be an integer'],
]

const importOf = (body: unknown, id = imageId): InjectOptions => post(`/v2/images/${id}/import`, body)
const direct = { method: { name: 'glance-direct' } }

const imports: Case[] = [
  ['nothing', { method: 'POST', url: `${image}/import` }, 400, 'Body expected in request.'],
  ['a list', importOf([]), 400, "Import request requires a 'method' field."],
  ['no method', importOf({}), 400, "Import request requires a 'method' field."],
  ['no name', importOf({ method: {} }), 400, "Import request requires a 'name' field."],
  ['an unknown name', importOf({ method: { name: 'x' } }), 400, "Unknown import method name 'x'."],
  ['a name of numbers', importOf({ method: { name: 5 } }), 400, "Unknown import method name '5'."],
  [
    'a method of text',
    importOf({ method: 'x' }),
    400,
    "Provided object does not match schema 'import': 'x' is not of type 'object'",
  ],
  ['no boolean', importOf({ ...direct, all_stores: 'true' }), 400, "'all_stores' must be boolean value only"],
  [
    'no boolean either',
    importOf({ ...direct, all_stores_must_succeed: 1 }),
    400,
    "'all_stores_must_succeed' must be boolean value only",
  ],
  ['stores that are none', importOf({ ...direct, stores: 'fast' }), 400, "'fast' is not of type 'array'"],
  ['a URI of numbers', importOf({ method: { name: 'web-download', uri: 5 } }), 400, "5 is not of type 'string'"],
  ['a missing image', importOf(direct, otherId), 404, `No image found with ID ${otherId}`],
  [
    'an image without data',
    importOf(direct),
    409,
    "Image needs to be staged before 'glance-direct' method can be used",
  ],
]

const tasks: Case[] = [
  ['nothing', { method: 'POST', url: '/v2/tasks' }, 400, 'Body expected in request.'],
  ['no type', post('/v2/tasks', { input: {} }), 400, "Task 'type' is required"],
  ['no input', post('/v2/tasks', { type: 'import' }), 400, "Task 'input' is required"],
  [
    'an unknown type',
    post('/v2/tasks', { type: 'export', input: {} }),
    400,
    "Provided object does not match schema 'task': 'export' is not one of ['import', 'api_image_import']",
  ],
  ['input that is no object', post('/v2/tasks', { type: 'import', input: null }), 400, "None is not of type 'object'"],
  [
    'what a task does not have',
    post('/v2/tasks', { type: 'import', input: {}, x: 1 }),
    400,
    "Additional properties are not allowed ('x' was unexpected)",
  ],
  ['a missing task', get(`/v2/tasks/${otherId}`), 404, `No task found with ID ${otherId}`],
  ['the tasks of a missing image', get(`${missing}/tasks`), 404, `No image found with ID ${otherId}`],
]

const put = (url: string, headers: Record<string, string> = bytes, payload = 'x'): InjectOptions => ({
  method: 'PUT',
  url,
  headers,
  payload,
})

const data: Case[] = [
  [
    'another media type',
    put(`${image}/file`, { 'content-type': 'text/plain' }),
    415,
    'Invalid content type text/plain; application/octet-stream is allowed',
  ],
  ['no media type', put(`${image}/stage`, {}), 415, 'Invalid content type None; application/octet-stream is allowed'],
  [
    'a size that is none',
    put(`${image}/file`, { ...bytes, 'x-openstack-image-size': 'x' }),
    400,
    'Invalid or missing image size in request headers.',
  ],
  [
    'a negative size',
    put(`${image}/stage`, { ...bytes, 'x-openstack-image-size': '-1' }),
    400,
    'Invalid or missing image size in request headers.',
  ],
  ['an unknown store', put(`${image}/file`, { ...bytes, 'x-image-meta-store': 'x' }), 400, "Unknown store 'x'"],
  ['data for a missing image', put(`${missing}/file`), 404, `No image found with ID ${otherId}`],
  ['data to stage for a missing image', put(`${missing}/stage`), 404, `No image found with ID ${otherId}`],
  ['the data of a missing image', get(`${missing}/file`), 404, `No image found with ID ${otherId}`],
]

const paths: Case[] = [
  ['an unknown path', get('/v2/nothing'), 404, 'The resource could not be found.'],
  ['the root of the version', get('/v2/'), 404, 'The resource could not be found.'],
  ['an unknown path, with a body', post('/v2/nothing', '{'), 404, 'The resource could not be found.'],
  ['a path that cannot be decoded', get('/v2/images/%zz'), 400, "'/v2/images/%zz' is not a valid url component"],
  ['a missing image', get(missing), 404, `No image found with ID ${otherId}`],
  ['an id that is none', get(`/v2/images/${'x'.repeat(300)}`), 404, 'No image found with ID xxx'],
  ['a missing image, to be deleted', { method: 'DELETE', url: missing }, 404, `No image found with ID ${otherId}`],
  [
    'a body where none is expected',
    { method: 'GET', url: image, payload: '{}' },
    400,
    'A body is not expected with this request.',
  ],
  [
    'a media type that is none',
    { method: 'POST', url: '/v2/images', headers: { 'content-type': 'foo' }, payload: '{}' },
    415,
    'Unsupported Media Type',
  ],
  [
    'a body with a deletion',
    { method: 'DELETE', url: image, payload: '{}' },
    400,
    'A body is not expected with this request.',
  ],
]

/** The service with one image, which has one property, and room for two more. */
async function prepared(): Promise<Service> {
  const overrides = { 'DEFAULT.image_property_quota': '3', 'DEFAULT.image_tag_quota': '3' }
  const service = await startService({ overrides })
  await service.createImage({ kept: 'as it is' })
  return service
}

/** The problem in the words of its JSON page. */
function textOf(answer: Response): string {
  return answer.json<{ message: string }>().message
}

describe.each([
  ['a new image', newImages],
  ['a patch', patches],
  ['a list', lists],
  ['an import', imports],
  ['a task', tasks],
  ['data', data],
  ['a path', paths],
])('%s is refused', (_, cases) => {
  it.each(cases)('%s', async (_title, wrong, status, text) => {
    const service = await prepared()
    const before = (await service.request({ url: image })).json<unknown>()
    const headers = { ...wrong.headers, accept: 'application/json' }
    const answer = await service.request({ ...wrong, headers })
    expect([answer.statusCode, textOf(answer)]).toEqual([status, expect.stringContaining(text)])
    expect(answer.headers['x-openstack-request-id']).toMatch(/^req-/)
    expect((await service.request({ url: image })).json()).toEqual(before)
  })
})

describe('headers of refusals', () => {
  it.each([
    ['HEAD', '/v2/images', 'GET, POST'],
    ['DELETE', '/v2/images', 'GET, POST'],
    ['PUT', image, 'GET, PATCH, DELETE'],
    ['POST', `${image}/file`, 'GET, PUT'],
    ['GET', `${image}/stage`, 'PUT'],
    ['GET', `${image}/import`, 'POST'],
    ['DELETE', `${image}/tasks`, 'GET'],
    ['PATCH', '/v2/tasks', 'GET, POST'],
    ['PUT', `/v2/tasks/${otherId}`, 'GET, DELETE'],
    ['POST', '/v2/info/import', 'GET'],
    ['OPTIONS', '/v2/info/stores', 'GET'],
    ['POST', '/v2/schemas/image', 'GET'],
  ] as const)('%s %s tells the methods that are allowed', async (method, url, allow) => {
    const { request } = await prepared()
    const answer = await request({ method, url, payload: '{"unread": ' })
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, allow])
  })

  it('tells when tasks go, to who would delete one', async () => {
    const { request } = await prepared()
    const answer = await request({ method: 'DELETE', url: `/v2/tasks/${otherId}` })
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'GET'])
    expect(answer.body).toContain('They are auto deleted after reaching the time based on their expires_at property.')
  })

  it('tells the media types of patches', async () => {
    const { request } = await prepared()
    const answer = await request(patch([], 'text/plain'))
    expect(answer.headers['accept-patch']).toBe(`${v20}, ${v21}`)
  })

  it.each([
    [
      { range: 'bytes=20-' },
      416,
      'Invalid start position in Range header. Start position MUST be in the inclusive range [0, 19].',
    ],
    [{ range: 'bytes=x' }, 416, 'Invalid Range header.'],
    [{ range: 'bytes=5-3' }, 416, 'Invalid Range header.'],
    [{ range: 'bytes=-' }, 416, 'Invalid Range header.'],
    [{ range: 'bytes=-0' }, 416, 'Invalid Range header: it asks for no bytes.'],
    [{ 'content-range': 'bytes 0-20/*' }, 416, 'Invalid stop position in Content-Range header.'],
    [{ 'content-range': 'bytes */20' }, 416, 'Invalid Content-Range header.'],
    [{ 'content-range': 'bytes 20-21/*' }, 416, 'Invalid start position in Content-Range header.'],
    [{ 'content-range': 'bytes 0-9/5' }, 416, 'Invalid Content-Range header.'],
    [{ range: 'bytes=0-1,3-4' }, 400, 'Requests with multiple ranges are not supported.'],
  ])('a range of %o is refused, with the size', async (range, status, text) => {
    const { request, upload } = await prepared()
    await upload('the data of an image')
    const answer = await request({ url: `${image}/file`, headers: range })
    expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(text)])
    expect(answer.headers['content-range']).toBe(status === 416 ? 'bytes */20' : undefined)
  })

  it.each([{ range: 'bytes=0-' }, { 'content-range': 'bytes 0-1/*' }])(
    'a range of no data is refused',
    async (range) => {
      const { request, createImage, upload } = await startService()
      await createImage()
      await upload('')
      const answer = await request({ url: `${image}/file`, headers: range })
      expect([answer.statusCode, answer.headers['content-range']]).toEqual([416, 'bytes */0'])
      expect(answer.body).toContain('header: the image data has no bytes.')
    },
  )

  it('there are no stores to tell of where there is only one', async () => {
    const { request } = await startService({ multi: false })
    const answer = await request({ url: '/v2/info/stores' })
    expect([answer.statusCode, answer.body]).toEqual([
      404,
      '404 Not Found\n\nMulti backend is not supported at this site.\n\n   ',
    ])
  })
})
