import { TaskFlowError } from '../errors.ts'
import type { Failure } from '../failure.ts'
import { type AtomState, atomTransitions, type FlowState, flowTransitions } from '../states.ts'
import type { AtomChange } from '../storage/records.ts'
import type { Run } from './run.ts'

/** What a change of state brings with it. */
export interface Facts {
  readonly result?: unknown
  readonly failure?: Failure
}

/** Moves an atom to a state, to be stored and announced with the next batch. */
export function recordAtom(run: Run, node: number, state: AtomState, facts: Facts = {}): void {
  const oldState = run.states[node]!
  const { name, task } = run.plan.atoms[node]!
  if (!atomTransitions[oldState].includes(state)) throw refused(`atom '${name}'`, oldState, state)
  run.states[node] = state
  const attempt = run.attempts[node]!
  run.recorder.atom(changeOf(run.id, name, task.version, state, attempt, facts), () => ({
    flow: run.id,
    atom: name,
    state,
    oldState,
    attempt,
    ...facts,
  }))
}

export function recordFlow(run: Run, state: FlowState): void {
  const oldState = run.flowState
  if (!flowTransitions[oldState].includes(state)) throw refused(`flow '${run.plan.name}'`, oldState, state)
  run.flowState = state
  run.recorder.flow({ flow: run.id, name: run.plan.name, state, oldState })
}

function changeOf(
  flow: string,
  name: string,
  version: string,
  state: AtomState,
  attempts: number,
  facts: Facts,
): AtomChange {
  switch (state) {
    case 'RUNNING':
      return { flow, name, version, state, attempts }
    case 'SUCCESS':
      return { flow, name, state, result: facts.result ?? null }
    case 'FAILURE':
      return facts.failure ? { flow, name, state, failure: facts.failure.toJSON() } : { flow, name, state }
    case 'REVERT_FAILURE':
      return facts.failure ? { flow, name, state, revertFailure: facts.failure.toJSON() } : { flow, name, state }
    default:
      return { flow, name, state }
  }
}

function refused(what: string, from: string, to: string): TaskFlowError {
  return new TaskFlowError('invalid-state', `${what} may not go from ${from} to ${to}`)
}
