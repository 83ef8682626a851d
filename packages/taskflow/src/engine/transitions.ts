import { TaskFlowError } from '../errors.ts'
import type { Failure } from '../failure.ts'
import { type AtomState, atomTransitions, type FlowState, flowTransitions, retryTransitions } from '../states.ts'
import type { AtomChange, AtomMeta } from '../storage/records.ts'
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
export function recordAtom(run: Run, node: number, state: AtomState, facts: Facts = none, meta?: AtomMeta): void {
  const oldState = run.states[node]!
  const { name, kind } = run.plan.atoms[node]!
  const allowed = kind === 'task' ? atomTransitions : retryTransitions
  if (!allowed[oldState].includes(state) && !isExcepted(run, node, state))
    throw refused(`atom '${name}'`, oldState, state)
  run.states[node] = state
  const change = changeOf(run, node, state, facts)
  const told = run.recorder.listening
  const event = told
    ? { flow: run.id, atom: name, kind, state, oldState, attempt: run.attempts[node]!, ...facts }
    : null
  run.recorder.atom(meta ? { ...change, meta } : change, event)
}

/** A reset forgets any state; what a crash interrupted begins again, or is reverted though it never ended. */
function isExcepted(run: Run, node: number, state: AtomState): boolean {
  if (run.forgetting) return true
  return run.interrupted.has(node) && (state === run.states[node] || state === 'REVERTING')
}

/** Stores a fact about an atom without a change of its state; nobody hears of it. */
export function recordFact(run: Run, node: number, fact: Omit<AtomChange, 'name' | 'state'>): void {
  run.recorder.atom({ name: nameOf(run, node), ...fact }, null)
}

export function recordFlow(run: Run, state: FlowState): void {
  const oldState = run.flowState
  if (!flowTransitions[oldState].includes(state)) throw refused(`flow '${run.plan.name}'`, oldState, state)
  run.flowState = state
  run.recorder.flow({ state }, { flow: run.id, name: run.plan.name, state, oldState })
}

function changeOf(run: Run, node: number, state: AtomState, { result, failure }: Facts): AtomChange {
  const atom = run.plan.atoms[node]!
  const change: Mutable<AtomChange> = { name: atom.name, state }
  if (run.told.has(node)) tellProgress(run, node, change, state)
  if (state === 'RUNNING' || state === 'IGNORE') {
    change.kind = atom.kind
    change.version = atom.kind === 'task' ? atom.task.version : atom.retry.version
    if (state === 'RUNNING') change.attempts = run.attempts[node]!
  } else if (state === 'SUCCESS') {
    change.result = result ?? null
    if (atom.kind === 'retry') change.attempt = { value: change.result }
  } else if (state === 'REVERTED') {
    change.revertResult = result ?? null
    if (atom.kind === 'retry') change.history = []
  } else if (state === 'RETRYING') {
    change.intention = 'EXECUTE'
  } else if (failure) {
    change[state === 'FAILURE' ? 'failure' : 'revertFailure'] = failure.toJSON()
  }
  tellTime(run, change, state)
  return change
}

function tellTime(run: Run, change: Mutable<AtomChange>, state: AtomState): void {
  if (state === 'RUNNING' || state === 'REVERTING') change.beganAt = run.recorder.now()
  else if (state !== 'PENDING' && state !== 'RETRYING') change.endedAt = run.recorder.now()
}

/** Whoever told of a progress is at none of it at a new begin, and at all of it at a good end. */
function tellProgress(run: Run, node: number, change: Mutable<AtomChange>, state: AtomState): void {
  if (state === 'FAILURE' || state === 'REVERT_FAILURE') return
  const done = state === 'SUCCESS' || state === 'REVERTED'
  if (state === 'PENDING') run.told.delete(node)
  else change.progress = { fraction: done ? 1 : 0, details: null }
}

function refused(what: string, from: string, to: string): TaskFlowError {
  return new TaskFlowError('invalid-state', `${what} may not go from ${from} to ${to}`)
}
