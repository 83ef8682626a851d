/** The format of the recorded cases. Source: `flow-oracle/README.md`, "A case", "Spec" and "Expected". */
import type { AtomState, Depth, FlowState, JsonValue, Pattern } from '@glimpse/taskflow'

/** A workflow in neutral words. */
export interface Spec {
  readonly id: string
  readonly options?: { readonly defer_reverts?: boolean; readonly never_resolve?: boolean }
  readonly store?: Readonly<Record<string, JsonValue>>
  readonly flow: FlowSpec
}

export interface FlowSpec {
  readonly kind: 'flow'
  readonly name: string
  readonly pattern: Pattern
  readonly retry?: RetrySpec
  readonly children: readonly (FlowSpec | TaskSpec)[]
  readonly links?: readonly LinkSpec[]
}

/** `from` and `to` are positions among the children; a position that is outside stands for a task of no flow. */
export interface LinkSpec {
  readonly from: number
  readonly to: number
  readonly decider?: DeciderSpec
  readonly depth?: Depth
}

export type DeciderSpec =
  | { readonly op: 'const'; readonly value: boolean }
  | { readonly op: 'has'; readonly atom: string }
  | { readonly op: 'bit'; readonly salt: string }

export interface TaskSpec {
  readonly kind: 'task'
  readonly name: string
  readonly requires: readonly string[]
  readonly rebind?: Readonly<Record<string, string>>
  readonly inject?: Readonly<Record<string, JsonValue>>
  readonly provides: null | string | readonly string[]
  readonly returns?: 'list'
  readonly stamp?: boolean
  readonly fail?: FailSpec
  readonly revert?: 'fail'
}

type FailSpec =
  | { readonly times: number }
  | { readonly always: true }
  | { readonly when: { readonly arg: string; readonly in: readonly JsonValue[] } }

export type RetrySpec = { readonly name: string; readonly provides?: string; readonly revert_all?: boolean } & (
  | { readonly strategy: 'always_revert' | 'always_revert_all' }
  | { readonly strategy: 'times'; readonly attempts: number }
  | { readonly strategy: 'for_each'; readonly values: readonly JsonValue[] }
  | { readonly strategy: 'parameterized_for_each'; readonly values_from: string }
)

/** When a process died: after the k-th transition of its kind was stored, or not before the end. */
export interface Crash {
  readonly after: 'finish' | 'start' | 'end'
  readonly k: number
}

/** What storage held of a run. */
export interface Snapshot {
  readonly flow_state: FlowState
  readonly atoms: Readonly<Record<string, AtomSnapshot>>
}

export interface AtomSnapshot {
  readonly kind: 'task' | 'retry'
  readonly state: AtomState
  readonly intention: 'EXECUTE' | 'REVERT' | 'RETRY' | 'IGNORE'
  readonly executes: number
  readonly reverts: number
  readonly result?: JsonValue
  readonly failure?: string
  readonly revert_result?: JsonValue
  readonly revert_failure?: string
  /** Values, and by atom the failures of their attempts. */
  readonly history?: readonly (readonly [JsonValue, Readonly<Record<string, string>>])[]
}

/** A crash, what storage held after it, and what TaskFlow makes of that. */
export interface RecordedResume extends Omit<RecordedCase, 'spec' | 'resume'> {
  readonly crash: Crash
  readonly snapshot: Snapshot
}

/** A spec and what TaskFlow does with it. */
export interface RecordedCase {
  readonly spec: Spec
  readonly resume?: readonly RecordedResume[]
  readonly expected: Expected
  readonly accident: boolean
  /** What an accident touches. */
  readonly accident_scope?: 'all' | 'raised'
  readonly racy?: boolean
  readonly wave_failure?: boolean
}

export type Expected = Readonly<Record<string, JsonValue>>
