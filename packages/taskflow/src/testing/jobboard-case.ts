import assert from 'node:assert/strict'
import type { ErrorCode } from '../errors.ts'
import type { ClaimedJob, Job, JobPosting } from '../jobs/job.ts'
import type { Jobboard } from '../jobs/jobboard.ts'
import type { Awaitable } from '../storage/backend.ts'

/**
 * A jobboard with nothing on it, whose time a test can let pass, and what takes it away again.
 *
 * @example
 * let now = 0
 * const jobboard = new MemoryJobboard({ clock: { ...systemClock, now: () => now } })
 * const pass = async (milliseconds: number) => { now += milliseconds }
 * const made: SuiteJobboard = { jobboard, pass, cleanup: async () => {} }
 * await made.pass(1_000)
 * console.log(now) // 1000
 */
export interface SuiteJobboard {
  readonly jobboard: Jobboard
  /** Lets so many milliseconds pass, as the board reads the time; what waits for that on the board notices. */
  pass(milliseconds: number): Promise<void>
  cleanup(): Promise<void>
}

/** One statement about any jobboard. */
export interface JobboardCase {
  readonly name: string
  readonly run: (board: Jobboard, time: Pick<SuiteJobboard, 'pass'>) => Promise<void>
}

/** Long enough that no claim runs out by itself in a case. */
export const lease = 60_000

/** Postings of one factory that are called by their ids. */
export function named(...ids: readonly string[]): readonly JobPosting[] {
  return ids.map((id) => ({ id, name: id, factory: 'f' }))
}

export function idsOf(jobs: readonly Job[]): readonly string[] {
  return jobs.map(({ id }) => id)
}

export async function listed(board: Jobboard): Promise<readonly string[]> {
  return idsOf(await board.list())
}

/** A job that must be there. */
export async function found(board: Jobboard, id: string): Promise<Job> {
  const job = await board.find(id)
  assert.ok(job, `there should be a job with the id '${id}'`)
  return job
}

/** The best job, which must be there. */
export async function next(board: Jobboard, owner: string = 'a'): Promise<ClaimedJob> {
  const [job] = await board.claimNext({ owner, lease })
  assert.ok(job, 'there should be a job to claim')
  return job
}

/** The call must fail as the contract says, at once or later. */
export async function refusesWith(code: ErrorCode, call: () => Awaitable<unknown>): Promise<void> {
  await assert.rejects(async () => await call(), { name: 'TaskFlowError', code })
}
