import { type Task, task } from '@glimpse/taskflow'
import { freeing } from '../../data/freeing.ts'
import { discard, writeData } from '../../data/writing.ts'
import type { DataFacts } from '../../domain/image.ts'
import { byteMeter } from './meter.ts'
import type { StepPorts } from './ports.ts'

export interface Download {
  readonly image: string
  readonly uri: string
}

/** Fetches a URL into the staging store: one pass for file, checksums and size. */
export function download({ stores: { staging }, intake, openSource }: StepPorts): Task<Download, DataFacts> {
  return task({
    name: 'download',
    execute: async ({ image, uri }: Download, context): Promise<DataFacts> => {
      const { signal } = context
      const source = await openSource(uri, signal)
      try {
        const onProgress = byteMeter(context, source.size)
        const announced = source.size === null ? {} : { size: source.size }
        return await writeData(staging, image, freeing(source.body), { ...intake, ...announced, signal, onProgress })
      } finally {
        source.close()
      }
    },
    revert: async ({ image }) => {
      await discard(staging, image)
    },
  })
}
