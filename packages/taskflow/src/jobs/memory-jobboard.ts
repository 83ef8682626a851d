import { type Clock, systemClock } from '../engine/clock.ts'
import { TaskFlowError } from '../errors.ts'
import { copy } from '../storage/copying.ts'
import { type Claim, type ClaimedJob, checkPosting, isBefore, type Job, type JobPosting, jobPriorities } from './job.ts'
import {
  type Claimant,
  checkClaim,
  checkClaimant,
  type Jobboard,
  type JobQuery,
  type WaitOptions,
  type Wanted,
} from './jobboard.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A job without the state, which follows from the rest and the time. */
type Entry = Mutable<Omit<Job, 'state'>>

/**
 * A board in this process's memory: gone with the process, and the reference reading of {@link Jobboard}.
 *
 * @example
 * const board = new MemoryJobboard()
 * board.post([{ factory: 'f', name: 'later', priority: 'LOW' }, { factory: 'f', name: 'now' }])
 * console.log(board.list().map(({ name, state }) => `${name} ${state}`).join()) // now UNCLAIMED,later UNCLAIMED
 */
export class MemoryJobboard implements Jobboard {
  readonly #clock: Clock
  readonly #jobs = new Map<string, Entry>()
  /** By priority, the jobs in the order of their posting. */
  #lanes: readonly Set<Entry>[] = jobPriorities.map(() => new Set())
  /** Each looks again whether it has to wait. */
  readonly #waiting = new Set<() => void>()
  #posted = 0

  /** @param options the clock is where the board has its time from; default: the system's. */
  constructor(options: { readonly clock?: Clock } = {}) {
    this.#clock = options.clock ?? systemClock
  }

