import type { BlobPart, BlobWriter, ByteRange, Driver, PartWriter, SweepOptions } from '../driver.ts'
import { hasPower } from './suite-case.ts'

/** The calls that can be made to fail: `next` is a chunk of a read, `write`, `commit`, `abort` and `keep` are the writer's. */
export type FaultyCall =
  | 'create'
  | 'write'
  | 'commit'
  | 'abort'
  | 'keep'
  | 'read'
  | 'next'
  | 'size'
  | 'changedAt'
  | 'delete'
  | 'list'
  | 'adopt'
  | 'createPart'
  | 'part'
  | 'append'
  | 'dropPart'
  | 'sweepParts'

export interface Fault {
  readonly call: FaultyCall
  /** Which call of that kind fails, counted from 1 over the driver's life; the default is the first. */
  readonly nth?: number
  /** The system error's name: `ENOSPC`. */
  readonly errno: string
}

/**
 * A driver that does what the one inside it does, but fails when it is told to, before the inner one is asked. So a
 * test makes a disk full at the third write and sees what is left. It has the optional powers of the inner driver.
 *
 * @example
 * ```ts
 * const store = new Store('faulty', new FaultyDriver(new FileDriver(folder), [{ call: 'write', nth: 3, errno: 'ENOSPC' }]))
 * ```
 */
export class FaultyDriver implements Driver {
  readonly type: string
  readonly localPath?: (key: string) => string
  readonly adopt?: (key: string, path: string, signal?: AbortSignal) => Promise<void>
  readonly createPart?: (key: string, label: string) => Promise<PartWriter>
  readonly part?: (key: string) => Promise<BlobPart | undefined>
  readonly dropPart?: (key: string) => Promise<void>
  readonly sweepParts?: (options?: SweepOptions) => Promise<number>
  readonly #inner: Driver
  readonly #faults: readonly Fault[]
  readonly #counts = new Map<FaultyCall, number>()

  constructor(inner: Driver, faults: readonly Fault[]) {
    this.#inner = inner
    this.#faults = faults
    this.type = inner.type
    if (hasPower(inner, 'localPath')) this.localPath = (key) => inner.localPath(key)
    if (hasPower(inner, 'adopt')) {
      this.adopt = (key, path, signal) => this.#call('adopt', () => inner.adopt(key, path, signal))
    }
    if (hasPower(inner, 'createPart')) {
      this.createPart = async (key, label) =>
        this.#partWriter(await this.#call('createPart', () => inner.createPart(key, label)))
    }
    if (hasPower(inner, 'part')) this.part = async (key) => this.#part(await this.#call('part', () => inner.part(key)))
    if (hasPower(inner, 'dropPart')) this.dropPart = (key) => this.#call('dropPart', () => inner.dropPart(key))
    if (hasPower(inner, 'sweepParts')) {
      this.sweepParts = (options) => this.#call('sweepParts', () => inner.sweepParts(options))
    }
  }

  async create(key: string): Promise<BlobWriter> {
    return this.#writer(await this.#call('create', () => this.#inner.create(key)))
  }

  async read(key: string, range?: ByteRange, lifetime?: number): Promise<AsyncIterable<Uint8Array>> {
    return this.#chunks(await this.#call('read', () => this.#inner.read(key, range, lifetime)))
  }

  size(key: string): Promise<number> {
    return this.#call('size', () => this.#inner.size(key))
  }

  changedAt(key: string): Promise<Date> {
    return this.#call('changedAt', () => this.#inner.changedAt(key))
  }

  delete(key: string): Promise<void> {
    return this.#call('delete', () => this.#inner.delete(key))
  }

  async *list(): AsyncIterable<string> {
    this.#count('list')
    yield* this.#inner.list()
  }

  url(key: string): string {
    return this.#inner.url(key)
  }

  #writer(writer: BlobWriter): BlobWriter {
    return {
      write: (chunk) => this.#call('write', () => writer.write(chunk)),
      commit: () => this.#call('commit', () => writer.commit()),
      abort: () => this.#call('abort', () => writer.abort()),
    }
  }

  #partWriter(writer: PartWriter): PartWriter {
    return { ...this.#writer(writer), keep: () => this.#call('keep', () => writer.keep()) }
  }

  #part(part: BlobPart | undefined): BlobPart | undefined {
    if (part === undefined) return undefined
    const { label, size } = part
    return {
      label,
      size,
      read: async (end, lifetime) => this.#chunks(await this.#call('read', () => part.read(end, lifetime))),
      append: async (from) => this.#partWriter(await this.#call('append', () => part.append(from))),
    }
  }

  #chunks(blob: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const iterator = blob[Symbol.asyncIterator]()
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => this.#call('next', () => iterator.next()),
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      }),
    }
  }

  async #call<T>(call: FaultyCall, inner: () => Promise<T>): Promise<T> {
    this.#count(call)
    return inner()
  }

  /** @throws the fault whose turn it is. */
  #count(call: FaultyCall): void {
    const nth = (this.#counts.get(call) ?? 0) + 1
    this.#counts.set(call, nth)
    const fault = this.#faults.find((fault) => fault.call === call && (fault.nth ?? 1) === nth)
    if (fault === undefined) return
    throw Object.assign(new Error(`${fault.errno}: made to fail, ${call} ${nth}`), { code: fault.errno })
  }
}
