import type { Plan } from '../compiler/plan.ts'
import type { Failure } from '../failure.ts'
import type { Notifier } from '../listeners/notifier.ts'
import type { AtomState, FlowState } from '../states.ts'
import type { Logger } from '../task.ts'
import type { ReadyQueue } from './ready-queue.ts'
import type { Recorder } from './recorder.ts'

/** An execute or revert that has ended, and how. */
export interface Completion {
  readonly node: number
  readonly ok: boolean
  /** The result, or what was thrown. */
  readonly value: unknown
}

/** What does not change while a flow runs. */
interface RunSetting {
  readonly id: string
  readonly plan: Plan
  readonly inputs: Readonly<Record<string, unknown>>
  /** How many atoms may be under way at once. */
  readonly capacity: number
  readonly onRevertFailure: 'stop' | 'continue'
  readonly recorder: Recorder
  readonly notifier: Notifier
  readonly logger: Logger
}

/**
 * One run of a plan: an array a fact, indexed by node. The functions of machine, scheduler and completer work on it;
 * nothing else holds state.
 */
export interface Run extends RunSetting {
  flowState: FlowState
  /** Joins have states too, but nobody is told of them. */
  readonly states: AtomState[]
  readonly attempts: Uint32Array
  readonly results: unknown[]
  readonly failures: Map<number, Failure>
  readonly revertFailures: Map<number, Failure>
  /**
   * While the run goes forward: how many predecessors of a node are not done. While it reverts: how many successors of
   * a node are not settled (neither untouched nor reverted).
   */
  readonly blockers: Int32Array
  /** Keys of what may start now, see scheduler.ts. */
  readonly ready: ReadyQueue
  reverting: boolean
  /** A revert failed and nothing more is to be started. */
  halted: boolean
  /** Why the run was cancelled. */
  cancelled: { readonly reason: unknown } | null
  readonly abort: AbortController
  /** How many executes and reverts are under way. */
  running: number
  completed: Completion[]
  /** Ends the present wait, if there is one. */
  wake: () => void
}
