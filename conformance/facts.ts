/** What is told of a run. Source: `flow-oracle/README.md`, "Expected". */
import type { AtomRecord, AtomState, JsonValue } from '@glimpse/taskflow'
import type { CallLog, RevertFact } from './calls.ts'
import { textOf } from './failures.ts'
import type { Crash, FlowSpec } from './spec.ts'
import { byCodePoint, render } from './values.ts'

/** The facts of one case: a line of the runner's output. A key that is absent does not apply. */
export type Facts = InvalidFacts | RunFacts | BrokenFacts

export interface InvalidFacts {
  readonly id: string
  readonly crash?: Crash
  readonly outcome: 'invalid'
  readonly error: {
    readonly phase: 'build' | 'compile' | 'validate'
    readonly type: string
    readonly missing?: readonly string[]
  }
}

export interface RunFacts {
  readonly id: string
  /** Only of a run that went on after it. */
  readonly crash?: Crash
  readonly outcome: 'ran'
  readonly flow_state: string
  readonly raised: readonly string[]
  readonly atoms: Readonly<Record<string, AtomFacts>>
  readonly store?: Readonly<Record<string, readonly JsonValue[]>>
  readonly trace: readonly (readonly [string, AtomState])[]
}

/** Neither refused nor run: the runner does not know the spec, or the engine never ended. */
interface BrokenFacts {
  readonly id: string
  readonly crash?: Crash
  readonly outcome: 'broken'
  readonly error: { readonly type: string; readonly message: string }
}

export interface AtomFacts {
  readonly kind: 'task' | 'retry'
  readonly state: AtomState
  readonly executes: number
  readonly reverts: number
  readonly result?: JsonValue
  readonly failure?: string
  readonly revert_failure?: string
  readonly revert_result?: JsonValue
  readonly reverted_with?: readonly RevertFact[]
  readonly history?: readonly (readonly [JsonValue, readonly string[]])[]
}

/** The facts of every atom of a flow, in document order, also of those that never began. */
export function atomFacts(
  flow: FlowSpec,
  records: readonly AtomRecord[],
  calls: CallLog,
): Readonly<Record<string, AtomFacts>> {
  const known = new Map(records.map((record) => [record.name, record]))
  return Object.fromEntries(
    [...atomsOf(flow)].map(({ kind, name }) => [name, factsOf(kind, name, known.get(name), calls)]),
  )
}

/** Every value of every symbol; those of one symbol sorted by how they are rendered. */
export function storeFacts(values: ReadonlyMap<string, readonly unknown[]>): Record<string, readonly JsonValue[]> {
  return Object.fromEntries([...values].map(([symbol, list]) => [symbol, byRendering(list as readonly JsonValue[])]))
}

function byRendering(values: readonly JsonValue[]): readonly JsonValue[] {
  return values.toSorted((a, b) => byCodePoint(render(a), render(b)))
}

function* atomsOf(flow: FlowSpec): Generator<{ readonly kind: 'task' | 'retry'; readonly name: string }> {
  if (flow.retry) yield { kind: 'retry', name: flow.retry.name }
  for (const child of flow.children) {
    if (child.kind === 'flow') yield* atomsOf(child)
    else yield child
  }
}

function factsOf(kind: 'task' | 'retry', name: string, record: AtomRecord | undefined, calls: CallLog): AtomFacts {
  const counts = { executes: calls.executes(name), reverts: calls.reverts(name) }
  const { state = 'PENDING', ...known }: Partial<AtomRecord> = record ?? {}
  const failed = state === 'FAILURE' || state === 'REVERTED' || state === 'REVERT_FAILURE'
  return {
    kind,
    state,
    ...counts,
    ...(state === 'SUCCESS' && { result: (known.result ?? null) as JsonValue }),
    ...(failed && known.failure && { failure: textOf(known.failure) }),
    ...(state === 'REVERT_FAILURE' && known.revertFailure && { revert_failure: textOf(known.revertFailure) }),
    ...(state === 'REVERTED' && kind === 'task' && { revert_result: (known.revertResult ?? null) as JsonValue }),
    ...(kind === 'task' && counts.reverts > 0 && { reverted_with: calls.revertedWith(name) }),
    ...(kind === 'retry' && { history: historyOf(known.history ?? []) }),
  }
}

function historyOf(history: NonNullable<AtomRecord['history']>): NonNullable<AtomFacts['history']> {
  return history.map(({ value, failures }) => [value as JsonValue, Object.keys(failures).toSorted(byCodePoint)])
}
