import { HttpSourceError } from './http-source-error.ts'

export interface WatchOptions {
  readonly signal?: AbortSignal | undefined
  /** How long the source may send nothing while somebody waits for it. */
  readonly idleTimeoutMs: number
  /** How long everything may take; 0 for no limit. */
  readonly totalTimeoutMs: number
}

/** A timer longer than this fires at once. */
const longestTimeoutMs = 2_147_483_647

/** Ends whatever runs under it, when the caller aborts, the source is silent, or the time is over. */
export class Watch {
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal | undefined
  readonly #idleTimeoutMs: number
  readonly #total: NodeJS.Timeout | undefined

  constructor({ signal, idleTimeoutMs, totalTimeoutMs }: WatchOptions) {
    this.#caller = signal
    this.#idleTimeoutMs = Math.min(idleTimeoutMs, longestTimeoutMs)
    if (totalTimeoutMs > 0) {
      const message = `the source took longer than ${totalTimeoutMs / 1000} s`
      this.#total = setTimeout(() => this.#end('timeout', message), Math.min(totalTimeoutMs, longestTimeoutMs))
    }
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Aborts as soon as `failure` is set. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why everything ended, if it did. */
  get failure(): HttpSourceError | null {
    return this.signal.aborted ? (this.signal.reason as HttpSourceError) : null
  }

  /** Waits for the source; rejects with `failure` when the watch ends first. */
  async wait<T>(work: Promise<T>): Promise<T> {
    const { promise: ended, reject } = Promise.withResolvers<never>()
    const onEnd = () => reject(this.signal.reason as HttpSourceError)
    if (this.signal.aborted) onEnd()
    else this.signal.addEventListener('abort', onEnd)
    const silence = `the source sent nothing for ${this.#idleTimeoutMs / 1000} s`
    const idle = setTimeout(() => this.#end('timeout', silence), this.#idleTimeoutMs)
    try {
      return await Promise.race([work, ended])
    } finally {
      clearTimeout(idle)
      this.signal.removeEventListener('abort', onEnd)
    }
  }

  /** Nothing ends from here on, and no timer is left. */
  close(): void {
    clearTimeout(this.#total)
    this.#caller?.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => {
    this.#end('aborted', 'the download was aborted', this.#caller?.reason)
  }

  #end(code: 'timeout' | 'aborted', message: string, cause?: unknown): void {
    this.close()
    this.#controller.abort(new HttpSourceError(code, message, { cause, retryable: code === 'timeout' }))
  }
}
