import type { AtomRecord, Batch, FlowRecord } from './records.ts'

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
 * - A method that failed has changed nothing.
 * - What is read is the reader's own: changing it changes nothing stored.
 *
 * @example
 * const backend: Backend = new MemoryBackend()
 * const greet = flow('greet', (f) => f.add(task({ name: 'greet', execute: () => 'hello' }), {}))
 * await run(greet, {}, { backend, id: 'r' })
 * console.log((await backend.load('r'))?.flow.state) // SUCCESS
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
