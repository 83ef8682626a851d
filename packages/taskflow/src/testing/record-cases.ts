import assert from 'node:assert/strict'
import type { StoredFailure } from '../failure.ts'
import type { Backend } from '../storage/backend.ts'
import type { FlowRecord } from '../storage/records.ts'
import {
  type BackendCase,
  batch,
  begin,
  begun,
  failureOf,
  pending,
  refuses,
  stored,
  storedAtom,
} from './backend-case.ts'

const failure = failureOf('download')
const bareFailure: StoredFailure = { atom: 'a', names: [], message: '', code: null, stack: null, causes: [] }

/** A run with something in each of its parts. */
const whole: FlowRecord = {
  id: 'r',
  book: 'b',
  name: 'import',
  state: 'SUSPENDED',
  intention: 'REVERT',
  cancelled: { reason: 'no longer wanted' },
  inputs: { image: 'a', sizes: [1, 2] },
  meta: { factory: 'web-import', version: 3 },
  plan: [
    { name: 'times', kind: 'retry', version: '1.0' },
    { name: 'download', kind: 'task', version: '2.1' },
  ],
  fence: 7,
  createdAt: 1_700_000_000_000.25,
  updatedAt: 1_700_000_000_001,
}

/** What a single record keeps. */
export const recordCases: readonly BackendCase[] = [
  { name: 'a run is read as it was created', run: readsRun },
  { name: 'a run that is not there is read as undefined', run: readsNothing },
  { name: 'a run cannot be created twice, and the first one stays as it was', run: createsOnce },
  { name: 'ids and names may be any text', run: takesAnyName },
  { name: 'an empty plan is not the absence of a plan', run: tellsEmptyPlanFromNone },
  { name: 'failures are kept whole', run: keepsFailures },
  { name: 'what the engine must know of an atom is kept, and replaced as a whole', run: keepsMeta },
  { name: 'the intention of an atom is kept', run: keepsIntention },
  { name: 'when an atom began and ended is kept', run: keepsTimes },
  { name: 'what a revert gave is kept beside the result', run: keepsRevertResult },
  { name: 'an atom that is PENDING again has forgotten all but its name, kind, version and attempts', run: forgets },
  { name: 'an atom that becomes PENDING keeps what the same change tells of it', run: keepsToldWithPending },
  { name: 'an atom whose first change says little is a task of version 1.0', run: assumes },
  { name: 'progress is kept, and replaced as a whole', run: keepsProgress },
  { name: 'a removed run is gone, and its id is free', run: removes },
]

async function readsRun(backend: Backend): Promise<void> {
  await backend.saveBook({ id: 'b', name: 'book', meta: {} })
  await backend.create(whole)
  await backend.create(pending('other'))
  assert.deepEqual(await stored(backend, 'r'), { flow: whole, atoms: [] })
  assert.deepEqual(await stored(backend, 'other'), { flow: pending('other'), atoms: [] })
}

async function readsNothing(backend: Backend): Promise<void> {
  assert.equal(await backend.load('r'), undefined)
  await backend.create(pending('r'))
  assert.equal(await backend.load('R'), undefined)
  assert.equal(await backend.load(''), undefined)
}

async function createsOnce(backend: Backend): Promise<void> {
  await backend.create(pending('r', { inputs: { first: true } }))
  await backend.commit(batch('r', [begin('a')], { change: { state: 'RUNNING' } }))
  const before = await stored(backend, 'r')
  await refuses(() => backend.create(pending('r', { inputs: { second: true } })))
  assert.deepEqual(await stored(backend, 'r'), before)
}

async function takesAnyName(backend: Backend): Promise<void> {
  const names = ["o'neil", '"; DROP TABLE runs; --', 'a/b', '../c', 'constructor', '__proto__', 'Ünïcode 🚀', ' ']
  names.push('a', 'A', 'a\u0000b', 'a\u0000c', 'é', 'e\u0301', '1', '01')
  for (const name of names) {
    await backend.create({ ...pending(name), name })
    await backend.commit(
      batch(
        name,
        names.map((atom) => begin(atom, { version: name })),
      ),
    )
  }
  for (const name of names) {
    const { flow, atoms } = await stored(backend, name)
    assert.deepEqual([flow.id, flow.name], [name, name])
    assert.deepEqual(
      atoms.map((atom) => atom.name),
      names,
    )
    assert.ok(atoms.every((atom) => atom.version === name))
  }
}

async function tellsEmptyPlanFromNone(backend: Backend): Promise<void> {
  await backend.create(pending('r', { plan: [] }))
  assert.deepEqual((await stored(backend, 'r')).flow.plan, [])
}

async function keepsFailures(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('a', { state: 'FAILURE', failure })]))
  await backend.commit(batch('r', [{ name: 'a', state: 'REVERT_FAILURE', revertFailure: bareFailure }]))
  const failed = begun('a', { state: 'REVERT_FAILURE', failure, revertFailure: bareFailure })
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), failed)
}

