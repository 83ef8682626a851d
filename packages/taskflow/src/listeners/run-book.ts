import { TaskFlowError } from '../errors.ts'
import type { FlowState } from '../states.ts'

const resting: ReadonlySet<FlowState> = new Set(['SUCCESS', 'REVERTED', 'FAILURE', 'SUSPENDED'])

/** Whether nothing happens in a run of this state until somebody runs it again. */
export function isResting(state: FlowState): boolean {
  return resting.has(state)
}

/** Whether a run of this state, run again, goes on where it was. */
export function goesOn(state: FlowState): boolean {
  return state === 'SUSPENDED' || state === 'FAILURE'
}

/**
 * What a listener knows of each run. All runs that are driven are in it; of those that rest only so many as it is to
 * keep, those that came to rest last. A run that nobody has heard of counts as one that rests until it is woken, so
 * that a late word about a forgotten run cannot stay for ever.
 */
export class RunBook<T> {
  readonly #make: () => T
  readonly #keep: number
  readonly #pages = new Map<string, T>()
  /** In the order in which they came to rest. */
  readonly #resting = new Set<string>()

  constructor(keep: number, make: () => T) {
    if (!Number.isInteger(keep) || keep < 0) {
      throw new TaskFlowError('invalid-flow', `keep must be a whole number of runs, at least 0, not ${keep}`)
    }
    this.#keep = keep
    this.#make = make
  }

  get pages(): ReadonlyMap<string, T> {
    return this.#pages
  }

  /** The page of a run, a new one if there is none. */
  at(flow: string): T {
    const known = this.#pages.get(flow)
    if (known !== undefined) return known
    const made = this.#make()
    this.#pages.set(flow, made)
    this.rest(flow)
    return made
  }

  /** A run is driven: it is kept until it rests. */
  wake(flow: string): T {
    const page = this.#pages.get(flow) ?? this.#make()
    this.#pages.set(flow, page)
    this.#resting.delete(flow)
    return page
  }

  rest(flow: string): void {
    if (!this.#pages.has(flow)) return
    this.#resting.delete(flow)
    this.#resting.add(flow)
    if (this.#resting.size <= this.#keep) return
    const [oldest] = this.#resting
    this.forget(oldest!)
  }

  forget(flow: string): void {
    this.#pages.delete(flow)
    this.#resting.delete(flow)
  }
}
