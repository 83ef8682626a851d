import type { AtomState } from '../states.ts'
import type { Logger, TaskContext } from '../task.ts'
import type { ProgressBook } from './progress.ts'
import type { Run } from './run.ts'

/** Reverts are carried to their end: this never aborts. */
const never = new AbortController().signal

/** One execute or revert of one atom, seen from inside. */
export class AtomContext implements TaskContext {
  readonly flow: string
  readonly atom: string
  readonly attempt: number
  readonly #run: Run
  readonly #node: number
  readonly #progress: ProgressBook
  /** What the atom was doing when this began. */
  readonly #phase: AtomState

  constructor(run: Run, node: number, progress: ProgressBook) {
    this.flow = run.id
    this.atom = run.plan.atoms[node]!.name
    this.attempt = run.attempts[node]!
    this.#run = run
    this.#node = node
    this.#progress = progress
    this.#phase = run.states[node]!
  }

  get signal(): AbortSignal {
    return this.#phase === 'REVERTING' ? never : this.#run.abort.signal
  }

  get idempotencyKey(): string {
    return `${this.flow}/${this.atom}/${this.attempt}`
  }

  get logger(): Logger {
    return this.#run.logger
  }

  progress(fraction: number, details: object | null = null): void {
    this.#progress.tell(this.#node, this.#phase, fraction, details)
  }
}
