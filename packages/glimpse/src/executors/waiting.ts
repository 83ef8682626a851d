import type { Clock } from '@glimpse/taskflow'

/** Resolves once so many milliseconds have passed, or as soon as the signal aborts. */
export async function waitFor(milliseconds: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (milliseconds <= 0 || signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = clock.wait(milliseconds, resolve)
  const onAbort = (): void => {
    stop()
    resolve()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  await promise
  signal.removeEventListener('abort', onAbort)
}
