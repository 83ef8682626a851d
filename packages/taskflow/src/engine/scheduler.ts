import type { AtomState } from '../states.ts'
import { offerBack, pass, settle, unpass } from './counts.ts'
import { decide, decideAtRest, passJoin, type Verdict } from './deciders.ts'
import { beginRetry } from './retrying.ts'
import type { Run } from './run.ts'
import { recordAtom } from './transitions.ts'

/**
 * What may start next.
 *
 * What becomes ready is kept by key in the ready queue. The key of a node is its rank where it is to go forward; where it
 * is to go back it is below zero: its rank in the other order less the size of the plan, and for failed atoms, which go
 * first, less twice the size. A key may outlive its reason, so whatever is popped is looked at once more.
 *
 * Everything that is ready at one moment is a wave: it is due, in the order of its keys, and is started as there is
 * room, also when something of it fails meanwhile. So what becomes of a wave does not depend on how many workers it has.
 * In a serial engine one wave ends before the next is formed. Source: TaskFlow, which submits all that is ready before
 * it looks at any result.
 */

/** Takes what is due into RUNNING or REVERTING, as far as there is room. */
export function takeReady(run: Run): number[] {
  if (run.capacity > 1 && !run.halted) formWave(run)
  const taken: number[] = []
  while (run.running + taken.length < run.capacity) {
    if (run.wave.length === 0 && !run.halted) formWave(run)
    const key = run.wave.shift()
    if (key === undefined) break
    const node = nodeOf(run, key)
    run.due[node] = 0
    if (key >= 0 && isOvertaken(run, node)) {
      leave(run, node)
      continue
    }
    if (key < 0) takeBack(run, node)
    else takeForward(run, node)
    taken.push(node)
  }
  return taken
}

function takeBack(run: Run, node: number): void {
  run.backoffs.get(node)?.()
  unpass(run, node)
  recordAtom(run, node, 'REVERTING')
  run.interrupted.delete(node)
}

/** What a crash interrupted is the same attempt once more. */
function takeForward(run: Run, node: number): void {
  if (!run.interrupted.has(node)) run.attempts[node]!++
  recordAtom(run, node, 'RUNNING')
  run.interrupted.delete(node)
}

/** Nothing need be undone of what never began; anything else that was to begin again has begun before. */
function leave(run: Run, node: number): void {
  if (run.states[node] === 'PENDING') settle(run, node)
  else if (run.unsettled[node] === 0) offerBack(run, node)
}

/** Whether there is anything that could start; nothing is begun. */
export function hasReady(run: Run): boolean {
  for (let key = run.ready.pop(); key !== undefined; key = run.ready.pop()) {
    const node = nodeOf(run, key)
    if (!(key < 0 ? mayGoBack(run, node) : mayGoForward(run, node, decideAtRest))) continue
    run.ready.push(key)
    return true
  }
  return run.wave.length > 0
}

/** Joins, what deciders pass by, and retries that are to try again are dealt with on the way. */
function formWave(run: Run): void {
  for (let key = run.ready.pop(); key !== undefined; key = run.ready.pop()) {
    const node = nodeOf(run, key)
    if (!(key < 0 ? mayGoBack(run, node) : mayGoForward(run, node, decide))) continue
    if (key < 0 && run.intentions[node] === 'RETRY') {
      beginRetry(run, node)
      continue
    }
    run.due[node] = 1
    run.wave.push(key)
  }
}

/** Whether an atom that is due need not begin any more: it would only be undone. */
function isOvertaken(run: Run, node: number): boolean {
  const stopped = run.failFast || run.cancelled !== null
  return stopped && run.intentions[node] !== 'EXECUTE'
}

/** @param ask what is to be done about an atom that nothing holds back. */
function mayGoForward(run: Run, node: number, ask: (run: Run, node: number) => Verdict): boolean {
  if (run.intentions[node] !== 'EXECUTE' || run.unmet[node] !== 0) return false
  if (run.passed[node] === 1 || run.due[node] === 1) return false
  const state = run.states[node]!
  if (state === 'RETRYING') return !run.backoffs.has(node)
  if (state === 'RUNNING') return run.interrupted.has(node)
  if (state !== 'PENDING' && state !== 'IGNORE' && state !== 'SUCCESS') return false
  const verdict = state === 'PENDING' ? verdictOn(run, node, ask) : 'pass'
  if (verdict === 'pass') pass(run, node)
  return verdict === 'run'
}

function verdictOn(run: Run, node: number, ask: (run: Run, node: number) => Verdict): Verdict {
  const isJoin = run.plan.atoms[node] === null
  if (run.plan.votes.size === 0) return isJoin ? 'pass' : 'run'
  return isJoin ? passJoin(run, node) : ask(run, node)
}

const undoable: ReadonlySet<AtomState> = new Set(['SUCCESS', 'FAILURE', 'RETRYING'])

function mayGoBack(run: Run, node: number): boolean {
  if (run.intentions[node] === 'EXECUTE' || run.unsettled[node] !== 0 || run.due[node] === 1) return false
  if (run.plan.atoms[node] !== null && run.states[node] !== 'IGNORE') {
    return undoable.has(run.states[node]!) || run.interrupted.has(node)
  }
  if (run.passed[node] === 1) {
    unpass(run, node)
    settle(run, node)
  }
  return false
}

function nodeOf(run: Run, key: number): number {
  const { size, order, undoOrder } = run.plan
  if (key >= 0) return order.nodes[key]!
  return undoOrder.nodes[key < -size ? key + 2 * size : key + size]!
}
