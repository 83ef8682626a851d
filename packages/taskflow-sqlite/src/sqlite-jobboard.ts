import {
  type Claim,
  type Claimant,
  type ClaimedJob,
  type Clock,
  checkClaim,
  checkClaimant,
  checkPosting,
  type Job,
  type Jobboard,
  type JobPosting,
  type JobQuery,
  type JobState,
  jobPriorities,
  type WaitOptions,
  type Wanted,
} from '@glimpse/taskflow'
import type { DatabaseThread } from './database-thread.ts'
import { insertJob } from './job-operations.ts'
import type { Cell } from './messages.ts'

const jobCells = 18

/** Milliseconds after which a waiting board looks for what other processes have posted. */
const pollInterval = 1_000

/**
 * The jobboard of a {@link SqliteStore}. The time is that of this host, whose processes share the file.
 *
 * @example
 * const store = await SqliteStore.open({ file: ':memory:' })
 * const board: SqliteJobboard = store.jobboard
 * await board.post([{ factory: 'web-import', parameters: { image: 'a' } }])
 * const [job] = await board.claimNext({ owner: 'host-1', lease: 30_000 })
 * console.log(job?.factory, job?.fence) // web-import 1
 * await store.close()
 */
export class SqliteJobboard implements Jobboard {
  readonly #thread: DatabaseThread
  readonly #clock: Clock
  /** Each looks again whether it has to wait. */
  readonly #waiting = new Set<() => void>()

  constructor(thread: DatabaseThread, clock: Clock) {
    this.#thread = thread
    this.#clock = clock
  }

  async post(postings: readonly JobPosting[]): Promise<readonly Job[]> {
    const cells = await this.#call('postJobs', [this.#clock.now(), ...postings.flatMap(cellsOf)])
    this.wake()
    return jobsOf(cells)
  }

