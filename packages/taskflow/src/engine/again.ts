/** What becomes of a run between two drives. */

import { TaskFlowError } from '../errors.ts'
import { offerForward } from './counts.ts'
import { resetNode } from './marking.ts'
import type { Run } from './run.ts'
import { recordFlow } from './transitions.ts'

/** Whether nothing of it is left to be done or undone. */
export function isOver({ flowState }: Run): boolean {
  return flowState === 'SUCCESS' || flowState === 'REVERTED'
}

/** What is a success has nothing to do; what was reverted starts over; everything else goes on. */
export function setOut(run: Run): void {
  if (run.flowState === 'SUCCESS') return
  if (run.flowState === 'REVERTED') startOver(run)
  else goOn(run)
  recordFlow(run, 'RUNNING')
}

/** A run that was stopped goes on where it was. */
function goOn(run: Run): void {
  run.suspending = false
  run.halted = false
}

/**
 * A run starts over. What it still has from before, where only a part of it was reverted, it keeps: it would be done
 * twice and undone once.
 */
function startOver(run: Run): void {
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
  run.recorder.flow({ intention: 'EXECUTE', cancelled: null }, null)
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

/** Aborts what is under way; whatever it comes to, nothing more is written. */
export function leaveAsIs(run: Run, reason: unknown): void {
  if (run.abandoned) return
  const message = `run '${run.id}' of flow '${run.plan.name}' was left as it is, to be resumed`
  run.abandoned = new TaskFlowError('abandoned', message, { cause: reason })
  run.abort.abort(run.abandoned)
  run.wake()
}
