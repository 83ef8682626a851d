import type { Clock } from '../engine/clock.ts'
import { TaskFlowError } from '../errors.ts'
import type { Logger } from '../task.ts'
import type { ClaimedJob } from './job.ts'
import type { Jobboard } from './jobboard.ts'

/** What a lease is kept with. */
export interface LeaseParts {
  readonly jobboard: Jobboard
  readonly clock: Clock
  readonly logger: Logger
  /** Milliseconds that a claim lasts. */
  readonly lease: number
}

/** So many renewals fit into one lease: one or two may fail. */
const renewals = 3

/**
 * Keeps a claim while its job is worked on. It is lost when the board refuses a renewal, or when none came through in
 * time, as while the process was paused: then others may have the job, so whoever works on it must not go on. Time is
 * counted from before a claim or a renewal was asked for, and so is never later than the board's.
 */
export class Lease {
  readonly #parts: LeaseParts
  readonly #job: ClaimedJob
  readonly #onLost: (why: string) => void
  #endsAt: number
  #lost: string | null = null
  #ended = false
  #stopBeat: () => void = () => {}
  #stopEnd: () => void = () => {}

  /** @param since when the claim was asked for. */
  constructor(parts: LeaseParts, job: ClaimedJob, since: number, onLost: (why: string) => void) {
    this.#parts = parts
    this.#job = job
    this.#onLost = onLost
    this.#endsAt = since + parts.lease
    this.#guard()
    this.#beat()
  }

  /** Why the claim is lost; null while it is held. */
  whyLost(): string | null {
    if (!this.#ended && this.#lost === null && this.#parts.clock.now() >= this.#endsAt) this.#lose(this.#overtime())
    return this.#lost
  }

  /** Renews no more. */
  end(): void {
    this.#ended = true
    this.#stopBeat()
    this.#stopEnd()
  }

  #beat(): void {
    this.#stopBeat = this.#parts.clock.wait(this.#parts.lease / renewals, () => void this.#renew())
  }

  /** A renewal that hangs does not make a lease longer, nor does a clock that is set back. */
  #guard(): void {
    this.#stopEnd()
    const left = Math.max(0, this.#endsAt - this.#parts.clock.now())
    this.#stopEnd = this.#parts.clock.wait(left, () => this.#lose(this.#overtime()))
  }

  async #renew(): Promise<void> {
    const { jobboard, clock, lease, logger } = this.#parts
    if (this.whyLost() !== null) return
    const asked = clock.now()
    this.#beat()
    try {
      await jobboard.renew(this.#job, lease)
      if (this.#ended || this.whyLost() !== null) return
      this.#endsAt = Math.max(this.#endsAt, asked + lease)
      this.#guard()
    } catch (error) {
      if (this.#ended) return
      const why = error instanceof Error ? error.message : String(error)
      if (isRefusal(error)) this.#lose(why)
      else logger.warn({ job: this.#job.id, err: error }, `a claim could not be renewed: ${why}; it is tried again`)
    }
  }

  #lose(why: string): void {
    if (this.#lost !== null) return
    this.#lost = why
    this.end()
    this.#onLost(why)
  }

  #overtime(): string {
    return `the claim of job '${this.#job.id}' was not renewed within its ${this.#parts.lease} ms`
  }
}

/** Whether the board says that the claim is not the job's any more. */
export function isRefusal(error: unknown): boolean {
  return error instanceof TaskFlowError && (error.code === 'stale-owner' || error.code === 'not-found')
}
