import {
  type Expression,
  type Kysely,
  type RawBuilder,
  type Selectable,
  type SelectQueryBuilder,
  type SqlBool,
  sql,
} from 'kysely'
import { ServiceError } from '../domain/errors.ts'
import type { Image } from '../domain/image.ts'
import type { ImageFilter, ImageQuery, ImageSortKey } from '../domain/ports.ts'
import { columnOf, completeImages } from './image-rows.ts'
import { checkLimit, completeSort, isAfter, type Scalar, type SortTerm } from './keyset.ts'
import type { ImageTable, Schema } from './schema.ts'

type ImageRow = Selectable<ImageTable>
type PlainField = Exclude<ImageFilter['field'], 'tag' | 'property'>
type Kind = 'text' | 'count' | 'flag' | 'time'

const kinds: { readonly [F in PlainField]: Kind } = {
  id: 'text',
  name: 'text',
  status: 'text',
  visibility: 'text',
  owner: 'text',
  containerFormat: 'text',
  diskFormat: 'text',
  protected: 'flag',
  hidden: 'flag',
  size: 'count',
  minRam: 'count',
  minDisk: 'count',
  checksum: 'text',
  hashValue: 'text',
  createdAt: 'time',
  updatedAt: 'time',
}
const nullable: ReadonlySet<ImageSortKey> = new Set(['name', 'containerFormat', 'diskFormat', 'size'])
const ordered = { gt: sql`>`, gte: sql`>=`, lt: sql`<`, lte: sql`<=` } as const

/** One page. The marker may have been deleted since: its row still says where the page begins. */
export async function listImages(trx: Kysely<Schema>, query: ImageQuery): Promise<Image[]> {
  const { marker } = query
  const row =
    marker === undefined
      ? undefined
      : await trx.selectFrom('images').selectAll().where('id', '=', marker).executeTakeFirst()
  if (marker !== undefined && !row) throw new ServiceError('image-not-found', { id: marker })
  return completeImages(trx, await selectPage(trx, query, row).execute())
}

/** The statement of one page, before it is run. */
export function selectPage(
  db: Kysely<Schema>,
  query: ImageQuery,
  marker: ImageRow | undefined,
): SelectQueryBuilder<Schema, 'images', ImageRow> {
  const terms = completeSort(
    query.sort.map(
      ({ key, direction }): SortTerm => ({ column: columnOf[key], direction, nullable: nullable.has(key) }),
    ),
    'desc',
  )
  let page = db.selectFrom('images').selectAll().where('deleted_at', 'is', null).limit(checkLimit(query.limit))
  for (const filter of query.filters) page = page.where(matches(filter))
  if (marker) page = page.where(isAfter(terms, { ...marker }))
  for (const { column, direction } of terms) page = page.orderBy(sql.ref(column), direction)
  return page
}

function matches(filter: ImageFilter): Expression<SqlBool> {
  const { field, op, value } = filter
  if (value === null && op !== 'eq' && op !== 'neq') throw refuse(filter, 'a value other than null')
  if (field === 'tag') return matchesPart(filter, sql`select 1 from image_tags where image_id = images.id`, 'tag')
  if (field !== 'property') return compare(filter, sql.ref(`images.${columnOf[field]}`), kinds[field])
  if (filter.property === undefined) throw refuse(filter, 'the name of the property')
  const own = sql`select 1 from image_properties where image_id = images.id and name = ${filter.property}`
  return matchesPart(filter, own, 'value')
}

/** Of tags and properties there may be none or many: `eq` asks for one that is so, `neq` that none is. */
function matchesPart(filter: ImageFilter, own: RawBuilder<unknown>, column: string): Expression<SqlBool> {
  const { op, value } = filter
  const any =
    value === null
      ? own
      : sql`${own} and ${compare(op === 'neq' ? { ...filter, op: 'eq' } : filter, sql.ref(column), 'text')}`
  return (op === 'neq') === (value === null) ? sql<SqlBool>`exists (${any})` : sql<SqlBool>`not exists (${any})`
}

/** `neq` is true of null, unless null is what is asked about; the ordered comparisons never are. (An `is` with a
 *  parameter may ask for null, so it finds no index that leaves nulls out: hence `=`.) */
function compare({ field, op, value }: ImageFilter, ref: RawBuilder<unknown>, kind: Kind): RawBuilder<SqlBool> {
  if (op === 'in') {
    if (!Array.isArray(value)) throw refuse({ field, op, value }, 'an array')
    return sql<SqlBool>`${ref} in (select value from json_each(${JSON.stringify(value.map((one) => toScalar(field, kind, one)))}))`
  }
  if (typeof value === 'object' && value !== null) throw refuse({ field, op, value }, 'one value')
  const scalar = toScalar(field, kind, value)
  if (op === 'eq') return scalar === null ? sql<SqlBool>`${ref} is null` : sql<SqlBool>`${ref} = ${scalar}`
  if (op === 'neq') return sql<SqlBool>`${ref} is not ${scalar}`
  return sql<SqlBool>`${ref} ${ordered[op]} ${scalar}`
}

function toScalar(field: string, kind: Kind, value: string | number | boolean | null): Scalar {
  if (value === null || kind === 'text') return value === null ? null : String(value)
  if (kind === 'flag') {
    if (typeof value === 'boolean') return Number(value)
    throw refuse({ field, value }, 'true or false')
  }
  if (kind === 'count') {
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw refuse({ field, value }, 'a number')
  }
  const time = new Date(String(value))
  if (Number.isNaN(time.getTime())) throw refuse({ field, value }, 'a time in ISO 8601')
  return time.toISOString()
}

function refuse(filter: { field: string; op?: string; value: unknown }, allowed: string): ServiceError {
  const { field, op, value } = filter
  const reason = `The filter ${field}${op === undefined ? '' : ` ${op}`} is given ${JSON.stringify(value)}, it takes ${allowed}`
  return new ServiceError('invalid', { reason })
}
