import assert from 'node:assert/strict'
import type { Backend } from '../storage/backend.ts'
import { type BackendCase, batch, begin, begun, pending, refuses, stored, storedAtom, written } from './backend-case.ts'

/** What a batch does, and what it leaves alone. */
export const batchCases: readonly BackendCase[] = [
  { name: 'a batch may be empty but for its time', run: takesEmptyBatch },
  { name: 'a change replaces what it names and leaves the rest', run: merges },
  { name: 'changes of one batch apply in their order', run: appliesInOrder },
  { name: 'a change of a run replaces what it names and leaves the rest', run: changesRun },
  { name: 'atoms are read in the order in which they first changed', run: keepsOrder },
  { name: 'a batch with an unknown run changes nothing at all', run: refusesUnknownRun },
  { name: 'two runs do not mix', run: keepsRunsApart },
  { name: 'a batch may change 10,000 atoms', run: takesLargeBatch },
]

async function takesEmptyBatch(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r'))
  assert.deepEqual(await stored(backend, 'r'), { flow: written('r'), atoms: [] })
  await backend.commit(batch('r', [], { at: 5.5 }))
  assert.deepEqual(await stored(backend, 'r'), { flow: written('r', { updatedAt: 5.5 }), atoms: [] })
}

async function merges(backend: Backend): Promise<void> {
  await backend.create(pending('r', { inputs: { kept: true } }))
  await backend.commit(batch('r', [begin('a', { version: '2.1', attempts: 3 })]))
  await backend.commit(batch('r', [{ name: 'a', state: 'SUCCESS', result: { kept: true } }]))
  await backend.commit(batch('r', [{ name: 'a', state: 'REVERTING' }]))
  await backend.commit(batch('r', [], { change: { state: 'RUNNING' } }))
  const { flow, atoms } = await stored(backend, 'r')
  assert.deepEqual(flow, written('r', { inputs: { kept: true }, state: 'RUNNING' }))
  const merged = { version: '2.1', state: 'REVERTING', attempts: 3 } as const
  assert.deepEqual(atoms, [begun('a', { ...merged, result: { kept: true } })])
  await backend.commit(batch('r', [{ name: 'a', result: { other: [] } }]))
  assert.deepEqual(await storedAtom(backend, 'r', 'a'), begun('a', { ...merged, result: { other: [] } }))
}

async function appliesInOrder(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(
    batch('r', [
      begin('a'),
      { name: 'a', state: 'SUCCESS', result: 1 },
      begin('b'),
      { name: 'a', state: 'REVERTING' },
      { name: 'a', attempts: 2, result: 2 },
      { name: 'b', state: 'PENDING' },
      { name: 'b', state: 'RUNNING' },
    ]),
  )
  const reverting = begun('a', { state: 'REVERTING', attempts: 2, result: 2 })
  assert.deepEqual((await stored(backend, 'r')).atoms, [reverting, begun('b')])
}

async function changesRun(backend: Backend): Promise<void> {
  await backend.saveBook({ id: 'b', name: 'book', meta: {} })
  const given = { book: 'b', meta: { kept: true }, plan: [{ name: 'a', kind: 'task', version: '1.0' }] } as const
  await backend.create(pending('r', given))
  await backend.commit(batch('r', [], { change: { cancelled: { reason: null } } }))
  assert.deepEqual((await stored(backend, 'r')).flow, written('r', { ...given, cancelled: { reason: null } }))
  await backend.commit(batch('r', [], { change: { intention: 'REVERT', state: 'RUNNING' } }))
  const reverting = { ...given, cancelled: { reason: null }, intention: 'REVERT', state: 'RUNNING' } as const
  assert.deepEqual((await stored(backend, 'r')).flow, written('r', reverting))
  await backend.commit(batch('r', [], { change: { cancelled: null } }))
  assert.deepEqual((await stored(backend, 'r')).flow, written('r', { ...reverting, cancelled: null }))
}

async function keepsOrder(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('c'), begin('10')]))
  await backend.commit(batch('r', [begin('a'), { name: 'c', state: 'SUCCESS', result: 1 }]))
  await backend.commit(batch('r', [begin('9'), begin('b'), begin('B')]))
  await backend.commit(
    batch('r', [
      { name: '10', state: 'REVERTING' },
      { name: 'a', state: 'PENDING' },
    ]),
  )
  await backend.commit(batch('r', [begin('a')]))
  const { atoms } = await stored(backend, 'r')
  assert.deepEqual(
    atoms.map((atom) => atom.name),
    ['c', '10', 'a', '9', 'b', 'B'],
  )
}

async function refusesUnknownRun(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('a')]))
  const before = await stored(backend, 'r')
  await refuses(() => backend.commit(batch('unknown', [begin('a')], { fence: 9, change: { state: 'RUNNING' } })))
  assert.deepEqual(await stored(backend, 'r'), before)
  assert.equal(await backend.load('unknown'), undefined)
  assert.deepEqual(await backend.list(), [before.flow])
}

async function keepsRunsApart(backend: Backend): Promise<void> {
  await backend.create(pending('r', { inputs: { mine: 'r' } }))
  await backend.create(pending('s', { inputs: { mine: 's' } }))
  await backend.commit(batch('r', [begin('a')]))
  await backend.commit(batch('s', [begin('b'), begin('a')], { change: { state: 'RUNNING' } }))
  await backend.commit(batch('r', [begin('b', { attempts: 7 })]))
  await backend.commit(batch('s', [{ name: 'a', state: 'SUCCESS', result: 's' }]))
  assert.deepEqual(await stored(backend, 'r'), {
    flow: written('r', { inputs: { mine: 'r' } }),
    atoms: [begun('a'), begun('b', { attempts: 7 })],
  })
  assert.deepEqual(await stored(backend, 's'), {
    flow: written('s', { inputs: { mine: 's' }, state: 'RUNNING' }),
    atoms: [begun('b'), begun('a', { state: 'SUCCESS', result: 's' })],
  })
}

async function takesLargeBatch(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  const names = Array.from({ length: 10_000 }, (_, index) => `atom ${index}`)
  const begins = names.map((name) => begin(name))
  await backend.commit(batch('r', begins))
  const ends = names.map((name, result) => ({ name, state: 'SUCCESS' as const, result }))
  await backend.commit(batch('r', ends, { change: { state: 'RUNNING' } }))
  const { flow, atoms } = await stored(backend, 'r')
  assert.deepEqual([flow.state, atoms.length], ['RUNNING', names.length])
  // One by one: the difference of two long lists would take minutes and gigabytes to tell.
  for (const [result, name] of names.entries())
    assert.deepEqual(atoms[result], begun(name, { state: 'SUCCESS', result }))
}
