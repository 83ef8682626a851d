import { type Task, task } from '@glimpse/taskflow'
import { undo } from './ownership.ts'
import type { StepPorts } from './ports.ts'

export interface MarkImporting {
  readonly image: string
  readonly task: string
  /** Where the image comes from, and goes back to; from `uploading` only as long as it has staged data. */
  readonly from: 'queued' | 'uploading'
  readonly stores: readonly string[]
}

/**
 * The image is being imported, and into which stores.
 *
 * Its revert is the end of the import, so it also drops the part of a download that was cut off: the download's own
 * revert, which comes between attempts too, keeps it.
 */
export function markImporting({ images, stores: { staging } }: StepPorts): Task<MarkImporting, void> {
  return task({
    name: 'mark-importing',
    execute: async ({ image, task, from, stores }: MarkImporting) => {
      const change = { set: { status: 'importing', importingStores: stores, failedStores: [] } } as const
      await images.update(image, change, { status: [from, 'importing'], importTask: task })
    },
    revert: async ({ image, task, from }) => {
      try {
        await staging.dropPart(image)
      } finally {
        const keepsData = from === 'uploading' && (await images.find(image))?.staged
        const change = { set: { status: keepsData ? from : 'queued', importingStores: [] } } as const
        await undo(images, image, change, { status: ['importing', from], importTask: task })
      }
    },
  })
}
