import { type Task, task } from '@glimpse/taskflow'
import { discard } from '../../data/writing.ts'
import type { StepPorts } from './ports.ts'

/** Frees the staging store. The image is active by now, so a failure here is told to the operator and nobody else. */
export function unstage({ stores: { staging } }: StepPorts): Task<{ image: string }, void> {
  return task({
    name: 'unstage',
    execute: async ({ image }: { image: string }, { logger }) => {
      try {
        await discard(staging, image)
      } catch (error) {
        logger.error({ err: error, image }, 'the staged data of an imported image could not be deleted')
      }
    },
  })
}
