import { createHash } from 'node:crypto'
import type { BlobPart, BlobWriter, Driver, PartWriter } from './driver.ts'
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

/** What an earlier write of the same blob left, that can be gone on with. */
export interface KeptPart {
  /** Whose bytes these are: what the write was told that wrote them. */
  readonly label: string
  /** Where to go on, in bytes; more than 0. One byte less than there are: there is always something to ask for. */
  readonly size: number
}

/** A source that was asked to go on. */
export interface ResumableSource {
  /** The bytes after those of the part, or all of them. */
  readonly body: AsyncIterable<Uint8Array>
  /** The announced size of the whole blob, in bytes; null: not known. */
  readonly size: number | null
  /** Whether the body goes on where the part ends; otherwise it starts at the first byte, and the part goes. */
  readonly resumed: boolean
  /** Says whose bytes these are, to whoever goes on should this write be cut off; null: nobody can. */
  readonly label: string | null
}

/** Asks a source to go on behind a part, or for everything where there is none. */
export type OpenResumable = (part: KeptPart | null) => Promise<ResumableSource>

export interface WriteOrder {
  readonly store: string
  readonly driver: Driver
  readonly key: string
  /** The bytes, or what asks for those that are missing. */
  readonly source: AsyncIterable<Uint8Array> | OpenResumable
  readonly options: WriteOptions
  readonly pool: HashPool
}

/** One write, from the source's first chunk to the commit, or to the state in which nothing of it is left. */
export class BlobWrite {
  readonly #order: WriteOrder
  readonly #algorithms: readonly string[]
  readonly #halt: Halt = new Halt()
  /** Errors after which the bytes that came are as good as they were. */
  readonly #cuts = new Set<unknown>()
  #source: SourceReader | undefined
  #writer: BlobWriter | PartWriter | undefined
  #expected: number | undefined
  /** How many bytes were there before. */
  #from = 0
  #head: Buffer | undefined
  #feed: SlotFeed | undefined
  #taken = 0
  #written = 0

  constructor(order: WriteOrder) {
    this.#order = order
    if (typeof order.source !== 'function') this.#source = new SourceReader(order.source)
    this.#expected = order.options.size
    this.#algorithms = [...new Set(order.options.algorithms)]
  }

  /** Runs it. Called once. */
  async run(): Promise<WriteResult> {
    const { signal } = this.#order.options
    const stop = (): void => {
      const refusal = this.#refusal('aborted', { reason: text(signal?.reason) }, signal?.reason)
      this.#cuts.add(refusal)
      this.#halt.trip(refusal)
    }
    try {
      this.#checkOptions()
      if (signal?.aborted === true) stop()
      signal?.addEventListener('abort', stop)
      this.#halt.check()
      return await this.#fill()
    } catch (error) {
      // Slots that wait for the driver are not given to a writer that is being given up.
      this.#halt.trip(error)
      this.#feed?.drop()
      await this.#giveUp(this.#cuts.has(error))
      await this.#source?.close()
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  async #fill(): Promise<WriteResult> {
    const { driver, key, source } = this.#order
    const writer =
      typeof source === 'function' ? await this.#resume(source) : await this.#begin(() => driver.create(key))
    const hashes = await this.#pump(this.#source!)
    this.#halt.check()
    await this.#ask('commit', () => writer.commit())
    return { size: this.#taken, hashes }
  }

  async #begin<W extends BlobWriter>(make: () => Promise<W>): Promise<W> {
    const writer = await this.#ask('write', make)
    this.#writer = writer
    return writer
  }

  /** The checksums come first: a source that has answered does not wait long for somebody who reads his disk. */
  async #resume(open: OpenResumable): Promise<BlobWriter> {
    const { driver, key, options } = this.#order
    const part = await this.#ask('write', async () => driver.part?.(key))
    if (part !== undefined && part.size > 1) await this.#rehash(part, part.size - 1)
    const { body, size, resumed, label } = await open(
      part === undefined || this.#from === 0 ? null : { label: part.label, size: this.#from },
    )
    this.#source = new SourceReader(body)
    this.#expected = size ?? options.size
    this.#halt.check()
    this.#checkExpected()
    if (part !== undefined && resumed && this.#from > 0) return this.#begin(() => part.append(this.#from))
    this.#startOver()
    const isWorthKeeping = label !== null && (size ?? Infinity) > inlineBytes
    if (isWorthKeeping && driver.createPart !== undefined) return this.#begin(() => driver.createPart!(key, label))
    await this.#ask('write', async () => driver.dropPart?.(key))
    return this.#begin(() => driver.create(key))
  }

  /** A part that cannot be read is no reason to fail: there is still the source. */
  async #rehash(part: BlobPart, end: number): Promise<void> {
    this.#from = end
    const { limit = Infinity } = this.#order.options
    try {
      if (end > limit) throw new RangeError('more than is wanted now')
      for await (const chunk of await part.read(end)) {
        this.#taken += chunk.length
        await this.#append(chunk)
      }
      if (this.#taken !== end) throw new Error('the part is shorter than it was')
    } catch {
      this.#halt.check()
      this.#startOver()
    }
  }

  #startOver(): void {
    this.#feed?.drop()
    this.#feed = undefined
    this.#head = undefined
    this.#from = 0
    this.#taken = 0
    this.#written = 0
  }

