import type { TaskContext } from '@glimpse/taskflow'

/** What a slow step tells of its progress. */
export interface ByteProgress {
  readonly bytes: number
  /** Null where the source does not say. */
  readonly total: number | null
  readonly bytesPerSecond: number
}

const millisecondsBetweenReports = 100

/** Turns counts of bytes into progress, not more often than somebody can read it. */
export function byteMeter(context: TaskContext, total: number | null): (bytes: number) => void {
  const started = performance.now()
  let reported = started
  return (bytes) => {
    const now = performance.now()
    if (now - reported < millisecondsBetweenReports) return
    reported = now
    const progress: ByteProgress = { bytes, total, bytesPerSecond: Math.round((bytes * 1000) / (now - started)) }
    context.progress(total ? bytes / total : 0, progress)
  }
}
