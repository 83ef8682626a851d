import { TaskFlowError } from './errors.ts'

/**
 * The name, if it is one.
 *
 * @throws TaskFlowError `invalid-flow` when it is not a string or empty.
 */
export function checkName(owner: string, name: unknown): string {
  if (typeof name === 'string' && name !== '') return name
  throw new TaskFlowError('invalid-flow', `${owner} needs a name that is not empty, not ${JSON.stringify(name)}`)
}

/** Timers of Node count no further; longer is as good as for ever. */
const longest = 2 ** 31 - 1

/**
 * A number of milliseconds, or null when none was given.
 *
 * @throws TaskFlowError `invalid-flow` when it is not a number above 0 that a timer can count.
 */
export function checkMilliseconds(owner: string, value: number | undefined): number | null {
  if (value === undefined) return null
  if (typeof value === 'number' && value > 0 && value <= longest) return value
  throw new TaskFlowError('invalid-flow', `${owner} must be milliseconds above 0 and up to ${longest}, not ${value}`)
}
