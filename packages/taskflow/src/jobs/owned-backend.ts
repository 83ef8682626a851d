import { TaskFlowError } from '../errors.ts'
import type { Awaitable, Backend, FlowQuery, StoredFlow } from '../storage/backend.ts'
import type { Batch, FlowRecord, LogBook } from '../storage/records.ts'

/**
 * A backend in the hands of an owner who may lose what it writes to: from then on it refuses, without waiting until
 * somebody else has taken over.
 */
export class OwnedBackend implements Backend {
  readonly #backend: Backend
  readonly #lost: () => string | null

  /** @param lost why nothing may be written any more; null while it may. */
  constructor(backend: Backend, lost: () => string | null) {
    this.#backend = backend
    this.#lost = lost
  }

  create(flow: FlowRecord): Awaitable<void> {
    this.#check()
    return this.#backend.create(flow)
  }

  commit(batch: Batch): Awaitable<void> {
    this.#check()
    return this.#backend.commit(batch)
  }

  load(id: string): Awaitable<StoredFlow | undefined> {
    return this.#backend.load(id)
  }

  list(query?: FlowQuery): Awaitable<readonly FlowRecord[]> {
    return this.#backend.list(query)
  }

  saveBook(book: LogBook): Awaitable<void> {
    this.#check()
    return this.#backend.saveBook(book)
  }

  listBooks(): Awaitable<readonly LogBook[]> {
    return this.#backend.listBooks()
  }

  removeBook(id: string): Awaitable<void> {
    this.#check()
    return this.#backend.removeBook(id)
  }

  remove(id: string): Awaitable<void> {
    this.#check()
    return this.#backend.remove(id)
  }

  /** It is not this owner's to close. */
  close(): void {}

  #check(): void {
    const lost = this.#lost()
    if (lost !== null) throw new TaskFlowError('stale-owner', lost)
  }
}