  /** What broke the write may keep its part from being removed too; the first cause is the one that helps. */
  async #giveUp(cutOff: boolean): Promise<void> {
    const writer = this.#writer
    if (writer === undefined) return
    await (cutOff && 'keep' in writer ? writer.keep() : writer.abort()).catch(() => undefined)
  }

  async #pump(source: SourceReader): Promise<Record<string, string>> {
    for (;;) {
      const chunk = await this.#pull(source)
      if (chunk === undefined) break
      this.#admit(chunk.length)
      await this.#append(chunk)
    }
    const expected = this.#expected ?? this.#taken
    if (this.#taken < expected) throw this.#refusal('size-mismatch', { expected, given: this.#taken })
    return this.#feed === undefined ? this.#finishInline() : this.#feed.finish()
  }

  async #pull(source: SourceReader): Promise<Uint8Array | undefined> {
    const next = source.next()
    next.catch((error: unknown) => this.#cuts.add(error))
    try {
      return await this.#halt.wait(next)
    } catch (error) {
      // What has come is worth keeping to its last byte: a source may never give more than a little at a time.
      if (this.#cuts.has(error) && this.#writer !== undefined && 'keep' in this.#writer) await this.#flush()
      throw error
    }
  }

  async #flush(): Promise<void> {
    if (this.#order.options.signal?.aborted === true) return
    if (this.#feed === undefined) await this.#finishInline()
    else await this.#feed.flush()
  }

  /** Counts a chunk before any of it is written. */
  #admit(bytes: number): void {
    const { limit = Infinity } = this.#order.options
    const expected = this.#expected ?? Infinity
    this.#taken += bytes
    const given = this.#taken
    if (given > limit) throw this.#refusal('too-large', { limit, given })
    if (given > expected) throw this.#refusal('size-mismatch', { expected, given })
  }

  async #append(chunk: Uint8Array): Promise<void> {
    const { pool } = this.#order
    if (this.#feed === undefined) {
      const kept = this.#taken - chunk.length
      const expected = this.#expected ?? 0
      const room = this.#expected === undefined || this.#from > 0 ? inlineBytes : Math.min(expected, inlineBytes)
      if (expected <= inlineBytes && this.#taken <= inlineBytes) {
        this.#head ??= Buffer.allocUnsafeSlow(room)
        this.#head.set(chunk, kept)
        return
      }
      const hashError = (error: unknown): Error => toStoreError(error, this.#context('compute the checksums of'))
      const sink = (bytes: Uint8Array): Promise<void> => this.#sink(bytes)
      this.#feed = new SlotFeed({ pool, algorithms: this.#algorithms, halt: this.#halt, sink, hashError })
      if (this.#head !== undefined) await this.#feed.append(this.#head.subarray(0, kept))
      this.#head = undefined
    }
    await this.#feed.append(chunk)
  }

  async #finishInline(): Promise<Record<string, string>> {
    const bytes = this.#head?.subarray(0, this.#taken) ?? new Uint8Array(0)
    if (bytes.length > 0) await this.#halt.wait(this.#sink(bytes))
    return Object.fromEntries(this.#algorithms.map((name) => [name, createHash(name).update(bytes).digest('hex')]))
  }

  /** What was there before is only hashed. */
  async #sink(bytes: Uint8Array): Promise<void> {
    const writer = this.#writer
    const fresh = bytes.subarray(Math.min(bytes.length, Math.max(0, this.#from - this.#written)))
    if (fresh.length > 0 && writer !== undefined) await this.#ask('write', () => writer.write(fresh))
    this.#written += bytes.length
    this.#halt.check()
    if (fresh.length > 0) this.#order.options.onProgress?.(this.#written)
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
    this.#checkExpected()
  }

  #checkExpected(): void {
    const { limit = Infinity } = this.#order.options
    const given = this.#expected
    if (given !== undefined && given > limit) throw this.#refusal('too-large', { limit, given })
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
