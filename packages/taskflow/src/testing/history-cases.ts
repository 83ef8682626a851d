import assert from 'node:assert/strict'
import type { Backend } from '../storage/backend.ts'
import type { AtomChange, StoredAttempt } from '../storage/records.ts'
import { type BackendCase, batch, begin, failureOf, pending, storedAtom } from './backend-case.ts'

/** What is kept of what a retry has been through. */
export const historyCases: readonly BackendCase[] = [
  { name: 'a history grows by what is told of it', run: grows },
  { name: 'a value of null is an attempt', run: keepsNullValues },
  { name: 'of several failures of an atom in one attempt the first is kept', run: keepsFirstFailure },
  { name: 'a failure goes to the latest attempt, and to none where there is none', run: notesInLatest },
  { name: 'a history that is forgotten is empty, and can grow again', run: forgets },
  { name: 'an atom that is PENDING again has no history', run: losesWhenPending },
  { name: 'histories of several retries and runs do not mix', run: keepsApart },
  { name: 'a history may have 1,000 attempts', run: takesManyAttempts },
]

async function historyOf(backend: Backend, name = 'a', id = 'r'): Promise<readonly StoredAttempt[] | undefined> {
  return (await storedAtom(backend, id, name)).history
}

async function prepare(backend: Backend, ...changes: readonly AtomChange[]): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('a', { kind: 'retry' }), ...changes]))
}

async function grows(backend: Backend): Promise<void> {
  await prepare(backend)
  assert.equal(await historyOf(backend), undefined)
  await backend.commit(batch('r', [{ name: 'a', attempt: { value: { mirror: 'a' } } }]))
  assert.deepEqual(await historyOf(backend), [{ value: { mirror: 'a' }, failures: {} }])
  const failure = failureOf('x')
  await backend.commit(batch('r', [{ name: 'a', attemptFailure: { atom: 'x', failure } }]))
  await backend.commit(batch('r', [{ name: 'a', attemptFailure: { atom: 'a b', failure: failureOf('a b') } }]))
  const first = { value: { mirror: 'a' }, failures: { x: failure, 'a b': failureOf('a b') } }
  assert.deepEqual(await historyOf(backend), [first])
  const next: AtomChange = { name: 'a', state: 'SUCCESS', result: 'b', attempt: { value: 'b' } }
  await backend.commit(batch('r', [next]))
  const { state, result, history } = await storedAtom(backend, 'r', 'a')
  assert.deepEqual([state, result, history], ['SUCCESS', 'b', [first, { value: 'b', failures: {} }]])
}

async function keepsNullValues(backend: Backend): Promise<void> {
  await prepare(backend, { name: 'a', attempt: { value: null } }, { name: 'a', attempt: { value: [null] } })
  assert.deepEqual(await historyOf(backend), [
    { value: null, failures: {} },
    { value: [null], failures: {} },
  ])
}

function fails(atom: string, message: string): AtomChange {
  return { name: 'a', attemptFailure: { atom, failure: failureOf(atom, message) } }
}

async function keepsFirstFailure(backend: Backend): Promise<void> {
  await prepare(backend, { name: 'a', attempt: { value: 1 } }, fails('x', 'first'), fails('x', 'second'))
  await backend.commit(batch('r', [fails('y', 'of y'), fails('x', 'third'), fails('__proto__', 'odd')]))
  const [attempt] = (await historyOf(backend)) ?? []
  const told = Object.entries(attempt?.failures ?? {}).map(([atom, { message }]) => [atom, message])
  assert.deepEqual(told, [
    ['x', 'first'],
    ['y', 'of y'],
    ['__proto__', 'odd'],
  ])
  await backend.commit(batch('r', [{ name: 'a', attempt: { value: 2 } }, fails('x', 'of the next')]))
  assert.deepEqual((await historyOf(backend))?.[1]?.failures, { x: failureOf('x', 'of the next') })
}

async function notesInLatest(backend: Backend): Promise<void> {
  const attemptFailure = { atom: 'x', failure: failureOf('x') }
  await prepare(backend, { name: 'a', attemptFailure })
  assert.equal(await historyOf(backend), undefined)
  await backend.commit(batch('r', [{ name: 'a', history: [], attemptFailure }]))
  assert.deepEqual(await historyOf(backend), [])
  const both: AtomChange = { name: 'a', attempt: { value: 1 }, attemptFailure }
  await backend.commit(batch('r', [both]))
  assert.deepEqual(await historyOf(backend), [{ value: 1, failures: { x: failureOf('x') } }])
}

async function forgets(backend: Backend): Promise<void> {
  const attemptFailure = { atom: 'x', failure: failureOf('x') }
  await prepare(backend, { name: 'a', attempt: { value: 1 }, attemptFailure }, { name: 'a', attempt: { value: 2 } })
  await backend.commit(batch('r', [{ name: 'a', history: [] }]))
  assert.deepEqual(await historyOf(backend), [])
  await backend.commit(batch('r', [{ name: 'a', attempt: { value: 3 } }]))
  assert.deepEqual(await historyOf(backend), [{ value: 3, failures: {} }])
  await backend.commit(batch('r', [{ name: 'a', history: [], attempt: { value: 4 } }]))
  assert.deepEqual(await historyOf(backend), [{ value: 4, failures: {} }])
}

async function losesWhenPending(backend: Backend): Promise<void> {
  const attemptFailure = { atom: 'x', failure: failureOf('x') }
  await prepare(backend, { name: 'a', attempt: { value: 1 }, attemptFailure })
  await backend.commit(batch('r', [{ name: 'a', state: 'PENDING' }]))
  assert.equal(await historyOf(backend), undefined)
  await backend.commit(batch('r', [{ name: 'a', state: 'RUNNING', attempt: { value: 2 } }]))
  assert.deepEqual(await historyOf(backend), [{ value: 2, failures: {} }])
}

async function keepsApart(backend: Backend): Promise<void> {
  await prepare(backend, begin('b', { kind: 'retry' }))
  await backend.create(pending('s'))
  await backend.commit(batch('s', [begin('a', { kind: 'retry', attempt: { value: 's' } })]))
  const attemptFailure = { atom: 'x', failure: failureOf('x') }
  await backend.commit(
    batch('r', [
      { name: 'a', attempt: { value: 'a' } },
      { name: 'b', attempt: { value: 'b' } },
    ]),
  )
  await backend.commit(batch('r', [{ name: 'b', attemptFailure }]))
  assert.deepEqual(await historyOf(backend, 'a'), [{ value: 'a', failures: {} }])
  assert.deepEqual(await historyOf(backend, 'b'), [{ value: 'b', failures: { x: failureOf('x') } }])
  await backend.commit(batch('r', [{ name: 'a', history: [] }]))
  assert.deepEqual(await historyOf(backend, 'b'), [{ value: 'b', failures: { x: failureOf('x') } }])
  assert.deepEqual(await historyOf(backend, 'a', 's'), [{ value: 's', failures: {} }])
}

async function takesManyAttempts(backend: Backend): Promise<void> {
  await prepare(backend)
  const failure = failureOf('x')
  const calls = Array.from({ length: 1_000 }, async (_, value) => {
    await backend.commit(batch('r', [{ name: 'a', attempt: { value } }]))
  })
  const failures = { name: 'a', attemptFailure: { atom: 'x', failure } }
  await Promise.all(calls)
  await backend.commit(batch('r', [failures]))
  const history = (await historyOf(backend)) ?? []
  assert.equal(history.length, 1_000)
  for (const [value, attempt] of history.entries()) {
    assert.deepEqual(attempt, { value, failures: value === 999 ? { x: failure } : {} })
  }
}
