import assert from 'node:assert/strict'
import type { StoredFailure } from '../failure.ts'
import type { Backend } from '../storage/backend.ts'
import type { AtomChange } from '../storage/records.ts'
import { type BackendCase, pending, refuses, stored, storedAtom } from './backend-case.ts'

/** A value of every kind that JSON has, at its edges. */
const values: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1.5,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_VALUE,
  Number.MAX_VALUE,
  '',
  ' spaces stay ',
  'null',
  '{"looks":"like JSON"}',
  'quotes \' " ` and \\ and %s and $1 and ?',
  'line\nfeed, tab\t, \u2028 and \u2029',
  'Grüße, 世界, 🚀, e\u0301',
  'a NUL \u0000 inside',
  'half a pair \ud800',
  [],
  {},
  [null, [], [[1]], { '': '' }],
  { '': 0, 'a.b': { constructor: null, 'c d': [{ e: [true] }] }, 日本: '' },
  'x'.repeat(1 << 20),
]

const failure: StoredFailure = {
  atom: 'download',
  names: ['TimeoutError', 'Error'],
  message: 'no answer within 30 s — „schade“',
  code: 'ETIMEDOUT',
  stack: 'TimeoutError: no answer\n    at fetch (file:///a.js:1:1)',
  causes: [{ name: 'Error', message: '', stack: null }],
}
const bareFailure: StoredFailure = { atom: 'a', names: [], message: '', code: null, stack: null, causes: [] }

/** What a single record keeps. */
export const recordCases: readonly BackendCase[] = [
  { name: 'a run is read as it was created', run: readsRun },
  { name: 'a run that is not there is read as undefined', run: readsNothing },
  { name: 'a run cannot be created twice, and the first one stays as it was', run: createsOnce },
  { name: 'ids and names may be any text', run: takesAnyName },
  { name: 'a result may be any JSON value', run: keepsResults },
  { name: 'the inputs of a run may be any JSON value', run: keepsInputs },
  { name: 'a result of null is not the absence of a result', run: tellsNullFromNothing },
  { name: 'failures are kept whole', run: keepsFailures },
  { name: 'what a retry has been through is kept, and replaced as a whole', run: keepsHistory },
  { name: 'what a revert gave is kept', run: keepsRevertResult },
  { name: 'an atom that is PENDING again has forgotten all but its name, kind, version and attempts', run: forgets },
  { name: 'progress is kept, and replaced as a whole', run: keepsProgress },
  { name: 'what is read is the reader’s own', run: readsCopies },
  { name: 'what was written is no longer the writer’s', run: writesCopies },
  { name: 'a removed run is gone, and its id is free', run: removes },
]

async function readsRun(backend: Backend): Promise<void> {
  const flow = pending('r', { image: 'a', sizes: [1, 2] })
  await backend.create(flow)
  assert.deepEqual(await stored(backend, 'r'), { flow, atoms: [] })
}

async function readsNothing(backend: Backend): Promise<void> {
  assert.equal(await backend.load('r'), undefined)
  await backend.create(pending('r'))
  assert.equal(await backend.load('R'), undefined)
  assert.equal(await backend.load(''), undefined)
}

async function createsOnce(backend: Backend): Promise<void> {
  await backend.create(pending('r', { first: true }))
  await backend.commit({
    flows: [{ flow: 'r', state: 'RUNNING' }],
    atoms: [{ flow: 'r', name: 'a', kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1 }],
  })
  const before = await stored(backend, 'r')
  await refuses(() => backend.create(pending('r', { second: true })))
  assert.deepEqual(await stored(backend, 'r'), before)
}

