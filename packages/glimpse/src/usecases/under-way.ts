/**
 * Which images requests of this process write to. Whoever cleans up behind an image does it while nobody writes to it,
 * and who comes meanwhile waits until it is done.
 *
 * That is enough because one process alone serves a database, and because tasks are known by the lock that they hold.
 */
export class UnderWay {
  readonly #writers = new Map<string, number>()
  readonly #cleanups = new Map<string, Promise<unknown>>()

  /** Writes to an image: from before its row says so until its row says that it is over. */
  async at<T>(image: string, write: () => Promise<T>): Promise<T> {
    while (this.#cleanups.has(image)) await this.#cleanups.get(image)
    this.#writers.set(image, (this.#writers.get(image) ?? 0) + 1)
    try {
      return await write()
    } finally {
      const left = this.#writers.get(image)! - 1
      if (left === 0) this.#writers.delete(image)
      else this.#writers.set(image, left)
    }
  }

  /** Cleans up behind an image, unless somebody writes to it. @returns undefined: somebody does. */
  async behind<T>(image: string, cleanup: () => Promise<T>): Promise<T | undefined> {
    if (this.#writers.has(image) || this.#cleanups.has(image)) return undefined
    const cleaned = cleanup()
    const over = cleaned.then(
      () => this.#cleanups.delete(image),
      () => this.#cleanups.delete(image),
    )
    this.#cleanups.set(image, over)
    return await cleaned
  }
}
