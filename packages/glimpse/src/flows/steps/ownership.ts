import { ServiceError } from '../../domain/errors.ts'
import type { ImageChange, ImageExpectation } from '../../domain/image.ts'
import type { ImageRepo } from '../../domain/ports.ts'

/**
 * Makes the change that undoes a step, if the image is still as the step left it. So every revert may run twice.
 *
 * @returns whether it was made
 */
export async function undo(
  images: ImageRepo,
  image: string,
  change: ImageChange,
  expected: ImageExpectation,
): Promise<boolean> {
  return await unlessTaken(images.update(image, change, expected))
}

/**
 * Waits for a change of an image that may be gone, active or taken over by another task meanwhile: then there is
 * nothing of ours to undo, which is no error.
 *
 * @returns whether the change was made
 */
export async function unlessTaken(change: Promise<unknown>): Promise<boolean> {
  try {
    await change
    return true
  } catch (error) {
    if (error instanceof ServiceError && notOurs.has(error.code)) return false
    throw error
  }
}

const notOurs: ReadonlySet<string> = new Set(['image-not-found', 'image-transition', 'image-locked'])
