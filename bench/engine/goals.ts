/** Which goals are met: each is judged by its worst case, and that is named. */

export interface Goal {
  readonly goal: string
  readonly limit: number
  readonly measured: number | 'too slow to be run'
  /** Where the worst was measured, and how many cases miss the limit. */
  readonly worst: string
  readonly missed: string
  readonly met: 'met' | 'NOT MET'
}

export interface Case {
  readonly where: string
  /** Infinity: it was not run, being too slow. */
  readonly value: number
}

export function judge(goal: string, limit: number, cases: readonly Case[]): Goal {
  const [worst] = cases.toSorted((a, b) => b.value - a.value)
  if (!worst) throw new Error(`nothing was measured for the goal '${goal}'`)
  const missed = cases.filter(({ value }) => !(value <= limit))
  return {
    goal,
    limit,
    measured: worst.value === Infinity ? 'too slow to be run' : Number(worst.value.toPrecision(4)),
    worst: worst.where,
    missed: `${missed.length} of ${cases.length}`,
    met: missed.length === 0 ? 'met' : 'NOT MET',
  }
}
