/** What makes a run that is over ready to be run again. */

import { offerForward } from './counts.ts'
import { resetNode } from './marking.ts'
import type { Run } from './run.ts'
import { recordFlow } from './transitions.ts'

/** A run that was stopped goes on where it was. */
export function goOn(run: Run): void {
  run.suspending = false
  run.halted = false
}

/**
 * A run starts over. What it still has from before, where only a part of it was reverted, it keeps: it would be done
 * twice and undone once.
 */
export function startOver(run: Run): void {
  goOn(run)
  run.cancelled = null
  run.revertingAll = false
  run.abort = new AbortController()
  run.ready.clear()
  run.wave.clear()
  run.due.fill(0)
  for (let node = 0; node < run.plan.size; node++) if (run.passed[node] === 0) resetOne(run, node)
  for (let node = 0; node < run.plan.size; node++) {
    if (run.passed[node] === 0 && run.unmet[node] === 0) offerForward(run, node)
  }
  recordFlow(run, 'PENDING')
}

/** Forgets everything that was done, without undoing it. */
export function forgetAll(run: Run): void {
  const { size, predecessors } = run.plan
  run.passed.fill(0)
  for (let node = 0; node < size; node++) {
    run.unmet[node] = predecessors.offsets[node + 1]! - predecessors.offsets[node]!
  }
  run.forgetting = true
  startOver(run)
  run.forgetting = false
}

function resetOne(run: Run, node: number): void {
  if (run.plan.atoms[node] !== null) resetNode(run, node)
  run.intentions[node] = 'EXECUTE'
  run.reach[node] = 0
}