async function keepsMeta(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('a', { meta: { reach: 'FLOW' } }), begin('b', { meta: { unbegun: true } })]))
  await backend.commit(batch('r', [{ name: 'a', state: 'IGNORE' }]))
  assert.deepEqual((await stored(backend, 'r')).atoms, [
    begun('a', { state: 'IGNORE', meta: { reach: 'FLOW' } }),
    begun('b', { meta: { unbegun: true } }),
  ])
  await backend.commit(batch('r', [{ name: 'a', meta: {} }]))
  assert.deepEqual((await storedAtom(backend, 'r', 'a')).meta, {})
}

async function keepsIntention(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('a', { kind: 'retry', intention: 'RETRY' })]))
  await backend.commit(batch('r', [{ name: 'a', state: 'SUCCESS' }]))
  const kept = begun('a', { kind: 'retry', state: 'SUCCESS', intention: 'RETRY' })
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), kept)
  await backend.commit(batch('r', [{ name: 'a', intention: 'REVERT' }]))
  assert.equal((await storedAtom(backend, 'r', 'a')).intention, 'REVERT')
}

async function keepsTimes(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('a', { beganAt: 0, endedAt: 1.5 })]))
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), begun('a', { beganAt: 0, endedAt: 1.5 }))
  await backend.commit(batch('r', [{ name: 'a', beganAt: 1_700_000_000_000.125 }]))
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), begun('a', { beganAt: 1_700_000_000_000.125, endedAt: 1.5 }))
}

async function keepsRevertResult(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('a', { state: 'SUCCESS', result: 'made' })]))
  await backend.commit(batch('r', [{ name: 'a', state: 'REVERTED', revertResult: { undone: [1] } }]))
  const { result, revertResult } = await storedAtom(backend, 'r', 'a')
  assert.deepEqual([result, revertResult], ['made', { undone: [1] }])
}

async function forgets(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  const known = { kind: 'retry', version: '2.1', attempts: 3 } as const
  const everything = begin('a', {
    ...known,
    state: 'REVERT_FAILURE',
    intention: 'REVERT',
    result: 1,
    failure,
    revertResult: 2,
    revertFailure: failure,
    progress: { fraction: 1, details: null },
    meta: { unbegun: true },
    beganAt: 1,
    endedAt: 2,
    attempt: { value: 1 },
    attemptFailure: { atom: 'x', failure },
  })
  await backend.commit(batch('r', [everything, begin('b')]))
  await backend.commit(batch('r', [{ name: 'a', state: 'PENDING' }]))
  assert.deepEqual((await stored(backend, 'r')).atoms, [begun('a', { ...known, state: 'PENDING' }), begun('b')])
  await backend.commit(batch('r', [{ name: 'a', state: 'RUNNING', attempts: 4 }]))
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), begun('a', { ...known, attempts: 4 }))
}

async function keepsToldWithPending(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('a', { state: 'FAILURE', result: 1, failure })]))
  await backend.commit(
    batch('r', [{ name: 'a', state: 'PENDING', version: '2.0', attempts: 5, meta: { reach: 'ALL' } }]),
  )
  const told = begun('a', { state: 'PENDING', version: '2.0', attempts: 5, meta: { reach: 'ALL' } })
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), told)
}

async function assumes(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [{ name: 'a', progress: { fraction: 0, details: null } }]))
  const assumed = begun('a', { state: 'PENDING', attempts: 0, progress: { fraction: 0, details: null } })
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), assumed)
}

async function keepsProgress(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  const detailed = { fraction: 0.1 + 0.2, details: { bytes: 2 ** 40, file: null } }
  await backend.commit(batch('r', [begin('a', { progress: detailed })]))
  assert.deepEqual((await storedAtom(backend, 'r', 'a')).progress, detailed)
  await backend.commit(batch('r', [{ name: 'a', progress: { fraction: 1, details: null } }]))
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), begun('a', { progress: { fraction: 1, details: null } }))
}

async function removes(backend: Backend): Promise<void> {
  const retry = begin('a', { kind: 'retry', attempt: { value: 1 }, attemptFailure: { atom: 'x', failure } })
  for (const id of ['r', 'other']) {
    await backend.create(pending(id, { inputs: { id } }))
    await backend.commit(batch(id, [retry]))
  }
  const other = await stored(backend, 'other')
  for (const id of ['r', 'r', 'never there']) await backend.remove(id)
  assert.equal(await backend.load('r'), undefined)
  await refuses(() => backend.commit(batch('r', [begin('a')])))
  assert.equal(await backend.load('r'), undefined)
  await backend.create(pending('r'))
  assert.deepEqual(await stored(backend, 'r'), { flow: pending('r'), atoms: [] })
  await backend.commit(batch('r', [begin('a', { kind: 'retry', attempt: { value: 2 } })]))
  assert.deepEqual((await storedAtom(backend, 'r', 'a')).history, [{ value: 2, failures: {} }])
  assert.deepEqual(await stored(backend, 'other'), other)
}
