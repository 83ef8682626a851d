import { ServiceError } from '../domain/errors.ts'
import type { Image } from '../domain/image.ts'

/**
 * What the API calls the attributes that users may set, tags and properties apart, and where an image keeps them.
 *
 * Source: OpenStack Images API v2, "Image schema"; Glance's `_base_properties`.
 */
export const settableAttributes = {
  name: 'name',
  visibility: 'visibility',
  protected: 'protected',
  os_hidden: 'hidden',
  owner: 'owner',
  container_format: 'containerFormat',
  disk_format: 'diskFormat',
  min_disk: 'minDisk',
  min_ram: 'minRam',
} as const satisfies Record<string, keyof Image>

export type SettableAttribute = keyof typeof settableAttributes

/** Values for settable attributes, under the names that the domain gives them. */
export type AttributeValues = Partial<Pick<Image, (typeof settableAttributes)[SettableAttribute]>>

export function isSettable(name: string): name is SettableAttribute {
  return Object.hasOwn(settableAttributes, name)
}

/** @throws ServiceError `invalid` for a number that cannot be a size in MiB or GiB. */
export function checkMinima(values: AttributeValues): void {
  for (const [param, value] of [
    ['min_disk', values.minDisk],
    ['min_ram', values.minRam],
  ] as const) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue
    const why = value < 0 ? 'Cannot be a negative value' : `Cannot be above ${Number.MAX_SAFE_INTEGER}`
    throw new ServiceError('invalid', { reason: `Invalid value '${value}' for parameter '${param}': ${why}` })
  }
}

/** @param quota how many an image may have; negative: any number. @throws ServiceError `too-many-properties`. */
export function checkPropertyQuota(attempted: number, quota: number): void {
  if (quota >= 0 && attempted > quota) throw new ServiceError('too-many-properties', { attempted, maximum: quota })
}

/** @param quota how many an image may have; negative: any number. @throws ServiceError `too-many-tags`. */
export function checkTagQuota(attempted: number, quota: number): void {
  if (quota >= 0 && attempted > quota) throw new ServiceError('too-many-tags', { attempted, maximum: quota })
}
