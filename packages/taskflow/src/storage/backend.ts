import type { AtomRecord, Batch, FlowRecord } from './records.ts'

/** A value, or a promise of it: a backend that needs not wait costs no turn of the event loop. */
export type Awaitable<T> = T | Promise<T>

/**
 * Where runs are recorded. Every backend passes the suite in `@glimpse/taskflow/testing`; the memory backend is the
 * reference reading of this contract.
 *
 * - A method that returned, or whose promise resolved, is durable to the backend's degree.
 * - A method that failed has changed nothing.
 * - What is read is the reader's own: changing it changes nothing stored.
 */
export interface Backend {
  /** @throws TaskFlowError `storage` when a run of this id exists. */
  create(flow: FlowRecord): Awaitable<void>
  /** @throws TaskFlowError `storage` when a run that it names does not exist. */
  commit(batch: Batch): Awaitable<void>
  load(id: string): Awaitable<StoredFlow | undefined>
  /** Forgets a run; one that does not exist is no error. */
  remove(id: string): Awaitable<void>
  close(): Awaitable<void>
}

export interface StoredFlow {
  readonly flow: FlowRecord
  /** Atoms that have left `PENDING` at least once, in the order in which they first did. */
  readonly atoms: readonly AtomRecord[]
}