async function takesAnyName(backend: Backend): Promise<void> {
  const names = ["o'neil", '"; DROP TABLE runs; --', 'a/b', '../c', 'constructor', '__proto__', 'Ünïcode 🚀', ' ']
  for (const name of names) {
    await backend.create({ ...pending(name), name })
    await backend.commit({
      flows: [],
      atoms: names.map((atom) => ({ flow: name, name: atom, version: name, state: 'RUNNING', attempts: 1 })),
    })
  }
  for (const name of names) {
    const { flow, atoms } = await stored(backend, name)
    assert.equal(flow.id, name)
    assert.equal(flow.name, name)
    assert.deepEqual(
      atoms.map((atom) => atom.name),
      names,
    )
    assert.ok(atoms.every((atom) => atom.version === name))
  }
}

async function keepsResults(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit({
    flows: [],
    atoms: values.map((result, index) => ({ flow: 'r', name: `a${index}`, state: 'SUCCESS', attempts: 1, result })),
  })
  const { atoms } = await stored(backend, 'r')
  for (const [index, value] of values.entries()) {
    assert.deepEqual(atoms[index]?.result, value, `result ${JSON.stringify(value).slice(0, 60)}`)
  }
}

async function keepsInputs(backend: Backend): Promise<void> {
  const inputs = Object.fromEntries(values.map((value, index) => [`input ${index}`, value]))
  await backend.create(pending('r', inputs))
  await backend.commit({ flows: [{ flow: 'r', state: 'RUNNING' }], atoms: [] })
  assert.deepEqual((await stored(backend, 'r')).flow, { ...pending('r', inputs), state: 'RUNNING' })
}

async function tellsNullFromNothing(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit({
    flows: [],
    atoms: [{ flow: 'r', name: 'a', kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1 }],
  })
  const running = await storedAtom(backend, 'r', 'a')
  assert.deepEqual(running, { name: 'a', kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1 })
  await backend.commit({ flows: [], atoms: [{ flow: 'r', name: 'a', state: 'SUCCESS', result: null }] })
  const done = await storedAtom(backend, 'r', 'a')
  assert.deepEqual(done, { name: 'a', kind: 'task', version: '1.0', state: 'SUCCESS', attempts: 1, result: null })
}

async function keepsFailures(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  const begun = { flow: 'r', name: 'a', kind: 'task', version: '1.0', attempts: 2 } as const
  await backend.commit({ flows: [], atoms: [{ ...begun, state: 'FAILURE', failure }] })
  await backend.commit({
    flows: [],
    atoms: [{ flow: 'r', name: 'a', state: 'REVERT_FAILURE', revertFailure: bareFailure }],
  })
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), {
    name: 'a',
    kind: 'task',
    version: '1.0',
    state: 'REVERT_FAILURE',
    attempts: 2,
    failure,
    revertFailure: bareFailure,
  })
}

async function keepsHistory(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  const history = [
    { value: { mirror: 'a' }, failures: { x: failure, 'a b': bareFailure } },
    { value: null, failures: {} },
  ]
  const begun = { flow: 'r', name: 'a', kind: 'retry', version: '1.0', state: 'RUNNING', attempts: 1 } as const
  await backend.commit({ flows: [], atoms: [begun, { flow: 'r', name: 'a', state: 'SUCCESS', result: 1, history }] })
  assert.deepEqual((await storedAtom(backend, 'r', 'a')).history, history)
  assert.equal((await storedAtom(backend, 'r', 'a')).kind, 'retry')
  await backend.commit({ flows: [], atoms: [{ flow: 'r', name: 'a', history: [] }] })
  assert.deepEqual((await storedAtom(backend, 'r', 'a')).history, [])
}

async function keepsRevertResult(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  const begun = { flow: 'r', name: 'a', kind: 'task', version: '1.0', attempts: 1 } as const
  const revertResult = { undone: [1] }
  await backend.commit({ flows: [], atoms: [{ ...begun, state: 'REVERTED', result: 'made', revertResult }] })
  const { result, revertResult: kept } = await storedAtom(backend, 'r', 'a')
  assert.deepEqual([result, kept], ['made', { undone: [1] }])
}

