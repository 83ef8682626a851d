import type { Failure, Flow, Listener, Logger } from '@glimpse/taskflow'
import type { Task } from '../domain/task.ts'

/**
 * Runs accepted tasks in the background. Which one runs is the deployer's choice (`[task] task_executor`); users see no
 * difference but speed.
 *
 * Source: Glance's task-executor interface; spec "Taskflow Integration" (Kilo).
 */
export interface TaskExecutor {
  /** Begins to work, also on what an earlier process has left to it. */
  start(): Promise<void>
  /** Takes over a task that is stored as pending, and brings it to its end. Never throws; the task tells. */
  submit(task: Task): void
  /** Whether it brings an unfinished task to its end by itself: it has it, or goes on with what an earlier process had. */
  keeps(task: string): Promise<boolean>
  /** Resolves when nothing that was submitted is unfinished. */
  drain(): Promise<void>
  /**
   * Takes nothing more. What runs is left for the next start where it is stored; where it is not it is cancelled: its
   * steps are reverted and its task fails with the reason.
   */
  stop(reason: string): Promise<void>
}

/** How a flow ended: without failures it succeeded. */
export interface FlowEnd {
  /** Why steps failed, in the order of the flow. */
  readonly failures: readonly Failure[]
  /** Why steps could not be undone. */
  readonly revertFailures: readonly Failure[]
  /** The reason, when the flow was cancelled. */
  readonly cancelled: string | null
}

export interface RunOptions {
  /** Id of the run: the task's id. */
  readonly id: string
  readonly listener: Listener
  readonly logger: Logger
  /** Cancels the run. Its reason is a string for users. */
  readonly signal: AbortSignal
}

/** What executors differ in: how the steps of a flow are run. Rejects only when the run itself broke down. */
export type FlowRunner = (flow: Flow<never, unknown>, inputs: object, options: RunOptions) => Promise<FlowEnd>
