/** Stores what TaskFlow's storage held after a crash. Source: `flow-oracle/README.md`, "Resume". */
import type { AtomChange, AtomState, Backend, JsonValue } from '@glimpse/taskflow'
import { storedFailure } from './failures.ts'
import type { AtomSnapshot, Snapshot } from './spec.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** @param inputs what the run was started with: TaskFlow stores it too, but not in the snapshot. */
export async function storeSnapshot(
  backend: Backend,
  id: string,
  snapshot: Snapshot,
  inputs: Readonly<Record<string, JsonValue>>,
): Promise<void> {
  const state = snapshot.flow_state
  const nothing = { book: null, cancelled: null, meta: {}, plan: null, fence: 0, createdAt: 0, updatedAt: 0 }
  await backend.create({ id, name: id, state, intention: 'EXECUTE', inputs, ...nothing })
  const atoms = Object.entries(snapshot.atoms).flatMap(([name, atom]) => [...changesOf(name, atom)])
  await backend.commit({ flow: id, fence: 0, at: 0, change: {}, atoms })
}

/** States in which what a failure left is no leftover of an earlier attempt. */
const failed: ReadonlySet<AtomState> = new Set(['FAILURE', 'REVERTING', 'REVERTED', 'REVERT_FAILURE'])

function* changesOf(name: string, snapshot: AtomSnapshot): Generator<AtomChange> {
  const { kind, state, executes, failure, revert_failure: revertFailure, history = [] } = snapshot
  const intention = snapshot.intention === 'IGNORE' ? 'EXECUTE' : snapshot.intention
  const attempts = state === 'RUNNING' ? Math.max(1, executes) : executes
  const change: Mutable<AtomChange> = { name, kind, version: '1.0', state, intention, attempts }
  if (failed.has(state) && failure !== undefined) change.failure = storedFailure(name, failure)
  if (state === 'REVERT_FAILURE' && revertFailure !== undefined) {
    change.revertFailure = storedFailure(name, revertFailure)
  }
  if (state === 'REVERTED') change.revertResult = snapshot.revert_result ?? null
  const result = kind === 'retry' ? history.at(-1)?.[0] : snapshot.result
  if (result !== undefined && (kind === 'retry' || state === 'SUCCESS' || state === 'REVERTING')) change.result = result
  yield change
  for (const [value, failures] of history) {
    yield { name, attempt: { value } }
    for (const [atom, text] of Object.entries(failures)) {
      yield { name, attemptFailure: { atom, failure: storedFailure(atom, text) } }
    }
  }
}
