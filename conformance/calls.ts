import type { JsonValue } from '@glimpse/taskflow'

/** What a revert was told, and the call in words. */
export type RevertFact =
  | { readonly result: JsonValue; readonly call: string }
  | { readonly failure: string; readonly call: string }

/** How often an atom was called. */
export interface CallCounts {
  readonly executes: number
  readonly reverts: number
}

const none: CallCounts = { executes: 0, reverts: 0 }

/**
 * What tasks and retries themselves saw: counted outside of the engine, which is not asked. The counts go on over a
 * crash; what is told is what came after it.
 */
export class CallLog {
  readonly #executes = new Map<string, number>()
  readonly #reverts = new Map<string, number>()
  readonly #revertedWith = new Map<string, RevertFact[]>()
  readonly #before: ReadonlyMap<string, CallCounts>

  constructor(before: Readonly<Record<string, CallCounts>> = {}) {
    this.#before = new Map(Object.entries(before))
  }

  /** Counts an execute; returns which one of this atom it is: 1, 2, ... */
  execute(atom: string): number {
    return increment(this.#executes, atom) + this.#countsBefore(atom).executes
  }

  /** Counts a revert; returns which one of this atom it is: 1, 2, ... */
  revert(atom: string, told?: RevertFact): number {
    if (told) this.#revertedWith.set(atom, [...this.revertedWith(atom), told])
    return increment(this.#reverts, atom) + this.#countsBefore(atom).reverts
  }

  executes(atom: string): number {
    return this.#executes.get(atom) ?? 0
  }

  reverts(atom: string): number {
    return this.#reverts.get(atom) ?? 0
  }

  revertedWith(atom: string): readonly RevertFact[] {
    return this.#revertedWith.get(atom) ?? []
  }

  #countsBefore(atom: string): CallCounts {
    return this.#before.get(atom) ?? none
  }
}

function increment(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1
  counts.set(key, count)
  return count
}
