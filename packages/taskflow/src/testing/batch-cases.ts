import assert from 'node:assert/strict'
import type { Backend } from '../storage/backend.ts'
import type { AtomChange, Batch } from '../storage/records.ts'
import { type BackendCase, pending, refuses, stored, storedAtom } from './backend-case.ts'

/** What a batch does, and what it leaves alone. */
export const batchCases: readonly BackendCase[] = [
  { name: 'a batch may be empty', run: takesEmptyBatch },
  { name: 'a change replaces what it names and leaves the rest', run: merges },
  { name: 'changes of one batch apply in their order', run: appliesInOrder },
  { name: 'atoms are read in the order in which they first changed', run: keepsOrder },
  { name: 'a batch with an atom of an unknown run changes nothing at all', run: refusesUnknownAtomRun },
  { name: 'a batch with an unknown run changes nothing at all', run: refusesUnknownRun },
  { name: 'two runs do not mix, not even in one batch', run: keepsRunsApart },
  { name: 'batches that do not wait for one another are all stored', run: takesManyAtOnce },
  { name: 'a batch may change 10,000 atoms', run: takesLargeBatch },
]

function begin(flow: string, name: string): AtomChange {
  return { flow, name, kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1 }
}

async function takesEmptyBatch(backend: Backend): Promise<void> {
  await backend.commit({ flows: [], atoms: [] })
  await backend.create(pending('r'))
  await backend.commit({ flows: [], atoms: [] })
  assert.deepEqual(await stored(backend, 'r'), { flow: pending('r'), atoms: [] })
}

async function merges(backend: Backend): Promise<void> {
  await backend.create(pending('r', { kept: true }))
  await backend.commit({ flows: [], atoms: [{ ...begin('r', 'a'), version: '2.1', attempts: 3 }] })
  await backend.commit({ flows: [], atoms: [{ flow: 'r', name: 'a', state: 'SUCCESS', result: { kept: true } }] })
  await backend.commit({ flows: [], atoms: [{ flow: 'r', name: 'a', state: 'REVERTING' }] })
  await backend.commit({ flows: [{ flow: 'r', state: 'RUNNING' }], atoms: [] })
  const { flow, atoms } = await stored(backend, 'r')
  assert.deepEqual(flow, { ...pending('r', { kept: true }), state: 'RUNNING' })
  assert.deepEqual(atoms, [
    { name: 'a', kind: 'task', version: '2.1', state: 'REVERTING', attempts: 3, result: { kept: true } },
  ])
  await backend.commit({ flows: [], atoms: [{ flow: 'r', name: 'a', result: { other: [] } }] })
  assert.deepEqual((await storedAtom(backend, 'r', 'a')).result, { other: [] })
}

async function appliesInOrder(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit({
    flows: [
      { flow: 'r', state: 'RUNNING' },
      { flow: 'r', state: 'SUCCESS' },
    ],
    atoms: [
      begin('r', 'a'),
      { flow: 'r', name: 'a', state: 'SUCCESS', result: 1 },
      begin('r', 'b'),
      { flow: 'r', name: 'a', state: 'REVERTING' },
      { flow: 'r', name: 'a', attempts: 2, result: 2 },
    ],
  })
  const { flow, atoms } = await stored(backend, 'r')
  assert.equal(flow.state, 'SUCCESS')
  assert.deepEqual(atoms, [
    { name: 'a', kind: 'task', version: '1.0', state: 'REVERTING', attempts: 2, result: 2 },
    { name: 'b', kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1 },
  ])
}

async function keepsOrder(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit({ flows: [], atoms: [begin('r', 'c'), begin('r', '10')] })
  await backend.commit({ flows: [], atoms: [begin('r', 'a'), { flow: 'r', name: 'c', state: 'SUCCESS', result: 1 }] })
  await backend.commit({ flows: [], atoms: [begin('r', '9'), begin('r', 'b'), begin('r', 'B')] })
  await backend.commit({ flows: [], atoms: [{ flow: 'r', name: '10', state: 'REVERTING' }] })
  const { atoms } = await stored(backend, 'r')
  assert.deepEqual(
    atoms.map((atom) => atom.name),
    ['c', '10', 'a', '9', 'b', 'B'],
  )
}

