import { TaskFlowError } from '../errors.ts'
import { Failure } from '../failure.ts'
import type { AtomNode, RetryNode } from '../nodes.ts'
import type { AnyTask, Outcome } from '../task.ts'
import { argumentsOf } from './arguments.ts'
import { AtomContext, retryContext } from './context.ts'
import { invokeGuarded, isGuarded } from './guard.ts'
import type { ProgressBook } from './progress.ts'
import { nameOf, type Run } from './run.ts'

/** Starts an execute or revert; what it gives, now or later, is put where `analyzing` finds it. */
export function launch(run: Run, progress: ProgressBook, node: number): void {
  run.running++
  const end = (ok: boolean, value: unknown): void => {
    run.completed.push({ node, ok, value })
    run.wake()
  }
  try {
    const given = invoke(run, progress, node)
    if (!isThenable(given)) return end(true, given)
    // A promise of ours: it settles once, whatever the thenable that a task gives does.
    Promise.resolve(given).then(
      (value) => end(true, value),
      (error: unknown) => end(false, error),
    )
  } catch (error) {
    end(false, error)
  }
}

function invoke(run: Run, progress: ProgressBook, node: number): unknown {
  const atom = run.plan.atoms[node]!
  if (run.states[node] === 'RUNNING') {
    const args = argumentsOrUnbegun(run, node)
    return atom.kind === 'task' ? execute(run, progress, node, atom, args) : executeRetry(run, node, atom, args)
  }
  if (run.unbegun.has(node) || wasNotToBegin(run, node)) return undefined
  return atom.kind === 'task' ? revert(run, progress, node, atom) : revertRetry(run, node, atom)
}

/** An execute whose arguments could not be found never began: there is nothing to undo. */
function argumentsOrUnbegun(run: Run, node: number): object {
  try {
    return argumentsOf(run, node, 'execute')
  } catch (error) {
    run.unbegun.add(node)
    throw error
  }
}

/** Whether an execute that was interrupted can only have failed for want of its arguments. */
function wasNotToBegin(run: Run, node: number): boolean {
  if (!isUnknown(run, node)) return false
  try {
    argumentsOf(run, node, 'execute')
    return false
  } catch {
    return true
  }
}

/** Whether an atom that is being reverted neither gave a result nor failed: its execute was interrupted. */
function isUnknown(run: Run, node: number): boolean {
  return run.results[node] === undefined && !run.failures.has(node)
}

function execute(run: Run, progress: ProgressBook, node: number, { task }: AtomNode, args: object): unknown {
  if (isGuarded(run, task)) return invokeGuarded(run, progress, node, { action: 'execute', task, args })
  return task.execute(args as never, new AtomContext(run, node, progress))
}

function revert(run: Run, progress: ProgressBook, node: number, { task }: AtomNode): unknown {
  if (!task.revert && !task.preRevert && !task.postRevert) return undefined
  const outcome = outcomeOf(run, node)
  const args = argumentsOf(run, node, 'revert')
  if (isGuarded(run, task)) return invokeGuarded(run, progress, node, { action: 'revert', task, args, outcome })
  return (task satisfies AnyTask).revert?.(args as never, outcome, new AtomContext(run, node, progress))
}

function outcomeOf(run: Run, node: number): Outcome<unknown> {
  const failure = run.failures.get(node)
  if (failure) return { ok: false, failure }
  if (!isUnknown(run, node)) return { ok: true, result: run.results[node] }
  const name = nameOf(run, node)
  const message = `the process ended while '${name}' executed; nobody knows how far it came`
  return { ok: false, failure: Failure.from(new TaskFlowError('interrupted', message), name) }
}

function executeRetry(run: Run, node: number, { retry }: RetryNode, args: object): unknown {
  return retry.execute(args as never, retryContext(run, node))
}

function revertRetry(run: Run, node: number, { retry }: RetryNode): unknown {
  return retry.revert?.(argumentsOf(run, node, 'revert') as never, retryContext(run, node))
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Failure) &&
    'then' in value &&
    typeof value.then === 'function'
  )
}
