import {
  type AtomChange,
  type AtomRecord,
  type Awaitable,
  type Backend,
  type Batch,
  type FlowRecord,
  MemoryBackend,
  type StoredFlow,
} from '../src/index.ts'
import type { FlowQuery } from '../src/storage/backend.ts'
import type { LogBook } from '../src/storage/records.ts'

/** A memory backend that keeps its batches, and lets the test delay or refuse them. */
export class ObservedBackend implements Backend {
  readonly inner: MemoryBackend = new MemoryBackend()
  /** Batches that were stored: `flow RUNNING`, `flow to REVERT`, `a SUCCESS`, `a 0.5`, `r to RETRY`. */
  readonly batches: string[][] = []
  /** How many commits were begun. */
  begun = 0
  readonly #before: (batch: Batch, nth: number) => Awaitable<void>

  /** @param before is asked before each commit; the first is number 1. */
  constructor(before: (batch: Batch, nth: number) => Awaitable<void> = () => {}) {
    this.#before = before
  }

  saveBook(book: LogBook): void {
    this.inner.saveBook(book)
  }

  listBooks(): readonly LogBook[] {
    return this.inner.listBooks()
  }

  removeBook(id: string): void {
    this.inner.removeBook(id)
  }

  create(flow: FlowRecord): void {
    this.inner.create(flow)
  }

  commit(batch: Batch): Awaitable<void> {
    const waits = this.#before(batch, ++this.begun)
    if (waits) return waits.then(() => this.#store(batch))
    this.#store(batch)
  }

  load(id: string): StoredFlow | undefined {
    return this.inner.load(id)
  }

  list(query?: FlowQuery): readonly FlowRecord[] {
    return this.inner.list(query)
  }

  remove(id: string): void {
    this.inner.remove(id)
  }

  close(): void {
    this.inner.close()
  }

  #store(batch: Batch): void {
    this.inner.commit(batch)
    this.batches.push(summarize(batch))
  }
}

function summarize({ change: { state, intention, cancelled }, atoms }: Batch): string[] {
  return [
    ...(state ? [`flow ${state}`] : []),
    ...(intention ? [`flow to ${intention}`] : []),
    ...(cancelled ? ['flow cancelled'] : []),
    ...atoms.map((change) => `${change.name} ${inWords(change)}`),
  ]
}

function inWords({ state, intention, attemptFailure, failure, progress, meta }: AtomChange): string {
  if (state) return state
  if (intention) return `to ${intention}`
  if (attemptFailure) return `notes ${attemptFailure.atom}`
  if (failure) return 'cannot decide'
  return meta?.reach ? `reach ${meta.reach}` : `${progress?.fraction}`
}

/** The stored states of a run: `flow REVERTED, a REVERTED`. */
export function statesOf(backend: Pick<MemoryBackend, 'load'>, id: string): string {
  const found = backend.load(id)
  if (!found) return 'nothing'
  return [`flow ${found.flow.state}`, ...found.atoms.map(({ name, state }) => `${name} ${state}`)].join(', ')
}

export function recordOf(backend: Pick<MemoryBackend, 'load'>, id: string, atom: string): AtomRecord | undefined {
  return backend.load(id)?.atoms.find(({ name }) => name === atom)
}
