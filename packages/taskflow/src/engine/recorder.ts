import { TaskFlowError } from '../errors.ts'
import type { AtomEvent, FlowEvent } from '../listeners/listener.ts'
import type { Notifier } from '../listeners/notifier.ts'
import type { FlowState } from '../states.ts'
import type { Awaitable, Backend } from '../storage/backend.ts'
import type { AtomChange, Batch, FlowChange } from '../storage/records.ts'

/**
 * Collects what changes in a run until {@link flush} stores it as one batch, and announces it only then: nobody hears
 * of what could still be lost.
 */
export class Recorder {
  readonly #backend: Backend
  readonly #notifier: Notifier
  #atoms: AtomChange[] = []
  #flows: FlowChange[] = []
  #events: ((notifier: Notifier) => void)[] = []
  #state: FlowState = 'PENDING'

  constructor(backend: Backend, notifier: Notifier) {
    this.#backend = backend
    this.#notifier = notifier
  }

  /** The state of the flow that was stored last. */
  get state(): FlowState {
    return this.#state
  }

  /** @param event makes what is announced, where anybody listens; null where there is nothing to announce. */
  atom(change: AtomChange, event: (() => AtomEvent) | null): void {
    this.#atoms.push(change)
    if (event === null || !this.#notifier.listening) return
    const made = event()
    this.#events.push((notifier) => notifier.atom(made))
  }

  flow(event: FlowEvent): void {
    this.#flows.push({ flow: event.flow, state: event.state })
    if (this.#notifier.listening) this.#events.push((notifier) => notifier.flow(event))
  }

  /** @throws TaskFlowError `storage`: the batch is not stored and nobody heard of it. */
  flush(): Awaitable<void> {
    if (this.#atoms.length + this.#flows.length === 0) return
    const batch = { flows: this.#flows, atoms: this.#atoms }
    const events = this.#events
    this.#atoms = []
    this.#flows = []
    this.#events = []
    try {
      const stored = this.#backend.commit(batch)
      if (stored) return stored.then(() => this.#announce(batch, events), raiseUnstored)
    } catch (error) {
      raiseUnstored(error)
    }
    this.#announce(batch, events)
  }

  #announce({ flows }: Batch, events: readonly ((notifier: Notifier) => void)[]): void {
    this.#state = flows.at(-1)?.state ?? this.#state
    for (const event of events) event(this.#notifier)
  }
}

/** @throws TaskFlowError `storage`, always: the error of a backend, as a run raises it. */
export function raiseUnstored(error: unknown): never {
  const why = error instanceof Error ? error.message : String(error)
  throw new TaskFlowError('storage', `what the flow did could not be stored: ${why}`, { cause: error })
}