  async find(id: string): Promise<Job | undefined> {
    const [job] = jobsOf(await this.#call('findJob', [this.#clock.now(), id]))
    return job
  }

  async list(query: JobQuery = {}): Promise<readonly Job[]> {
    const { states, factories, owner = null, book = null, after, limit = 1_000 } = query
    const place = after ? [jobPriorities.indexOf(after.priority), after.sequence] : [null, null]
    const most = Math.max(0, Math.min(Math.ceil(limit), Number.MAX_SAFE_INTEGER))
    const lists = [listOf(states), listOf(factories)]
    return jobsOf(await this.#call('listJobs', [this.#clock.now(), owner, book, ...place, ...lists, most]))
  }

  async claim(id: string, claimant: Claimant): Promise<ClaimedJob> {
    const { owner, lease } = checkClaimant(claimant)
    const [job] = jobsOf(await this.#call('claimJob', [this.#clock.now(), id, owner, lease]))
    return job as ClaimedJob
  }

  async claimNext(claimant: Claimant, { factories, limit = 1 }: Wanted = {}): Promise<readonly ClaimedJob[]> {
    const { owner, lease } = checkClaimant(claimant)
    const cells = [this.#clock.now(), owner, lease, Math.max(0, limit), listOf(factories)]
    return jobsOf(await this.#call('claimJobs', cells)) as readonly ClaimedJob[]
  }

  async renew(claim: Claim, lease: number): Promise<void> {
    checkClaimant({ ...claim, lease })
    await this.#asOwner('renewJob', claim, [this.#clock.now() + lease])
  }

  async abandon(claim: Claim, delay = 0): Promise<void> {
    await this.#asOwner('abandonJob', claim, [delay > 0 ? this.#clock.now() + delay : null])
    this.wake()
  }

  async consume(claim: Claim): Promise<void> {
    await this.#asOwner('consumeJob', claim, [])
  }

  async trash(claim: Claim, reason: string): Promise<void> {
    await this.#asOwner('trashJob', claim, [reason, this.#clock.now()])
  }

  async putBack(id: string): Promise<void> {
    await this.#call('putBackJob', [id])
    this.wake()
  }

  async wait({ factories, signal }: WaitOptions = {}): Promise<void> {
    for (;;) {
      // Who is woken while the file is asked must look again.
      const change = this.#change(signal)
      try {
        const [soonest = null] = signal?.aborted ? [0] : await this.#call('soonestJob', [listOf(factories)])
        const wait = soonest === null ? pollInterval : Number(soonest) - this.#clock.now()
        if (wait <= 0 || signal?.aborted) return
        await change.within(Math.min(wait, pollInterval))
      } finally {
        change.end()
      }
    }
  }

  /** Has whoever waits look at once: jobs were posted in a transaction of somebody else's. */
  wake(): void {
    for (const look of this.#waiting) look()
  }

  async close(): Promise<void> {
    await this.#thread.close()
  }

  async #call(operation: string, cells: readonly Cell[]): Promise<readonly Cell[]> {
    return (await this.#thread.call(operation, cells)) ?? []
  }

  /** @throws TaskFlowError `not-found`, `stale-owner` */
  async #asOwner(operation: string, claim: Claim, cells: readonly Cell[]): Promise<void> {
    const refused = await this.#thread.call(operation, [claim.id, claim.owner, claim.fence, ...cells])
    if (!refused) return
    const [owner = null, fence = null, at = null] = refused
    const trashed = at === null ? null : { reason: '', at: Number(at) }
    const job = { owner: owner as string | null, fence: Number(fence), trashed }
    checkClaim(claim, refused.length === 0 ? undefined : job)
  }

  #change(signal: AbortSignal | undefined): { within(milliseconds: number): Promise<void>; end(): void } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = (): void => resolve()
    this.#waiting.add(look)
    signal?.addEventListener('abort', look)
    let stop: (() => void) | undefined
    return {
      within: (milliseconds) => {
        stop = this.#clock.wait(milliseconds, look)
        return promise
      },
      end: () => {
        stop?.()
        signal?.removeEventListener('abort', look)
        this.#waiting.delete(look)
      },
    }
  }
}

/**
 * What posts a job as part of another transaction on the same file, so that both are stored or none: a statement and its
 * parameters. When that is committed, `store.jobboard.wake()` lets the conductors of this process know.
 *
 * @param now milliseconds since 1970
 * @example
 * const { sql, parameters } = jobStatement({ id: 'j', factory: 'web-import' }, 0)
 * console.log(sql.startsWith('insert into taskflow_jobs'), parameters[1]) // true j
 * @throws TaskFlowError `invalid-flow`, `not-json`, `too-large`
 */
export function jobStatement(
  posting: JobPosting,
  now: number,
): { readonly sql: string; readonly parameters: readonly (string | number | null)[] } {
  return { sql: insertJob, parameters: [now, ...cellsOf(posting)] }
}

function cellsOf(posting: JobPosting): readonly Cell[] {
  const { id, name, priority, factory, parameters, run, book, meta } = checkPosting(posting)
  const urgency = jobPriorities.indexOf(priority)
  return [id, name, urgency, factory, JSON.stringify(parameters), run, book, JSON.stringify(meta)]
}

function listOf(texts: readonly string[] | undefined): string | null {
  return texts === undefined ? null : JSON.stringify(texts)
}

function jobsOf(cells: readonly Cell[]): readonly Job[] {
  const jobs: Job[] = []
  for (let from = 0; from < cells.length; from += jobCells) jobs.push(jobOf(cells.slice(from, from + jobCells)))
  return jobs
}

function jobOf(cells: readonly Cell[]): Job {
  const [sequence, id, name, priority, factory, parameters, run, book, meta, ...rest] = cells
  const [postedAt, attempts, fence, owner, expiresAt, notBefore, reason, trashedAt, state] = rest
  return {
    sequence: Number(sequence),
    id: String(id),
    name: String(name),
    priority: jobPriorities[Number(priority)]!,
    factory: String(factory),
    parameters: JSON.parse(String(parameters)) as Job['parameters'],
    run: String(run),
    book: book as string | null,
    meta: JSON.parse(String(meta)) as Job['meta'],
    postedAt: Number(postedAt),
    attempts: Number(attempts),
    fence: Number(fence),
    owner: owner as string | null,
    expiresAt: expiresAt as number | null,
    notBefore: notBefore as number | null,
    trashed: trashedAt === null ? null : { reason: String(reason), at: Number(trashedAt) },
    state: state as JobState,
  }
}
