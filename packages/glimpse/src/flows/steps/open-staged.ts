import { type Task, task } from '@glimpse/taskflow'
import { discard } from '../../data/writing.ts'
import { ServiceError } from '../../domain/errors.ts'
import type { DataFacts } from '../../domain/image.ts'
import type { StepPorts } from './ports.ts'

/** Makes sure that what was staged is still there, whole; its checksums were taken when it came in. */
export function openStaged({ images, stores: { staging } }: StepPorts): Task<{ image: string }, DataFacts> {
  return task({
    name: 'open-staged',
    execute: async ({ image }: { image: string }): Promise<DataFacts> => {
      const facts = (await images.find(image))?.staged
      if (!facts) throw new ServiceError('conflict', { reason: `Image ${image} has no staged data` })
      const size = (await staging.has(image)) ? await staging.size(image) : null
      if (size === facts.size) return facts
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
