import { Failure } from '../failure.ts'
import { assertStorable, findLoss, isLongerThan } from '../json.ts'
import type { FlowState } from '../states.ts'
import { offerBack, pass, settle } from './counts.ts'
import { markAll } from './marking.ts'
import { resolve } from './resolution.ts'
import { type Completion, nameOf, type Run } from './run.ts'
import { hasReady } from './scheduler.ts'
import { recordAtom } from './transitions.ts'

/** Records how an execute or a revert ended, and what follows from it. */
export function complete(run: Run, completion: Completion): void {
  run.running--
  if (run.states[completion.node] === 'RUNNING') completeExecute(run, completion)
  else completeRevert(run, completion)
}

/**
 * What a run has come to, once nothing of it is under way and nothing is to be started.
 *
 * Source: TaskFlow's rules for the end of a run; reference section 6. A run that could be neither finished nor undone
 * stays a FAILURE, also when it is run again.
 */
export function finalState(run: Run): FlowState {
  const unresolved = run.neverResolve && !run.revertingAll && run.failures.size > 0
  if (run.revertFailures.size > 0 || unresolved) return 'FAILURE'
  if (run.suspending && (hasReady(run) || run.backoffs.size > 0)) return 'SUSPENDED'
  return run.passed[run.plan.size - 1] === 1 ? 'SUCCESS' : 'REVERTED'
}

function completeExecute(run: Run, { node, ok, value }: Completion): void {
  const failure = ok ? failureIn(run, node, value) : failureFrom(run, node, value)
  if (failure) fail(run, node, failure)
  else succeed(run, node, value ?? null)
  if (run.intentions[node] !== 'EXECUTE' && run.unsettled[node] === 0) offerBack(run, node)
}

/** Most attempts are without failures; one map serves them all. */
const nobody: ReadonlyMap<string, Failure> = new Map()

function succeed(run: Run, node: number, result: unknown): void {
  run.results[node] = result
  if (run.plan.atoms[node]!.kind === 'retry') {
    const history = run.histories.get(node) ?? []
    history.push({ value: result, failures: nobody })
    run.histories.set(node, history)
  }
  recordAtom(run, node, 'SUCCESS', { result })
  if (run.intentions[node] === 'EXECUTE') pass(run, node)
}

function fail(run: Run, node: number, failure: Failure): void {
  run.failures.set(node, failure)
  recordAtom(run, node, 'FAILURE', { failure }, run.unbegun.has(node) ? { unbegun: true } : undefined)
  if (run.neverResolve && !run.revertingAll) run.halted = true
  else resolve(run, node, failure)
}

function completeRevert(run: Run, { node, ok, value }: Completion): void {
  if (ok && !(value instanceof Failure)) {
    run.histories.delete(node)
    recordAtom(run, node, 'REVERTED', { result: storable(run, node, value) })
    settle(run, node)
    return
  }
  const failure = failureFrom(run, node, value)
  run.revertFailures.set(node, failure)
  recordAtom(run, node, 'REVERT_FAILURE', { failure })
  if (run.onRevertFailure === 'stop') {
    run.halted = true
  } else {
    markAll(run)
    settle(run, node)
  }
}

/** A task may say that it failed by its result, too; and one whose result cannot be stored has failed. */
function failureIn(run: Run, node: number, result: unknown): Failure | null {
  if (result instanceof Failure) return failureFrom(run, node, result)
  if (typeof result === 'boolean' || result === undefined || result === null) return null
  try {
    assertStorable(result, `the result of '${nameOf(run, node)}'`, 'result', run.maxValueBytes)
    return null
  } catch (error) {
    return Failure.from(error, nameOf(run, node))
  }
}

function failureFrom(run: Run, node: number, thrown: unknown): Failure {
  return Failure.from(thrown instanceof Failure ? thrown.toError() : thrown, nameOf(run, node))
}

/** What a revert gives is kept as a courtesy: it cannot make a revert fail that did its work. */
function storable(run: Run, node: number, result: unknown): unknown {
  const loss = findLoss(result, 'result') ?? (isLongerThan(result, run.maxValueBytes) ? 'it is too large' : null)
  if (loss === null) return result ?? null
  run.logger.debug({ atom: nameOf(run, node), loss }, 'what a revert gave cannot be stored and is dropped')
  return null
}
