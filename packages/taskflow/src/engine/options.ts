import { TaskFlowError } from '../errors.ts'
import type { Listener } from '../listeners/listener.ts'
import { checkMilliseconds } from '../names.ts'
import type { Backend } from '../storage/backend.ts'
import type { Logger } from '../task.ts'
import type { Clock } from './clock.ts'
import type { Executor } from './executors/executor.ts'

/**
 * How an engine runs a flow.
 *
 * @example
 * const options: EngineOptions = { mode: 'parallel', maxWorkers: 4 }
 */
export interface EngineOptions {
  /**
   * `serial`: one atom at a time; `parallel`: as many as `maxWorkers`; `threads`: the same, and tasks that name their
   * module run on worker threads. Default `serial`.
   */
  readonly mode?: EngineMode
  /** How many atoms may be under way at once in a parallel engine, and how many threads there may be. Default 10. */
  readonly maxWorkers?: number
  /**
   * Runs tasks elsewhere; may serve several engines, and is not closed by any. In mode `threads` the default is a
   * ThreadPool of the engine's own.
   */
  readonly executor?: Executor
  /** Where the run is recorded. Default: a memory of its own. */
  readonly backend?: Backend
  /** Id of the run. Default: a new UUID. */
  readonly id?: string
  readonly listeners?: readonly Listener[]
  readonly logger?: Logger
  /** Cancels the run when it aborts. */
  readonly signal?: AbortSignal
  /**
   * What a revert that fails does to the reverts before it: `stop` leaves them undone, as TaskFlow does; `continue`
   * reverts everything else that was done. Either way the flow ends in FAILURE. Default `stop`.
   */
  readonly onRevertFailure?: 'stop' | 'continue'
  /**
   * Whether a retry that gives up leaves the decision to the one around it, and with none reverts everything; otherwise
   * its own flow alone is reverted. Default false. Source: TaskFlow's `defer_reverts`.
   */
  readonly deferReverts?: boolean
  /**
   * Whether a failure ends the flow at once, with nothing reverted or retried. Default false. Source: TaskFlow's
   * `never_resolve`.
   */
  readonly neverResolve?: boolean
  /**
   * Whether atoms that were ready together with one that failed, but have not begun, are left alone. TaskFlow runs them,
   * to revert them then: what becomes of a wave does not depend on the number of workers. Default false.
   */
  readonly failFast?: boolean
  /** Milliseconds that a task has to end by itself once its time is over. Default 5,000. */
  readonly grace?: number
  /** Where time comes from. Default: the system's timers. */
  readonly clock?: Clock
}

/**
 * Where the atoms of a flow run.
 *
 * @example
 * const modes: readonly EngineMode[] = ['serial', 'parallel', 'threads']
 */
export type EngineMode = 'serial' | 'parallel' | 'threads'

const modes: readonly unknown[] = ['serial', 'parallel', 'threads']

/** @throws TaskFlowError `invalid-flow`, saying what was given and what is allowed. */
export function checkOptions(options: EngineOptions): void {
  const { mode = 'serial', maxWorkers = 10, onRevertFailure = 'stop', id, grace } = options
  if (!modes.includes(mode)) throw wrong(`mode must be one of ${modes.join(', ')}, not ${JSON.stringify(mode)}`)
  if (!Number.isInteger(maxWorkers) || maxWorkers < 1) {
    throw wrong(`maxWorkers must be a whole number of at least 1, not ${maxWorkers}`)
  }
  if (onRevertFailure !== 'stop' && onRevertFailure !== 'continue') {
    throw wrong(`onRevertFailure must be 'stop' or 'continue', not ${JSON.stringify(onRevertFailure)}`)
  }
  if (id !== undefined && (typeof id !== 'string' || id === '')) {
    throw wrong(`id must be a text that is not empty, not ${JSON.stringify(id)}`)
  }
  checkMilliseconds('grace', grace)
}

export function capacityOf({ mode = 'serial', maxWorkers = 10 }: EngineOptions): number {
  return mode === 'serial' ? 1 : maxWorkers
}

function wrong(message: string): TaskFlowError {
  return new TaskFlowError('invalid-flow', message)
}
