import { noNode } from '../compiler/plan.ts'
import { TaskFlowError } from '../errors.ts'
import { Failure } from '../failure.ts'
import type { RetryNode } from '../nodes.ts'
import type { Decision } from '../retry.ts'
import { argumentsOf } from './arguments.ts'
import { retryContext } from './context.ts'
import { markAll, markFrom } from './marking.ts'
import { nameOf, type Run } from './run.ts'
import { recordFact } from './transitions.ts'

/** What is done about a failure: a decision and the retry whose flow it is about; without one, about everything. */
interface Resolution {
  readonly decision: Decision
  readonly retry: number
}

const everything: Resolution = { decision: 'REVERT_ALL', retry: noNode }
/** No retry is asked: everything as well, but not because somebody wanted it. */
const unasked: Resolution = { decision: 'REVERT_ALL', retry: noNode }

/**
 * Asks the retries about a failure, from the nearest outwards, and turns round what they decide on.
 *
 * Source: TaskFlow's `engines/action_engine/completer.py`.
 */
export function resolve(run: Run, node: number, failure: Failure): void {
  if (run.revertingAll) return
  const { decision, retry } = resolutionOf(run, node, failure)
  if (decision === 'REVERT_ALL') {
    markAll(run)
    return
  }
  markFrom(run, retry, decision)
  recordFact(run, retry, { intention: run.intentions[retry]! })
}

/**
 * A retry that gives up asks the one of the enclosing flow, which may decide on more. Where that has nothing more to
 * say, or there is none, the inner flow alone is reverted; with `deferReverts` the outermost word counts.
 */
function resolutionOf(run: Run, node: number, failure: Failure): Resolution {
  const retry = controllerOf(run, node)
  if (retry === noNode) return unasked
  const decision = ask(run, retry, node, failure)
  if (decision === 'REVERT_ALL') return everything
  if (decision === 'RETRY') return { decision, retry }
  const outer = resolutionOf(run, retry, failure)
  if (run.deferReverts) return outer
  return outer === unasked || outer.decision === 'REVERT' ? { decision, retry } : outer
}

/** A retry that a decider passed by controls nothing. */
function controllerOf(run: Run, node: number): number {
  let retry = run.plan.controllers[node]!
  while (retry !== noNode && run.states[retry] === 'IGNORE') retry = run.plan.controllers[retry]!
  return retry
}

/** A retry that cannot decide has failed itself: everything reverts, and its failure is told with the other. */
function ask(run: Run, retry: number, failed: number, failure: Failure): Decision {
  noteFailure(run, retry, failed, failure)
  const { retry: asked } = run.plan.atoms[retry] as RetryNode
  try {
    const decision: unknown = asked.onFailure(argumentsOf(run, retry, 'execute') as never, retryContext(run, retry))
    if (decision instanceof Promise) decision.catch(() => {})
    if (decision === 'RETRY' || decision === 'REVERT' || decision === 'REVERT_ALL') return decision
    throw new TaskFlowError(
      'invalid-decision',
      `retry '${nameOf(run, retry)}' must decide RETRY, REVERT or REVERT_ALL, at once, not ${String(decision)}`,
    )
  } catch (error) {
    const reason = Failure.from(error, nameOf(run, retry))
    run.failures.set(retry, reason)
    recordFact(run, retry, { failure: reason.toJSON() })
    return 'REVERT_ALL'
  }
}

/** Of each atom the first failure in an attempt is kept. */
function noteFailure(run: Run, retry: number, failed: number, failure: Failure): void {
  const history = run.histories.get(retry)
  const last = history?.at(-1)
  const name = nameOf(run, failed)
  if (!history || !last || last.failures.has(name)) return
  history[history.length - 1] = { value: last.value, failures: new Map([...last.failures, [name, failure]]) }
  recordFact(run, retry, { attemptFailure: { atom: name, failure: failure.toJSON() } })
}
