import type { FlowState } from '../states.ts'
import type { AtomRecord, Batch, FlowRecord, LogBook } from './records.ts'

/**
 * A value, or a promise of it: a backend that needs not wait costs no turn of the event loop.
 *
 * @example
 * const atomsOf = async (found: Awaitable<StoredFlow | undefined>) => (await found)?.atoms ?? []
 * console.log((await atomsOf(new MemoryBackend().load('r'))).length) // 0
 */
export type Awaitable<T> = T | Promise<T>

/**
 * Where runs are recorded. Every backend passes the suite in `@glimpse/taskflow/testing`; the memory backend is the
 * reference reading of this contract.
 *
 * - A method that returned, or whose promise resolved, is durable to the backend's degree.
 * - Calls take effect in the order in which they were made, also where nobody waited for the one before.
 * - A method that failed has changed nothing.
 * - What is read is the reader's own: changing it changes nothing stored.
 *
 * A backend may store what several callers gave it as one transaction: that is why a batch is all that a run has to say
 * at one moment.
 *
 * @example
 * const backend: Backend = new MemoryBackend()
 * const greet = flow('greet', (f) => f.add(task({ name: 'greet', execute: () => 'hello' }), {}))
 * await run(greet, {}, { backend, id: 'r' })
 * console.log((await backend.load('r'))?.flow.state) // SUCCESS
 */
export interface Backend {
  /** Makes a log book, or replaces name and meta of the one with this id. */
  saveBook(book: LogBook): Awaitable<void>
  /** All log books, in the order of their ids. */
  listBooks(): Awaitable<readonly LogBook[]>
  /** Forgets a log book and its runs; one that does not exist is no error. */
  removeBook(id: string): Awaitable<void>
  /** @throws TaskFlowError `storage` when a run of this id exists, or its log book does not. */
  create(flow: FlowRecord): Awaitable<void>
  /**
   * @throws TaskFlowError `storage` when its run does not exist, `stale-owner` when the run has an owner with a higher
   *   number.
   */
  commit(batch: Batch): Awaitable<void>
  load(id: string): Awaitable<StoredFlow | undefined>
  /** Runs in the order in which they were created. */
  list(query?: FlowQuery): Awaitable<readonly FlowRecord[]>
  /** Forgets a run; one that does not exist is no error. */
  remove(id: string): Awaitable<void>
  close(): Awaitable<void>
}

/**
 * Which runs are wanted.
 *
 * @example
 * const unfinished: FlowQuery = { states: ['RUNNING', 'SUSPENDED'], limit: 100 }
 */
export interface FlowQuery {
  readonly book?: string
  readonly states?: readonly FlowState[]
  /** Only those that were created after the run with this id; none if there is no such run. */
  readonly after?: string
  /** Default 1,000. */
  readonly limit?: number
}

/**
 * All that is recorded of one run.
 *
 * @example
 * const sayStored = ({ flow, atoms }: StoredFlow) => `${flow.state}: ${atoms.map(({ name }) => name).join()}`
 * const backend = new MemoryBackend()
 * await run(flow('f', (f) => f.add(task({ name: 'work', execute: () => 1 }), {})), {}, { backend, id: 'r' })
 * console.log(sayStored(backend.load('r')!)) // SUCCESS: work
 */
export interface StoredFlow {
  readonly flow: FlowRecord
  /** Atoms that have left `PENDING` at least once, in the order in which they first did. */
  readonly atoms: readonly AtomRecord[]
}
