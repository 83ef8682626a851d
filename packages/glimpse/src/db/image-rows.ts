import { type Insertable, type Kysely, type RawBuilder, type Selectable, sql } from 'kysely'
import { ServiceError } from '../domain/errors.ts'
import type { DataFacts, Image, ImageChange, Location, NewImage } from '../domain/image.ts'
import type { ImageTable, Schema } from './schema.ts'

type ImageRow = Selectable<ImageTable>
type Settable = NonNullable<ImageChange['set']>
type PlainKey = Exclude<keyof Image, 'tags' | 'properties' | 'locations'>

/** The column of each field that has one of its own. */
export const columnOf: { readonly [K in PlainKey]: Exclude<keyof ImageTable, 'deleted_at'> } = {
  id: 'id',
  name: 'name',
  status: 'status',
  visibility: 'visibility',
  protected: 'protected',
  hidden: 'hidden',
  owner: 'owner',
  containerFormat: 'container_format',
  diskFormat: 'disk_format',
  minDisk: 'min_disk',
  minRam: 'min_ram',
  size: 'size',
  virtualSize: 'virtual_size',
  checksum: 'checksum',
  hashAlgo: 'hash_algo',
  hashValue: 'hash_value',
  staged: 'staged',
  importTask: 'import_task',
  importingStores: 'importing_stores',
  failedStores: 'failed_stores',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
}

/**
 * The columns of a change.
 *
 * @throws ServiceError `invalid` for a number that is not a count: SQLite would store it, and node:sqlite then refuse
 *   to read the row (a header inside an image may claim a virtual size of 2^64).
 */
export function toColumns(set: Settable = {}): Partial<ImageTable> {
  const columns: Record<string, string | number | null> = {}
  for (const [key, value] of Object.entries(set)) {
    if (value !== undefined) columns[columnOf[key as PlainKey]] = encode(key, value)
  }
  return columns
}

function encode(key: string, value: Settable[keyof Settable]) {
  if (value === null || value === undefined || typeof value === 'string') return value ?? null
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'object') return JSON.stringify(value)
  if (Number.isSafeInteger(value) && value >= 0) return value
  const reason = `${key} is ${value}, a whole number from 0 to ${Number.MAX_SAFE_INTEGER} is allowed`
  throw new ServiceError('invalid', { reason })
}

/** The row of a new image: `queued`, without data. */
export function toNewRow(image: NewImage, now: string): Insertable<ImageTable> {
  const { id, tags: _tags, properties: _properties, ...given } = image
  return {
    id,
    name: null,
    owner: null,
    visibility: 'shared',
    protected: 0,
    hidden: 0,
    min_disk: 0,
    min_ram: 0,
    importing_stores: '[]',
    failed_stores: '[]',
    ...toColumns(given),
    status: 'queued',
    created_at: now,
    updated_at: now,
  }
}

/** Any number of values in a statement of one text, and no limit on them. */
function valuesOf(values: readonly string[]): RawBuilder<string> {
  return sql<string>`(select value from json_each(${JSON.stringify(values)}))`
}

interface Parts {
  readonly tags: string[]
  readonly properties: [string, string][]
  readonly locations: Location[]
}

function toImage(row: ImageRow, { tags, properties, locations }: Parts): Image {
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    visibility: row.visibility,
    protected: row.protected === 1,
    hidden: row.hidden === 1,
    owner: row.owner,
    containerFormat: row.container_format,
    diskFormat: row.disk_format,
    minDisk: row.min_disk,
    minRam: row.min_ram,
    size: row.size,
    virtualSize: row.virtual_size,
    checksum: row.checksum,
    hashAlgo: row.hash_algo,
    hashValue: row.hash_value,
    tags,
    properties: Object.fromEntries(properties),
    locations,
    staged: row.staged === null ? null : (JSON.parse(row.staged) as DataFacts),
    importTask: row.import_task,
    importingStores: JSON.parse(row.importing_stores) as string[],
    failedStores: JSON.parse(row.failed_stores) as string[],
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/**
 * Completes rows with their tags, properties and locations, with one query each however many rows there are.
 */
export async function completeImages(db: Kysely<Schema>, rows: readonly ImageRow[]): Promise<Image[]> {
  if (rows.length === 0) return []
  const ids = valuesOf(rows.map(({ id }) => id))
  const tags = db.selectFrom('image_tags').selectAll().where('image_id', 'in', ids)
  const properties = db.selectFrom('image_properties').selectAll().where('image_id', 'in', ids)
  const locations = db.selectFrom('image_locations').selectAll().where('image_id', 'in', ids)
  const parts = new Map<string, Parts>(rows.map(({ id }) => [id, { tags: [], properties: [], locations: [] }]))
  for (const row of await tags.orderBy('tag').execute()) parts.get(row.image_id)?.tags.push(row.tag)
  for (const row of await properties.orderBy('name').execute()) {
    parts.get(row.image_id)?.properties.push([row.name, row.value])
  }
  for (const { image_id, store, url } of await locations.orderBy('seq').execute()) {
    parts.get(image_id)?.locations.push({ store, url })
  }
  return rows.map((row) => toImage(row, parts.get(row.id)!))
}

/** The image, if it exists and is not deleted. Consistent only inside a transaction. */
export async function loadImage(trx: Kysely<Schema>, id: string): Promise<Image | undefined> {
  const rows = await trx.selectFrom('images').selectAll().where('id', '=', id).where('deleted_at', 'is', null).execute()
  return (await completeImages(trx, rows))[0]
}

/** As {@link loadImage}, of many those that there are. */
export async function loadImages(trx: Kysely<Schema>, ids: readonly string[]): Promise<Image[]> {
  const rows = trx.selectFrom('images').selectAll().where('id', 'in', valuesOf(ids)).where('deleted_at', 'is', null)
  return completeImages(trx, await rows.execute())
}
