import type { Store } from '@glimpse/stores'
import type { Parts } from '../parts.ts'
import { type Scope, settleAbandoned } from './abandoned.ts'
import { sweepFiles, sweepParts, workedOn } from './leftovers.ts'

/** What a pass has removed or put right. */
export interface Swept {
  /** Tasks that were ended, as nobody works on them. */
  tasks: number
  /** Images that nobody works on, which can be used again. */
  images: number
  /** Tasks whose time is over. */
  expired: number
  jobs: number
  runs: number
  /** Of images, from writes that were cut off. */
  parts: number
  /** In stores and in the staging area, which no image needs. */
  files: number
}

export interface SweepParts extends Parts {
  /** By store, how many files are not ours, as the last pass found: told when it changes. */
  readonly foreign: Map<string, number>
  /** Removes what is stored of runs and jobs of tasks that are over; null where none are stored. */
  readonly sweepJobs: ((signal: AbortSignal) => Promise<{ readonly jobs: number; readonly runs: number }>) | null
}

/** What is younger may be somebody's who is about to say so, or whose clock differs. In milliseconds. */
const grace = 3_600_000

/**
 * One pass over what nobody else owns. What cannot be looked at is told and passed by; the next pass comes by again.
 *
 * @param signal ends it early.
 */
export async function sweep(parts: SweepParts, signal: AbortSignal): Promise<Swept> {
  const scope: Scope = { unchangedSince: new Date(parts.clock.now().getTime() - grace), signal }
  const swept: Swept = { tasks: 0, images: 0, expired: 0, jobs: 0, runs: 0, parts: 0, files: 0 }
  const step = async (what: object, work: () => Promise<Partial<Swept>>): Promise<void> => {
    if (signal.aborted) return
    try {
      for (const [name, count] of Object.entries(await work())) swept[name as keyof Swept] += count
    } catch (error) {
      parts.log.error({ err: error, ...what }, 'a part of the sweep was passed by')
    }
  }
  await step({ part: 'tasks and images' }, () => settleAbandoned(parts, scope))
  await step({ part: 'tasks whose time is over' }, async () => ({ expired: await expire(parts) }))
  const { sweepJobs, stores } = parts
  if (sweepJobs) await step({ part: 'jobs and runs' }, () => sweepJobs(signal))
  for (const store of [stores.staging, ...stores.all.values()]) {
    await step({ store: store.id }, async () => {
      return { parts: await sweepParts(parts, store, await workedOn(parts), scope.unchangedSince) }
    })
    await step({ store: store.id }, async () => {
      const { removed, foreign } = await sweepFiles(parts, store, scope)
      tellForeign(parts, store, foreign)
      return { files: removed }
    })
  }
  return swept
}

async function expire({ tasks, log }: Parts): Promise<number> {
  const expired = await tasks.expire()
  if (expired > 0) log.warn({ tasks: expired, why: 'their time is over' }, 'removed tasks that had ended')
  return expired
}

function tellForeign({ foreign, log }: SweepParts, { id: store }: Store, files: number): void {
  if (files === (foreign.get(store) ?? 0)) return
  foreign.set(store, files)
  log.info({ store, files }, 'files whose names no image ever had are left alone')
}