  post(postings: readonly JobPosting[]): readonly Job[] {
    const postedAt = this.#clock.now()
    const ids = new Set<string>()
    const entries = postings.map((posting, index): Entry => {
      const checked = copy(checkPosting(posting))
      const { id } = checked
      if (this.#jobs.has(id) || ids.has(id))
        throw new TaskFlowError('storage', `there is a job with the id '${id}' already`)
      ids.add(id)
      const sequence = this.#posted + index + 1
      const unclaimed = { fence: 0, attempts: 0, owner: null, expiresAt: null, notBefore: null, trashed: null }
      return { ...checked, sequence, postedAt, ...unclaimed }
    })
    this.#posted += entries.length
    for (const entry of entries) {
      this.#jobs.set(entry.id, entry)
      this.#laneOf(entry).add(entry)
    }
    this.#wake()
    return entries.map((entry) => this.#read(entry))
  }

  find(id: string): Job | undefined {
    const entry = this.#jobs.get(id)
    return entry && this.#read(entry)
  }

  list({ states, factories, owner, book, after, limit = 1_000 }: JobQuery = {}): readonly Job[] {
    const found: Job[] = []
    for (const entry of this.#inOrder()) {
      if (found.length >= limit) break
      if (after && !isBefore(after, entry)) continue
      if (factories && !factories.includes(entry.factory)) continue
      if (owner !== undefined && !(entry.owner === owner && this.#isHeld(entry))) continue
      if (book !== undefined && entry.book !== book) continue
      const job = this.#read(entry)
      if (!states || states.includes(job.state)) found.push(job)
    }
    return found
  }

  claim(id: string, claimant: Claimant): ClaimedJob {
    checkClaimant(claimant)
    const entry = this.#jobs.get(id)
    if (!entry || entry.trashed) {
      throw new TaskFlowError('not-found', `there is no job with the id '${id}' on the board`)
    }
    if (this.#isHeld(entry)) throw new TaskFlowError('job-claimed', `job '${id}' is claimed by '${entry.owner}'`)
    return this.#give(entry, claimant)
  }

  claimNext(claimant: Claimant, { factories, limit = 1 }: Wanted = {}): readonly ClaimedJob[] {
    checkClaimant(claimant)
    const claimed: ClaimedJob[] = []
    for (const entry of this.#inOrder()) {
      if (claimed.length >= limit) break
      if (factories && !factories.includes(entry.factory)) continue
      if (this.#freeAt(entry) <= this.#clock.now()) claimed.push(this.#give(entry, claimant))
    }
    return claimed
  }

  renew(claim: Claim, lease: number): void {
    checkClaimant({ ...claim, lease })
    this.#heldBy(claim).expiresAt = this.#clock.now() + lease
  }

  abandon(claim: Claim, delay = 0): void {
    const entry = this.#heldBy(claim)
    this.#free(entry)
    entry.notBefore = delay > 0 ? this.#clock.now() + delay : null
    this.#wake()
  }

  consume(claim: Claim): void {
    const entry = this.#heldBy(claim)
    this.#jobs.delete(entry.id)
    this.#laneOf(entry).delete(entry)
  }

  trash(claim: Claim, reason: string): void {
    const entry = this.#heldBy(claim)
    this.#free(entry)
    entry.trashed = { reason, at: this.#clock.now() }
  }

  putBack(id: string): void {
    const entry = this.#jobs.get(id)
    if (!entry?.trashed) throw new TaskFlowError('not-found', `no job with the id '${id}' is kept aside`)
    entry.trashed = null
    entry.attempts = 0
    this.#wake()
  }

  async wait({ factories, signal }: WaitOptions = {}): Promise<void> {
    for (;;) {
      const wait = this.#soonest(factories) - this.#clock.now()
      if (wait <= 0 || signal?.aborted) return
      await this.#change(wait, signal)
    }
  }

  close(): void {
    this.#jobs.clear()
    this.#lanes = jobPriorities.map(() => new Set())
  }

  /** Gives the entry to a new owner, and what it reads. */
  #give(entry: Entry, { owner, lease }: Claimant): ClaimedJob {
    entry.owner = owner
    entry.expiresAt = this.#clock.now() + lease
    entry.notBefore = null
    entry.fence++
    entry.attempts++
    return this.#read(entry) as ClaimedJob
  }

  #free(entry: Entry): void {
    entry.owner = null
    entry.expiresAt = null
  }

  /** @throws TaskFlowError `not-found`, `stale-owner` */
  #heldBy(claim: Claim): Entry {
    const entry = this.#jobs.get(claim.id)
    checkClaim(claim, entry)
    return entry!
  }

  #isHeld({ expiresAt }: Entry): boolean {
    return expiresAt !== null && expiresAt > this.#clock.now()
  }

  /** When an entry may be claimed by whoever takes the best. */
  #freeAt({ trashed, expiresAt, notBefore }: Entry): number {
    return trashed ? Number.POSITIVE_INFINITY : (expiresAt ?? notBefore ?? 0)
  }

  /** When the first of these jobs may be claimed. */
  #soonest(factories: readonly string[] | undefined): number {
    let soonest = Number.POSITIVE_INFINITY
    for (const entry of this.#jobs.values()) {
      if (!factories || factories.includes(entry.factory)) soonest = Math.min(soonest, this.#freeAt(entry))
    }
    return soonest
  }

  /** Until something on the board changes, or so many milliseconds are over. */
  async #change(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = (): void => resolve()
    const stop = Number.isFinite(milliseconds) ? this.#clock.wait(milliseconds, look) : undefined
    this.#waiting.add(look)
    signal?.addEventListener('abort', look)
    await promise
    signal?.removeEventListener('abort', look)
    this.#waiting.delete(look)
    stop?.()
  }

  #wake(): void {
    for (const look of this.#waiting) look()
  }

  *#inOrder(): Iterable<Entry> {
    for (const lane of this.#lanes) yield* lane
  }

  #laneOf({ priority }: Entry): Set<Entry> {
    return this.#lanes[jobPriorities.indexOf(priority)]!
  }

  #read(entry: Entry): Job {
    const state = entry.trashed ? 'TRASHED' : this.#isHeld(entry) ? 'CLAIMED' : 'UNCLAIMED'
    return { ...copy(entry), state }
  }
}
