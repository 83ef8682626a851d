import assert from 'node:assert/strict'
import type { Backend } from '../storage/backend.ts'
import type { AtomChange } from '../storage/records.ts'
import {
  type BackendCase,
  batch,
  begin,
  begun,
  failureOf,
  pending,
  stored,
  storedAtom,
  written,
} from './backend-case.ts'

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
  JSON.parse('{"__proto__":{"x":1},"y":2}'),
  'x'.repeat(1 << 20),
]
const everyValue = Object.fromEntries(values.map((value, index) => [`value ${index}`, value]))
const failure = failureOf('download')

/** What values survive, and whose they are. */
export const valueCases: readonly BackendCase[] = [
  { name: 'a result may be any JSON value', run: keepsResults },
  { name: 'what a revert gave may be any JSON value', run: keepsRevertResults },
  { name: 'inputs and meta of a run may be any JSON value', run: keepsInputs },
  { name: 'why a run was cancelled may be any JSON value', run: keepsReasons },
  { name: 'a result of null is not the absence of a result', run: tellsNullFromNothing },
  { name: 'a value that is undefined is absent', run: dropsUndefined },
  { name: 'what is read is the reader’s own', run: readsCopies },
  { name: 'what was written is no longer the writer’s', run: writesCopies },
]

async function keepsResults(backend: Backend): Promise<void> {
  await keepsAs(backend, 'result')
}

async function keepsRevertResults(backend: Backend): Promise<void> {
  await keepsAs(backend, 'revertResult')
}

async function keepsAs(backend: Backend, part: 'result' | 'revertResult'): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(
    batch(
      'r',
      values.map((value, index) => begin(`a${index}`, { [part]: value })),
    ),
  )
  const { atoms } = await stored(backend, 'r')
  for (const [index, value] of values.entries()) {
    assert.deepEqual(atoms[index]?.[part], value, `${part} ${JSON.stringify(value).slice(0, 60)}`)
  }
}

async function keepsInputs(backend: Backend): Promise<void> {
  const given = { inputs: everyValue, meta: { ...everyValue, factory: 'import' } }
  await backend.create(pending('r', given))
  await backend.commit(batch('r', [], { change: { state: 'RUNNING' } }))
  assert.deepEqual((await stored(backend, 'r')).flow, written('r', { ...given, state: 'RUNNING' }))
}

async function keepsReasons(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  for (const reason of values) {
    await backend.commit(batch('r', [], { change: { cancelled: { reason } } }))
    assert.deepEqual((await stored(backend, 'r')).flow.cancelled, { reason })
  }
}

async function tellsNullFromNothing(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('a')]))
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), begun('a'))
  await backend.commit(batch('r', [{ name: 'a', state: 'SUCCESS', result: null, revertResult: null }]))
  const done = begun('a', { state: 'SUCCESS', result: null, revertResult: null })
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), done)
}

async function dropsUndefined(backend: Backend): Promise<void> {
  await backend.create(pending('r', { inputs: { there: 1, absent: undefined } }))
  await backend.commit(batch('r', [begin('a', { result: { there: [undefined], absent: undefined } })]))
  const { flow, atoms } = await stored(backend, 'r')
  assert.deepEqual(flow, written('r', { inputs: { there: 1 } }))
  assert.deepEqual(atoms, [begun('a', { result: { there: [null] } })])
  await backend.commit(batch('r', [{ name: 'a', state: 'SUCCESS', result: undefined }]))
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), begun('a', { state: 'SUCCESS', result: { there: [null] } }))
}

async function readsCopies(backend: Backend): Promise<void> {
  await fill(backend, pending('r', { inputs: { list: [1] }, meta: { list: [1] } }), change())
  const read = async (): Promise<object> => ({
    run: await stored(backend, 'r'),
    list: await backend.list(),
    books: await backend.listBooks(),
  })
  const first = await read()
  const original = structuredClone(first)
  spoil(first)
  assert.deepEqual(await read(), original)
}

async function writesCopies(backend: Backend): Promise<void> {
  const given = [pending('r', { inputs: { list: [1] }, meta: { list: [1] } }), change()] as const
  await fill(backend, ...given)
  const original = structuredClone(await stored(backend, 'r'))
  spoil(given)
  assert.deepEqual(await stored(backend, 'r'), original)
}

async function fill(backend: Backend, run: ReturnType<typeof pending>, atom: AtomChange): Promise<void> {
  await backend.saveBook({ id: 'b', name: 'book', meta: { list: [1] } })
  await backend.create(run)
  await backend.commit(batch('r', [atom], { change: { cancelled: { reason: { list: [1] } } } }))
}

function change(): AtomChange {
  return begin('a', {
    kind: 'retry',
    state: 'FAILURE',
    result: { list: [1] },
    failure: structuredClone(failure),
    progress: { fraction: 0.5, details: { files: [1] } },
    meta: { reach: 'ALL' },
    attempt: { value: { list: [1] } },
    attemptFailure: { atom: 'x', failure: structuredClone(failure) },
  })
}

/** Changes everything in a value that can be changed, at every depth. */
function spoil(value: object): void {
  for (const [key, inside] of Object.entries(value)) {
    if (typeof inside === 'object' && inside !== null) spoil(inside)
    Reflect.set(value, key, 'spoilt')
  }
  Reflect.set(value, Array.isArray(value) ? value.length : 'added', 'spoilt')
}
