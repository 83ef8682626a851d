import { invalid, ServiceError } from './errors.ts'

/** Only the service sets these. `id` is among them: it can be chosen for a new image, and never changed. */
const readOnlyAttributes: readonly string[] = [
  'id',
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'stores',
  'os_hash_algo',
  'os_hash_value',
]

const reservedNames: readonly string[] = ['location', 'deleted', 'deleted_at']
const reservedPrefix = 'os_glance'

const longestName = 255

/** @throws ServiceError `read-only`, `reserved` or `invalid` for a name that no property of a new image may have. */
export function checkPropertyName(name: string): void {
  refuseFixedName(name)
  if (name === 'locations') throw new ServiceError('reserved', { name })
  checkNameLength(name)
}

/** @throws ServiceError `invalid` */
export function checkNameLength(name: string): void {
  if (name.length > longestName) {
    throw invalid(`Custom property should not be greater than ${longestName} characters.`)
  }
}

/** @throws ServiceError `read-only` or `reserved` for a name that users may not write to. */
export function refuseFixedName(name: string): void {
  if (readOnlyAttributes.includes(name)) throw new ServiceError('read-only', { name })
  if (reservedNames.includes(name) || name.startsWith(reservedPrefix)) throw new ServiceError('reserved', { name })
}
