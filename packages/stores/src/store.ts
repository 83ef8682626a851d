import type { Readable } from 'node:stream'
import { BlobStream } from './blob-stream.ts'
import { BlobWrite, type OpenResumable, type WriteOptions, type WriteResult } from './blob-write.ts'
import type { ByteRange, Driver, SweepOptions } from './driver.ts'
import { StoreError, type StoreErrorDetails, toStoreError } from './errors.ts'
import { type HashPool, sharedHashing } from './hashing/hash-pool.ts'
import { checkKey } from './key.ts'
import { chunkLifetime, OpenBlob } from './open-blob.ts'

export interface StoreOptions {
  /** What the deployer says of it, for people. */
  readonly description?: string | undefined
  /** Computes the checksums; the default is the pool of this process. */
  readonly hashing?: HashPool | undefined
}

export interface CopyOptions {
  /** Stops the copy with `aborted`, until it is committed. */
  readonly signal?: AbortSignal | undefined
  /** Hears how many bytes are copied so far; only once, at the end, where a file is taken over whole. */
  readonly onProgress?: ((bytes: number) => void) | undefined
}

/**
 * A place that keeps image data under keys, whatever it is made of.
 *
 * Every method that gets a key rejects with a {@link StoreError}, `invalid-key` among its codes.
 *
 * @example
 * ```ts
 * const store = new Store('file', new FileDriver('/var/lib/glimpse/images'))
 * const { size, hashes } = await store.write(id, request, { algorithms: ['md5', 'sha512'] })
 * await pipeline(await store.read(id), response)
 * ```
 */
export class Store {
  readonly id: string
  readonly description: string | undefined
  readonly #driver: Driver
  readonly #pool: HashPool

  constructor(id: string, driver: Driver, options: StoreOptions = {}) {
    this.id = id
    this.description = options.description
    this.#driver = driver
    this.#pool = options.hashing ?? sharedHashing()
  }

  /** The kind of store: `file`. */
  get type(): string {
    return this.#driver.type
  }

