import { type Task, task } from '@glimpse/taskflow'
import { discard } from '../../data/writing.ts'
import { ServiceError } from '../../domain/errors.ts'
import type { DataFacts } from '../../domain/image.ts'
import type { StepPorts } from './ports.ts'

export interface OpenStaged {
  readonly image: string
  readonly task: string
}

/**
 * Makes sure that what was staged is still there, whole; its checksums were taken when it came in. If it is not, the
 * image is one without staged data, so that other data can be staged.
 */
export function openStaged({ images, stores: { staging } }: StepPorts): Task<OpenStaged, DataFacts> {
  return task({
    name: 'open-staged',
    execute: async ({ image, task }: OpenStaged): Promise<DataFacts> => {
      const facts = (await images.find(image))?.staged
      if (!facts) throw new ServiceError('conflict', { reason: `Image ${image} has no staged data` })
      const size = (await staging.has(image)) ? await staging.size(image) : null
      if (size === facts.size) return facts
      await images.update(image, { set: { staged: null } }, { importTask: task })
      const found = size === null ? 'it is gone' : `it has ${size} bytes`
      throw new ServiceError('conflict', {
        reason: `The staged data of image ${image} should have ${facts.size} bytes, but ${found}; stage it again`,
      })
    },
    /** Staged data is kept for another try, but not for an image that has its data, or is gone. */
    revert: async ({ image }) => {
      if (!(await images.find(image))?.staged) await discard(staging, image)
    },
  })
}
