import { Failure } from '../failure.ts'
import type { RetryNode } from '../nodes.ts'
import { offerForward, unpass } from './counts.ts'
import { resetAfter } from './marking.ts'
import { nameOf, type Run } from './run.ts'
import { recordAtom } from './transitions.ts'

/** Everything after a retry is undone: it tries again, at once or when its backoff is over. */
export function beginRetry(run: Run, node: number): void {
  const wait = waitOf(run, node)
  const [failure] = run.histories.get(node)?.at(-1)?.failures.values() ?? []
  unpass(run, node)
  recordAtom(run, node, 'RETRYING', { wait, ...(failure && { failure }) })
  run.intentions[node] = 'EXECUTE'
  resetAfter(run, node)
  if (wait === 0) {
    offerForward(run, node)
    return
  }
  const stop = run.clock.wait(wait, () => {
    run.backoffs.delete(node)
    offerForward(run, node)
    run.backoffEnded = true
    run.wake()
  })
  run.backoffs.set(node, () => {
    run.backoffs.delete(node)
    stop()
  })
}

/** Ends every wait; the retries try again at once when the run goes on. */
export function endBackoffs(run: Run): void {
  for (const [node, end] of run.backoffs) {
    end()
    offerForward(run, node)
  }
}

/** A backoff that makes no sense is no reason to lose the attempt. */
function waitOf(run: Run, node: number): number {
  const { retry } = run.plan.atoms[node] as RetryNode
  if (!retry.backoff) return 0
  try {
    const wait: unknown = retry.backoff(run.histories.get(node)?.length ?? 1)
    if (typeof wait === 'number' && wait < 2 ** 31) return Math.max(0, wait)
    throw new RangeError(`it gave ${String(wait)}, not a number of milliseconds`)
  } catch (error) {
    const failure = Failure.from(error, nameOf(run, node))
    run.logger.warn(
      { retry: nameOf(run, node), cause: failure.message },
      'the backoff of a retry failed; it does not wait',
    )
    return 0
  }
}
