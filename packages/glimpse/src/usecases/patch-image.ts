import type { RequestContext } from '../domain/context.ts'
import { ServiceError } from '../domain/errors.ts'
import { refuseFixedName } from '../domain/fixed-names.ts'
import type { Image, ImageChange, ImageExpectation } from '../domain/image.ts'
import type { Json } from '../domain/task.ts'
import { requireImage } from './finding.ts'
import {
  type AttributeValues,
  checkMinima,
  checkPropertyQuota,
  checkTagQuota,
  isSettable,
  settableAttributes,
} from './image-attributes.ts'
import type { Parts } from './parts.ts'

/** One operation of a JSON patch; its value has been checked against the schema of an image. */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove'
  /** The attribute or property. */
  readonly name: string
  /** Not with `remove`. */
  readonly value?: Json
  /** Whether `add` refuses what is there already, as the media type 2.0 demands. */
  readonly addsOnlyNew?: boolean
}

/**
 * Changes an image's attributes, tags and properties: all operations or none, in one change of its row.
 *
 * @returns the image as it is now.
 * @throws ServiceError `image-not-found`; `read-only`, `reserved` or `forbidden` for what may not be changed (now);
 *   `conflict` for a property that is missing or there already; `invalid`; `too-many-properties`; `too-many-tags`.
 */
export async function patchImage(
  { config: { limits }, images }: Parts,
  context: RequestContext,
  id: string,
  operations: readonly PatchOperation[],
): Promise<Image> {
  for (const { name } of operations) refuseFixedName(name)
  const image = await requireImage(images, id)
  const patch = new Patch(image, context)
  for (const operation of operations) patch.apply(operation)
  if (operations.length === 0) return image
  if (patch.tags) checkTagQuota(patch.tags.length, limits.tagQuota)
  if (patch.addsProperties()) checkPropertyQuota(patch.properties.size, limits.propertyQuota)
  checkMinima(patch.attributes)
  try {
    return await images.update(id, patch.change(), patch.expectation())
  } catch (error) {
    const late = error instanceof ServiceError && error.code === 'image-transition'
    throw late && patch.setsFormat() ? formatIsFixed(patch.formats()[0]!, error) : error
  }
}

/** An image as the operations so far leave it. */
class Patch {
  readonly attributes: AttributeValues = {}
  readonly properties: Map<string, string>
  tags: readonly string[] | undefined
  readonly #before: Image
  readonly #context: RequestContext

  constructor(before: Image, context: RequestContext) {
    this.#before = before
    this.#context = context
    this.properties = new Map(Object.entries(before.properties))
  }

  apply(operation: PatchOperation): void {
    const { op, name } = operation
    if (name === 'locations') throw locationsAreInvisible(op)
    if (isSettable(name) || name === 'tags') this.#applyToBase(operation)
    else this.#applyToProperty(operation)
  }

  #applyToBase({ op, name, value, addsOnlyNew = false }: PatchOperation): void {
    if (op === 'remove') throw new ServiceError('forbidden', { reason: `Property ${name} may not be removed.` })
    if (op === 'add' && addsOnlyNew) throw alreadyPresent(name)
    if (name === 'tags') this.tags = [...new Set(value as readonly string[])]
    else if (isSettable(name)) this.#set(name, value)
  }

  #set(name: keyof typeof settableAttributes, value: Json | undefined): void {
    if (name === 'owner' && !this.#context.isAdmin) {
      throw new ServiceError('forbidden', { reason: "Owner can't be updated by non admin." })
    }
    if (isFormat(name) && !formatsMayChangeIn.includes(this.#before.status)) throw formatIsFixed(name)
    Object.assign(this.attributes, { [settableAttributes[name]]: value })
  }

  #applyToProperty({ op, name, value, addsOnlyNew = false }: PatchOperation): void {
    const present = this.properties.has(name)
    if (op !== 'add' && !present) throw new ServiceError('conflict', { reason: `Property ${name} does not exist.` })
    if (op === 'add' && present && addsOnlyNew) throw alreadyPresent(name)
    if (op === 'remove') this.properties.delete(name)
    else this.properties.set(name, value as string)
  }

  addsProperties(): boolean {
    return [...this.properties.keys()].some((name) => !Object.hasOwn(this.#before.properties, name))
  }

  /** The names of the formats that are set. */
  formats(): readonly string[] {
    return Object.entries(settableAttributes)
      .filter(([name, field]) => isFormat(name) && field in this.attributes)
      .map(([name]) => name)
  }

  setsFormat(): boolean {
    return this.formats().length > 0
  }

  change(): ImageChange {
    const { properties } = this.#before
    const changed = [...this.properties].filter(
      ([name, value]) => !Object.hasOwn(properties, name) || properties[name] !== value,
    )
    return {
      set: this.attributes,
      ...(this.tags ? { tags: this.tags } : {}),
      setProperties: Object.fromEntries(changed),
      removeProperties: Object.keys(properties).filter((name) => !this.properties.has(name)),
    }
  }

  /** A format is set only while data can still come to it; another request may have moved the image meanwhile. */
  expectation(): ImageExpectation {
    return this.setsFormat() ? { status: formatsMayChangeIn } : {}
  }
}

const formatsMayChangeIn: readonly Image['status'][] = ['queued', 'uploading', 'importing']

function isFormat(name: string): boolean {
  return name === 'container_format' || name === 'disk_format'
}

function formatIsFixed(name: string, cause?: unknown): ServiceError {
  const reason = `Attribute ${name} can be only replaced for a queued image.`
  return new ServiceError('forbidden', { reason }, { cause })
}

function alreadyPresent(name: string): ServiceError {
  return new ServiceError('conflict', { reason: `Property ${name} already present.` })
}

function locationsAreInvisible(op: PatchOperation['op']): ServiceError {
  const verb = { add: 'add', replace: 'update', remove: 'remove' }[op]
  return new ServiceError('forbidden', {
    reason: `It's not allowed to ${verb} locations if locations are invisible.`,
  })
}
