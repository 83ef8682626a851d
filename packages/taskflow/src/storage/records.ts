import type { StoredFailure } from '../failure.ts'
import type { Depth } from '../nodes.ts'
import type { AtomState, FlowState } from '../states.ts'

/**
 * A group of runs that belong together, for whoever keeps many. (TaskFlow: log book.)
 *
 * @example
 * const book: LogBook = { id: 'imports', name: 'imports of November', meta: { region: 'north' } }
 */
export interface LogBook {
  readonly id: string
  readonly name: string
  /** Whatever its keeper wants to remember; must survive JSON. */
  readonly meta: Readonly<Record<string, unknown>>
}

/**
 * An atom of the plan that a run was begun with, so that a plan that has changed since is noticed.
 *
 * @example
 * const planned: PlannedAtom = { name: 'download', kind: 'task', version: '1.0' }
 */
export interface PlannedAtom {
  readonly name: string
  readonly kind: 'task' | 'retry'
  readonly version: string
}

/**
 * One run of a flow, as it is stored. (TaskFlow: flow detail.)
 *
 * @example
 * const flow: FlowRecord = {
 *   id: 'r', book: null, name: 'f', state: 'PENDING', intention: 'EXECUTE', cancelled: null,
 *   inputs: { image: 'a' }, meta: {}, plan: null, fence: 0, createdAt: 0, updatedAt: 0,
 * }
 */
export interface FlowRecord {
  readonly id: string
  /** Id of the log book that it belongs to. */
  readonly book: string | null
  readonly name: string
  readonly state: FlowState
  /** `REVERT`: everything that was done is being reverted, or was. */
  readonly intention: 'EXECUTE' | 'REVERT'
  /** Why it was asked to undo everything, by somebody. */
  readonly cancelled: { readonly reason: unknown } | null
  /** The values the run was started with, by symbol. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** What its owner wants to remember: the factory that builds its flow, say. */
  readonly meta: Readonly<Record<string, unknown>>
  /** What the flow was made of when the run was begun; null where nobody wanted to know. */
  readonly plan: readonly PlannedAtom[] | null
  /** Number of its latest owner; who writes with a lower one is refused. */
  readonly fence: number
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly updatedAt: number
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
 * What the engine itself must know of an atom when it goes on after a restart.
 *
 * @example
 * const passedBy: AtomMeta = { reach: 'FLOW' }
 */
export interface AtomMeta {
  /** Of an atom that a decider passed by, or that the no reached: how far the no reaches from it. */
  readonly reach?: Exclude<Depth, 'PART'>
  /** It failed before its execute was called: there is nothing to undo. */
  readonly unbegun?: true
}

/**
 * What is known of one atom of a run. (TaskFlow: atom detail.)
 *
 * @example
 * const record: AtomRecord = {
 *   name: 'a', kind: 'task', version: '1.0', state: 'SUCCESS', intention: 'EXECUTE', attempts: 1, result: 'x',
 * }
 */
export interface AtomRecord {
  readonly name: string
  readonly kind: 'task' | 'retry'
  readonly version: string
  readonly state: AtomState
  /**
   * Of a retry, what it decided about its flow and is not done yet. Of everything after it the intention follows.
   * Source: TaskFlow's intentions, which it stores with every atom.
   */
  readonly intention: 'EXECUTE' | 'REVERT' | 'RETRY'
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
  readonly meta?: AtomMeta
  /** When its latest execute or revert began, and when it ended; milliseconds since 1970. */
  readonly beganAt?: number
  readonly endedAt?: number
}

/**
 * A change of one atom: what is named is replaced, the rest stays. One that becomes `PENDING` forgets everything but
 * its name, kind, version and attempts. A history grows by what is told of it, so that a long one costs no more.
 *
 * @example
 * const change: AtomChange = { name: 'a', state: 'SUCCESS', result: 'x' }
 */
export interface AtomChange extends Partial<Omit<AtomRecord, 'history'>> {
  readonly name: string
  /** Of a retry: an attempt begins, and this is its value. */
  readonly attempt?: { readonly value: unknown }
  /** Of a retry: an atom failed in its latest attempt. The first failure of each atom is kept. */
  readonly attemptFailure?: { readonly atom: string; readonly failure: StoredFailure }
  /** Of a retry: it forgets its attempts. */
  readonly history?: readonly []
}

/**
 * What of a run itself may change.
 *
 * @example
 * const change: FlowChange = { state: 'RUNNING' }
 */
export type FlowChange = Partial<Pick<FlowRecord, 'state' | 'intention' | 'cancelled'>>

/**
 * Everything that changed in one run at one moment; it is stored as a whole or not at all.
 *
 * @example
 * const batch: Batch = { flow: 'r', fence: 0, at: Date.now(), change: { state: 'RUNNING' }, atoms: [] }
 */
export interface Batch {
  /** Id of the run. */
  readonly flow: string
  /** Who writes: see {@link FlowRecord.fence}. A higher one than is stored is stored: the run has a new owner. */
  readonly fence: number
  /** When; milliseconds since 1970. */
  readonly at: number
  readonly change: FlowChange
  /** Applied in their order. */
  readonly atoms: readonly AtomChange[]
}
