import { type ErrorCode, TaskFlowError } from '../errors.ts'
import type { AtomEvent, FlowEvent } from '../listeners/listener.ts'
import type { Notifier } from '../listeners/notifier.ts'
import type { FlowState } from '../states.ts'
import type { Awaitable, Backend } from '../storage/backend.ts'
import type { AtomChange, FlowChange, Progress } from '../storage/records.ts'
import type { Clock } from './clock.ts'

/** What a recorder writes to, and in whose name. */
export interface Records {
  /** Id of the run. */
  readonly flow: string
  readonly backend: Backend
  readonly notifier: Notifier
  readonly clock: Clock
  /** Number of the run's owner. */
  readonly fence: number
  /** The state that is stored. */
  readonly state: FlowState
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Collects what changes in a run until {@link flush} stores it as one batch, and announces it only then: nobody hears
 * of what could still be lost.
 */
export class Recorder {
  readonly #records: Records
  #change: Mutable<FlowChange> = {}
  #atoms: AtomChange[] = []
  #events: ((notifier: Notifier) => void)[] = []
  #changed = false
  /** When what waits to be stored happened; null until somebody asks. */
  #now: number | null = null
  #state: FlowState

  constructor(records: Records) {
    this.#records = records
    this.#state = records.state
  }

  /** The state of the flow that was stored last. */
  get state(): FlowState {
    return this.#state
  }

  /** Everything in one batch happens at one moment. */
  now(): number {
    this.#now ??= this.#records.clock.now()
    return this.#now
  }

  /** Whether anybody is told what is announced. */
  get listening(): boolean {
    return this.#records.notifier.listening
  }

  /** @param event what is announced; null where there is nothing to announce, or nobody to tell. */
  atom(change: AtomChange, event: AtomEvent | null): void {
    this.#atoms.push(change)
    this.#changed = true
    if (event) this.#events.push((notifier) => notifier.atom(event))
  }

  flow(change: FlowChange, event: FlowEvent | null): void {
    Object.assign(this.#change, change)
    this.#changed = true
    if (event && this.#records.notifier.listening) this.#events.push((notifier) => notifier.flow(event))
  }

  /** @throws TaskFlowError `storage`, `stale-owner`: the batch is not stored and nobody heard of it. */
  flush(): Awaitable<void> {
    if (!this.#changed) return
    const change = this.#change
    const atoms = this.#atoms
    const events = this.#events
    this.#change = {}
    this.#atoms = []
    this.#events = []
    this.#changed = false
    const at = this.now()
    this.#now = null
    try {
      const stored = this.#commit(at, change, atoms)
      if (stored) return stored.then(() => this.#announce(change, events), raiseUnstored)
    } catch (error) {
      raiseUnstored(error)
    }
    this.#announce(change, events)
  }

  /** Stores what atoms told of their progress, apart from what changed their states. */
  progress(told: readonly { readonly name: string; readonly progress: Progress }[]): Awaitable<void> {
    return this.#commit(this.#records.clock.now(), {}, told)
  }

  #commit(at: number, change: FlowChange, atoms: readonly AtomChange[]): Awaitable<void> {
    const { backend, flow, fence } = this.#records
    return backend.commit({ flow, fence, at, change, atoms })
  }

  #announce({ state }: FlowChange, events: readonly ((notifier: Notifier) => void)[]): void {
    this.#state = state ?? this.#state
    for (const event of events) event(this.#records.notifier)
  }
}

const losses: ReadonlySet<unknown> = new Set<ErrorCode>(['storage', 'stale-owner', 'abandoned'])

/** Whether a run was lost: what happens in it is not recorded any more. */
export function isLost(error: unknown): boolean {
  return error instanceof TaskFlowError && losses.has(error.code)
}

/**
 * @throws TaskFlowError always: `stale-owner` when the run has another owner by now, else `storage` with the error of
 *   the backend.
 */
export function raiseUnstored(error: unknown): never {
  if (error instanceof TaskFlowError && error.code === 'stale-owner') throw error
  const why = error instanceof Error ? error.message : String(error)
  throw new TaskFlowError('storage', `what the flow did could not be stored: ${why}`, { cause: error })
}
