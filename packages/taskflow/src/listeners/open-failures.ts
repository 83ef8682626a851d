import type { Failure } from '../failure.ts'
import type { AtomEvent } from './listener.ts'

/**
 * The failures of one run that nobody has solved: an atom that is pending again has none. One whose revert failed is
 * never pending again.
 */
export class OpenFailures {
  readonly #executes = new Map<string, Failure>()
  readonly #reverts = new Map<string, Failure>()

  atom({ atom, state, failure }: AtomEvent): void {
    if (state === 'PENDING') this.#executes.delete(atom)
    else if (state === 'FAILURE' && failure) this.#executes.set(atom, failure)
    else if (state === 'REVERT_FAILURE' && failure) this.#reverts.set(atom, failure)
  }

  /** Why atoms could not be undone; where all could be, why atoms failed. */
  get why(): { readonly action: 'execute' | 'revert'; readonly failures: readonly Failure[] } {
    if (this.#reverts.size > 0) return { action: 'revert', failures: [...this.#reverts.values()] }
    return { action: 'execute', failures: [...this.#executes.values()] }
  }
}
