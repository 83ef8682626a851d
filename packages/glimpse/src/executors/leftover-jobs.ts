import type { Job } from '@glimpse/taskflow'
import type { SqliteStore } from '@glimpse/taskflow-sqlite'
import type { Logger } from 'pino'
import type { TaskRepo } from '../domain/ports.ts'

export interface LeftoverParts {
  readonly store: Pick<SqliteStore, 'backend' | 'jobboard'>
  readonly tasks: Pick<TaskRepo, 'find'>
  readonly log: Logger
  /** Ends the pass early. */
  readonly signal?: AbortSignal
}

const page = 100

/** Milliseconds: a job that is not taken off the board in this time comes back, and is found not to be run. */
const lease = 30_000

/**
 * Removes what is stored of the runs of tasks that are over: jobs that were kept aside, and runs without a job. A run
 * begins only while its job is claimed, and no job comes back: so a run without one is nobody's.
 *
 * @returns how many jobs and runs were removed.
 */
export async function sweepJobs(parts: LeftoverParts): Promise<{ readonly jobs: number; readonly runs: number }> {
  const jobs = await sweepKeptAside(parts)
  return { jobs, runs: await sweepRuns(parts) }
}

async function sweepKeptAside(parts: LeftoverParts): Promise<number> {
  const { jobboard } = parts.store
  let removed = 0
  let after: Job | undefined
  for (;;) {
    const jobs = await jobboard.list({ states: ['TRASHED'], limit: page, ...(after && { after }) })
    for (const job of jobs) {
      if (parts.signal?.aborted) return removed
      if (await isUnfinished(parts, job.id)) continue
      await takeOff(parts, job)
      removed += 1
    }
    if (jobs.length < page) return removed
    after = jobs.at(-1)
  }
}

/** Only a job on the board can be taken off it. Should the conductor be faster, it finds that the task is over. */
async function takeOff({ store: { jobboard }, log }: LeftoverParts, { id, trashed }: Job): Promise<void> {
  await jobboard.putBack(id)
  await jobboard.consume(await jobboard.claim(id, { owner: 'sweep', lease }))
  log.warn({ task: id, why: 'its task is over', keptAsideFor: trashed?.reason }, 'removed a job that was kept aside')
}

async function sweepRuns(parts: LeftoverParts): Promise<number> {
  const { backend, jobboard } = parts.store
  let removed = 0
  let after: string | undefined
  for (;;) {
    const runs = await backend.list({ limit: page, ...(after !== undefined && { after }) })
    const left: string[] = []
    for (const { id } of runs) {
      if (parts.signal?.aborted) return removed
      if ((await jobboard.find(id)) || (await isUnfinished(parts, id))) left.push(id)
      else {
        await backend.remove(id)
        parts.log.warn({ task: id, why: 'its task is over, and its job is gone' }, 'removed the record of a run')
        removed += 1
      }
    }
    // What was removed is no place to go on from.
    if (runs.length < page) return removed
    if (left.length > 0) after = left.at(-1)
  }
}

/** The run and the job of a task have its id. */
async function isUnfinished({ tasks }: LeftoverParts, id: string): Promise<boolean> {
  const task = await tasks.find(id)
  return task?.status === 'pending' || task?.status === 'processing'
}
