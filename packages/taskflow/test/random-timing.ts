/** Something that waits to be ended by the test. */
interface Waiting {
  readonly what: string
  readonly end: () => void
}

/** Everything that could take time: it takes until the test ends it, in whatever order the test likes. */
export class Timing {
  readonly #log: string[]
  readonly #waiting: Waiting[] = []

  constructor(log: string[]) {
    this.#log = log
  }

  /** What waits now. */
  get waiting(): readonly string[] {
    return this.#waiting.map(({ what }) => what)
  }

  /** Gives what takes it away again; that says whether it still waited. */
  add(what: string, end: () => void): () => boolean {
    const waiting = { what, end }
    this.#waiting.push(waiting)
    return () => {
      const at = this.#waiting.indexOf(waiting)
      if (at >= 0) this.#waiting.splice(at, 1)
      return at >= 0
    }
  }

  async pause(what: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.add(what, resolve)
    })
  }

  /** Waits until the test ends it, or until the signal aborts. */
  async pauseUnder(signal: AbortSignal | null, what: string): Promise<'ended' | 'aborted'> {
    if (signal?.aborted) return 'aborted'
    const { promise, resolve } = Promise.withResolvers<'ended' | 'aborted'>()
    const remove = this.add(what, () => resolve('ended'))
    signal?.addEventListener('abort', () => remove() && resolve('aborted'))
    return await promise
  }

  endOne(choice: number): void {
    const [waiting] = this.#waiting.splice(choice % Math.max(1, this.#waiting.length), 1)
    if (!waiting) return
    this.#log.push(`  end ${waiting.what}`)
    waiting.end()
  }

  endAll(): void {
    while (this.#waiting.length > 0) this.endOne(0)
  }
}
