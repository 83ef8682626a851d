import { type Task, type TaskContext, task } from '@glimpse/taskflow'
import { freeing } from '../../data/freeing.ts'
import { discard, writeData } from '../../data/writing.ts'
import type { DataFacts } from '../../domain/image.ts'
import { byteMeter } from './meter.ts'
import type { StepPorts } from './ports.ts'
import { passing } from './source-down.ts'

export interface Download {
  readonly image: string
  readonly uri: string
}

/**
 * Fetches a URL into the staging store: one pass for file, checksums and size. Fails with {@link SourceDown} where
 * another attempt may help.
 */
export function download(ports: StepPorts): Task<Download, DataFacts> {
  return task({
    name: 'download',
    execute: async (args: Download, context): Promise<DataFacts> => {
      try {
        return await fetchToStaging(ports, args, context)
      } catch (error) {
        throw passing(error)
      }
    },
    revert: async ({ image }) => {
      await discard(ports.stores.staging, image)
    },
  })
}

async function fetchToStaging(
  { stores: { staging }, intake, openSource }: StepPorts,
  { image, uri }: Download,
  context: TaskContext,
): Promise<DataFacts> {
  const { signal } = context
  const source = await openSource(uri, signal)
  try {
    const onProgress = byteMeter(context, source.size)
    const announced = source.size === null ? {} : { size: source.size }
    return await writeData(staging, image, freeing(source.body), { ...intake, ...announced, signal, onProgress })
  } finally {
    source.close()
  }
}
