/**
 * Where an engine gets its time from.
 *
 * @example
 * const impatient: Clock = {
 *   now: () => Date.now(),
 *   wait: (_milliseconds, ended) => {
 *     const timer = setImmediate(ended)
 *     return () => clearImmediate(timer)
 *   },
 * }
 * const down = task({ name: 'down', execute: () => { throw new Error('down') } })
 * const patient = flow('f', (f) => f.linear('part', (g) => g.add(down, {}), times(3, { backoff: fixed(60_000) })))
 * console.log(await run(patient, {}, { clock: impatient }).catch(({ message }) => message)) // down
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls `ended` once so many milliseconds have passed, unless what it returns is called before. */
  wait(milliseconds: number, ended: () => void): () => void
}

/**
 * The system's timers.
 *
 * @example
 * const stop = systemClock.wait(60_000, () => console.log('a minute later'))
 * stop()
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  wait: (milliseconds, ended) => {
    const timer = setTimeout(ended, milliseconds)
    return () => clearTimeout(timer)
  },
}
