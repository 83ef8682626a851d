import { ServiceError } from '../domain/errors.ts'
import type { Image } from '../domain/image.ts'
import type { ImageRepo } from '../domain/ports.ts'

/** @throws ServiceError `image-not-found` */
export async function requireImage(images: ImageRepo, id: string): Promise<Image> {
  const image = await images.find(id)
  if (!image) throw new ServiceError('image-not-found', { id })
  return image
}

/** Data can only come to an image that says what it is. @throws ServiceError `conflict`, as Glance words it. */
export function requireFormats(image: Image, code: 'conflict' | 'invalid', purpose: string): void {
  if (!image.containerFormat) throw new ServiceError(code, { reason: `'container_format' needs to be set ${purpose}` })
  if (!image.diskFormat) throw new ServiceError(code, { reason: `'disk_format' needs to be set ${purpose}` })
}
