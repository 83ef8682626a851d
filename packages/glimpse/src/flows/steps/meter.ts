import type { TaskContext } from '@glimpse/taskflow'

/** What a slow step tells of its progress. */
export interface ByteProgress {
  readonly bytes: number
  /** Null where the source does not say. */
  readonly total: number | null
  readonly bytesPerSecond: number
  /** How many were there before the step began; absent where it began with nothing. */
  readonly resumedAt?: number
}

const millisecondsBetweenReports = 100

/**
 * Turns counts of bytes into progress, not more often than somebody can read it.
 *
 * @param resumedAt how many bytes are there already: that is told at once.
 */
export function byteMeter(context: TaskContext, total: number | null, resumedAt = 0): (bytes: number) => void {
  const started = performance.now()
  let reported = started
  const tell = (bytes: number, bytesPerSecond: number): void => {
    const progress: ByteProgress = { bytes, total, bytesPerSecond, ...(resumedAt > 0 && { resumedAt }) }
    context.progress(total ? bytes / total : 0, progress)
  }
  if (resumedAt > 0) tell(resumedAt, 0)
  return (bytes) => {
    const now = performance.now()
    if (now - reported < millisecondsBetweenReports) return
    reported = now
    tell(bytes, Math.round(((bytes - resumedAt) * 1000) / (now - started)))
  }
}
