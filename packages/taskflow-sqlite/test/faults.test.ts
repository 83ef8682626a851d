import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Backend } from '@glimpse/taskflow'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SqliteStore } from '../src/index.ts'
import { migrations } from '../src/migrations.ts'
import { faultRefusal, runFaulty } from './faulty.ts'
import { attempt, endOf } from './small-run.ts'
import { batch, begin, freshFile, freshFolder, openStore, pending } from './stores.ts'

const wholeEnd = 'SUCCESS: first SUCCESS 1 1, part_retry SUCCESS 2 1, second SUCCESS 2 1, third SUCCESS 2 5000'
/** Processes are started, and many files are opened. */
const patience = 180_000

interface Campaign {
  /** How many calls there were to fail at. */
  readonly calls: number
  /** How often it came to what. */
  readonly outcomes: Readonly<Record<string, number>>
}

interface SlowFigures {
  /** Milliseconds. */
  readonly took: number
  readonly transactions: number
  /** How late timers were in each round, in milliseconds. */
  readonly p99s: readonly number[]
}

describe.skipIf(faultRefusal)(`a disk that fails at one call${faultRefusal}`, () => {
  it.each([
    ['EIO', 'normal'],
    ['ENOSPC', 'full'],
  ])('while a run is under way: %s at any call, synchronous %s', { timeout: patience }, async (...setting) => {
    const [errno, synchronous] = setting
    const found = await runFaulty('./failing-disk.ts', freshFolder(), errno, 'running', synchronous)
    const { calls, outcomes } = found as Campaign
    expect(calls).toBeGreaterThan(50)
    // Whatever could not be stored stopped the run; in the end it is as one that was never stopped.
    expect(outcomes).toEqual({ [`storage, then ${wholeEnd}`]: calls, [`null, then ${wholeEnd}`]: 1 })
  })

  it('while a file is made: it is refused, or whole; and it can be made later', { timeout: patience }, async () => {
    const { calls, outcomes } = (await runFaulty('./failing-disk.ts', freshFolder(), 'EIO', 'opening')) as Campaign
    const end = `ok, migrations: ${migrations.length} of ${migrations.length}`
    const { [`storage, then ${end}`]: refused = 0, [`null, then ${end}`]: whole = 0, ...others } = outcomes
    expect(others).toEqual({})
    expect(refused).toBeGreaterThan(30)
    expect(refused + whole).toBe(calls + 1)
  })

  it('that is slow only to sync does not hold up the event loop', { timeout: patience }, async () => {
    const found = (await runFaulty('./slow-disk.ts', freshFolder(), '20')) as SlowFigures
    // The syncs were as slow as they were to be: each transaction waited for one.
    expect(found.transactions).toBeGreaterThan(50)
    expect(found.took).toBeGreaterThan(found.transactions * 20)
    // A machine that is busy with others is late by itself: the best of the rounds counts.
    expect(Math.min(...found.p99s)).toBeLessThan(10)
  })
})

/** Has done something, somewhere else, just before a write, and undone just after it. */
interface Fault {
  begin(): void
  end(): void
}

/** The nth write is made while there is a fault. */
function faultyAt(inner: Backend, at: number, fault: Fault): Backend {
  let writes = 0
  const write = async (act: () => unknown): Promise<void> => {
    if (++writes !== at) return void (await act())
    fault.begin()
    try {
      await act()
    } finally {
      fault.end()
    }
  }
  return {
    saveBook: (book) => inner.saveBook(book),
    listBooks: () => inner.listBooks(),
    removeBook: (id) => inner.removeBook(id),
    create: (flow) => write(() => inner.create(flow)),
    commit: (changes) => write(() => inner.commit(changes)),
    load: (id) => inner.load(id),
    list: (query) => inner.list(query),
    remove: (id) => inner.remove(id),
    close: () => inner.close(),
  }
}

it('a run that finds the file locked at any of its writes is stopped, and goes on later to the same end', async () => {
  const file = freshFile()
  const { backend } = await openStore({ file, busyTimeout: 0 })
  const other = new DatabaseSync(file)
  onTestFinished(() => other.close())
  const lock = { begin: () => other.exec('begin immediate'), end: () => other.exec('rollback') }
  const codes: (string | null)[] = []
  for (let at = 1; codes.at(-1) !== null; at++) {
    codes.push(await attempt(faultyAt(backend, at, lock), `r${at}`))
    expect(await attempt(backend, `r${at}`)).toBeNull()
    expect(await endOf(backend, `r${at}`)).toBe(wholeEnd)
  }
  expect(codes.length).toBeGreaterThan(8)
  expect(codes.slice(0, -1)).toEqual(codes.slice(1).map(() => 'storage'))
})

describe('a write-ahead log whose end is torn', () => {
  const batches = 12
  /** The files as a process that was killed leaves them. */
  const leftBehind = async (): Promise<string> => {
    const file = freshFile()
    const { backend } = await openStore({ file })
    await backend.create(pending('r'))
    for (let number = 1; number <= batches; number++) {
      const atom = begin(`atom ${number}`, { state: 'SUCCESS', result: number })
      await backend.commit(batch('r', [atom, { ...atom, name: 'latest' }], { at: number }))
    }
    const copy = join(freshFolder(), 'flows.sqlite')
    for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${copy}${end}`)
    return copy
  }
  /** How many batches are found; each must be whole, and none before it may be missing. */
  const found = async (file: string): Promise<number> => {
    const store = await SqliteStore.open({ file })
    const { flow, atoms = [] } = (await store.backend.load('r')) ?? {}
    await store.close()
    const numbers = atoms.filter(({ name }) => name !== 'latest').map(({ result }) => Number(result))
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    expect([flow?.updatedAt, atoms.find(({ name }) => name === 'latest')?.result]).toEqual([
      numbers.length,
      numbers.length,
    ])
    return numbers.length
  }

  it('gives every batch when nothing is torn', async () => {
    expect(await found(await leftBehind())).toBe(batches)
  })

  it.each([1, 500, 1_100, 3_000])('cut off by %i bytes, gives the last whole batch', async (bytes) => {
    const file = await leftBehind()
    truncateSync(`${file}-wal`, readFileSync(`${file}-wal`).length - bytes)
    const left = await found(file)
    expect(left).toBeLessThan(batches)
    expect(left).toBeGreaterThan(batches - 4)
  })

  it.each([1, 600, 1_040, 2_500])('with other bytes %i from its end, gives the last whole batch', async (bytes) => {
    const file = await leftBehind()
    const log = readFileSync(`${file}-wal`)
    log[log.length - bytes]! ^= 0xff
    writeFileSync(`${file}-wal`, log)
    const left = await found(file)
    expect(left).toBeLessThan(batches)
    expect(left).toBeGreaterThan(batches - 4)
  })
})
