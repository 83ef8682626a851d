import type { FlowEnd } from './executor.ts'

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** @example formatBytes(1536) // '1.5 KiB' */
export function formatBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}

/** Why a task failed, in words for its user; null when it did not. */
export function causeOf({ failures, revertFailures, cancelled }: FlowEnd): string | null {
  const causes = failures.map(({ atom, message }) => `step ${atom} failed: ${message}`)
  const reasons = cancelled === null ? causes : [cancelled]
  const undone = revertFailures.map(({ atom, message }) => `undoing step ${atom} failed too: ${message}`)
  return reasons.length + undone.length === 0 ? null : [...reasons, ...undone].join('; ')
}
