import { createHash } from 'node:crypto'
import type { BlobWriter, Driver } from './driver.ts'
import { StoreError, type StoreErrorCode, type StoreErrorDetails, toStoreError } from './errors.ts'
import { Halt } from './halt.ts'
import { checkAlgorithms, type HashPool } from './hashing/hash-pool.ts'
import { checkKey } from './key.ts'
import { SlotFeed } from './slot-feed.ts'
import { SourceReader } from './source-reader.ts'

/** Up to here a blob is kept, hashed and written at once, without a ring or a message to a worker. In bytes. */
const inlineBytes = 256 * 1024

/** How to write a blob. Sizes are in bytes. */
export interface WriteOptions {
  /** The checksums to compute on the way, by OpenSSL's names: `['md5', 'sha512']`. May be empty. */
  readonly algorithms: readonly string[]
  /** The announced size: a source that gives fewer or more bytes fails with `size-mismatch`. */
  readonly size?: number | undefined
  /** The most that is taken: more fails with `too-large`. */
  readonly limit?: number | undefined
  /** Stops the write with `aborted`, until the commit has begun. */
  readonly signal?: AbortSignal | undefined
  /** Hears, in order, how many bytes are written so far: once for a small blob, else for every slot of the ring. */
  readonly onProgress?: ((bytes: number) => void) | undefined
}

/** What was written: its size in bytes, and the checksums by algorithm, as lower-case hexadecimal digits. */
export interface WriteResult {
  readonly size: number
  readonly hashes: Record<string, string>
}

export interface WriteOrder {
  readonly store: string
  readonly driver: Driver
  readonly key: string
  readonly source: AsyncIterable<Uint8Array>
  readonly options: WriteOptions
  readonly pool: HashPool
}

/** One write, from the source's first chunk to the commit, or to the state in which nothing of it is left. */
export class BlobWrite {
  readonly #order: WriteOrder
  readonly #source: SourceReader
  readonly #algorithms: readonly string[]
  readonly #halt: Halt = new Halt()
  #head: Buffer | undefined
  #feed: SlotFeed | undefined
  #taken = 0
  #written = 0

  constructor(order: WriteOrder) {
    this.#order = order
    this.#source = new SourceReader(order.source)
    this.#algorithms = [...new Set(order.options.algorithms)]
  }

  /** Runs it. Called once. */
  async run(): Promise<WriteResult> {
    const { signal } = this.#order.options
    const stop = (): void => this.#halt.trip(this.#refusal('aborted', { reason: text(signal?.reason) }, signal?.reason))
    try {
      this.#checkOptions()
      if (signal?.aborted === true) stop()
      signal?.addEventListener('abort', stop)
      this.#halt.check()
      return await this.#fill(await this.#create())
    } catch (error) {
      await this.#source.close()
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  async #create(): Promise<BlobWriter> {
    const { driver, key } = this.#order
    return this.#ask('write', () => driver.create(key))
  }

  async #fill(writer: BlobWriter): Promise<WriteResult> {
    try {
      const hashes = await this.#pump(writer)
      this.#halt.check()
      await this.#ask('commit', () => writer.commit())
      return { size: this.#taken, hashes }
    } catch (error) {
      // Slots that wait for the driver are not given to a writer that is being aborted.
      this.#halt.trip(error)
      this.#feed?.drop()
      // What broke the write may keep its part from being removed too; the first cause is the one that helps.
      await writer.abort().catch(() => undefined)
      throw error
    }
  }

  async #pump(writer: BlobWriter): Promise<Record<string, string>> {
    const sink = (bytes: Uint8Array): Promise<void> => this.#sink(writer, bytes)
    for (;;) {
      const chunk = await this.#halt.wait(this.#source.next())
      if (chunk === undefined) break
      this.#admit(chunk.length)
      await this.#append(chunk, sink)
    }
    const { size: expected = this.#taken } = this.#order.options
    if (this.#taken < expected) throw this.#refusal('size-mismatch', { expected, given: this.#taken })
    return this.#feed === undefined ? this.#finishInline(sink) : this.#feed.finish()
  }

  /** Counts a chunk before any of it is written. */
  #admit(bytes: number): void {
    const { limit = Infinity, size: expected = Infinity } = this.#order.options
    this.#taken += bytes
    const given = this.#taken
    if (given > limit) throw this.#refusal('too-large', { limit, given })
    if (given > expected) throw this.#refusal('size-mismatch', { expected, given })
  }

  async #append(chunk: Uint8Array, sink: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const { pool, options } = this.#order
    if (this.#feed === undefined) {
      const kept = this.#taken - chunk.length
      const room = Math.min(options.size ?? inlineBytes, inlineBytes)
      if ((options.size ?? 0) <= inlineBytes && this.#taken <= inlineBytes) {
        this.#head ??= Buffer.allocUnsafeSlow(room)
        this.#head.set(chunk, kept)
        return
      }
      const hashError = (error: unknown): Error => toStoreError(error, this.#context('compute the checksums of'))
      this.#feed = new SlotFeed({ pool, algorithms: this.#algorithms, halt: this.#halt, sink, hashError })
      if (this.#head !== undefined) await this.#feed.append(this.#head.subarray(0, kept))
      this.#head = undefined
    }
    await this.#feed.append(chunk)
  }

  async #finishInline(sink: (bytes: Uint8Array) => Promise<void>): Promise<Record<string, string>> {
    const bytes = this.#head?.subarray(0, this.#taken) ?? new Uint8Array(0)
    if (bytes.length > 0) await this.#halt.wait(sink(bytes))
    return Object.fromEntries(this.#algorithms.map((name) => [name, createHash(name).update(bytes).digest('hex')]))
  }

  async #sink(writer: BlobWriter, bytes: Uint8Array): Promise<void> {
    await this.#ask('write', () => writer.write(bytes))
    this.#written += bytes.length
    this.#halt.check()
    this.#order.options.onProgress?.(this.#written)
  }

  #checkOptions(): void {
    const { algorithms, size, limit } = this.#order.options
    checkKey(this.#order.store, this.#order.key)
    checkAlgorithms(algorithms)
    for (const [name, bytes] of Object.entries({ size, limit })) {
      if (bytes !== undefined && !(Number.isSafeInteger(bytes) && bytes >= 0)) {
        throw new RangeError(`${name} of image ${this.#order.key} is ${bytes}; a whole number of bytes is allowed`)
      }
    }
    if (size !== undefined && limit !== undefined && size > limit) {
      throw this.#refusal('too-large', { limit, given: size })
    }
  }

  /** A call of the driver, whose error comes out in the words that users see. */
  async #ask<T>(verb: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw toStoreError(error, this.#context(verb))
    }
  }

  #context(verb: string): StoreErrorDetails {
    const { store, key } = this.#order
    return { store, key, written: this.#written, action: `${verb} image ${key}` }
  }

  #refusal(code: StoreErrorCode, details: StoreErrorDetails, cause?: unknown): StoreError {
    return new StoreError(code, { ...this.#context('write'), ...details }, cause === undefined ? {} : { cause })
  }
}

function text(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}