  /**
   * Writes a new blob in one pass: its bytes are stored, counted and hashed as they come. It is visible, whole and
   * durable when the promise resolves; when it rejects nothing of it is left.
   *
   * The source is always let go of: read to its end, or returned (a Node stream: destroyed). To answer an HTTP request
   * whose body was not read to its end, give `request.iterator({ destroyOnReturn: false })` instead of the request.
   *
   * @throws StoreError; RangeError for an unknown algorithm; what the source throws passes as it is.
   */
  async write(key: string, source: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<WriteResult> {
    return new BlobWrite({ store: this.id, driver: this.#driver, key, source, options, pool: this.#pool }).run()
  }

  /**
   * Writes a blob as {@link write} does, from a source that can be asked to go on. When the source fails or the signal
   * aborts, what has come is kept as the key's part, also when the process dies; the next call hashes it again and goes
   * on behind it. Any other failure leaves nothing. A part that nobody will go on with is removed by {@link dropPart}.
   *
   * `open` is given the part, decides by its label whether the source can go on with it, and says so. Of a driver that
   * keeps no parts it is always asked for the whole. A source of at most 256 KiB, as it announces, is not kept.
   *
   * @throws StoreError; what `open` and the source throw passes as it is.
   */
  async resume(key: string, open: OpenResumable, options: Omit<WriteOptions, 'size'>): Promise<WriteResult> {
    return new BlobWrite({ store: this.id, driver: this.#driver, key, source: open, options, pool: this.#pool }).run()
  }

  /** Removes what {@link resume} kept under the key, if anything. */
  async dropPart(key: string): Promise<void> {
    await this.#ask(key, `remove the part of image ${key}`, async () => this.#driver.dropPart?.(key))
  }

  /**
   * Copies a blob of another store under the same key, by link or by the kernel where both stores are files of this
   * host, else through this process. All or nothing, as {@link write}.
   *
   * A hard link shares the bytes on the disk with the other store, which may delete its name for them.
   */
  async copyFrom(source: Store, key: string, options: CopyOptions = {}): Promise<void> {
    const { signal, onProgress } = options
    const size = await source.size(key)
    const path = source.localPath(key)
    if (this.#driver.adopt === undefined || path === undefined) {
      await this.write(key, await source.read(key), { algorithms: [], size, signal, onProgress })
      return
    }
    try {
      signal?.throwIfAborted()
      await this.#driver.adopt(key, path, signal)
    } catch (error) {
      throw this.#copyError(error, key, signal)
    }
    onProgress?.(size)
  }

  /**
   * The blob's bytes, or those of a range, in chunks of up to 1 MiB. A range may pass the end: what is there comes.
   * Whoever does not read to the end destroys the stream.
   *
   * @throws StoreError `not-found`, before the stream is made; RangeError for a range that is none.
   */
  async read(key: string, range?: ByteRange): Promise<Readable> {
    if (range !== undefined) checkRange(range)
    const action = `read image ${key}`
    const blob = await this.#ask(key, action, () => this.#driver.read(key, range))
    return new BlobStream(blob, (error) => toStoreError(error, this.#context(key, action)))
  }

  /**
   * Opens a blob, or a range of it, to be sent to a stream. A range may pass the end: what is there comes.
   *
   * @throws StoreError `not-found`; RangeError for a range that is none.
   */
  async open(key: string, range?: ByteRange): Promise<OpenBlob> {
    if (range !== undefined) checkRange(range)
    const action = `read image ${key}`
    const chunks = await this.#ask(key, action, () => this.#driver.read(key, range, chunkLifetime))
    return new OpenBlob(chunks, (error) => toStoreError(error, this.#context(key, action)))
  }

  /** In bytes. @throws StoreError `not-found`. */
  size(key: string): Promise<number> {
    return this.#ask(key, `measure image ${key}`, () => this.#driver.size(key))
  }

  /** Since when the blob is under its key, or a later time. @throws StoreError `not-found`. */
  changedAt(key: string): Promise<Date> {
    return this.#ask(key, `look at image ${key}`, () => this.#driver.changedAt(key))
  }

  async has(key: string): Promise<boolean> {
    try {
      await this.size(key)
      return true
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not-found') return false
      throw error
    }
  }

  /** @throws StoreError `not-found`. */
  delete(key: string): Promise<void> {
    return this.#ask(key, `delete image ${key}`, () => this.#driver.delete(key))
  }

  /** The keys of all blobs, in no order. */
  async *list(): AsyncIterable<string> {
    try {
      yield* this.#driver.list()
    } catch (error) {
      throw toStoreError(error, { store: this.id, action: 'list its images' })
    }
  }

  /** Where the blob is or would be, for an image's location: `file:///var/lib/glimpse/images/KEY`. */
  url(key: string): string {
    checkKey(this.id, key)
    return this.#driver.url(key)
  }

  /** The path under which programs of this host can read the blob; undefined where there is none. */
  localPath(key: string): string | undefined {
    checkKey(this.id, key)
    return this.#driver.localPath?.(key)
  }

  /**
   * Removes the parts of writes whose process died, and those that were kept, but for those under the keys that are
   * still to be gone on with. Where other processes write to the same place, give the time after which a part may
   * still be theirs.
   *
   * @returns how many were removed.
   */
  async removeParts(options: SweepOptions = {}): Promise<number> {
    try {
      return (await this.#driver.sweepParts?.(options)) ?? 0
    } catch (error) {
      throw toStoreError(error, { store: this.id, action: 'remove the parts of broken writes' })
    }
  }

  #context(key: string, action: string): StoreErrorDetails {
    return { store: this.id, key, written: 0, action }
  }

  async #ask<T>(key: string, action: string, call: () => Promise<T>): Promise<T> {
    checkKey(this.id, key)
    try {
      return await call()
    } catch (error) {
      throw toStoreError(error, this.#context(key, action))
    }
  }

  #copyError(error: unknown, key: string, signal: AbortSignal | undefined): StoreError {
    const context = this.#context(key, `copy image ${key}`)
    if (signal?.aborted !== true || error !== signal.reason) return toStoreError(error, context)
    const reason = error instanceof Error ? error.message : String(error)
    return new StoreError('aborted', { ...context, reason }, { cause: error })
  }
}

function checkRange({ start, end }: ByteRange): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end) return
  throw new RangeError(`range from ${start} to ${end} is not one; bytes with 0 <= start <= end are allowed`)
}
