import { TaskFlowError } from '../errors.ts'
import type { Backend, FlowQuery, StoredFlow } from './backend.ts'
import { copy, copyChange } from './copying.ts'
import type { AtomChange, AtomRecord, Batch, FlowRecord, LogBook, StoredAttempt } from './records.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** An atom's record, with a history that can grow. */
type Entry = Mutable<Omit<AtomRecord, 'history'>> & { history?: StoredAttempt[] }

interface Run {
  flow: Mutable<FlowRecord>
  readonly atoms: Map<string, Entry>
}

/**
 * Records runs in this process's memory: gone with the process, and the reference reading of {@link Backend}.
 *
 * @example
 * const backend = new MemoryBackend()
 * const work = task({ name: 'work', execute: () => 'x' })
 * await run(flow('f', (f) => f.add(work, {})), {}, { backend, id: 'r' })
 * console.log(backend.load('r')?.atoms[0]?.result) // x
 */
export class MemoryBackend implements Backend {
  readonly #runs = new Map<string, Run>()
  readonly #books = new Map<string, LogBook>()

  saveBook(book: LogBook): void {
    this.#books.set(book.id, copy(book))
  }

  listBooks(): readonly LogBook[] {
    return [...this.#books.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(copy)
  }

  removeBook(id: string): void {
    this.#books.delete(id)
    for (const [run, { flow }] of this.#runs) if (flow.book === id) this.#runs.delete(run)
  }

  create(flow: FlowRecord): void {
    if (this.#runs.has(flow.id)) throw new TaskFlowError('storage', `a run with the id '${flow.id}' exists already`)
    if (flow.book !== null && !this.#books.has(flow.book)) {
      throw new TaskFlowError('storage', `there is no log book with the id '${flow.book}'`)
    }
    this.#runs.set(flow.id, { flow: copyRecord(flow), atoms: new Map() })
  }

  commit(batch: Batch): void {
    const run = this.#runs.get(batch.flow)
    if (!run) throw new TaskFlowError('storage', `there is no run with the id '${batch.flow}'`)
    const { flow, atoms } = run
    if (batch.fence < flow.fence) {
      const message = `run '${batch.flow}' has owner number ${flow.fence} by now; number ${batch.fence} is refused`
      throw new TaskFlowError('stale-owner', message)
    }
    const { state, intention, cancelled } = batch.change
    const why = cancelled === undefined ? flow.cancelled : copy(cancelled)
    const changes = batch.atoms.map(copyChange)
    flow.state = state ?? flow.state
    flow.intention = intention ?? flow.intention
    flow.cancelled = why
    flow.fence = batch.fence
    flow.updatedAt = batch.at
    for (const atom of changes) apply(atoms, atom)
  }

  load(id: string): StoredFlow | undefined {
    const run = this.#runs.get(id)
    return run && { flow: copy(run.flow), atoms: [...run.atoms.values()].map(copy) }
  }

  list({ book, states, after, limit = 1_000 }: FlowQuery = {}): readonly FlowRecord[] {
    const found: FlowRecord[] = []
    let reached = after === undefined
    for (const { flow } of this.#runs.values()) {
      if (found.length >= limit) break
      const wanted = (book === undefined || flow.book === book) && (!states || states.includes(flow.state))
      if (reached && wanted) found.push(copy(flow))
      reached ||= flow.id === after
    }
    return found
  }

  remove(id: string): void {
    this.#runs.delete(id)
  }

  close(): void {
    this.#runs.clear()
    this.#books.clear()
  }
}

/** Only these have parts that could be changed. */
function copyRecord(flow: FlowRecord): FlowRecord {
  const { inputs, meta, plan, cancelled } = flow
  return { ...flow, inputs: copy(inputs), meta: copy(meta), plan: copy(plan), cancelled: copy(cancelled) }
}

function apply(atoms: Map<string, Entry>, change: AtomChange): void {
  const known = atoms.get(change.name)
  if (known && change.state !== 'PENDING') {
    assign(known, change)
    return
  }
  const { name } = change
  const { kind = 'task', version = '1.0', attempts = 0 } = known ?? change
  const entry: Entry = { name, kind, version, state: 'PENDING', intention: 'EXECUTE', attempts }
  assign(entry, change)
  atoms.set(name, entry)
}

/** Spelled out, as this is done twice for every atom that runs. */
function assign(entry: Entry, change: AtomChange): void {
  if (change.kind !== undefined) entry.kind = change.kind
  if (change.version !== undefined) entry.version = change.version
  if (change.state !== undefined) entry.state = change.state
  if (change.intention !== undefined) entry.intention = change.intention
  if (change.attempts !== undefined) entry.attempts = change.attempts
  if (change.result !== undefined) entry.result = change.result
  if (change.failure !== undefined) entry.failure = change.failure
  if (change.revertResult !== undefined) entry.revertResult = change.revertResult
  if (change.revertFailure !== undefined) entry.revertFailure = change.revertFailure
  if (change.progress !== undefined) entry.progress = change.progress
  if (change.meta !== undefined) entry.meta = change.meta
  if (change.beganAt !== undefined) entry.beganAt = change.beganAt
  if (change.endedAt !== undefined) entry.endedAt = change.endedAt
  if (change.history !== undefined) entry.history = []
  if (change.attempt !== undefined) (entry.history ??= []).push({ value: change.attempt.value, failures: {} })
  if (change.attemptFailure !== undefined) noteFailure(entry.history, change.attemptFailure)
}

function noteFailure(
  history: StoredAttempt[] | undefined,
  { atom, failure }: NonNullable<AtomChange['attemptFailure']>,
): void {
  const last = history?.at(-1)
  if (!history || !last || Object.hasOwn(last.failures, atom)) return
  history[history.length - 1] = { value: last.value, failures: { ...last.failures, [atom]: failure } }
}
