import { TaskFlowError } from '../errors.ts'
import type { Backend, StoredFlow } from './backend.ts'
import type { AtomChange, AtomRecord, Batch, FlowRecord } from './records.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface Entry {
  flow: FlowRecord
  readonly atoms: Map<string, Mutable<AtomRecord>>
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
  readonly #entries = new Map<string, Entry>()

  create(flow: FlowRecord): void {
    if (this.#entries.has(flow.id)) throw new TaskFlowError('storage', `a run with the id '${flow.id}' exists already`)
    this.#entries.set(flow.id, { flow: copy(flow), atoms: new Map() })
  }

  commit(batch: Batch): void {
    for (const change of batch.flows) this.#entry(change.flow)
    for (const change of batch.atoms) this.#entry(change.flow)
    const changes = batch.atoms.map(copyChange)
    for (const { flow, state } of batch.flows) {
      const entry = this.#entry(flow)
      entry.flow = { ...entry.flow, state }
    }
    for (const change of changes) apply(this.#entry(change.flow).atoms, change)
  }

  load(id: string): StoredFlow | undefined {
    const entry = this.#entries.get(id)
    return entry && { flow: copy(entry.flow), atoms: [...entry.atoms.values()].map(copy) }
  }

  remove(id: string): void {
    this.#entries.delete(id)
  }

  close(): void {
    this.#entries.clear()
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry) return entry
    throw new TaskFlowError('storage', `there is no run with the id '${id}'`)
  }
}

function apply(atoms: Map<string, Mutable<AtomRecord>>, change: AtomChange): void {
  const known = atoms.get(change.name)
  if (known && change.state !== 'PENDING') {
    assign(known, change)
    return
  }
  const { name } = change
  const { kind = 'task', version = '1.0', attempts = 0 } = known ?? change
  const record: Mutable<AtomRecord> = { name, kind, version, state: 'PENDING', attempts }
  assign(record, change)
  atoms.set(name, record)
}

/** Spelled out, as this is done twice for every atom that runs. */
function assign(record: Mutable<AtomRecord>, change: AtomChange): void {
  if (change.kind !== undefined) record.kind = change.kind
  if (change.version !== undefined) record.version = change.version
  if (change.state !== undefined) record.state = change.state
  if (change.attempts !== undefined) record.attempts = change.attempts
  if (change.result !== undefined) record.result = change.result
  if (change.failure !== undefined) record.failure = change.failure
  if (change.revertResult !== undefined) record.revertResult = change.revertResult
  if (change.revertFailure !== undefined) record.revertFailure = change.revertFailure
  if (change.progress !== undefined) record.progress = change.progress
  if (change.history !== undefined) record.history = change.history
}

/** As a stored value would come back: plain data that shares nothing with the original. */
function copy<T>(value: T): T {
  if (isPlain(value) || value === null) return value
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} cannot be stored`)
  if (Array.isArray(value)) return value.map((item: unknown) => copy(item ?? null)) as T
  const made: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue
    if (key === '__proto__') Object.defineProperty(made, key, { value: copy(item), enumerable: true })
    else made[key] = copy(item)
  }
  return made as T
}

/** Most changes are a name and a state, which nobody can change any more; only what has parts needs copying. */
function copyChange(change: AtomChange): AtomChange {
  for (const key in change) if (!isPlain(change[key as keyof AtomChange])) return copy(change)
  return change
}

/** Whether there is nothing in it that could be changed, and JSON has it. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
      return true
    default:
      return value === null
  }
}
