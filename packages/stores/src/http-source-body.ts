import type { IncomingMessage } from 'node:http'
import { HttpSourceError } from './http-source-error.ts'
import type { Watch } from './http-source-watch.ts'

/** Where a body starts and ends in the whole of the source, in bytes. */
export interface BodyExtent {
  readonly offset: number
  /** Null: the end of the connection is the end. */
  readonly size: number | null
}

/**
 * The body of one answer, chunk by chunk, read once. It lets go of its connection whichever way that ends (end, error,
 * early return, timeout, abort), and tells a body that was cut off from one that has ended.
 */
export class SourceBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #response: IncomingMessage
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #watch: Watch
  readonly #size: number | null
  #position: number
  #closed = false

  constructor(response: IncomingMessage, { offset, size }: BodyExtent, watch: Watch) {
    this.#response = response
    this.#chunks = response[Symbol.asyncIterator]()
    this.#watch = watch
    this.#size = size
    this.#position = offset
    // A connection may break while nobody reads: the next read tells.
    response.on('error', () => {})
    watch.signal.addEventListener('abort', this.#release, { once: true })
    if (watch.signal.aborted) this.#release()
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#closed) return { done: true, value: undefined }
    try {
      const step = await this.#watch.wait(this.#chunks.next())
      if (step.done !== true) {
        this.#position += step.value.length
        return step
      }
      if (this.#size !== null && this.#position < this.#size) throw new Error('the end came early')
    } catch (error) {
      this.close()
      throw this.#watch.failure ?? this.#truncated(error)
    }
    return this.return()
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.close()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** For whoever will not read it to its end, or not at all. */
  close(): void {
    this.#closed = true
    this.#watch.close()
    this.#release()
  }

  readonly #release = (): void => {
    this.#watch.signal.removeEventListener('abort', this.#release)
    this.#response.destroy()
  }

  #truncated(cause: unknown): HttpSourceError {
    const whole = this.#size === null ? '' : ` of ${this.#size}`
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const event = code.startsWith('HPE_') ? `sent a broken body (${code})` : 'closed the connection'
    const message = `the source ${event} after ${this.#position}${whole} bytes`
    return new HttpSourceError('truncated', message, { cause, retryable: true })
  }
}
