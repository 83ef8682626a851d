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
   * Optional power: removes what writers left behind that never committed nor aborted, because their process died.
   * Parts that this driver object is writing are left alone, and so are those changed after `unchangedSince`: where
   * several processes share the place, that is how the others' parts are spared.
   *
   * @returns how many parts were removed.
   */
  sweepParts?(unchangedSince?: Date): Promise<number>
}
