import type { AtomState } from '../states.ts'
import type { Completion, Run } from './run.ts'
import type { Stage } from './tally.ts'

/**
 * What the latest run of an engine did, and what is left to do; a run that goes on, or starts over, counts anew.
 *
 * Source: TaskFlow's `Engine.statistics`.
 *
 * @example
 * const work = task({ name: 'work', execute: () => 1 })
 * const engine = new Engine(flow('f', (f) => f.add(work, {})))
 * await engine.run({})
 * const { completed, incomplete, awaiting, discardedFailures }: Statistics = engine.statistics
 * console.log(completed, incomplete, awaiting, discardedFailures) // 1 0 0 0
 */
export interface Statistics {
  /** Executes and reverts that have ended, well or not, those of retries too. */
  readonly completed: number
  /** Executes and reverts that are under way. */
  readonly incomplete: number
  /** Atoms that could begin to execute or revert now, or once their backoff is over, but have not. */
  readonly awaiting: number
  /** Failures of executes about which something is done: what failed is retried, or reverted. */
  readonly discardedFailures: number
  /** Milliseconds from the begin of the run to its end, or until now. */
  readonly activeFor: number
  /**
   * Milliseconds that each stage of the loop has taken; only with `gatherStatistics`. In `scheduling` it is found out
   * what begins, and stored; in `starting` atoms are called, and those that do not wait do their work; `waiting` is for
   * those that do; in `analyzing` follows what comes of what has ended.
   */
  readonly millisecondsPerStage?: Readonly<Record<Stage, number>>
}

const none: Statistics = Object.freeze({
  completed: 0,
  incomplete: 0,
  awaiting: 0,
  discardedFailures: 0,
  activeFor: 0,
})

export function statisticsOf(run: Run | null): Statistics {
  if (!run) return none
  const { completed, discardedFailures, activeFor, millisecondsPerStage } = run.tally
  let incomplete = 0
  let awaiting = 0
  for (let node = 0; node < run.plan.size; node++) {
    if (isUnderWay(run, node)) incomplete++
    else if (isAwaiting(run, node)) awaiting++
  }
  const counts = { completed, incomplete, awaiting, discardedFailures, activeFor }
  return Object.freeze({ ...counts, ...(millisecondsPerStage && { millisecondsPerStage }) })
}

/** To be called when what follows from these is known, but nothing more has begun. */
export function countCompleted(run: Run, completed: readonly Completion[]): void {
  const { tally, states, neverResolve } = run
  tally.completed += completed.length
  if (neverResolve) return
  for (const { node } of completed) if (states[node] === 'FAILURE') tally.discardedFailures++
}

/** From when it is recorded as begun, a moment before it is called. */
function isUnderWay({ states, interrupted }: Run, node: number): boolean {
  return (states[node] === 'RUNNING' || states[node] === 'REVERTING') && !interrupted.has(node)
}

const undoable: ReadonlySet<AtomState> = new Set(['SUCCESS', 'FAILURE', 'RETRYING'])
const doable: ReadonlySet<AtomState> = new Set(['PENDING', 'RETRYING'])

function isAwaiting(run: Run, node: number): boolean {
  if (run.plan.atoms[node] === null) return false
  if (run.due[node] === 1) return true
  const forward = run.intentions[node] === 'EXECUTE'
  if (forward ? run.unmet[node] !== 0 || run.passed[node] === 1 : run.unsettled[node] !== 0) return false
  return (forward ? doable : undoable).has(run.states[node]!) || run.interrupted.has(node)
}
