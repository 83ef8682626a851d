import type { RequestContext } from '../../domain/context.ts'
import { invalid } from '../../domain/errors.ts'
import { visibilities } from '../../domain/image.ts'
import type { ImageFilter } from '../../domain/ports.ts'
import { parseComparison, parseTime, splitList } from './filter-values.ts'

/** What is no filter, but says which page of the list is wanted, and how. */
const noFilters: ReadonlySet<string> = new Set([
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'member_status',
  'deleted',
])

/** Each is a term of one expression in the database, whose depth has a limit. */
const mostFilters = 100

type Read = (value: string, name: string) => ImageFilter[]

/** How the value of each known filter is read; any other name is that of a property, which must equal the value. */
const readers: Readonly<Record<string, Read>> = {
  id: listed('id'),
  name: listed('name'),
  status: listed('status'),
  container_format: listed('containerFormat'),
  disk_format: listed('diskFormat'),
  checksum: equal('checksum'),
  os_hash_value: equal('hashValue'),
  owner: equal('owner'),
  tag: (value) => [{ field: 'tag', op: 'eq', value: value.trim() }],
  visibility: visibility,
  protected: flag('protected'),
  os_hidden: (value, name) => flag('hidden')(value.toLowerCase(), name),
  created_at: timed('createdAt'),
  updated_at: timed('updatedAt'),
  size: counted('size', 'eq'),
  size_min: counted('size', 'gte'),
  size_max: counted('size', 'lte'),
  min_ram: counted('minRam', 'eq'),
  min_ram_min: counted('minRam', 'gte'),
  min_ram_max: counted('minRam', 'lte'),
  min_disk: counted('minDisk', 'eq'),
  min_disk_min: counted('minDisk', 'gte'),
  min_disk_max: counted('minDisk', 'lte'),
  'changes-since': () => {
    throw invalid('The "changes-since" filter is no longer available on v2.')
  },
}

/**
 * The filters of a list of images. Hidden images are listed only when asked for; those of the community too, as
 * nobody without a project owns one.
 *
 * Source: OpenStack Images API v2, "List images"; Glance's `_make_conditions_from_filters`.
 *
 * @throws ServiceError `invalid`.
 */
export function filtersOf(query: URLSearchParams, { projectId }: RequestContext): ImageFilter[] {
  const memberStatus = query.get('member_status') ?? 'accepted'
  if (!['pending', 'accepted', 'rejected', 'all'].includes(memberStatus))
    throw invalid(`Invalid status: ${memberStatus}`)
  const given = [...query].filter(([name]) => !noFilters.has(name))
  if (given.length > mostFilters) throw invalid(`${given.length} filters were given, ${mostFilters} are allowed.`)
  const filters: ImageFilter[] = []
  for (const [name, value] of given) {
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined
    filters.push(...(read ? read(value, name) : [{ field: 'property', property: name, op: 'eq', value } as const]))
  }
  if (!query.has('os_hidden')) filters.push({ field: 'hidden', op: 'eq', value: false })
  if (!query.has('visibility') && projectId === null) {
    filters.push({ field: 'visibility', op: 'neq', value: 'community' })
  }
  return filters
}

function equal(field: ImageFilter['field']): Read {
  return (value) => [{ field, op: 'eq', value }]
}

function listed(field: ImageFilter['field']): Read {
  return (value) => {
    const { op, operand } = parseComparison(value)
    if (op === 'in') return [{ field, op, value: splitList(operand) }]
    if (op === 'eq') return [{ field, op, value: operand }]
    throw invalid(`Unable to filter by unknown operator '${op}'.`)
  }
}

const orders: readonly string[] = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq']

function timed(field: ImageFilter['field']): Read {
  return (value, name) => {
    const { op, operand } = parseComparison(value)
    const time = parseTime(operand)
    if (time === undefined) throw invalid(`Bad "${name}" query filter format. Use ISO 8601 DateTime notation.`)
    if (!orders.includes(op)) {
      throw invalid(`Unable to filter by unknown operator '${op}'. The operators are ${orders.join(', ')}.`)
    }
    return [{ field, op: op as ImageFilter['op'], value: time }]
  }
}

function counted(field: ImageFilter['field'], op: ImageFilter['op']): Read {
  return (value, name) => {
    if (!/^\s*[+-]?\d+\s*$/.test(value)) throw invalid('Unable to filter on a range with a non-numeric value.')
    const count = Number(value)
    if (Number.isSafeInteger(count)) return [{ field, op, value: count }]
    throw invalid(
      `Unable to filter by ${name}: ${value.trim()} is given, at most ${Number.MAX_SAFE_INTEGER} is allowed.`,
    )
  }
}

function flag(field: ImageFilter['field']): Read {
  return (value, name) => {
    if (value === 'true' || value === 'false') return [{ field, op: 'eq', value: value === 'true' }]
    throw invalid(`Invalid value '${value}' for '${name}' filter. Valid values are 'true' or 'false'.`)
  }
}

function visibility(value: string): ImageFilter[] {
  if (value === 'all') return []
  if ((visibilities as readonly string[]).includes(value)) return [{ field: 'visibility', op: 'eq', value }]
  throw invalid(`Invalid visibility value: ${value}`)
}
