import { TaskFlowError } from '../errors.ts'
import { Failure } from '../failure.ts'
import type { AnyTask, Outcome, TaskContext } from '../task.ts'
import { AtomContext } from './context.ts'
import type { ProgressBook } from './progress.ts'
import type { Run } from './run.ts'

type Hook = (context: TaskContext) => unknown

/** An execute or revert that is to be made. */
type Request =
  | { readonly action: 'execute'; readonly task: AnyTask; readonly args: object }
  | { readonly action: 'revert'; readonly task: AnyTask; readonly args: object; readonly outcome: Outcome<unknown> }

/** Whether a task is more than its two functions: it has hooks or a time limit, or runs elsewhere. */
export function isGuarded(run: Run, task: AnyTask): boolean {
  return (
    task.timeout !== null ||
    task.revertTimeout !== null ||
    run.executor?.accepts(task) === true ||
    Boolean(task.preExecute ?? task.postExecute ?? task.preRevert ?? task.postRevert)
  )
}

/** Makes a call between its hooks, within its time, where it is to be made. */
export async function invokeGuarded(
  run: Run,
  progress: ProgressBook,
  node: number,
  request: Request,
): Promise<unknown> {
  const { task, action } = request
  const timeout = new AbortController()
  const abandoned = new AbortController()
  const context = new AtomContext(run, node, progress, timeout.signal)
  const [before, after] = action === 'execute' ? [task.preExecute, task.postExecute] : [task.preRevert, task.postRevert]
  try {
    const call = begin(run, request, { context, before, abandoned: abandoned.signal })
    const limit = action === 'execute' ? task.timeout : task.revertTimeout
    return limit === null ? await call : await within(run, context, limit, call, { timeout, abandoned })
  } finally {
    await settleHook(run, context, after)
  }
}

/** What comes before the work is within its time, and one whose time is over by then does not begin. */
async function begin(
  run: Run,
  request: Request,
  { context, before, abandoned }: { context: AtomContext; before: Hook | undefined; abandoned: AbortSignal },
): Promise<unknown> {
  if (before) {
    await before(context)
    if (context.timedOut) return undefined
  }
  const { task, args } = request
  if (request.action === 'revert' && !task.revert) return undefined
  if (run.executor?.accepts(task)) return await run.executor.invoke({ ...request, context }, abandoned)
  if (request.action === 'execute') return await task.execute(args as never, context)
  return await task.revert?.(args as never, request.outcome, context)
}

/** What comes after the work cannot undo that it was done. */
async function settleHook(run: Run, context: TaskContext, hook: Hook | undefined): Promise<void> {
  try {
    await hook?.(context)
  } catch (error) {
    const { atom } = context
    const { message } = Failure.from(error, atom)
    run.logger.error({ atom, err: error }, `a hook of '${atom}' failed after its work: ${message}; the flow goes on`)
  }
}

/**
 * Gives a call so many milliseconds, then aborts it, and after the grace goes on without it. Whatever it comes to after
 * its time is over, it has failed.
 */
async function within(
  run: Run,
  { atom }: TaskContext,
  limit: number,
  call: Promise<unknown>,
  controls: { readonly timeout: AbortController; readonly abandoned: AbortController },
): Promise<unknown> {
  const error = new TaskFlowError('timeout', `'${atom}' took longer than the ${limit} ms that it may`)
  return await new Promise((resolve, reject) => {
    let stop = run.clock.wait(limit, () => {
      controls.timeout.abort(error)
      stop = run.clock.wait(run.grace, () => {
        run.logger.warn({ atom }, `'${atom}' does not heed that its time is over; the flow goes on without it`)
        controls.abandoned.abort(error)
        reject(error)
      })
    })
    const end = (settle: () => void): void => {
      stop()
      if (controls.timeout.signal.aborted) reject(error)
      else settle()
    }
    call.then(
      (value) => end(() => resolve(value)),
      (thrown: unknown) => end(() => reject(thrown)),
    )
  })
}
