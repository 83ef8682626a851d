import { type Task, task } from '@glimpse/taskflow'
import { discard } from '../../data/writing.ts'
import { ServiceError } from '../../domain/errors.ts'
import type { NewImage } from '../../domain/image.ts'
import { unlessTaken } from './ownership.ts'
import type { StepPorts } from './ports.ts'

export interface CreateImage {
  readonly task: string
  /** Its id was chosen when the task was accepted, so that a second attempt finds the image of the first. */
  readonly image: NewImage
}

/** Makes the image that a legacy import fills, and takes its import lock. */
export function createImage({ images, stores: { staging } }: StepPorts): Task<CreateImage, string> {
  return task({
    name: 'create-image',
    execute: async ({ task, image }: CreateImage): Promise<string> => {
      try {
        await images.create(image)
      } catch (error) {
        if (!(error instanceof ServiceError && error.code === 'image-exists')) throw error
      }
      const known = await images.find(image.id)
      if (known?.importTask !== task) {
        await images.update(image.id, { set: { importTask: task } }, { status: ['queued'], importTask: null })
      }
      return image.id
    },
    revert: async ({ task, image }) => {
      const expected = { status: ['queued', 'importing'], importTask: task } as const
      if (await unlessTaken(images.remove(image.id, expected))) await discard(staging, image.id)
    },
  })
}
