import type { StoredFailure } from '../failure.ts'
import type { AtomState, FlowState } from '../states.ts'

/** One run of a flow, as it is stored. (TaskFlow: flow detail.) */
export interface FlowRecord {
  readonly id: string
  readonly name: string
  readonly state: FlowState
  /** The values the run was started with, by symbol. */
  readonly inputs: Readonly<Record<string, unknown>>
}

/** How far an atom says it is. */
export interface Progress {
  /** From 0 to 1. */
  readonly fraction: number
  readonly details: object | null
}

/** What is known of one atom of a run. (TaskFlow: atom detail.) */
export interface AtomRecord {
  readonly name: string
  readonly version: string
  readonly state: AtomState
  /** How often it was executed, this time included. */
  readonly attempts: number
  /** Absent until an execute succeeded; what a task without a result gave is null. */
  readonly result?: unknown
  readonly failure?: StoredFailure
  readonly revertFailure?: StoredFailure
  readonly progress?: Progress
}

/** A change of one atom: what is named is replaced, the rest stays. */
export type AtomChange = Partial<AtomRecord> & { readonly flow: string; readonly name: string }

export interface FlowChange {
  readonly flow: string
  readonly state: FlowState
}

/** Everything that changed at one moment; it is stored as a whole or not at all. */
export interface Batch {
  readonly flows: readonly FlowChange[]
  readonly atoms: readonly AtomChange[]
}
