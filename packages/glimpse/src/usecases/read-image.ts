import { type OpenBlob, StoreError } from '@glimpse/stores'
import type { RequestContext } from '../domain/context.ts'
import { ServiceError } from '../domain/errors.ts'
import type { Image } from '../domain/image.ts'
import { requireImage } from './finding.ts'
import type { Parts } from './parts.ts'

/** Bytes of the data, the end exclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface ImageData {
  readonly image: Image
  /** Open, to be sent or closed; null: the image has no data. */
  readonly body: OpenBlob | null
  /** Of all the data, in bytes. */
  readonly size: number
  /** What of it `body` holds; null: all. */
  readonly range: ByteRange | null
}

/**
 * Opens an image's data, from the first store that has it.
 *
 * @param rangeFor says what part is wanted, once the size is known; it may throw.
 * @throws ServiceError `image-not-found`; `forbidden`; `unavailable` when no store gives the data
 */
export async function readImage(
  parts: Parts,
  context: RequestContext,
  id: string,
  rangeFor: (size: number) => ByteRange | null = () => null,
): Promise<ImageData> {
  const image = await requireImage(parts.images, id)
  if (image.status === 'deactivated' && !context.isAdmin) {
    throw new ServiceError('forbidden', {
      reason: 'The requested image has been deactivated. Image data download is forbidden.',
    })
  }
  const readable = image.status === 'active' || image.status === 'deactivated'
  const size = image.size ?? 0
  if (!readable || image.locations.length === 0) return { image, body: null, size: 0, range: null }
  const range = rangeFor(size)
  return { image, size, range, body: await openFirst(parts, image, range) }
}

async function openFirst({ stores, log }: Parts, image: Image, range: ByteRange | null): Promise<OpenBlob> {
  for (const { store: id } of image.locations) {
    try {
      const body = await stores.all.get(id)?.open(image.id, range ?? undefined)
      if (body) return body
      log.error({ image: image.id, store: id }, 'an image is in a store that is not configured')
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      log.error({ err: error, image: image.id, store: id }, 'a store does not give the data of an image')
    }
  }
  const tried = image.locations.map(({ store }) => store).join(', ')
  throw new ServiceError('unavailable', { reason: `The data of image ${image.id} cannot be read from store ${tried}` })
}
