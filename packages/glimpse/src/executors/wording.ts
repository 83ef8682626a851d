import type { FlowEnd } from './executor.ts'

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** @example formatBytes(1536) // '1.5 KiB' */
export function formatBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}

/**
 * Why a task failed, in words for its user; null when it did not.
 *
 * @param attemptsAt how often a step was attempted.
 */
export function causeOf(
  { failures, revertFailures, cancelled }: FlowEnd,
  attemptsAt: (step: string) => number,
): string | null {
  const after = (step: string): string => (attemptsAt(step) > 1 ? ` after ${attemptsAt(step)} attempts` : '')
  const causes = failures.map(({ atom, message }) => `step ${atom} failed${after(atom)}: ${message}`)
  const reasons = cancelled === null ? causes : [cancelled]
  const undone = revertFailures.map(({ atom, message }) => `undoing step ${atom} failed too: ${message}`)
  return reasons.length + undone.length === 0 ? null : [...reasons, ...undone].join('; ')
}
