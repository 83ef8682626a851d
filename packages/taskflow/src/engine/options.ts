import { TaskFlowError } from '../errors.ts'
import type { Listener } from '../listeners/listener.ts'
import { checkMilliseconds } from '../names.ts'
import type { Backend } from '../storage/backend.ts'
import type { Logger } from '../task.ts'
import type { Clock } from './clock.ts'
import type { Executor } from './executors/executor.ts'
import type { PlanChangeRule } from './plan-changes.ts'

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
  /** Id of the log book that the run belongs to. Default: none. */
  readonly book?: string
  /** What is to be remembered with the run, the factory of its flow say; must survive JSON. */
  readonly meta?: Readonly<Record<string, unknown>>
  /**
   * Number of the run's owner: what storage has seen a higher one of, it takes nothing more from. Default: 0 for a new
   * run, one more than is stored for one that is resumed.
   */
  readonly fence?: number
  /** What to do when the flow of a run that is resumed is no longer what it was. Default `refuse`. */
  readonly onPlanChange?: PlanChangeRule
  /**
   * Bytes of JSON that an input or a result may have, roughly. What is larger belongs into a file or a store, and a
   * reference to it into the flow. Default 1 MiB.
   */
  readonly maxValueBytes?: number
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
  /**
   * Whether `statistics` also tells how long each stage of the loop took. That is a look at the clock a stage, which
   * atoms that do next to nothing notice: a fifth of the run. Default false. Source: TaskFlow's `gather_statistics`.
   */
  readonly gatherStatistics?: boolean
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
  const { mode = 'serial', maxWorkers = 10, onRevertFailure = 'stop', id, grace, fence, maxValueBytes } = options
  if (!modes.includes(mode)) throw wrong(`mode must be one of ${modes.join(', ')}, not ${JSON.stringify(mode)}`)
  checkWhole('maxWorkers', maxWorkers, 1)
  if (onRevertFailure !== 'stop' && onRevertFailure !== 'continue') {
    throw wrong(`onRevertFailure must be 'stop' or 'continue', not ${JSON.stringify(onRevertFailure)}`)
  }
  if (id !== undefined && (typeof id !== 'string' || id === '')) {
    throw wrong(`id must be a text that is not empty, not ${JSON.stringify(id)}`)
  }
  checkMilliseconds('grace', grace)
  checkWhole('fence', fence, 0)
  checkWhole('maxValueBytes', maxValueBytes, 1)
}

export function capacityOf({ mode = 'serial', maxWorkers = 10 }: EngineOptions): number {
  return mode === 'serial' ? 1 : maxWorkers
}

export function maxValueBytesOf({ maxValueBytes = 1 << 20 }: EngineOptions): number {
  return maxValueBytes
}

function checkWhole(what: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return
  throw wrong(`${what} must be a whole number of at least ${least}, not ${value}`)
}

function wrong(message: string): TaskFlowError {
  return new TaskFlowError('invalid-flow', message)
}
