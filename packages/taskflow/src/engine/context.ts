import type { Failure } from '../failure.ts'
import { History } from '../history.ts'
import type { RetryContext } from '../retry.ts'
import type { AtomState } from '../states.ts'
import type { Logger, RevertContext } from '../task.ts'
import type { ProgressBook } from './progress.ts'
import { failuresByAtom, nameOf, type Run } from './run.ts'

/** Reverts are carried to their end, unless their time is limited: this never aborts. */
const never = new AbortController().signal

/** One execute or revert of one task, seen from inside. */
export class AtomContext implements RevertContext {
  readonly flow: string
  readonly atom: string
  readonly attempt: number
  readonly #run: Run
  readonly #node: number
  readonly #progress: ProgressBook
  /** What the atom was doing when this began. */
  readonly #phase: AtomState
  /** Aborts when the time is over; null where it is not limited. */
  readonly #timeout: AbortSignal | null
  #signal: AbortSignal | null = null

  constructor(run: Run, node: number, progress: ProgressBook, timeout: AbortSignal | null = null) {
    this.flow = run.id
    this.atom = nameOf(run, node)
    this.attempt = run.attempts[node]!
    this.#run = run
    this.#node = node
    this.#progress = progress
    this.#phase = run.states[node]!
    this.#timeout = timeout
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal()
    return this.#signal
  }

  /** Whether its time is over, where it is limited. */
  get timedOut(): boolean {
    return this.#timeout?.aborted ?? false
  }

  get idempotencyKey(): string {
    const key = `${this.flow}/${this.atom}/${this.attempt}`
    return this.#phase === 'REVERTING' ? `${key}/revert` : key
  }

  get logger(): Logger {
    return this.#run.logger
  }

  get failures(): ReadonlyMap<string, Failure> {
    return failuresByAtom(this.#run)
  }

  /** May be taken out of the context and called alone. */
  readonly progress = (fraction: number, details: object | null = null): void => {
    if (this.attempt === this.#run.attempts[this.#node]) this.#progress.tell(this.#node, this.#phase, fraction, details)
  }

  #makeSignal(): AbortSignal {
    if (this.#phase === 'REVERTING') return this.#timeout ?? never
    const { signal } = this.#run.abort
    return this.#timeout ? AbortSignal.any([signal, this.#timeout]) : signal
  }
}

/** What a retry is told besides its arguments. All failures of a flow are looked for only when they are asked for. */
export function retryContext(run: Run, node: number): RetryContext<unknown> {
  const failure = run.failures.get(node) ?? null
  return {
    flow: run.id,
    atom: nameOf(run, node),
    history: new History([...(run.histories.get(node) ?? [])], failure),
    get failures() {
      return failuresByAtom(run)
    },
    logger: run.logger,
  }
}
