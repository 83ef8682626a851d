/** A part of a blob: `start` is its first byte, `end` the byte after its last. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * One blob on its way into a store.
 *
 * The store calls `write` one at a time, then either `commit` or `abort`. After a `commit` that failed it calls
 * `abort`.
 */
export interface BlobWriter {
  /**
   * Appends the whole chunk. The chunk is the caller's again when the promise settles: a driver that keeps the bytes
   * copies them. It may be a view of shared memory.
   */
  write(chunk: Uint8Array): Promise<void>
  /**
   * Makes what was written durable, then visible under its key, in one step that never overwrites.
   *
   * @throws an error of code `exists` or `EEXIST` when the key has a blob, also one that came after `create`.
   */
  commit(): Promise<void>
  /**
   * Gives up: nothing stays, neither under the key nor beside it. It may come while a `write` is pending, which then
   * settles. A second call does nothing.
   */
  abort(): Promise<void>
}

/** A writer whose bytes may outlive it. */
export interface PartWriter extends BlobWriter {
  /**
   * Ends the write as `abort` does, but what is written stays as the key's part. It may come while a `write` is
   * pending, which then settles.
   */
  keep(): Promise<void>
}

/** What a write that was cut off, or whose process died, has left of a blob. Looking at it holds nothing open. */
export interface BlobPart {
  /** What the part was created with: says whose bytes these are. */
  readonly label: string
  /** How many bytes, from the first on, are surely there as they were written. */
  readonly size: number
  /** The part's first `end` bytes; for `lifetime` and for stopping early see {@link Driver.read}. */
  read(end: number, lifetime?: number): Promise<AsyncIterable<Uint8Array>>
  /**
   * Takes the part over and goes on after its first `from` bytes, of at most `size`; others go. Who wrote to it before
   * can neither commit nor harm it any more.
   */
  append(from: number): Promise<PartWriter>
}

/** Which parts a sweep leaves alone, besides those that this driver object is writing. */
export interface SweepOptions {
  /** Those changed after this time: where several processes share the place, that is how the others' are spared. */
  readonly unchangedSince?: Date | undefined
  /** Of those that can be gone on with, the ones under these keys. Default: none. */
  readonly keep?: ((key: string) => boolean) | undefined
}

/**
 * What somebody writes to keep images somewhere new: bytes in, bytes out, and nothing else.
 *
 * Keys, ranges, sizes, limits, checksums and the wording of errors are looked after once, in `Store`. A driver sees
 * only valid keys (`[A-Za-z0-9._-]`, 1 to 200 characters, no dot at the beginning) and whole, ordered ranges.
 *
 * A driver throws system errors as they are (`ENOENT`, `ENOSPC`), or a `StoreError` with the code that fits; anything
 * else becomes `io`. The suite in `@glimpse/stores/testing` checks what is written here; `MemoryDriver` is the
 * reference reading.
 */
export interface Driver {
  /** The kind of store, as deployers spell it: `file`. */
  readonly type: string

  /**
   * Begins a blob. Nothing is visible under the key before its commit.
   *
   * @throws `exists`, if that can be told cheaply; otherwise `commit` does.
   */
  create(key: string): Promise<BlobWriter>

  /**
   * The blob's bytes from `start` up to `end` or its end, whichever comes first; without a range all of them. Chunks
   * are of 1 MiB at most, as a rule. Whoever stops early calls the iterator's `return`, which frees everything, also
   * while a `next` is pending or before the first one.
   *
   * With a `lifetime` the reader is done with a chunk when it asks for the chunk that comes so many later, and the
   * driver may use its memory again. Without, chunks are the reader's for good.
   *
   * @throws `not-found`, before the first byte is asked for.
   */
  read(key: string, range?: ByteRange, lifetime?: number): Promise<AsyncIterable<Uint8Array>>

  /** In bytes. @throws `not-found`. */
  size(key: string): Promise<number>

  /**
   * Since when the blob is under its key, or a later time: what looked older than it is might be swept.
   *
   * @throws `not-found`.
   */
  changedAt(key: string): Promise<Date>

  /** The key is free afterwards; who is reading the blob may get the rest of it or an error. @throws `not-found`. */
  delete(key: string): Promise<void>

  /** The keys of all committed blobs, each once, in no order. What comes or goes meanwhile may be missed. */
  list(): AsyncIterable<string>

  /** Where the blob is or would be, as it is kept in an image's location. No credentials. */
  url(key: string): string

  /** Optional power: the path under which other programs of this host can read the committed blob. */
  localPath?(key: string): string

  /**
   * Optional power: takes over a file of this host as a blob without reading it through this process. The file at
   * `path` stays where it is, and nobody changes its bytes afterwards. Durable and all at once, as `commit` is: a
   * half-made copy is never visible, and a copy that failed leaves nothing.
   *
   * @throws `exists`; the signal's reason when it was aborted before the blob became visible.
   */
  adopt?(key: string, path: string, signal?: AbortSignal): Promise<void>

  /**
   * Optional power, together with `part` and `dropPart`: begins a blob as `create` does, whose bytes can be gone on with should the
   * write be cut off. A key has one part at most: an earlier one goes.
   */
  createPart?(key: string, label: string): Promise<PartWriter>

  /**
   * Optional power: what was kept under the key, or left there by a process that died; undefined where nothing is that
   * can be trusted.
   */
  part?(key: string): Promise<BlobPart | undefined>

  /** Optional power: removes the key's part; does nothing where there is none. */
  dropPart?(key: string): Promise<void>

  /**
   * Optional power: removes what writers left behind that never committed nor aborted, because their process died, and
   * parts that were kept.
   *
   * @returns how many parts were removed.
   */
  sweepParts?(options?: SweepOptions): Promise<number>
}
