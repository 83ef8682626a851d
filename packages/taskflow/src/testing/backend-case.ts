import assert from 'node:assert/strict'
import type { Awaitable, Backend, StoredFlow } from '../storage/backend.ts'
import type { AtomRecord, FlowRecord } from '../storage/records.ts'

/**
 * A backend with nothing in it, and what takes it away again.
 *
 * @example
 * const made: SuiteBackend = { backend: new MemoryBackend(), cleanup: async () => {} }
 * await made.cleanup()
 */
export interface SuiteBackend {
  readonly backend: Backend
  cleanup(): Promise<void>
}

/** One statement about any backend. */
export interface BackendCase {
  readonly name: string
  readonly run: (backend: Backend) => Promise<void>
}

/** A run that was not started yet. */
export function pending(id: string, inputs: FlowRecord['inputs'] = {}): FlowRecord {
  return { id, name: `flow of ${id}`, state: 'PENDING', inputs }
}

/** What is stored of a run that must be there. */
export async function stored(backend: Backend, id: string): Promise<StoredFlow> {
  const found = await backend.load(id)
  assert.ok(found, `there should be a run with the id '${id}'`)
  return found
}

/** What is stored of an atom that must be there. */
export async function storedAtom(backend: Backend, id: string, name: string): Promise<AtomRecord> {
  const { atoms } = await stored(backend, id)
  const found = atoms.find((atom) => atom.name === name)
  assert.ok(found, `run '${id}' should have an atom '${name}'`)
  return found
}

/** The call must fail as the contract says: at once or later, with the code `storage`. */
export async function refuses(call: () => Awaitable<unknown>): Promise<void> {
  await assert.rejects(async () => await call(), { name: 'TaskFlowError', code: 'storage' })
}
