import { type TSchema, Type } from 'typebox'
import type { Config } from '../../config/config.ts'
import { visibilities } from '../../domain/image.ts'
import type { NamedSchema } from '../route.ts'
import { collectionSchema } from './collection-schema.ts'

export const uuidPattern = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'

const statuses = [
  'queued',
  'saving',
  'active',
  'killed',
  'deleted',
  'uploading',
  'importing',
  'pending_delete',
  'deactivated',
]

/**
 * An image, as `GET /v2/schemas/image` tells it to clients, some of which build their own model from it, and as new
 * images and patches are checked. Only keywords that JSON Schema draft 4 knows.
 *
 * Source: OpenStack Images API v2, "Show image schema".
 */
export function imageSchema({ formats }: Pick<Config, 'formats'>): TSchema {
  return Type.Object(Object.fromEntries(Object.entries(propertiesOf(formats)).map(optional)), {
    name: 'image',
    additionalProperties: Type.String(),
    links: [
      { rel: 'self', href: '{self}' },
      { rel: 'enclosure', href: '{file}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  })
}

export function namedImageSchema(config: Pick<Config, 'formats'>): NamedSchema {
  return { name: 'image', schema: imageSchema(config) }
}

export function imagesSchema(config: Pick<Config, 'formats'>): TSchema {
  return collectionSchema('images', imageSchema(config))
}

function propertiesOf({ container, disk }: Config['formats']): Readonly<Record<string, TSchema>> {
  return { ...settable(container, disk), ...readOnly, locations }
}

function settable(container: readonly string[], disk: readonly string[]): Readonly<Record<string, TSchema>> {
  return {
    id: Type.String({ description: 'The id of the image, a UUID', pattern: uuidPattern }),
    name: nullable('string', 'What people call the image', { maxLength: 255 }),
    visibility: Type.Unsafe({
      type: 'string',
      description: 'Who can see the image',
      enum: [...visibilities],
    }),
    protected: Type.Boolean({ description: 'Whether the image cannot be deleted' }),
    os_hidden: Type.Boolean({ description: 'Whether lists leave the image out unless asked for hidden ones' }),
    owner: nullable('string', 'The project that owns the image', { maxLength: 255 }),
    container_format: nullable('string', 'What the data is wrapped in', { enum: [null, ...container] }),
    disk_format: nullable('string', 'How the data lays out a disk', { enum: [null, ...disk] }),
    tags: Type.Array(Type.String({ maxLength: 255 }), { description: 'Words by which lists find the image' }),
    min_ram: Type.Integer({ description: 'Memory that the image needs to boot, in MiB' }),
    min_disk: Type.Integer({ description: 'Disk space that the image needs to boot, in GiB' }),
  }
}

const readOnly: Readonly<Record<string, TSchema>> = {
  status: Type.Unsafe({ ...fixed('string', 'What can be done with the image now'), enum: statuses }),
  checksum: nullable('string', 'The md5 of the data, hex', { maxLength: 32, readOnly: true }),
  os_hash_algo: nullable('string', 'The algorithm behind os_hash_value', { maxLength: 64, readOnly: true }),
  os_hash_value: nullable('string', 'The digest of the data, hex', { maxLength: 128, readOnly: true }),
  size: nullable('integer', 'The size of the data in bytes', { readOnly: true }),
  virtual_size: nullable('integer', 'The size of the disk in the data, in bytes', { readOnly: true }),
  created_at: Type.Unsafe(fixed('string', 'When the image was registered, ISO 8601')),
  updated_at: Type.Unsafe(fixed('string', 'When the image was last changed, ISO 8601')),
  direct_url: Type.Unsafe(fixed('string', 'The URL of the data in its store')),
  self: Type.Unsafe(fixed('string', 'The path of the image')),
  file: Type.Unsafe(fixed('string', 'The path of the data')),
  stores: Type.Unsafe(fixed('string', 'The ids of the stores that have the data, with commas between')),
  schema: Type.Unsafe(fixed('string', 'The path of this schema')),
}

const locations = Type.Array(
  Type.Object({ url: Type.String({ maxLength: 255 }), metadata: Type.Unsafe({ type: 'object' }) }),
  { description: 'Where the stores have the data' },
)

function nullable(type: 'string' | 'integer', description: string, also: object): TSchema {
  return Type.Unsafe({ type: ['null', type], description, ...also })
}

function fixed(type: string, description: string): { type: string; description: string; readOnly: true } {
  return { type, description, readOnly: true }
}

function optional([name, schema]: [string, TSchema]): [string, TSchema] {
  return [name, Type.Optional(schema)]
}
