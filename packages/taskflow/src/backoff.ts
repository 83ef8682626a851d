import { TaskFlowError } from './errors.ts'

/**
 * How many milliseconds to wait before the next attempt, after so many that failed: 1, 2, ...
 *
 * @example
 * const patient: Backoff = (failed) => failed * 1_000
 */
export type Backoff = (failed: number) => number

/**
 * The same wait before every attempt.
 *
 * @example
 * console.log(fixed(500)(7)) // 500
 * @throws TaskFlowError `invalid-flow` when the wait is not a number of milliseconds of at least 0.
 */
export function fixed(milliseconds: number): Backoff {
  checkWait('fixed()', milliseconds)
  return () => milliseconds
}

/**
 * How {@link exponential} grows.
 *
 * @example
 * const growth: Growth = { first: 100, factor: 3, longest: 10_000, jitter: 0.2 }
 */
export interface Growth {
  /** Milliseconds before the second attempt. */
  readonly first: number
  /** What each wait is multiplied by to give the next. Default 2. */
  readonly factor?: number
  /** Milliseconds that no wait is longer than. Default 60,000. */
  readonly longest?: number
  /** Which part of each wait is left to chance, from 0 (none) to 1 (all), so that many do not come back at once. */
  readonly jitter?: number
  /** A number from 0 up to but without 1. Default `Math.random`. */
  readonly random?: () => number
}

/**
 * Waits that grow, up to a longest one.
 *
 * @example
 * const waits = exponential({ first: 100, longest: 500 })
 * console.log([1, 2, 3, 4].map(waits).join()) // 100,200,400,500
 * @throws TaskFlowError `invalid-flow`, naming the number that makes no sense.
 */
export function exponential(growth: Growth): Backoff {
  const { first, factor = 2, longest = 60_000, jitter = 0, random = Math.random } = growth
  checkWait('exponential() first', first)
  checkWait('exponential() longest', longest)
  if (!(factor >= 1)) throw new TaskFlowError('invalid-flow', `exponential() factor must be at least 1, not ${factor}`)
  if (!(jitter >= 0 && jitter <= 1)) {
    throw new TaskFlowError('invalid-flow', `exponential() jitter must be from 0 to 1, not ${jitter}`)
  }
  return (failed) => Math.min(longest, first * factor ** (failed - 1)) * (1 - jitter * random())
}

function checkWait(what: string, milliseconds: number): void {
  if (milliseconds >= 0 && milliseconds < 2 ** 31) return
  throw new TaskFlowError('invalid-flow', `${what} must be milliseconds from 0 to ${2 ** 31 - 1}, not ${milliseconds}`)
}