async function forgets(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  const known = { name: 'a', kind: 'retry', version: '2.1', attempts: 3 } as const
  const change: AtomChange = {
    flow: 'r',
    ...known,
    state: 'REVERT_FAILURE',
    result: 1,
    failure,
    revertResult: 2,
    revertFailure: failure,
    progress: { fraction: 1, details: null },
    history: [{ value: 1, failures: {} }],
  }
  await backend.commit({ flows: [], atoms: [change] })
  await backend.commit({ flows: [], atoms: [{ flow: 'r', name: 'a', state: 'PENDING' }] })
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), { ...known, state: 'PENDING' })
  await backend.commit({ flows: [], atoms: [{ flow: 'r', name: 'a', state: 'RUNNING', attempts: 4 }] })
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), { ...known, state: 'RUNNING', attempts: 4 })
}

async function keepsProgress(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  const begun = { flow: 'r', name: 'a', kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1 } as const
  const detailed = { fraction: 0.1 + 0.2, details: { bytes: 2 ** 40, file: null } }
  await backend.commit({ flows: [], atoms: [{ ...begun, progress: detailed }] })
  assert.deepEqual((await storedAtom(backend, 'r', 'a')).progress, detailed)
  await backend.commit({ flows: [], atoms: [{ flow: 'r', name: 'a', progress: { fraction: 1, details: null } }] })
  const { state, progress } = await storedAtom(backend, 'r', 'a')
  assert.equal(state, 'RUNNING')
  assert.deepEqual(progress, { fraction: 1, details: null })
}

async function readsCopies(backend: Backend): Promise<void> {
  await backend.create(pending('r', { list: [1] }))
  const progress = { fraction: 0.5, details: { files: [1] } }
  const begun = { flow: 'r', name: 'a', kind: 'task', version: '1.0', attempts: 1 } as const
  await backend.commit({ flows: [], atoms: [{ ...begun, state: 'FAILURE', result: { list: [1] }, failure, progress }] })
  const first = await stored(backend, 'r')
  const original = structuredClone(first)
  spoil(first)
  assert.deepEqual(await stored(backend, 'r'), original)
}

async function writesCopies(backend: Backend): Promise<void> {
  const inputs = { list: [1] }
  await backend.create(pending('r', inputs))
  const change: AtomChange = {
    flow: 'r',
    name: 'a',
    kind: 'task',
    version: '1.0',
    state: 'FAILURE',
    attempts: 1,
    result: { list: [1] },
    failure: structuredClone(failure),
    progress: { fraction: 0.5, details: { files: [1] } },
  }
  await backend.commit({ flows: [], atoms: [change] })
  const original = structuredClone(await stored(backend, 'r'))
  spoil(inputs)
  spoil(change)
  assert.deepEqual(await stored(backend, 'r'), original)
}

async function removes(backend: Backend): Promise<void> {
  await backend.create(pending('r', { old: true }))
  await backend.create(pending('other'))
  await backend.commit({
    flows: [],
    atoms: [{ flow: 'r', name: 'a', kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1 }],
  })
  await backend.remove('r')
  await backend.remove('r')
  await backend.remove('never there')
  assert.equal(await backend.load('r'), undefined)
  await refuses(() => backend.commit({ flows: [{ flow: 'r', state: 'RUNNING' }], atoms: [] }))
  assert.equal(await backend.load('r'), undefined)
  await backend.create(pending('r'))
  assert.deepEqual(await stored(backend, 'r'), { flow: pending('r'), atoms: [] })
  assert.deepEqual((await stored(backend, 'other')).flow, pending('other'))
}

/** Changes everything in a value that can be changed, at every depth. */
function spoil(value: object): void {
  for (const [key, inside] of Object.entries(value)) {
    if (typeof inside === 'object' && inside !== null) spoil(inside)
    Reflect.set(value, key, 'spoilt')
  }
  Reflect.set(value, Array.isArray(value) ? value.length : 'added', 'spoilt')
}
