import type { StoredFailure } from '../failure.ts'
import type { AtomState, FlowState } from '../states.ts'

/**
 * One run of a flow, as it is stored. (TaskFlow: flow detail.)
 *
 * @example
 * const flow: FlowRecord = { id: 'r', name: 'f', state: 'PENDING', inputs: { image: 'a' } }
 */
export interface FlowRecord {
  readonly id: string
  readonly name: string
  readonly state: FlowState
  /** The values the run was started with, by symbol. */
  readonly inputs: Readonly<Record<string, unknown>>
}

/**
 * How far an atom says it is.
 *
 * @example
 * const half: Progress = { fraction: 0.5, details: { bytes: 512 } }
 */
export interface Progress {
  /** From 0 to 1. */
  readonly fraction: number
  readonly details: object | null
}

/**
 * An attempt of a retry, as it is stored.
 *
 * @example
 * const attempt: StoredAttempt = { value: 1, failures: {} }
 */
export interface StoredAttempt {
  readonly value: unknown
  /** By atom, the first failure of each. */
  readonly failures: Readonly<Record<string, StoredFailure>>
}

/**
 * What is known of one atom of a run. (TaskFlow: atom detail.)
 *
 * @example
 * const record: AtomRecord = { name: 'a', kind: 'task', version: '1.0', state: 'SUCCESS', attempts: 1, result: 'x' }
 */
export interface AtomRecord {
  readonly name: string
  readonly kind: 'task' | 'retry'
  readonly version: string
  readonly state: AtomState
  /** How often it was executed, this time included. */
  readonly attempts: number
  /** Absent until an execute succeeded; what a task without a result gave is null. */
  readonly result?: unknown
  readonly failure?: StoredFailure
  /** What its revert gave, once it was reverted. */
  readonly revertResult?: unknown
  readonly revertFailure?: StoredFailure
  readonly progress?: Progress
  /** Of a retry: its attempts, oldest first; emptied when it is reverted. */
  readonly history?: readonly StoredAttempt[]
}

/**
 * A change of one atom: what is named is replaced, the rest stays. One that becomes `PENDING` forgets everything but
 * its name, kind, version and attempts.
 *
 * @example
 * const change: AtomChange = { flow: 'r', name: 'a', state: 'SUCCESS', result: 'x' }
 */
export type AtomChange = Partial<AtomRecord> & { readonly flow: string; readonly name: string }

/**
 * A change of a run.
 *
 * @example
 * const change: FlowChange = { flow: 'r', state: 'RUNNING' }
 */
export interface FlowChange {
  readonly flow: string
  readonly state: FlowState
}

/**
 * Everything that changed at one moment; it is stored as a whole or not at all.
 *
 * @example
 * const batch: Batch = { flows: [{ flow: 'r', state: 'RUNNING' }], atoms: [] }
 */
export interface Batch {
  readonly flows: readonly FlowChange[]
  readonly atoms: readonly AtomChange[]
}
