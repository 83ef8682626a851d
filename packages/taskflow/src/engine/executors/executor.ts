import type { AnyTask, Outcome, RevertContext, TaskContext } from '../../task.ts'

/**
 * One execute or revert of a task, ready to be made.
 *
 * @example
 * const describe = ({ action, task, context }: TaskCall) => `${action} ${task.name}, attempt ${context.attempt}`
 */
export type TaskCall =
  | { readonly action: 'execute'; readonly task: AnyTask; readonly args: object; readonly context: TaskContext }
  | {
      readonly action: 'revert'
      readonly task: AnyTask
      readonly args: object
      readonly outcome: Outcome<unknown>
      readonly context: RevertContext
    }

/**
 * Makes calls somewhere else than in the engine's own thread.
 *
 * @example
 * const pool: Executor = new ThreadPool({ size: 2 })
 * await pool.close()
 */
export interface Executor {
  /** Whether this executor can make calls of that task; the engine makes the others itself. */
  accepts(task: AnyTask): boolean
  /**
   * Resolves with what the task gave; rejects with what it threw, or with a TaskFlowError that says what became of it.
   *
   * @param abandoned aborts when nobody waits for the answer any more: what still works on the call may be stopped.
   */
  invoke(call: TaskCall, abandoned: AbortSignal): Promise<unknown>
  /** Ends what it holds; calls that are under way fail. */
  close(): Promise<void>
}
