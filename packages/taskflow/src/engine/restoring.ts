/** What makes a run of what is stored of it. */

import { Failure } from '../failure.ts'
import type { HistoryEntry } from '../history.ts'
import type { AtomState } from '../states.ts'
import type { StoredFlow } from '../storage/backend.ts'
import type { AtomRecord, StoredAttempt } from '../storage/records.ts'
import { offerForward, settle } from './counts.ts'
import { inheritedReach, reachOf } from './deciders.ts'
import { markAll, markFrom, resetAfter } from './marking.ts'
import { resolve } from './resolution.ts'
import type { Run } from './run.ts'

/**
 * Puts a run that nothing has happened in where a stored one was left, in one pass over the plan: what was executing or
 * reverting when the process ended does so once more, what had failed is asked about again, and what was decided and
 * not done yet is being done.
 *
 * Source: TaskFlow's `Completer.resume`; reference section 10.
 */
export function restore(run: Run, { flow, atoms }: StoredFlow): void {
  const nodes = nodesByName(run)
  const known = new Map<number, AtomRecord>()
  for (const record of atoms) {
    const node = nodes.get(record.name)
    if (node !== undefined) known.set(node, record)
  }
  run.cancelled = flow.cancelled
  for (const [node, record] of known) restoreAtom(run, node, record)
  run.ready.clear()
  for (let node = 0; node < run.plan.size; node++) passOver(run, node)
  if (flow.state === 'SUCCESS' || flow.state === 'REVERTED') return
  if (flow.intention === 'REVERT') markAll(run, everywhere)
  takeUpDecisions(run, known)
}

function nodesByName(run: Run): ReadonlyMap<string, number> {
  const nodes = new Map<string, number>()
  for (const [node, atom] of run.plan.atoms.entries()) if (atom) nodes.set(atom.name, node)
  return nodes
}

const underWay: ReadonlySet<AtomState> = new Set(['RUNNING', 'REVERTING'])
const withoutResult: ReadonlySet<AtomState> = new Set(['PENDING', 'IGNORE', 'RUNNING', 'FAILURE'])

function restoreAtom(run: Run, node: number, record: AtomRecord): void {
  const { state, attempts, result, failure, revertFailure, history, meta, progress } = record
  run.states[node] = state
  run.attempts[node] = attempts
  if (result !== undefined && (record.kind === 'retry' || !withoutResult.has(state))) run.results[node] = result
  if (failure) run.failures.set(node, Failure.fromStored(failure))
  if (revertFailure) run.revertFailures.set(node, Failure.fromStored(revertFailure))
  if (history && history.length > 0) run.histories.set(node, history.map(attemptOf))
  if (underWay.has(state)) run.interrupted.add(node)
  if (progress) run.told.add(node)
  if (meta?.unbegun) run.unbegun.add(node)
  if (meta?.reach) run.reach[node] = reachOf[meta.reach]
}

function attemptOf({ value, failures }: StoredAttempt): HistoryEntry<unknown> {
  const all = Object.entries(failures).map(([atom, failure]) => [atom, Failure.fromStored(failure)] as const)
  return { value, failures: new Map(all) }
}

/** Nodes come before what follows them, so that this is exact after one look at each. */
function passOver(run: Run, node: number): void {
  const { offsets, targets } = run.plan.successors
  const state = run.states[node]!
  const isJoin = run.plan.atoms[node] === null
  if (run.unmet[node] !== 0) return
  if (!isJoin && state !== 'SUCCESS' && state !== 'IGNORE') {
    offerForward(run, node)
    return
  }
  if (isJoin && run.plan.votes.size > 0) run.reach[node] = inheritedReach(run, node)
  run.passed[node] = 1
  for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) run.unmet[targets[edge]!]!--
}

/** What was reverted before lies behind joins of which nobody can tell any more that they were passed. */
const everywhere = (): boolean => true

/** What follows from a decision for these follows from the marks of what comes before them. */
const unbegun: ReadonlySet<AtomState> = new Set(['PENDING', 'IGNORE'])

/** What was decided comes first; then whoever had failed is asked about again, as its decision may be among the lost. */
function takeUpDecisions(run: Run, known: ReadonlyMap<number, AtomRecord>): void {
  for (const [node, { intention, state }] of known) {
    if (intention !== 'EXECUTE' && !unbegun.has(state)) markFrom(run, node, intention, everywhere)
  }
  for (const [node, { state }] of known) if (state === 'RETRYING') tryAgain(run, node)
  if (run.onRevertFailure === 'continue') {
    for (const [node, { state }] of known) if (state === 'REVERT_FAILURE') settle(run, node)
  }
  if (run.neverResolve) return
  for (const node of [...known.keys()].toSorted((a, b) => a - b)) {
    if (known.get(node)!.state === 'FAILURE') resolve(run, node, run.failures.get(node)!)
  }
}

/** A retry that is to try again at once: whatever of the attempt before is still there is forgotten. */
function tryAgain(run: Run, node: number): void {
  if (run.intentions[node] !== 'EXECUTE') return
  markFrom(run, node, 'RETRY', everywhere)
  run.intentions[node] = 'EXECUTE'
  resetAfter(run, node)
}
