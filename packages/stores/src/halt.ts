/**
 * One place where everything that goes on at the same time in a write says that it is over, and where the one who
 * waits hears of it at once.
 *
 * Only one wait is open at a time. `Promise.race` against one long-lived promise would do too, but keeps a reaction
 * for every chunk of a write until its end.
 */
export class Halt {
  #tripped: { readonly error: unknown } | undefined
  #reject: ((error: unknown) => void) | undefined

  /** The first error counts; later ones are its consequences. */
  trip(error: unknown): void {
    if (this.#tripped !== undefined) return
    this.#tripped = { error }
    this.#reject?.(error)
  }

  /** @throws the error that tripped it, if it is tripped. */
  check(): void {
    if (this.#tripped !== undefined) throw this.#tripped.error
  }

  /** The promise's outcome, or the error that trips the halt meanwhile. The promise's own late error is nobody's. */
  wait<T>(promise: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject
      promise.then(resolve, reject)
      if (this.#tripped !== undefined) reject(this.#tripped.error)
    })
  }
}
