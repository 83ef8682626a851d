import { ServiceError } from './errors.ts'
import type { NewImage, Visibility } from './image.ts'
import type { Json } from './task.ts'

const kinds = {
  name: 'string',
  container_format: 'string',
  disk_format: 'string',
  visibility: 'string',
  min_ram: 'number',
  min_disk: 'number',
  protected: 'boolean',
} as const

/**
 * The image that a legacy import is to make. Properties that the API does not know become properties of the image.
 *
 * @param properties the task's `image_properties`; without a format, qcow2 in a bare container is meant.
 * @throws ServiceError `invalid`, naming the property, what was given and what is allowed.
 */
export function imageFromProperties(id: string, owner: string | null, properties: Json | undefined): NewImage {
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
    throw new ServiceError('invalid', {
      reason: `'image_properties' must be an object, not ${JSON.stringify(properties)}`,
    })
  }
  const { tags = [], ...rest } = properties as { readonly tags?: Json; readonly [key: string]: Json | undefined }
  const known = Object.fromEntries(Object.entries(rest).filter(([key]) => Object.hasOwn(kinds, key)))
  for (const [key, kind] of Object.entries(kinds)) check(key, known[key], kind)
  const extra = Object.entries(rest).filter(([key]) => !Object.hasOwn(kinds, key))
  for (const [key, value] of extra) check(key, value, 'string')
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string'))
    throw wrong('tags', tags, 'a list of strings')
  return {
    id,
    owner,
    name: (known['name'] as string | undefined) ?? null,
    containerFormat: (known['container_format'] as string | undefined) ?? 'bare',
    diskFormat: (known['disk_format'] as string | undefined) ?? 'qcow2',
    visibility: (known['visibility'] as Visibility | undefined) ?? 'shared',
    minRam: (known['min_ram'] as number | undefined) ?? 0,
    minDisk: (known['min_disk'] as number | undefined) ?? 0,
    protected: (known['protected'] as boolean | undefined) ?? false,
    tags: tags as readonly string[],
    properties: Object.fromEntries(extra) as Record<string, string>,
  }
}

function check(key: string, value: Json | undefined, kind: string): void {
  if (value !== undefined && typeof value !== kind) throw wrong(key, value, `a ${kind}`)
}

function wrong(key: string, value: Json, allowed: string): ServiceError {
  return new ServiceError('invalid', { reason: `'${key}' must be ${allowed}, not ${JSON.stringify(value)}` })
}
