import { Failure } from '../failure.ts'
import { assertJson } from '../json.ts'
import type { FlowState } from '../states.ts'
import type { Completion, Run } from './run.ts'
import { offer, release, turnRound } from './scheduler.ts'
import { recordAtom } from './transitions.ts'

/** Records how an execute or a revert ended, and what follows from it. */
export function complete(run: Run, completion: Completion): void {
  run.running--
  if (run.states[completion.node] === 'RUNNING') completeExecute(run, completion)
  else completeRevert(run, completion)
}

/** Source: TaskFlow's rules for the end of a run; reference section 6. */
export function finalState(run: Run): FlowState {
  if (run.revertFailures.size > 0) return 'FAILURE'
  return run.reverting ? 'REVERTED' : 'SUCCESS'
}

function completeExecute(run: Run, { node, ok, value }: Completion): void {
  const failure = ok ? findUnstorable(run, node, value) : Failure.from(value, nameOf(run, node))
  if (failure) {
    run.failures.set(node, failure)
    recordAtom(run, node, 'FAILURE', { failure })
  } else {
    const result = value ?? null
    run.results[node] = result
    recordAtom(run, node, 'SUCCESS', { result })
  }
  if (run.reverting) offer(run, node)
  else if (failure) turnRound(run)
  else release(run, node)
}

function completeRevert(run: Run, { node, ok, value }: Completion): void {
  if (ok) {
    recordAtom(run, node, 'REVERTED')
    release(run, node)
    return
  }
  const failure = Failure.from(value, nameOf(run, node))
  run.revertFailures.set(node, failure)
  recordAtom(run, node, 'REVERT_FAILURE', { failure })
  if (run.onRevertFailure === 'stop') run.halted = true
  else release(run, node)
}

function findUnstorable(run: Run, node: number, result: unknown): Failure | null {
  try {
    assertJson(result, `the result of '${nameOf(run, node)}'`, 'result')
    return null
  } catch (error) {
    return Failure.from(error, nameOf(run, node))
  }
}

function nameOf(run: Run, node: number): string {
  return run.plan.atoms[node]!.name
}
