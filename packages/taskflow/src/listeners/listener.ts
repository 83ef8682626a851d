import type { Failure } from '../failure.ts'
import type { Inspection } from '../inspection.ts'
import type { AtomState, FlowState } from '../states.ts'
import type { Progress } from '../storage/records.ts'

/**
 * A flow went from one state to another.
 *
 * @example
 * const sayFlow = ({ name, oldState, state }: FlowEvent) => `${name}: ${oldState} > ${state}`
 */
export interface FlowEvent {
  /** Id of the run, and name of its flow. */
  readonly flow: string
  readonly name: string
  readonly state: FlowState
  readonly oldState: FlowState
}

/**
 * An atom went from one state to another.
 *
 * @example
 * const sayAtom = ({ atom, state, failure }: AtomEvent) => `${atom}: ${state} ${failure?.message ?? ''}`
 */
export interface AtomEvent {
  readonly flow: string
  readonly atom: string
  readonly kind: 'task' | 'retry'
  readonly state: AtomState
  readonly oldState: AtomState
  /** Number of the latest execute: 1, 2, ...; 0 before the first. */
  readonly attempt: number
  /** In `SUCCESS` what execute gave, in `REVERTED` what revert gave. */
  readonly result?: unknown
  /** In `FAILURE` why it failed, in `REVERT_FAILURE` why it could not be undone, in `RETRYING` what it tries again for. */
  readonly failure?: Failure
  /** In `RETRYING`, how many milliseconds it waits before that. */
  readonly wait?: number
}

/**
 * A transition of a run, as {@link Engine.iterate} gives it.
 *
 * @example
 * const sayTransition = (transition: Transition) => ('atom' in transition ? transition.atom : transition.name)
 */
export type Transition = FlowEvent | AtomEvent

/**
 * An atom told how far it is.
 *
 * @example
 * const sayProgress = ({ atom, fraction }: ProgressEvent) => `${atom}: ${Math.floor(fraction * 100)} %`
 */
export interface ProgressEvent extends Progress {
  readonly flow: string
  readonly atom: string
  /** Number of the execute that tells, or that is being reverted: 1, 2, ... */
  readonly attempt: number
}

/**
 * Is told what happens in a run, after it was stored, in the order in which it happened. What a listener throws is
 * logged and harms nothing.
 *
 * @example
 * const states: string[] = []
 * const listener: Listener = { onAtom: ({ atom, state }) => states.push(`${atom} ${state}`) }
 * const work = task({ name: 'work', execute: () => 1 })
 * await run(flow('f', (f) => f.add(work, {})), {}, { listeners: [listener] })
 * console.log(states.join()) // work RUNNING,work SUCCESS
 */
export interface Listener {
  onFlow?(event: FlowEvent): void
  /** @param engine whose run it is, to look at. Who tells without an engine gives none. */
  onAtom?(event: AtomEvent, engine?: Inspection): void
  onProgress?(event: ProgressEvent): void
}
