/** What the machine itself can do: commits of one row by SQLite, and syncs of a file. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Synchronous } from './runs.ts'

/** Microseconds a commit of one row, one after another, on the main thread: no store can be faster in sequence. */
export function rawCommit(folder: string, synchronous: Synchronous): number {
  const database = new DatabaseSync(join(folder, `raw-${synchronous}.sqlite`))
  database.exec(`pragma page_size = 1024; pragma journal_mode = wal; pragma synchronous = ${synchronous}`)
  database.exec('create table if not exists facts (key integer primary key, fact text)')
  const insert = database.prepare('insert into facts (fact) values (?)')
  const took = timed(synchronous === 'full' ? 200 : 5_000, () => insert.run('SUCCESS'))
  database.close()
  return took
}

/** Microseconds a `fdatasync` after 1 KiB was written. */
export function rawSync(folder: string): number {
  const file = openSync(join(folder, 'synced'), 'a')
  const bytes = Buffer.alloc(1_024)
  const took = timed(200, () => {
    writeSync(file, bytes)
    fdatasyncSync(file)
  })
  closeSync(file)
  return took
}

function timed(times: number, act: () => void): number {
  const began = performance.now()
  for (let time = 0; time < times; time++) act()
  return ((performance.now() - began) * 1_000) / times
}
