/** What the loop does, over and over. */
export type Stage = 'scheduling' | 'starting' | 'waiting' | 'analyzing'

/** Counts what a run does while it is driven, and how long that takes. */
export class Tally {
  completed = 0
  discardedFailures = 0
  readonly #gather: boolean
  readonly #now: () => number
  readonly #spent: Record<Stage, number> = { scheduling: 0, starting: 0, waiting: 0, analyzing: 0 }
  #began = 0
  /** Null while the run is driven. */
  #ended: number | null = 0
  #lap = 0

  /** @param gather whether each stage is timed: that is a look at the clock a stage. */
  constructor(gather: boolean, now: () => number = () => performance.now()) {
    this.#gather = gather
    this.#now = now
  }

  /** Milliseconds from the begin of the latest drive to its end, or until now. */
  get activeFor(): number {
    return (this.#ended ?? this.#now()) - this.#began
  }

  /** Milliseconds that went into each stage, without the one that is under way; null where that is not gathered. */
  get millisecondsPerStage(): Readonly<Record<Stage, number>> | null {
    return this.#gather ? Object.freeze({ ...this.#spent }) : null
  }

  begin(): void {
    this.completed = 0
    this.discardedFailures = 0
    for (const stage of stages) this.#spent[stage] = 0
    this.#began = this.#now()
    this.#lap = this.#began
    this.#ended = null
  }

  /** A stage is over; the next one begins at once. */
  lap(stage: Stage): void {
    if (!this.#gather) return
    const now = this.#now()
    this.#spent[stage] += now - this.#lap
    this.#lap = now
  }

  /** What went by since the last stage belongs to none. */
  skip(): void {
    if (this.#gather) this.#lap = this.#now()
  }

  end(): void {
    this.#ended ??= this.#now()
  }
}

const stages: readonly Stage[] = ['scheduling', 'starting', 'waiting', 'analyzing']
