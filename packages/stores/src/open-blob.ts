import type { Writable } from 'node:stream'

/** What `Driver.read` is asked for: two chunks are on their way out while a third is read. */
export const chunkLifetime: number = 3

/** A blob that is open for reading, once. Whoever opened it sends or closes it. */
export class OpenBlob {
  readonly #chunks: AsyncIterable<Uint8Array>
  readonly #describe: (error: unknown) => Error

  /** @param describe gives a driver's error the words that users see. */
  constructor(chunks: AsyncIterable<Uint8Array>, describe: (error: unknown) => Error) {
    this.#chunks = chunks
    this.#describe = describe
  }

  /**
   * Writes the bytes to a stream, which it neither ends nor destroys. Reads ahead while bytes go out, through buffers
   * that are used again and again: that is twice as fast as a pipeline, and leaves nothing to the garbage collector.
   *
   * @throws StoreError when the store fails; the stream's own error, or one of code `ERR_STREAM_PREMATURE_CLOSE`.
   */
  async send(destination: Writable): Promise<void> {
    const closed = Promise.withResolvers<never>()
    const onClose = (): void => closed.reject(prematureClose())
    closed.promise.catch(() => undefined)
    destination.once('close', onClose)
    const iterator = this.#chunks[Symbol.asyncIterator]()
    try {
      if (destination.destroyed) throw prematureClose()
      await this.#pump(iterator, destination, closed.promise)
    } finally {
      destination.off('close', onClose)
      await iterator.return?.()
    }
  }

  /** Lets go of a blob that is not sent. */
  async close(): Promise<void> {
    await this.#chunks[Symbol.asyncIterator]().return?.()
  }

  async #pump(iterator: AsyncIterator<Uint8Array>, destination: Writable, closed: Promise<never>): Promise<void> {
    const sent: Promise<void>[] = []
    for (;;) {
      const step = await this.#next(iterator)
      if (step.done === true) break
      const written = write(destination, step.value)
      written.catch(() => undefined)
      sent.push(written)
      if (sent.length >= chunkLifetime) await Promise.race([sent.shift(), closed])
    }
    await Promise.race([Promise.all(sent), closed])
  }

  async #next(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    try {
      return await iterator.next()
    } catch (error) {
      throw this.#describe(error)
    }
  }
}

function write(destination: Writable, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    destination.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}

function prematureClose(): Error {
  return Object.assign(new Error('the stream was closed before all bytes were sent'), {
    code: 'ERR_STREAM_PREMATURE_CLOSE',
  })
}
