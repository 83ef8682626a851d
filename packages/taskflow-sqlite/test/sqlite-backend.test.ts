import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { backendSuite } from '@glimpse/taskflow/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SqliteStore } from '../src/index.ts'
import { batch, begin, freshFile, freshFolder, openStore, pending, refusal } from './stores.ts'

describe.each(['normal', 'full'] as const)('the SQLite backend, synchronous %s', (synchronous) => {
  // One store for all cases, emptied after each: it is its thread that takes time to start.
  const folder = mkdtempSync(join(tmpdir(), 'taskflow-sqlite-'))
  const file = join(folder, 'flows.sqlite')
  let store: SqliteStore
  beforeAll(async () => {
    store = await SqliteStore.open({ file, synchronous })
  })
  afterAll(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })
  const empty = async (): Promise<void> => {
    for (const { id } of await store.backend.listBooks()) await store.backend.removeBook(id)
    for (const { id } of await store.backend.list({ limit: Number.POSITIVE_INFINITY })) await store.backend.remove(id)
  }
  for (const { name, run } of backendSuite(async () => ({ backend: store.backend, cleanup: empty }))) it(name, run)

  it('leaves nothing of what is removed', () => {
    const database = new DatabaseSync(file)
    for (const table of ['flows', 'flow_details', 'atoms', 'attempts', 'attempt_failures', 'books']) {
      const { count } = database.prepare(`select count(*) as count from taskflow_${table}`).get() ?? {}
      expect([table, count]).toEqual([table, 0])
    }
    database.close()
  })
})

describe('a store in memory', () => {
  it('keeps runs until it is closed', async () => {
    const { backend } = await openStore({ file: ':memory:' })
    await backend.create(pending('r'))
    await backend.commit(batch('r', [begin('a')]))
    expect((await backend.load('r'))?.atoms.map(({ name }) => name)).toEqual(['a'])
  })
})

describe('a file that is opened again', () => {
  it('has everything', async () => {
    const file = freshFile()
    const first = await openStore({ file })
    await first.backend.saveBook({ id: 'b', name: 'book', meta: { x: 1 } })
    await first.backend.create(pending('r', { book: 'b', inputs: { image: 'a' }, fence: 3 }))
    const failure = { atom: 'x', names: ['Error'], message: 'no', code: null, stack: null, causes: [] }
    const retry = begin('times', { kind: 'retry', attempt: { value: 1 }, attemptFailure: { atom: 'x', failure } })
    await first.backend.commit(batch('r', [retry, begin('a', { result: { y: [null] } })], { fence: 4 }))
    const before = [await first.backend.load('r'), await first.backend.list(), await first.backend.listBooks()]
    await first.close()
    const { backend } = await openStore({ file })
    expect([await backend.load('r'), await backend.list(), await backend.listBooks()]).toEqual(before)
    expect((await refusal(backend.commit(batch('r', [], { fence: 3 })) as Promise<void>)).code).toBe('stale-owner')
  })
})

it('gives names, versions, times and values as they were, whatever is in them', async () => {
  const { backend } = await openStore({ file: freshFile() })
  await backend.create(pending('r'))
  const text = 'a "b" \\ \u0000 \n \u2028 \u007f ü 😀 \'||\''
  const times = { beganAt: 1_764_000_000_000.123, endedAt: 0.1 + 0.2 }
  const atom = begin(text, { version: text, state: 'SUCCESS', result: { [text]: text }, ...times })
  const retry = begin('', { kind: 'retry', attempt: { value: text } })
  await backend.commit(batch('r', [atom, retry]))
  const { atoms } = (await backend.load('r'))!
  expect(atoms[0]).toEqual({ ...atom, intention: 'EXECUTE' })
  expect(atoms[1]).toEqual({
    ...begin('', { kind: 'retry' }),
    intention: 'EXECUTE',
    history: [{ value: text, failures: {} }],
  })
})

