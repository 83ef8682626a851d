import type { AtomState } from '../states.ts'
import type { Run } from './run.ts'
import { recordAtom } from './transitions.ts'

/**
 * What may start next.
 *
 * Forward, the key of a node in the ready queue is its rank. Backward it is its rank in the other order, and failed
 * atoms go first: their key is below zero.
 */

/** Takes what may start into RUNNING or REVERTING, as far as there is room; joins are passed on the way. */
export function takeReady(run: Run): number[] {
  const taken: number[] = []
  while (run.running + taken.length < run.capacity) {
    const node = nextReady(run)
    if (node === undefined) break
    if (run.plan.atoms[node] === null) {
      pass(run, node)
    } else {
      if (!run.reverting) run.attempts[node]!++
      recordAtom(run, node, run.reverting ? 'REVERTING' : 'RUNNING')
      taken.push(node)
    }
  }
  return taken
}

/** Lets what waited for a node go on: its successors when it is done, its predecessors when it is undone. */
export function release(run: Run, node: number): void {
  const { offsets, targets } = run.reverting ? run.plan.predecessors : run.plan.successors
  for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
    const waiting = targets[edge]!
    if (--run.blockers[waiting]! === 0) offer(run, waiting)
  }
}

/** Puts a node that nothing blocks where it will be taken from, if there is something to do for it. */
export function offer(run: Run, node: number): void {
  const { size, order, undoOrder } = run.plan
  const state = run.states[node]!
  if (!run.reverting) run.ready.push(order.ranks[node]!)
  else if (state === 'FAILURE') run.ready.push(undoOrder.ranks[node]! - size)
  else if (state === 'SUCCESS') run.ready.push(undoOrder.ranks[node]!)
}

/** Turns the run round: from here on nothing executes, and everything that did is reverted, last first. */
export function turnRound(run: Run): void {
  if (run.reverting) return
  run.reverting = true
  run.ready.clear()
  const { offsets, targets } = run.plan.successors
  for (let node = 0; node < run.plan.size; node++) {
    let unsettled = 0
    for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
      if (!isSettled(run.states[targets[edge]!]!)) unsettled++
    }
    run.blockers[node] = unsettled
    if (unsettled === 0) offer(run, node)
  }
}

function isSettled(state: AtomState): boolean {
  return state === 'PENDING' || state === 'REVERTED'
}

function nextReady(run: Run): number | undefined {
  if (run.halted) return undefined
  const key = run.ready.pop()
  if (key === undefined) return undefined
  const { size, order, undoOrder } = run.plan
  if (!run.reverting) return order.nodes[key]
  return undoOrder.nodes[key < 0 ? key + size : key]
}

function pass(run: Run, join: number): void {
  run.states[join] = run.reverting ? 'REVERTED' : 'SUCCESS'
  release(run, join)
}
