import { randomUUID } from 'node:crypto'
import type { RequestContext } from '../domain/context.ts'
import { checkPropertyName } from '../domain/fixed-names.ts'
import type { Image, NewImage } from '../domain/image.ts'
import { checkMinima, checkPropertyQuota, checkTagQuota } from './image-attributes.ts'
import type { Parts } from './parts.ts'

/** An image as its maker describes it. Without an id it gets a random UUID, without an owner the maker's project. */
export type ImageDraft = Partial<NewImage>

/**
 * Registers an image that has no data yet.
 *
 * @throws ServiceError `read-only` or `reserved` for the name of a property; `invalid`; `too-many-properties`;
 *   `too-many-tags`; `image-exists` when the id is, or ever was, in use.
 */
export async function createImage(
  { config: { limits }, images }: Parts,
  context: RequestContext,
  draft: ImageDraft,
): Promise<Image> {
  const properties = draft.properties ?? {}
  const tags = [...new Set(draft.tags)]
  for (const name of Object.keys(properties)) checkPropertyName(name)
  checkMinima(draft)
  checkTagQuota(tags.length, limits.tagQuota)
  checkPropertyQuota(Object.keys(properties).length, limits.propertyQuota)
  return await images.create({
    ...draft,
    id: draft.id ?? randomUUID(),
    name: draft.name ?? null,
    owner: draft.owner === undefined ? context.projectId : draft.owner,
    tags,
    properties,
  })
}
