import { Readable } from 'node:stream'

/** How much is read ahead of the consumer. In bytes. */
const aheadBytes = 1 << 20

/** A blob's bytes as a Node stream. Destroying it, at any time, frees what the driver holds open. */
export class BlobStream extends Readable {
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #describe: (error: unknown) => Error

  /** @param describe gives a driver's error the words that users see. */
  constructor(blob: AsyncIterable<Uint8Array>, describe: (error: unknown) => Error) {
    super({ highWaterMark: aheadBytes })
    this.#iterator = blob[Symbol.asyncIterator]()
    this.#describe = describe
  }

  override _read(): void {
    void this.#next()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    void this.#free(error, callback)
  }

  async #next(): Promise<void> {
    try {
      const step = await this.#iterator.next()
      this.push(step.done === true ? null : step.value)
    } catch (error) {
      this.destroy(this.#describe(error))
    }
  }

  async #free(error: Error | null, callback: (error?: Error | null) => void): Promise<void> {
    const broken = await this.#return()
    callback(error ?? broken)
  }

  async #return(): Promise<Error | null> {
    try {
      await this.#iterator.return?.()
      return null
    } catch (error) {
      return this.#describe(error)
    }
  }
}
