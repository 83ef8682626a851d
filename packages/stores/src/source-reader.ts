/** Pulls a write's source, and lets go of it whatever state it is in. */
export class SourceReader {
  readonly #source: AsyncIterable<Uint8Array>
  #iterator: AsyncIterator<Uint8Array> | undefined
  #pending = false
  #ended = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source
  }

  /** The next chunk, or undefined at the end. What the source throws passes as it is. */
  async next(): Promise<Uint8Array | undefined> {
    this.#iterator ??= this.#source[Symbol.asyncIterator]()
    this.#pending = true
    try {
      const step = await this.#iterator.next()
      this.#ended = step.done === true
      return step.done === true ? undefined : checkChunk(step.value)
    } catch (error) {
      this.#ended = true
      throw error
    } finally {
      this.#pending = false
    }
  }

  /**
   * Lets go of a source that was not read to its end. A Node stream is destroyed: its iterator frees nothing before its
   * first chunk, nor while it waits for one. The source's own trouble in closing is nobody's.
   */
  async close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    if (isDestroyable(this.#source)) {
      this.#source.destroy()
      return
    }
    const iterator = this.#iterator ?? this.#source[Symbol.asyncIterator]()
    const returned = Promise.resolve(iterator.return?.()).catch(() => undefined)
    // A generator answers only after its pending chunk, which may never come.
    if (!this.#pending) await returned
  }
}

function checkChunk(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  throw new TypeError(`the source gave a chunk of type ${typeof chunk}; a Uint8Array is allowed`)
}

function isDestroyable(source: object): source is { destroy(): void } {
  return 'destroy' in source && typeof source.destroy === 'function'
}
