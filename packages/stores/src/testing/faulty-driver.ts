import type { BlobWriter, ByteRange, Driver } from '../driver.ts'
import { hasPower } from './suite-case.ts'

/** The calls that can be made to fail: `next` is a chunk of a read, `write`, `commit` and `abort` are the writer's. */
export type FaultyCall =
  | 'create'
  | 'write'
  | 'commit'
  | 'abort'
  | 'read'
  | 'next'
  | 'size'
  | 'delete'
  | 'list'
  | 'adopt'
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
  readonly sweepParts?: (unchangedSince?: Date) => Promise<number>
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
    if (hasPower(inner, 'sweepParts')) {
      this.sweepParts = (unchangedSince) => this.#call('sweepParts', () => inner.sweepParts(unchangedSince))
    }
  }

  async create(key: string): Promise<BlobWriter> {
    const writer = await this.#call('create', () => this.#inner.create(key))
    return {
      write: (chunk) => this.#call('write', () => writer.write(chunk)),
      commit: () => this.#call('commit', () => writer.commit()),
      abort: () => this.#call('abort', () => writer.abort()),
    }
  }

  async read(key: string, range?: ByteRange, lifetime?: number): Promise<AsyncIterable<Uint8Array>> {
    return this.#chunks(await this.#call('read', () => this.#inner.read(key, range, lifetime)))
  }

  size(key: string): Promise<number> {
    return this.#call('size', () => this.#inner.size(key))
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
