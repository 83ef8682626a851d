/** How the two counts change that say what may happen next, see run.ts. Keys are those of scheduler.ts. */
import type { Run } from './run.ts'

/** Lets what waited for a node go on. */
export function pass(run: Run, node: number): void {
  run.passed[node] = 1
  const { offsets, targets } = run.plan.successors
  for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
    const waiting = targets[edge]!
    if (--run.unmet[waiting]! === 0) offerForward(run, waiting)
  }
}

/** A node that is about to be undone, or tried again, holds back what comes after it. */
export function unpass(run: Run, node: number): void {
  if (run.passed[node] === 0) return
  run.passed[node] = 0
  const { offsets, targets } = run.plan.successors
  for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) run.unmet[targets[edge]!]!++
}

/** A node is undone, so what it came after may be undone too. */
export function settle(run: Run, node: number): void {
  const { offsets, targets } = run.plan.predecessors
  for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
    const before = targets[edge]!
    if (run.intentions[before] !== 'EXECUTE' && --run.unsettled[before]! === 0) offerBack(run, before)
  }
}

export function offerForward(run: Run, node: number): void {
  if (run.intentions[node] === 'EXECUTE') run.ready.push(run.plan.order.ranks[node]!)
}

/** Puts a node after which everything is settled where it will be taken from. */
export function offerBack(run: Run, node: number): void {
  const { size, undoOrder } = run.plan
  run.ready.push(undoOrder.ranks[node]! - (run.states[node] === 'FAILURE' ? 2 * size : size))
}

/** Whether a node has begun, or is due, and is not undone. Joins and ignored atoms have begun when they were passed. */
export function isUnsettled(run: Run, node: number): boolean {
  const state = run.states[node]!
  if (run.due[node] === 1) return true
  if (run.plan.atoms[node] === null || state === 'IGNORE') return run.passed[node] === 1
  return state !== 'PENDING' && state !== 'REVERTED'
}
