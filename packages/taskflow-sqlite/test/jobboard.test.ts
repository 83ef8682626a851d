import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '@glimpse/taskflow'
import { jobboardSuite, type SuiteJobboard } from '@glimpse/taskflow/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { jobStatement, SqliteStore } from '../src/index.ts'

/** Time that passes when a test says so. */
class HandClock implements Clock {
  #now = 1_000
  readonly #waits = new Set<{ readonly at: number; readonly ended: () => void }>()

  now(): number {
    return this.#now
  }

  wait(milliseconds: number, ended: () => void): () => void {
    const one = { at: this.#now + milliseconds, ended }
    this.#waits.add(one)
    return () => this.#waits.delete(one)
  }

  async pass(milliseconds: number): Promise<void> {
    this.#now += milliseconds
    // Who waits may be asking the file at this moment, and begin to wait afterwards.
    for (let turns = 0; turns < 50; turns++) {
      for (const one of this.#waits) if (one.at <= this.#now && this.#waits.delete(one)) one.ended()
      await turn()
    }
  }
}

async function newFile(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobboard-'))
  onTestFinished(async () => await rm(folder, { recursive: true }))
  return path.join(folder, 'store.sqlite')
}

async function openStore(file: string, clock: Clock = new HandClock()): Promise<SqliteStore> {
  const store = await SqliteStore.open({ file, clock })
  onTestFinished(async () => await store.close())
  return store
}

describe('the jobboard of a SQLite store', () => {
  const make = async (): Promise<SuiteJobboard> => {
    const clock = new HandClock()
    const store = await openStore(await newFile(), clock)
    return { jobboard: store.jobboard, pass: (milliseconds) => clock.pass(milliseconds), cleanup: () => store.close() }
  }
  for (const { name, run } of jobboardSuite(make)) it(name, run)

  it('finds jobs, claims and what is kept aside when it is opened again', async () => {
    const file = await newFile()
    const first = await SqliteStore.open({ file })
    await first.jobboard.post(['a', 'b', 'c'].map((id) => ({ id, factory: 'f' })))
    await first.jobboard.claim('a', { owner: 'host-1', lease: 60_000 })
    await first.jobboard.trash(await first.jobboard.claim('b', { owner: 'host-1', lease: 60_000 }), 'broken')
    const before = await first.jobboard.list()
    await first.close()
    const { jobboard } = await openStore(file, { now: () => Date.now(), wait: () => () => {} })
    expect(before.map(({ id, state }) => `${id} ${state}`)).toEqual(['a CLAIMED', 'b TRASHED', 'c UNCLAIMED'])
    expect(await jobboard.list()).toEqual(before)
  })

  it('has a job that was posted in the transaction of somebody else, and not one that was rolled back', async () => {
    const file = await newFile()
    const { jobboard } = await openStore(file)
    const other = new DatabaseSync(file)
    onTestFinished(() => other.close())
    const post = (id: string): void => {
      const { sql, parameters } = jobStatement({ id, factory: 'f', parameters: { of: id } }, 7)
      other.prepare(sql).run(...parameters)
    }
    other.exec('begin immediate')
    post('undone')
    other.exec('rollback')
    const waiting = jobboard.wait()
    other.exec('begin immediate')
    post('done')
    other.exec('commit')
    jobboard.wake()
    await waiting
    const [job, ...none] = await jobboard.claimNext({ owner: 'host-1', lease: 60_000 }, { limit: 10 })
    expect(none).toEqual([])
    expect(job).toMatchObject({ id: 'done', parameters: { of: 'done' }, postedAt: 7, fence: 1 })
  })

  it('notices after a while what another process has posted', async () => {
    const file = await newFile()
    const clock = new HandClock()
    const { jobboard } = await openStore(file, clock)
    const other = await openStore(file)
    const waiting = jobboard.wait()
    await turn()
    await other.jobboard.post([{ id: 'j', factory: 'f' }])
    await clock.pass(1_000)
    await waiting
    expect((await jobboard.claimNext({ owner: 'a', lease: 1_000 }))[0]?.id).toBe('j')
  })

  it('gives each job to one of several processes that claim at once', async () => {
    const file = await newFile()
    const boards = await Promise.all([1, 2, 3].map(async () => (await openStore(file)).jobboard))
    await boards[0]!.post(Array.from({ length: 30 }, (_, index) => ({ id: `j${index}`, factory: 'f' })))
    const claimed = await Promise.all(
      boards.flatMap((board, owner) =>
        Array.from({ length: 10 }, () => board.claimNext({ owner: `o${owner}`, lease: 60_000 })),
      ),
    )
    const ids = claimed.flat().map(({ id }) => id)
    expect(ids).toHaveLength(30)
    expect(new Set(ids).size).toBe(30)
  })
})
