import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AtomChange, type Batch, type FlowRecord, TaskFlowError } from '@glimpse/taskflow'
import { onTestFinished } from 'vitest'
import { SqliteStore, type SqliteStoreOptions } from '../src/index.ts'

/** A folder of the test's own, gone when it ends. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'taskflow-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function freshFile(): string {
  return join(freshFolder(), 'flows.sqlite')
}

/** Closed when the test ends, if not before. */
export async function openStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const store = await SqliteStore.open(options)
  onTestFinished(async () => await store.close())
  return store
}

export function pending(id: string, rest: Partial<FlowRecord> = {}): FlowRecord {
  const empty = { book: null, cancelled: null, inputs: {}, meta: {}, plan: null, fence: 0, createdAt: 1, updatedAt: 1 }
  return { id, name: 'f', state: 'PENDING', intention: 'EXECUTE', ...empty, ...rest }
}

export function batch(flow: string, atoms: readonly AtomChange[] = [], rest: Partial<Batch> = {}): Batch {
  return { flow, fence: 0, at: 2, change: {}, atoms, ...rest }
}

export function begin(name: string, rest: Partial<AtomChange> = {}): AtomChange {
  return { name, kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1, ...rest }
}

/** What a call was refused with; it must be refused with an error of ours. */
export async function refusal(call: Promise<unknown>): Promise<TaskFlowError> {
  const thrown = await call.then(
    () => new Error('it was not refused'),
    (error: unknown) => error,
  )
  if (thrown instanceof TaskFlowError) return thrown
  throw thrown
}
