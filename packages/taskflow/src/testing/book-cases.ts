import assert from 'node:assert/strict'
import type { Backend } from '../storage/backend.ts'
import { type BackendCase, batch, begin, pending, refuses, stored } from './backend-case.ts'

export const bookCases: readonly BackendCase[] = [
  { name: 'a log book is listed as it was saved', run: listsBooks },
  { name: 'a log book that is saved again is replaced, and keeps its runs', run: replacesBook },
  { name: 'log books are listed in the order of their ids', run: ordersBooks },
  { name: 'a run of a log book that is not there is refused', run: refusesUnknownBook },
  { name: 'a removed log book is gone with its runs, and its id is free', run: removesBook },
]

async function listsBooks(backend: Backend): Promise<void> {
  assert.deepEqual(await backend.listBooks(), [])
  const books = [
    { id: ' ', name: '', meta: {} },
    { id: 'b"\u0000\'', name: 'Grüße\n', meta: { region: 'north', deep: [{ x: null }], __proto__: 1 } },
  ]
  for (const book of books) await backend.saveBook(book)
  assert.deepEqual(await backend.listBooks(), books)
}

async function replacesBook(backend: Backend): Promise<void> {
  await backend.saveBook({ id: 'b', name: 'old', meta: { old: true } })
  await backend.create(pending('r', { book: 'b' }))
  await backend.saveBook({ id: 'b', name: 'new', meta: { new: true } })
  assert.deepEqual(await backend.listBooks(), [{ id: 'b', name: 'new', meta: { new: true } }])
  assert.deepEqual((await stored(backend, 'r')).flow, pending('r', { book: 'b' }))
}

async function ordersBooks(backend: Backend): Promise<void> {
  for (const id of ['b', '10', 'B', 'a', '9', 'ab']) await backend.saveBook({ id, name: 'one name', meta: {} })
  assert.deepEqual(
    (await backend.listBooks()).map(({ id }) => id),
    ['10', '9', 'B', 'a', 'ab', 'b'],
  )
}

async function refusesUnknownBook(backend: Backend): Promise<void> {
  await backend.saveBook({ id: 'b', name: 'book', meta: {} })
  await refuses(() => backend.create(pending('r', { book: 'B' })))
  assert.equal(await backend.load('r'), undefined)
  assert.deepEqual(await backend.list(), [])
  await backend.create(pending('r', { book: 'b' }))
  assert.equal((await stored(backend, 'r')).flow.book, 'b')
}

async function removesBook(backend: Backend): Promise<void> {
  for (const id of ['b', 'other']) await backend.saveBook({ id, name: 'book', meta: {} })
  await backend.create(pending('kept', { book: 'other' }))
  await backend.create(pending('alone'))
  for (const id of ['r', 's']) {
    await backend.create(pending(id, { book: 'b' }))
    await backend.commit(batch(id, [begin('a', { kind: 'retry', attempt: { value: 1 } })]))
  }
  for (const id of ['b', 'b', 'never there']) await backend.removeBook(id)
  assert.deepEqual(await backend.listBooks(), [{ id: 'other', name: 'book', meta: {} }])
  assert.deepEqual([await backend.load('r'), await backend.load('s')], [undefined, undefined])
  assert.deepEqual(
    (await backend.list()).map(({ id }) => id),
    ['kept', 'alone'],
  )
  await refuses(() => backend.commit(batch('r', [begin('a')])))
  await refuses(() => backend.create(pending('r', { book: 'b' })))
  await backend.saveBook({ id: 'b', name: 'again', meta: {} })
  assert.deepEqual(await backend.list({ book: 'b' }), [])
  await backend.create(pending('r', { book: 'b' }))
  assert.deepEqual(await stored(backend, 'r'), { flow: pending('r', { book: 'b' }), atoms: [] })
}
