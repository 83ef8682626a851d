import { TaskFlowError } from '../errors.ts'
import type { Failure } from '../failure.ts'
import { type AtomState, atomTransitions, type FlowState, flowTransitions, retryTransitions } from '../states.ts'
import type { AtomChange, StoredAttempt } from '../storage/records.ts'
import { nameOf, type Run } from './run.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** What a change of state brings with it. */
export interface Facts {
  readonly result?: unknown
  readonly failure?: Failure
  readonly wait?: number
}

const none: Facts = {}

/** Moves an atom to a state, to be stored and announced with the next batch. */
export function recordAtom(run: Run, node: number, state: AtomState, facts: Facts = none): void {
  const oldState = run.states[node]!
  const { name, kind } = run.plan.atoms[node]!
  const allowed = kind === 'task' ? atomTransitions : retryTransitions
  if (!run.forgetting && !allowed[oldState].includes(state)) throw refused(`atom '${name}'`, oldState, state)
  run.states[node] = state
  run.recorder.atom(changeOf(run, node, state, facts), () => ({
    flow: run.id,
    atom: name,
    kind,
    state,
    oldState,
    attempt: run.attempts[node]!,
    ...facts,
  }))
}

/** Stores what a retry has been through, without a change of its state. */
export function recordHistory(run: Run, node: number): void {
  run.recorder.atom({ flow: run.id, name: nameOf(run, node), history: storedHistory(run, node) }, null)
}

export function recordFlow(run: Run, state: FlowState): void {
  const oldState = run.flowState
  if (!flowTransitions[oldState].includes(state)) throw refused(`flow '${run.plan.name}'`, oldState, state)
  run.flowState = state
  run.recorder.flow({ flow: run.id, name: run.plan.name, state, oldState })
}

function changeOf(run: Run, node: number, state: AtomState, { result, failure }: Facts): AtomChange {
  const atom = run.plan.atoms[node]!
  const change: Mutable<AtomChange> = { flow: run.id, name: atom.name, state }
  if (run.told.has(node)) tellProgress(run, node, change, state)
  if (state === 'RUNNING') {
    change.kind = atom.kind
    change.version = atom.kind === 'task' ? atom.task.version : atom.retry.version
    change.attempts = run.attempts[node]!
  } else if (state === 'IGNORE') {
    change.kind = atom.kind
    change.version = atom.kind === 'task' ? atom.task.version : atom.retry.version
  } else if (state === 'SUCCESS') {
    change.result = result ?? null
    if (atom.kind === 'retry') change.history = storedHistory(run, node)
  } else if (state === 'REVERTED') {
    change.revertResult = result ?? null
    if (atom.kind === 'retry') change.history = []
  } else if (failure && state !== 'RETRYING') {
    change[state === 'FAILURE' ? 'failure' : 'revertFailure'] = failure.toJSON()
  }
  return change
}

/** Whoever told of a progress is at none of it at a new begin, and at all of it at a good end. */
function tellProgress(run: Run, node: number, change: Mutable<AtomChange>, state: AtomState): void {
  if (state === 'FAILURE' || state === 'REVERT_FAILURE') return
  const done = state === 'SUCCESS' || state === 'REVERTED'
  if (state === 'PENDING') run.told.delete(node)
  else change.progress = { fraction: done ? 1 : 0, details: null }
}

function storedHistory(run: Run, node: number): readonly StoredAttempt[] {
  const entries = run.histories.get(node) ?? []
  return entries.map(({ value, failures }) => ({
    value: value ?? null,
    failures: Object.fromEntries([...failures].map(([atom, failure]) => [atom, failure.toJSON()])),
  }))
}

function refused(what: string, from: string, to: string): TaskFlowError {
  return new TaskFlowError('invalid-state', `${what} may not go from ${from} to ${to}`)
}
