import { Failure } from '../failure.ts'
import { findLoss } from '../json.ts'
import type { FlowChange } from '../storage/records.ts'
import { isUnsettled, offerBack } from './counts.ts'
import type { Run } from './run.ts'
import { recordAtom } from './transitions.ts'

/** Everything that was begun is to be reverted, and nothing more is to execute. */
export function markAll(run: Run, reaches: Reach = isTouched): void {
  if (!run.revertingAll) run.recorder.flow({ intention: 'REVERT', ...(run.cancelled && whyOf(run.cancelled)) }, null)
  run.revertingAll = true
  markFrom(run, 0, 'REVERT', reaches)
}

/** Why is stored with it: after a crash the run is still one that was cancelled. */
function whyOf({ reason }: { readonly reason: unknown }): FlowChange {
  const storable = findLoss(reason, 'reason') === null ? (reason ?? null) : Failure.from(reason, '').message
  return { cancelled: { reason: storable } }
}

/** Whether a mark is handed on to a node. */
type Reach = (run: Run, node: number) => boolean

/**
 * Turns a node round, and everything after it that was begun or could begin: it is to be reverted. What is further on
 * cannot begin before those are done, so it needs no mark; a marking costs what was done, not what the flow has.
 *
 * A node that is to be reverted never becomes one to be retried: a wider decision stands (TaskFlow's bug 2043808).
 */
export function markFrom(run: Run, root: number, intention: 'REVERT' | 'RETRY', reaches: Reach = isTouched): void {
  const marked: number[] = []
  const next: number[] = [root]
  const { offsets, targets } = run.plan.successors
  for (let node = next.pop(); node !== undefined; node = next.pop()) {
    const wanted = node === root ? intention : 'REVERT'
    const before = run.intentions[node]!
    if (before !== 'REVERT') run.intentions[node] = wanted
    if (before !== 'EXECUTE') {
      if (node !== root) continue
    } else {
      marked.push(node)
    }
    for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
      if (reaches(run, targets[edge]!)) next.push(targets[edge]!)
    }
  }
  for (const node of marked) countUnsettled(run, node)
  for (const node of marked) if (run.unsettled[node] === 0) offerBack(run, node)
}

/** Whether a node has begun, was ignored or passed, or may begin as soon as there is room. */
function isTouched(run: Run, node: number): boolean {
  return run.unmet[node] === 0 || run.states[node] !== 'PENDING' || run.passed[node] === 1 || run.reach[node] !== 0
}

function countUnsettled(run: Run, node: number): void {
  const { offsets, targets } = run.plan.successors
  let unsettled = 0
  for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
    if (isUnsettled(run, targets[edge]!)) unsettled++
  }
  run.unsettled[node] = unsettled
}

/** Everything after a node that was marked is as if it had never begun. All of it is settled. */
export function resetAfter(run: Run, root: number): void {
  const { offsets, targets } = run.plan.successors
  const next: number[] = [root]
  for (let node = next.pop(); node !== undefined; node = next.pop()) {
    for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
      const after = targets[edge]!
      if (run.intentions[after] === 'EXECUTE') continue
      resetNode(run, after)
      next.push(after)
    }
  }
}

export function resetNode(run: Run, node: number): void {
  run.intentions[node] = 'EXECUTE'
  run.reach[node] = 0
  run.results[node] = undefined
  run.failures.delete(node)
  run.revertFailures.delete(node)
  run.histories.delete(node)
  run.unbegun.delete(node)
  if (run.states[node] !== 'PENDING') recordAtom(run, node, 'PENDING')
}