describe('group commit', () => {
  it('stores everything that is asked for in one turn of the event loop as one transaction', async () => {
    const store = await openStore({ file: freshFile() })
    const ids = Array.from({ length: 50 }, (_, index) => `r${index}`)
    await Promise.all(ids.map(async (id) => await store.backend.create(pending(id))))
    expect(store.statistics).toEqual({ transactions: 1, batches: 0 })
    await Promise.all(ids.map(async (id) => await store.backend.commit(batch(id, [begin('a')]))))
    expect(store.statistics).toEqual({ transactions: 2, batches: 50 })
  })

  it('stores what many ask for as soon as they are answered as one transaction', async () => {
    const store = await openStore({ file: freshFile() })
    const steps = async (id: string): Promise<void> => {
      await store.backend.create(pending(id))
      for (const name of ['a', 'b', 'c']) await store.backend.commit(batch(id, [begin(name)]))
    }
    await Promise.all(Array.from({ length: 50 }, (_, index) => steps(`r${index}`)))
    expect(store.statistics).toEqual({ transactions: 4, batches: 150 })
  })

  it('counts no transaction where nothing was written', async () => {
    const store = await openStore({ file: freshFile() })
    await Promise.all([store.backend.load('r'), store.backend.list(), store.backend.listBooks()])
    expect(store.statistics).toEqual({ transactions: 0, batches: 0 })
  })

  it('stores what is beside a batch that SQLite itself refuses, and nothing of that one', async () => {
    const { backend } = await openStore({ file: freshFile() })
    await backend.create(pending('r'))
    const broken = [begin('half'), begin('broken', { attempts: 1.5 })]
    const outcomes = await Promise.allSettled([
      backend.commit(batch('r', [begin('a')])),
      backend.commit(batch('r', broken)),
      backend.commit(batch('r', [begin('b')])),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await backend.load('r'))?.atoms.map(({ name }) => name)).toEqual(['a', 'b'])
  })
})

describe('what cannot be stored', () => {
  it('is refused where two texts would become one', async () => {
    const { backend } = await openStore({ file: freshFile() })
    await backend.create(pending('r'))
    const error = await refusal(backend.commit(batch('r', [begin('half \ud800')])) as Promise<void>)
    expect(error.message).toBe('the name of an atom "half \\ud800" cannot be stored: it has half of a surrogate pair')
    expect((await refusal(backend.create(pending('\udfff')) as Promise<void>)).code).toBe('storage')
    expect(await backend.list()).toHaveLength(1)
  })

  it('changes nothing', async () => {
    const { backend } = await openStore({ file: freshFile() })
    await backend.create(pending('r'))
    const call = backend.commit(batch('r', [begin('a'), begin('b', { result: { big: 1n } })])) as Promise<void>
    await expect(call).rejects.toThrow('BigInt')
    expect((await backend.load('r'))?.atoms).toEqual([])
  })
})

describe('closing', () => {
  it('finishes what was asked for, and refuses what comes later', async () => {
    const file = freshFile()
    const store = await openStore({ file })
    const asked = Promise.all([store.backend.create(pending('r')), store.backend.commit(batch('r', [begin('a')]))])
    await store.close()
    await asked
    const late = await refusal(store.backend.load('r') as Promise<unknown>)
    expect([late.code, late.message]).toEqual(['storage', `cannot use the database ${file}: it is closed`])
    await store.close()
    const again = await openStore({ file })
    expect((await again.backend.load('r'))?.atoms).toHaveLength(1)
  })
})

describe('options', () => {
  it.each([
    [{ synchronous: 'off' as never }, "synchronous must be 'normal' or 'full', not 'off'"],
    [{ busyTimeout: -1 }, 'busyTimeout must be a whole number of milliseconds from 0 to 2147483647, not -1'],
    [{ busyTimeout: 0.5 }, 'busyTimeout must be a whole number of milliseconds from 0 to 2147483647, not 0.5'],
  ])('%o are refused', async (options, message) => {
    const error = await refusal(SqliteStore.open({ file: `${freshFolder()}/x`, ...options }))
    expect([error.code, error.message]).toEqual(['invalid-flow', message])
  })
})
