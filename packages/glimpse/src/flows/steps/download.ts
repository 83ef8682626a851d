import { createHash } from 'node:crypto'
import type { ResumePoint } from '@glimpse/stores'
import { type Task, type TaskContext, task } from '@glimpse/taskflow'
import { freeing } from '../../data/freeing.ts'
import { discard, resumeData } from '../../data/writing.ts'
import type { DataFacts } from '../../domain/image.ts'
import { byteMeter } from './meter.ts'
import type { Source, StepPorts } from './ports.ts'
import { passing } from './source-down.ts'

export interface Download {
  readonly image: string
  readonly uri: string
}

/**
 * Fetches a URL into the staging store: one pass for file, checksums and size. Goes on where an earlier attempt was cut
 * off, if the source still has the same. Fails with {@link SourceDown} where another attempt may help.
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
    /** What is not whole stays for the next attempt, until mark-importing is reverted. */
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
  let source: Source | undefined
  let meter: ((bytes: number) => void) | undefined
  const onProgress = (bytes: number): void => meter?.(bytes)
  try {
    return await resumeData(
      staging,
      image,
      async (part) => {
        source = await openSource(uri, signal, part === null ? undefined : resumePoint(uri, part))
        const { size, resumed } = source
        meter = byteMeter(context, size, resumed ? part?.size : 0)
        return { body: freeing(source.body), size, resumed, label: labelOf(uri, source) }
      },
      { ...intake, signal, onProgress },
    )
  } finally {
    source?.close()
  }
}

/** What is kept with the bytes of a source, so that they are never joined with those of another. */
interface PartLabel extends Pick<ResumePoint, 'validator' | 'size' | 'finalUrl'> {
  /** Digest of the URL: it may hold a password. */
  readonly uri: string
}

/** Null where the source gives nothing by which it can be known again. */
function labelOf(uri: string, { validator, size, finalUrl }: Source): string | null {
  if (validator === null) return null
  const place = new URL(finalUrl)
  place.search = ''
  const label: PartLabel = { uri: digest(uri), validator, size, finalUrl: place.href }
  return JSON.stringify(label)
}

function resumePoint(uri: string, part: { readonly label: string; readonly size: number }): ResumePoint | undefined {
  const { uri: from, ...known } = JSON.parse(part.label) as PartLabel
  return from === digest(uri) ? { ...known, offset: part.size } : undefined
}

function digest(uri: string): string {
  return createHash('sha256').update(uri).digest('hex')
}
