import assert from 'node:assert/strict'
import type { Awaitable, Backend } from '../storage/backend.ts'
import { type BackendCase, batch, begin, begun, pending, stored, storedAtom, written } from './backend-case.ts'

/** What becomes of calls that do not wait for one another. */
export const orderCases: readonly BackendCase[] = [
  { name: 'calls take effect in the order in which they were made', run: keepsCallOrder },
  { name: 'what is read is what was written before, and nothing of what was written after', run: readsInOrder },
  { name: 'calls that are refused do no harm to those beside them', run: harmsNoOther },
  { name: 'runs that do not wait for one another are all stored', run: takesManyAtOnce },
]

/** Makes the call now, whether or not the backend answers at once. */
async function made<T>(call: () => Awaitable<T>): Promise<T> {
  return await call()
}

async function keepsCallOrder(backend: Backend): Promise<void> {
  const calls: Promise<unknown>[] = [made(() => backend.create(pending('r')))]
  for (let attempts = 1; attempts <= 50; attempts++) {
    const at = attempts
    calls.push(made(() => backend.commit(batch('r', [begin('a', { attempts })], { at }))))
    if (attempts === 25) calls.push(made(() => backend.commit(batch('r', [begin('b', { attempts })], { at }))))
  }
  await Promise.all(calls)
  assert.deepEqual(await stored(backend, 'r'), {
    flow: written('r', { updatedAt: 50 }),
    atoms: [begun('a', { attempts: 50 }), begun('b', { attempts: 25 })],
  })
}

async function readsInOrder(backend: Backend): Promise<void> {
  const [before, , early, , late, , gone, again] = await Promise.all([
    made(() => backend.load('r')),
    made(() => backend.create(pending('r'))),
    made(() => backend.load('r')),
    made(() => backend.commit(batch('r', [begin('a')]))),
    made(() => backend.load('r')),
    made(() => backend.remove('r')),
    made(() => backend.load('r')),
    made(() => backend.create(pending('r', { name: 'second' }))),
  ])
  assert.equal(before, undefined)
  assert.deepEqual(early, { flow: pending('r'), atoms: [] })
  assert.deepEqual(late, { flow: written('r'), atoms: [begun('a')] })
  assert.deepEqual([gone, again], [undefined, undefined])
  assert.equal((await stored(backend, 'r')).flow.name, 'second')
}

async function harmsNoOther(backend: Backend): Promise<void> {
  const outcomes = await Promise.allSettled([
    made(() => backend.create(pending('r', { fence: 2 }))),
    made(() => backend.commit(batch('r', [begin('a')], { fence: 2 }))),
    made(() => backend.commit(batch('r', [begin('stale')], { fence: 1, change: { state: 'FAILURE' } }))),
    made(() => backend.commit(batch('unknown', [begin('a')]))),
    made(() => backend.create(pending('r', { name: 'second' }))),
    made(() => backend.create(pending('s', { book: 'unknown' }))),
    made(() => backend.commit(batch('r', [begin('b')], { fence: 2 }))),
  ])
  const told = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : null))
  assert.deepEqual(told, [null, null, 'stale-owner', 'storage', 'storage', 'storage', null])
  assert.deepEqual(await stored(backend, 'r'), { flow: written('r', { fence: 2 }), atoms: [begun('a'), begun('b')] })
  assert.equal(await backend.load('s'), undefined)
}

async function takesManyAtOnce(backend: Backend): Promise<void> {
  const ids = Array.from({ length: 20 }, (_, index) => `r${index}`)
  const names = ['a', 'b', 'c']
  await Promise.all(ids.map((id) => made(() => backend.create(pending(id)))))
  await Promise.all(
    names.flatMap((name) => ids.map((id) => made(() => backend.commit(batch(id, [begin(name, { result: id })]))))),
  )
  for (const id of ids) {
    for (const name of names) assert.equal((await storedAtom(backend, id, name)).result, id)
  }
}
