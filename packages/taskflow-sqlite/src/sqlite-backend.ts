import {
  type AtomChange,
  type AtomRecord,
  type Backend,
  type Batch,
  type FlowQuery,
  type FlowRecord,
  type FlowState,
  flowTransitions,
  type LogBook,
  type StoredFlow,
  TaskFlowError,
} from '@glimpse/taskflow'
import type { DatabaseThread } from './database-thread.ts'
import type { Cell } from './messages.ts'

const flowCells = 12
const bookCells = 3
const states = Object.keys(flowTransitions) as readonly FlowState[]

/** The contract of a backend in calls to the thread. Values become JSON here, and records are read here. */
export class SqliteBackend implements Backend {
  /** How many batches were stored. */
  batches = 0
  readonly #thread: DatabaseThread

  constructor(thread: DatabaseThread) {
    this.#thread = thread
  }

  async saveBook({ id, name, meta }: LogBook): Promise<void> {
    await this.#thread.call('saveBook', [named('id', id), name, JSON.stringify(meta)])
  }

  async listBooks(): Promise<readonly LogBook[]> {
    const cells = (await this.#thread.call('listBooks', [])) ?? []
    const books: LogBook[] = []
    for (let from = 0; from < cells.length; from += bookCells) {
      const [id, name, meta] = cells.slice(from, from + bookCells)
      books.push({ id: String(id), name: String(name), meta: parse(meta) as LogBook['meta'] })
    }
    return books.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  async removeBook(id: string): Promise<void> {
    await this.#thread.call('removeBook', [named('id', id)])
  }

  async create(flow: FlowRecord): Promise<void> {
    await this.#thread.call('create', cellsOf(flow))
  }

  async commit(batch: Batch): Promise<void> {
    const { flow, fence, at, change, atoms } = batch
    const cells: Cell[] = [named('id', flow), fence, at, change.state ?? null, change.intention ?? null]
    cells.push(json(change.cancelled))
    for (const atom of atoms) pushChange(cells, atom)
    await this.#thread.call('commit', cells)
    this.batches++
  }

  async load(id: string): Promise<StoredFlow | undefined> {
    const cells = await this.#thread.call('load', [named('id', id)])
    if (!cells) return undefined
    const atoms = cells.slice(flowCells).flatMap((text) => parse(text) as readonly AtomRecord[])
    return { flow: flowOf(cells), atoms }
  }

  async list(query: FlowQuery = {}): Promise<readonly FlowRecord[]> {
    const { book, after, limit = 1_000 } = query
    // A log book is looked through state by state, by the index of both.
    const wanted = query.states ?? (book === undefined ? [] : states)
    if (query.states?.length === 0) return []
    const most = Math.max(0, Math.min(Math.ceil(limit), Number.MAX_SAFE_INTEGER))
    const cells = (await this.#thread.call('list', [book ?? null, after ?? null, most, ...new Set(wanted)])) ?? []
    const flows: FlowRecord[] = []
    for (let from = 0; from < cells.length; from += flowCells) flows.push(flowOf(cells.slice(from, from + flowCells)))
    return flows
  }

  async remove(id: string): Promise<void> {
    await this.#thread.call('remove', [named('id', id)])
  }

  async close(): Promise<void> {
    await this.#thread.close()
  }
}

/** @throws TaskFlowError `storage` for text that UTF-8 does not have: two such ids would become one. */
function named(what: string, text: string): string {
  if (text.isWellFormed()) return text
  const shown = JSON.stringify(text)
  throw new TaskFlowError('storage', `${what} ${shown} cannot be stored: it has half of a surrogate pair`)
}

/** Null where the value is absent; a null itself is text. */
function json(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

function parse(cell: Cell | undefined): unknown {
  return JSON.parse(String(cell))
}

function cellsOf(flow: FlowRecord): readonly Cell[] {
  const { id, book, name, state, intention, fence, createdAt, updatedAt, inputs, meta, plan, cancelled } = flow
  const values = [inputs, meta, plan, cancelled].map(json)
  return [named('id', id), book, name, state, intention, fence, createdAt, updatedAt, ...values]
}

function flowOf(cells: readonly Cell[]): FlowRecord {
  const [id, book, name, state, intention, fence, createdAt, updatedAt, inputs, meta, plan, cancelled] = cells
  return {
    id: id as string,
    book: book as string | null,
    name: name as string,
    state: state as FlowState,
    intention: intention as FlowRecord['intention'],
    cancelled: parse(cancelled) as FlowRecord['cancelled'],
    inputs: parse(inputs) as FlowRecord['inputs'],
    meta: parse(meta) as FlowRecord['meta'],
    plan: parse(plan) as FlowRecord['plan'],
    fence: fence as number,
    createdAt: createdAt as number,
    updatedAt: updatedAt as number,
  }
}

/** The order is that of the columns in `atom-operations.ts`, and then the history. */
function pushChange(cells: Cell[], change: AtomChange): void {
  const { attemptFailure } = change
  cells.push(
    named('the name of an atom', change.name),
    change.kind ?? null,
    change.version ?? null,
    change.state ?? null,
    change.intention ?? null,
    change.attempts ?? null,
    json(change.result),
    json(change.failure),
    json(change.revertResult),
    json(change.revertFailure),
    json(change.progress),
    json(change.meta),
    change.beganAt ?? null,
    change.endedAt ?? null,
    change.history === undefined ? null : 1,
    change.attempt === undefined ? null : JSON.stringify(change.attempt.value),
    attemptFailure === undefined ? null : named('the name of an atom', attemptFailure.atom),
    json(attemptFailure?.failure),
  )
}
