import type { Parts } from './parts.ts'
import { settleAbandoned } from './sweep/abandoned.ts'
import { sweepParts, workedOn } from './sweep/leftovers.ts'

/** What a start found unfinished and put right, for the log. */
export interface Recovery {
  readonly tasks: number
  readonly images: number
  readonly files: number
}

/**
 * Puts right what a process that died left behind and nobody goes on with: the first pass of the sweep, over what has to
 * be right before anything is served. Nothing is spared for being young: nobody but this process works on anything.
 */
export async function recover(parts: Parts): Promise<Recovery> {
  const { tasks, images } = await settleAbandoned(parts, { unchangedSince: endOfTime })
  await parts.tasks.expire()
  const kept = await workedOn(parts)
  let files = 0
  for (const store of [parts.stores.staging, ...parts.stores.all.values()])
    files += await sweepParts(parts, store, kept)
  return { tasks, images, files }
}

/** The last that a Date can hold. Source: ECMA-262, time values. */
const endOfTime = new Date(8.64e15)
