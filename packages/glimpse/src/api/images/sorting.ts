import { invalid } from '../../domain/errors.ts'
import type { ImageQuery, ImageSortKey, SortDirection } from '../../domain/ports.ts'

const keys: Readonly<Record<string, ImageSortKey>> = {
  name: 'name',
  status: 'status',
  container_format: 'containerFormat',
  disk_format: 'diskFormat',
  size: 'size',
  id: 'id',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
}

type Sort = ImageQuery['sort']

/**
 * The order that a list of images is asked for in: `sort=name:asc,size`, or `sort_key` and `sort_dir`, each of which
 * may come several times. One direction goes for all keys; none means descending. Ties are broken by the time of
 * creation and by the id, in the direction given if only one is.
 *
 * @throws ServiceError `invalid`.
 */
export function sortOf(query: URLSearchParams): Sort {
  const sort = query.get('sort')
  if (sort === null) return classicSort(query.getAll('sort_key'), query.getAll('sort_dir'))
  if (query.has('sort_key') || query.has('sort_dir')) throw invalid('Old and new sorting syntax cannot be combined')
  return sort
    .trim()
    .split(',')
    .map((term) => {
      const [key = '', direction = ''] = term.split(/:(.*)/s)
      return { key: sortKey(key.trim()), direction: sortDirection(direction.trim() || 'desc') }
    })
}

function classicSort(names: readonly string[], directions: readonly string[]): Sort {
  const given = names.map((name) => sortKey(name.trim()))
  const ways = directions.map((direction) => sortDirection(direction.trim()))
  if (ways.length > 1 && ways.length !== given.length) {
    throw invalid('Number of sort dirs does not match the number of sort keys')
  }
  const wanted: ImageSortKey[] = given.length > 0 ? given : ['createdAt']
  const sort = wanted.map((key, at) => ({ key, direction: ways[at] ?? ways[0] ?? 'desc' }))
  if (ways.length > 1) return sort
  const ties = (['createdAt', 'id'] as const).filter((key) => !wanted.includes(key))
  return [...sort, ...ties.map((key) => ({ key, direction: ways[0] ?? 'desc' }))]
}

function sortKey(name: string): ImageSortKey {
  const key = Object.hasOwn(keys, name) ? keys[name] : undefined
  if (key) return key
  throw invalid(`Invalid sort key: ${name}. It must be one of the following: ${Object.keys(keys).join(', ')}.`)
}

/** @throws ServiceError `invalid`. */
function sortDirection(name: string): SortDirection {
  if (name === 'asc' || name === 'desc') return name
  throw invalid(`Invalid sort direction: ${name}`)
}
