import assert from 'node:assert/strict'
import type { ErrorCode } from '../errors.ts'
import type { StoredFailure } from '../failure.ts'
import type { Awaitable, Backend, StoredFlow } from '../storage/backend.ts'
import type { AtomChange, AtomRecord, Batch, FlowRecord } from '../storage/records.ts'

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

/** When runs of the suite are created, and when batches that say nothing else are written. */
const createdAt = 1_700_000_000_000
const writtenAt = 1_700_000_000_001

/** A run that was not started yet. */
export function pending(id: string, rest: Partial<FlowRecord> = {}): FlowRecord {
  return {
    id,
    book: null,
    name: `flow of ${id}`,
    state: 'PENDING',
    intention: 'EXECUTE',
    cancelled: null,
    inputs: {},
    meta: {},
    plan: null,
    fence: 0,
    createdAt,
    updatedAt: createdAt,
    ...rest,
  }
}

/** As {@link pending}, once a batch was written. */
export function written(id: string, rest: Partial<FlowRecord> = {}): FlowRecord {
  return pending(id, { updatedAt: writtenAt, ...rest })
}

export function batch(flow: string, atoms: readonly AtomChange[] = [], rest: Partial<Batch> = {}): Batch {
  return { flow, fence: 0, at: writtenAt, change: {}, atoms, ...rest }
}

/** What is written of an atom that begins. */
export function begin(name: string, rest: Partial<AtomChange> = {}): AtomChange {
  return { name, kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1, ...rest }
}

/** What is stored of an atom that has begun. */
export function begun(name: string, rest: Partial<AtomRecord> = {}): AtomRecord {
  return { name, kind: 'task', version: '1.0', state: 'RUNNING', intention: 'EXECUTE', attempts: 1, ...rest }
}

export function failureOf(atom: string, message = 'no answer within 30 s — „schade“'): StoredFailure {
  return {
    atom,
    names: ['TimeoutError', 'Error'],
    message,
    code: 'ETIMEDOUT',
    stack: 'TimeoutError: no answer\n    at fetch (file:///a.js:1:1)',
    causes: [{ name: 'Error', message: '', stack: null }],
  }
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

/** The call must fail as the contract says: at once or later, with the code. */
export async function refuses(call: () => Awaitable<unknown>, code: ErrorCode = 'storage'): Promise<void> {
  await assert.rejects(async () => await call(), { name: 'TaskFlowError', code })
}
