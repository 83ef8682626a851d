import { TaskFlowError } from '../errors.ts'
import type { Backend, StoredFlow } from './backend.ts'
import type { AtomRecord, Batch, FlowRecord } from './records.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface Entry {
  flow: FlowRecord
  readonly atoms: Map<string, Mutable<AtomRecord>>
}

/** Records runs in this process's memory: gone with the process, and the reference reading of {@link Backend}. */
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
    for (const { flow, ...change } of changes) {
      const { atoms } = this.#entry(flow)
      const known = atoms.get(change.name)
      if (known) Object.assign(known, change)
      else atoms.set(change.name, { version: '1.0', state: 'PENDING', attempts: 0, ...change })
    }
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

/** As a stored value would come back: plain data that shares nothing with the original. */
function copy<T>(value: T): T {
  return typeof value === 'object' && value !== null ? (JSON.parse(JSON.stringify(value)) as T) : value
}

/** Most changes are a name and a state; only what may be an object needs copying. */
function copyChange<T extends Partial<AtomRecord>>(change: T): T {
  const copied: Mutable<Partial<AtomRecord>> = { ...change }
  if ('result' in copied) copied.result = copy(copied.result ?? null)
  if (copied.failure) copied.failure = copy(copied.failure)
  if (copied.revertFailure) copied.revertFailure = copy(copied.revertFailure)
  if (copied.progress) copied.progress = copy(copied.progress)
  return copied as T
}
