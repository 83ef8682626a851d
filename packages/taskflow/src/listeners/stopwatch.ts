/** So many of the latest times are told one by one. */
const kept = 10

/**
 * How long something took, each time and in all, in milliseconds.
 *
 * @example
 * const mean = ({ total, count }: Spent) => total / count
 */
export interface Spent {
  /** How often it ended. */
  readonly count: number
  /** Together, those that ended. */
  readonly total: number
  /** The longest of them; 0 before the first. */
  readonly longest: number
  /** One by one, the latest 10 at most, the last at the end. */
  readonly recent: readonly number[]
  /** When the present one began; null while there is none. */
  readonly since: number | null
}

/** Measures the same thing again and again, in a memory of fixed size. */
export class Stopwatch {
  #count = 0
  #total = 0
  #longest = 0
  #since: number | null = null
  readonly #recent: number[] = []

  /** One that never ended is not counted. */
  begin(now: number): void {
    this.#since = now
  }

  end(now: number): void {
    if (this.#since === null) return
    const took = now - this.#since
    this.#since = null
    this.#count++
    this.#total += took
    this.#longest = Math.max(this.#longest, took)
    this.#recent.push(took)
    if (this.#recent.length > kept) this.#recent.shift()
  }

  read(): Spent {
    return {
      count: this.#count,
      total: this.#total,
      longest: this.#longest,
      recent: [...this.#recent],
      since: this.#since,
    }
  }
}
