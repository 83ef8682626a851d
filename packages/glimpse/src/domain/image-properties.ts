import { invalid, type ServiceError } from './errors.ts'
import { checkPropertyName } from './fixed-names.ts'
import { type NewImage, type Visibility, visibilities } from './image.ts'
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
 * @throws ServiceError `invalid`, naming the property, what was given and what is allowed; `read-only` or `reserved`.
 */
export function imageFromProperties(id: string, owner: string | null, properties: Json | undefined): NewImage {
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
    throw invalid(`'image_properties' must be an object, not ${JSON.stringify(properties)}`)
  }
  const { tags = [], ...rest } = properties as { readonly tags?: Json; readonly [key: string]: Json | undefined }
  const known = Object.fromEntries(Object.entries(rest).filter(([key]) => Object.hasOwn(kinds, key)))
  for (const [key, kind] of Object.entries(kinds)) check(key, known[key], kind)
  const extra = Object.entries(rest).filter(([key]) => !Object.hasOwn(kinds, key))
  checkTexts(known)
  for (const [key, value] of extra) checkProperty(key, value)
  if (!Array.isArray(tags) || !tags.every(isShort)) throw wrong('tags', tags, `a list of ${shortTexts}`)
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

const longest = 255
const shortTexts = `strings of at most ${longest} characters`

function isShort(value: Json | undefined): boolean {
  return typeof value === 'string' && value.length <= longest
}

function checkTexts({ name, visibility }: { readonly [key: string]: Json | undefined }): void {
  if (name !== undefined && !isShort(name)) throw wrong('name', name, `a string of at most ${longest} characters`)
  if (visibility !== undefined && !(visibilities as readonly Json[]).includes(visibility)) {
    throw wrong('visibility', visibility, `one of ${visibilities.join(', ')}`)
  }
}

function checkProperty(key: string, value: Json | undefined): void {
  checkPropertyName(key)
  check(key, value, 'string')
}

function check(key: string, value: Json | undefined, kind: string): void {
  if (value !== undefined && typeof value !== kind) throw wrong(key, value, `a ${kind}`)
}

function wrong(key: string, value: Json, allowed: string): ServiceError {
  return invalid(`'${key}' must be ${allowed}, not ${JSON.stringify(value)}`)
}
