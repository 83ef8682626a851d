import assert from 'node:assert/strict'
import type { FlowState } from '../states.ts'
import type { Backend, FlowQuery } from '../storage/backend.ts'
import type { FlowRecord } from '../storage/records.ts'
import { type BackendCase, batch, begin, pending, written } from './backend-case.ts'

export const listCases: readonly BackendCase[] = [
  { name: 'runs are listed as they are, in the order in which they were created', run: listsInOrder },
  { name: 'runs can be listed by state', run: listsByState },
  { name: 'runs can be listed by log book', run: listsByBook },
  { name: 'runs can be listed from after one of them, and so many', run: listsPages },
  { name: 'no more than 1,000 runs are listed where nobody says how many', run: listsThousand },
]

async function idsOf(backend: Backend, query?: FlowQuery): Promise<readonly string[]> {
  return (await backend.list(query)).map(({ id }) => id)
}

async function createAll(backend: Backend, flows: readonly FlowRecord[]): Promise<void> {
  for (const flow of flows) await backend.create(flow)
}

async function listsInOrder(backend: Backend): Promise<void> {
  assert.deepEqual(await backend.list(), [])
  // Neither the order of ids nor that of what their writers' clocks said.
  const late = pending('c', { createdAt: 9, inputs: { x: [1] }, meta: { y: 2 }, plan: [] })
  await createAll(backend, [late, pending('a', { createdAt: 5 }), pending('b', { createdAt: 7 })])
  await backend.commit(batch('a', [begin('x')], { fence: 3, change: { state: 'RUNNING' } }))
  await backend.commit(batch('b', [], { change: { intention: 'REVERT', cancelled: { reason: 'r' } } }))
  assert.deepEqual(await backend.list({}), [
    late,
    written('a', { createdAt: 5, state: 'RUNNING', fence: 3 }),
    written('b', { createdAt: 7, intention: 'REVERT', cancelled: { reason: 'r' } }),
  ])
  await backend.remove('c')
  await backend.remove('b')
  await backend.create(pending('c'))
  assert.deepEqual(await idsOf(backend), ['a', 'c'])
}

async function listsByState(backend: Backend): Promise<void> {
  const states: readonly FlowState[] = ['SUCCESS', 'RUNNING', 'SUCCESS', 'SUSPENDED', 'RUNNING']
  await createAll(
    backend,
    states.map((state, index) => pending(`r${index}`, { state })),
  )
  assert.deepEqual(await idsOf(backend, { states: ['RUNNING'] }), ['r1', 'r4'])
  assert.deepEqual(await idsOf(backend, { states: ['SUSPENDED', 'RUNNING', 'RUNNING'] }), ['r1', 'r3', 'r4'])
  assert.deepEqual(await idsOf(backend, { states: ['FAILURE'] }), [])
  assert.deepEqual(await idsOf(backend, { states: [] }), [])
  await backend.commit(batch('r1', [], { change: { state: 'SUCCESS' } }))
  assert.deepEqual(await idsOf(backend, { states: ['RUNNING'] }), ['r4'])
  assert.deepEqual(await idsOf(backend, { states: ['SUCCESS'] }), ['r0', 'r1', 'r2'])
}

async function listsByBook(backend: Backend): Promise<void> {
  for (const id of ['b', 'c']) await backend.saveBook({ id, name: 'book', meta: {} })
  await createAll(backend, [
    pending('r0', { book: 'b', state: 'SUCCESS' }),
    pending('r1', { state: 'RUNNING' }),
    pending('r2', { book: 'c', state: 'RUNNING' }),
    pending('r3', { book: 'b', state: 'RUNNING' }),
    pending('r4', { book: 'b', state: 'PENDING' }),
  ])
  assert.deepEqual(await idsOf(backend, { book: 'b' }), ['r0', 'r3', 'r4'])
  assert.deepEqual(await idsOf(backend, { book: 'b', states: ['SUCCESS', 'RUNNING'] }), ['r0', 'r3'])
  assert.deepEqual(await idsOf(backend, { book: 'b', states: [] }), [])
  assert.deepEqual(await idsOf(backend, { book: 'b', after: 'r0', limit: 1 }), ['r3'])
  assert.deepEqual(await idsOf(backend, { book: 'b', after: 'r1' }), ['r3', 'r4'])
  assert.deepEqual(await idsOf(backend, { book: 'unknown' }), [])
}

async function listsPages(backend: Backend): Promise<void> {
  const ids = ['e', 'd', 'c', 'b', 'a']
  await createAll(
    backend,
    ids.map((id, index) => pending(id, { state: index % 2 ? 'RUNNING' : 'SUCCESS' })),
  )
  assert.deepEqual(await idsOf(backend, { limit: 2 }), ['e', 'd'])
  assert.deepEqual(await idsOf(backend, { limit: 2, after: 'd' }), ['c', 'b'])
  assert.deepEqual(await idsOf(backend, { limit: 2, after: 'b' }), ['a'])
  assert.deepEqual(await idsOf(backend, { after: 'a' }), [])
  assert.deepEqual(await idsOf(backend, { after: 'unknown' }), [])
  assert.deepEqual(await idsOf(backend, { limit: 0 }), [])
  assert.deepEqual(await idsOf(backend, { limit: Number.POSITIVE_INFINITY }), ids)
  // Those that are not wanted do not count.
  assert.deepEqual(await idsOf(backend, { states: ['SUCCESS'], limit: 2 }), ['e', 'c'])
  // The one that is started after need not be one of those that are wanted.
  assert.deepEqual(await idsOf(backend, { states: ['SUCCESS'], after: 'd' }), ['c', 'a'])
  assert.deepEqual(await idsOf(backend, { states: ['SUCCESS', 'RUNNING'], after: 'e', limit: 2 }), ['d', 'c'])
}

async function listsThousand(backend: Backend): Promise<void> {
  const ids = Array.from({ length: 1_002 }, (_, index) => `r${index}`)
  await Promise.all(ids.map(async (id) => await backend.create(pending(id))))
  const listed = await idsOf(backend)
  assert.deepEqual([listed.length, listed[0], listed[999]], [1_000, 'r0', 'r999'])
  assert.deepEqual(await idsOf(backend, { after: 'r999' }), ids.slice(1_000))
  assert.equal((await idsOf(backend, { limit: 1_001 })).length, 1_001)
}