async function refusesUnknownAtomRun(backend: Backend): Promise<void> {
  await changesNothing(backend, {
    flows: [
      { flow: 'r', state: 'SUCCESS' },
      { flow: 's', state: 'FAILURE' },
    ],
    atoms: [
      { flow: 'r', name: 'a', state: 'SUCCESS', result: 1 },
      begin('s', 'new'),
      begin('unknown', 'a'),
      { flow: 's', name: 'a', state: 'SUCCESS', result: 1 },
    ],
  })
}

async function refusesUnknownRun(backend: Backend): Promise<void> {
  await changesNothing(backend, {
    flows: [
      { flow: 'r', state: 'SUCCESS' },
      { flow: 'unknown', state: 'RUNNING' },
      { flow: 's', state: 'FAILURE' },
    ],
    atoms: [{ flow: 'r', name: 'a', state: 'SUCCESS', result: 1 }, begin('s', 'new')],
  })
}

async function changesNothing(backend: Backend, batch: Batch): Promise<void> {
  for (const id of ['r', 's']) {
    await backend.create(pending(id))
    await backend.commit({ flows: [{ flow: id, state: 'RUNNING' }], atoms: [begin(id, 'a')] })
  }
  const before = [await stored(backend, 'r'), await stored(backend, 's')]
  await refuses(() => backend.commit(batch))
  assert.deepEqual([await stored(backend, 'r'), await stored(backend, 's')], before)
  assert.equal(await backend.load('unknown'), undefined)
}

async function keepsRunsApart(backend: Backend): Promise<void> {
  await backend.create(pending('r', { mine: 'r' }))
  await backend.create(pending('s', { mine: 's' }))
  await backend.commit({
    flows: [{ flow: 's', state: 'RUNNING' }],
    atoms: [begin('r', 'a'), begin('s', 'b'), begin('s', 'a'), { ...begin('r', 'b'), attempts: 7 }],
  })
  await backend.commit({ flows: [], atoms: [{ flow: 's', name: 'a', state: 'SUCCESS', result: 's' }] })
  const started = { kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1 }
  assert.deepEqual(await stored(backend, 'r'), {
    flow: pending('r', { mine: 'r' }),
    atoms: [
      { name: 'a', ...started },
      { name: 'b', ...started, attempts: 7 },
    ],
  })
  assert.deepEqual(await stored(backend, 's'), {
    flow: { ...pending('s', { mine: 's' }), state: 'RUNNING' },
    atoms: [
      { name: 'b', ...started },
      { name: 'a', ...started, state: 'SUCCESS', result: 's' },
    ],
  })
}

async function takesManyAtOnce(backend: Backend): Promise<void> {
  const ids = Array.from({ length: 20 }, (_, index) => `r${index}`)
  await Promise.all(ids.map(async (id) => await backend.create(pending(id))))
  const changes = ids.flatMap((id) => ['a', 'b', 'c'].map((name) => begin(id, name)))
  await Promise.all(changes.map(async (change) => await backend.commit({ flows: [], atoms: [change] })))
  for (const id of ids) {
    const names = (await stored(backend, id)).atoms.map((atom) => atom.name)
    assert.deepEqual(names.toSorted(), ['a', 'b', 'c'])
  }
}

async function takesLargeBatch(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  const names = Array.from({ length: 10_000 }, (_, index) => `atom ${index}`)
  await backend.commit({ flows: [], atoms: names.map((name) => begin('r', name)) })
  await backend.commit({
    flows: [{ flow: 'r', state: 'RUNNING' }],
    atoms: names.map((name, result) => ({ flow: 'r', name, state: 'SUCCESS' as const, result })),
  })
  const { flow, atoms } = await stored(backend, 'r')
  assert.equal(flow.state, 'RUNNING')
  assert.equal(atoms.length, names.length)
  for (const [index, atom] of atoms.entries()) {
    assert.deepEqual(atom, {
      name: `atom ${index}`,
      kind: 'task',
      version: '1.0',
      state: 'SUCCESS',
      attempts: 1,
      result: index,
    })
  }
}
