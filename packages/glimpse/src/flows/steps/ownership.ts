import { ServiceError } from '../../domain/errors.ts'
import type { Image, ImageChange, ImageExpectation } from '../../domain/image.ts'
import type { ImageRepo } from '../../domain/ports.ts'

/**
 * Makes the change that undoes a step, if the image is still as the step left it. Gone, active or taken over by
 * another task: then there is nothing of ours to undo, which is no error. So every revert may run twice.
 *
 * @returns the image, or null when it is not ours any more
 */
export async function undo(
  images: ImageRepo,
  image: string,
  change: ImageChange,
  expected: ImageExpectation,
): Promise<Image | null> {
  try {
    return await images.update(image, change, expected)
  } catch (error) {
    if (error instanceof ServiceError && notOurs.has(error.code)) return null
    throw error
  }
}

const notOurs: ReadonlySet<string> = new Set(['image-not-found', 'image-transition', 'image-locked'])
