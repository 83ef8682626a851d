import type { Clock as Timer } from '@glimpse/taskflow'
import { type SweepParts, type Swept, sweep } from './sweep.ts'

export interface SweeperOptions {
  /** Milliseconds from the end of one pass to the next; 0: there are none. */
  readonly interval: number
  readonly timer: Timer
}

/** Milliseconds that a stop waits for a pass to heed it; a store that does not answer keeps nobody longer. */
const patience = 3_000

/** Sweeps again and again, one pass at a time. */
export class Sweeper {
  readonly #parts: SweepParts
  readonly #options: SweeperOptions
  readonly #stopping = new AbortController()
  #pass: Promise<Swept> | null = null
  #cancelNext: () => void = () => {}

  constructor(parts: Omit<SweepParts, 'foreign'>, options: SweeperOptions) {
    this.#parts = { ...parts, foreign: new Map() }
    this.#options = options
  }

  /** The first pass begins now. */
  start(): void {
    const { interval, timer } = this.#options
    if (interval === 0 || this.#stopping.signal.aborted) return
    void this.sweep().finally(() => {
      if (!this.#stopping.signal.aborted) this.#cancelNext = timer.wait(interval, () => this.start())
    })
  }

  /** The pass that runs, or a new one. It never fails: what went wrong is in the log. */
  sweep(): Promise<Swept> {
    this.#pass ??= this.#sweep().finally(() => {
      this.#pass = null
    })
    return this.#pass
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#cancelNext()
    if (this.#pass === null) return
    const { promise: outOfPatience, resolve } = Promise.withResolvers<void>()
    const cancel = this.#options.timer.wait(patience, resolve)
    await Promise.race([this.#pass, outOfPatience])
    cancel()
  }

  async #sweep(): Promise<Swept> {
    const swept = await sweep(this.#parts, this.#stopping.signal)
    const did = Object.fromEntries(Object.entries(swept).filter(([, count]) => count > 0))
    if (Object.keys(did).length > 0) this.#parts.log.info(did, 'swept what nobody else owns')
    return swept
  }
}
