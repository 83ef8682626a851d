import { TaskFlowError } from '../errors.ts'
import { checkMilliseconds, checkName } from '../names.ts'
import type { Awaitable } from '../storage/backend.ts'
import type { Claim, ClaimedJob, Job, JobPlace, JobPosting, JobState } from './job.ts'

/**
 * Where jobs wait until somebody claims them. Every board passes the suite in `@glimpse/taskflow/testing`; the memory
 * board is the reference reading of this contract.
 *
 * - A claim is a lease: it ends by itself unless it is renewed, so that the jobs of an owner that died come back. A claim
 *   that ran out is still its owner's until somebody else claims the job: the number of the claim decides, not the time.
 * - Time is the board's own, so that hosts whose clocks differ agree: callers tell how long, never when.
 * - Each method is one step that nobody else can come between; one that failed has changed nothing.
 * - Jobs are ordered by priority, then by their posting.
 * - What is read is the reader's own: changing it changes nothing stored.
 *
 * Source: TaskFlow's `jobs.base.JobBoard`.
 *
 * @example
 * const board: Jobboard = new MemoryJobboard()
 * await board.post([{ factory: 'web-import', parameters: { image: 'a' } }])
 * const [job] = await board.claimNext({ owner: 'host-1', lease: 30_000 })
 * console.log(job?.factory, job?.fence) // web-import 1
 * await board.consume(job!)
 */
export interface Jobboard {
  /**
   * Puts jobs on the board, all of them or none, and gives them in their order.
   *
   * @throws TaskFlowError `invalid-flow`, `not-json`; `storage` when there is a job with an id of theirs already.
   */
  post(postings: readonly JobPosting[]): Awaitable<readonly Job[]>
  find(id: string): Awaitable<Job | undefined>
  list(query?: JobQuery): Awaitable<readonly Job[]>
  /**
   * Claims one job that nobody holds, also before its time.
   *
   * @throws TaskFlowError `job-claimed` when somebody holds it, the same owner too; `not-found` when it is not on the
   *   board; `invalid-flow`
   */
  claim(id: string, claimant: Claimant): Awaitable<ClaimedJob>
  /**
   * Claims the best jobs that nobody holds, whose time has come; none when there is none.
   *
   * @throws TaskFlowError `invalid-flow`
   */
  claimNext(claimant: Claimant, wanted?: Wanted): Awaitable<readonly ClaimedJob[]>
  /**
   * Makes the claim last so many milliseconds from now.
   *
   * @throws TaskFlowError `stale-owner` when the claim is not the job's any more, `not-found` when the job is not there
   */
  renew(claim: Claim, lease: number): Awaitable<void>
  /**
   * Gives the job back, for others to claim; nobody is given it as the best one before so many milliseconds are over.
   *
   * @throws TaskFlowError `stale-owner`, `not-found`
   */
  abandon(claim: Claim, delay?: number): Awaitable<void>
  /**
   * The job is done: takes it off the board for good.
   *
   * @throws TaskFlowError `stale-owner`, `not-found`
   */
  consume(claim: Claim): Awaitable<void>
  /**
   * Keeps the job aside: it cannot be run.
   *
   * @throws TaskFlowError `stale-owner`, `not-found`
   */
  trash(claim: Claim, reason: string): Awaitable<void>
  /**
   * Puts a job that was kept aside back in its place, with its attempts forgotten.
   *
   * @throws TaskFlowError `not-found` when no job of this id is kept aside
   */
  putBack(id: string): Awaitable<void>
  /**
   * Resolves as soon as {@link claimNext} may find something: at once when it would now. It may be too early, but never
   * misses a job. Also resolves when the signal aborts.
   */
  wait(options?: WaitOptions): Promise<void>
  close(): Awaitable<void>
}

/**
 * Who claims, and for how long.
 *
 * @example
 * const claimant: Claimant = { owner: 'host-1', lease: 30_000 }
 */
export interface Claimant {
  /** A name that is not empty. */
  readonly owner: string
  /** Milliseconds after which the claim ends by itself unless it is renewed. */
  readonly lease: number
}

/**
 * Which jobs somebody can do, and how many.
 *
 * @example
 * const wanted: Wanted = { factories: ['web-import'], limit: 4 }
 */
export interface Wanted {
  /** Names of factories. Default: all of them. */
  readonly factories?: readonly string[]
  /** How many at most. Default 1. */
  readonly limit?: number
}

/**
 * What to wait for, and until when.
 *
 * @example
 * const options: WaitOptions = { factories: ['web-import'], signal: AbortSignal.timeout(60_000) }
 */
export interface WaitOptions {
  /** Names of factories. Default: all of them. */
  readonly factories?: readonly string[]
  readonly signal?: AbortSignal
}

/**
 * Which jobs are listed.
 *
 * @example
 * const keptAside: JobQuery = { states: ['TRASHED'], limit: 100 }
 */
export interface JobQuery {
  readonly states?: readonly JobState[]
  readonly factories?: readonly string[]
  /** Only those that this one has claimed. */
  readonly owner?: string
  readonly book?: string
  /** Only those that stand behind this place: with the last job of a page, the next page, also when that job is gone. */
  readonly after?: JobPlace
  /** Default 1,000. */
  readonly limit?: number
}

/**
 * The claimant, if it is one: what every board makes sure of first.
 *
 * @example
 * console.log(checkClaimant({ owner: 'host-1', lease: 30_000 }).owner) // host-1
 * @throws TaskFlowError `invalid-flow`, saying what was given and what is allowed.
 */
export function checkClaimant(claimant: Claimant): Claimant {
  checkName('the owner of a claim', claimant.owner)
  checkMilliseconds('the lease of a claim', claimant.lease)
  return claimant
}

/**
 * Refuses an operation of a claim, where the job is not, or no longer, the claimant's.
 *
 * @param job what the board has under this id, if anything.
 * @example
 * const board = new MemoryJobboard()
 * board.post([{ id: 'j', factory: 'f' }])
 * const claim = { id: 'j', owner: 'host-1', fence: 1 }
 * try { checkClaim(claim, board.find('j')) } catch (error) { console.log((error as TaskFlowError).code) } // stale-owner
 * @throws TaskFlowError `not-found`, `stale-owner`
 */
export function checkClaim(
  { id, owner, fence }: Claim,
  job: Pick<Job, 'owner' | 'fence' | 'trashed'> | undefined,
): void {
  if (!job) throw new TaskFlowError('not-found', `there is no job with the id '${id}'`)
  if (job.owner === owner && job.fence === fence) return
  const holder = job.owner === null ? 'nobody' : `'${job.owner}' with number ${job.fence}`
  const now = job.trashed ? 'is kept aside' : `is claimed by ${holder}`
  throw new TaskFlowError('stale-owner', `job '${id}' ${now} by now; '${owner}' with number ${fence} is refused`)
}
