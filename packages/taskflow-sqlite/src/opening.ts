/** Opens the file of a store, or says why not. Nothing is written to a file that is not ours to fill. */

import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ThreadData } from './messages.ts'
import { type Migration, migrations } from './migrations.ts'
import { Refusal, resultCode } from './refusal.ts'

/** Marks a file that holds nothing but our tables: "TKFW" in ASCII. Source: sqlite.org/pragma.html. */
const applicationId = 0x544b4657

/** Of a file that we make. A commit writes whole pages, and changes little of each: it costs half of one of 4,096. */
const pageBytes = 1_024

/** In the write-ahead log before it is copied back: the more, the fewer syncs and the longer one takes. */
const checkpointBytes = 32 << 20

const busy = 5
const pauseMs = 5

type Setting = Pick<ThreadData, 'file' | 'synchronous' | 'busyTimeout' | 'check'>

/** @throws Refusal, or what SQLite throws. */
export function openDatabase(setting: Setting): DatabaseSync {
  const { file, busyTimeout } = setting
  if (file !== ':memory:') refusePlace(file)
  const database = new DatabaseSync(file, { timeout: busyTimeout })
  try {
    refuseForeign(database, file)
    if (setting.check) refuseDamaged(database, file)
    prepareLog(database, setting)
    migrate(database, file)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** SQLite would open a file that may only be read, and break later, in other words each time. */
function refusePlace(file: string): void {
  const folder = path.dirname(path.resolve(file))
  if (!existsSync(folder)) throw refusal(file, `its folder ${folder} does not exist; make it first`)
  for (const place of existsSync(file) ? [folder, file] : [folder]) {
    try {
      accessSync(place, constants.W_OK)
    } catch {
      throw refusal(file, `${place} may only be read; give this user the right to write to the file and to its folder`)
    }
  }
}

function refusal(file: string, why: string): Refusal {
  return new Refusal('storage', `cannot use the database ${file}: ${why}`)
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(Object.values(database.prepare(`pragma ${pragma}`).get() ?? {})[0])
}

/** Names of the tables that there are, ours and others. SQLite's own are nobody's. */
function tablesIn(database: DatabaseSync): { readonly ours: readonly string[]; readonly others: readonly string[] } {
  const rows = database.prepare(`select name from sqlite_schema where type = 'table'`).all()
  const names = rows.map(({ name }) => String(name)).filter((name) => !name.startsWith('sqlite_'))
  return {
    ours: names.filter((name) => name.startsWith('taskflow_')),
    others: names.filter((name) => !name.startsWith('taskflow_')),
  }
}

/** An application may keep tables of its own in the file; its mark stays then. */
function refuseForeign(database: DatabaseSync, file: string): void {
  database.exec('begin')
  const found = numberOf(database, 'application_id')
  const { ours, others } = tablesIn(database)
  const applied = ours.includes('taskflow_migrations') ? appliedIn(database) : []
  database.exec('commit')
  if (others.length === 0 && found !== applicationId && (found !== 0 || ours.length > 0)) {
    const ids = `its application_id is ${found}, that of taskflow is ${applicationId}`
    throw refusal(file, `it belongs to another program (${ids}); name another file`)
  }
  if (ours.length > 0 && !ours.includes('taskflow_migrations')) {
    throw refusal(file, `another program has made the table ${ours[0]} in it; name another file`)
  }
  refuseNewer(applied, file)
}

function refuseNewer(applied: readonly number[], file: string, known: readonly Migration[] = migrations): void {
  const unknown = applied.filter((id) => !known.some((migration) => migration.id === id))
  if (unknown.length === 0) return
  const has = `its tables have migration ${unknown.join(', ')}, the last one known here is ${known.at(-1)?.id}`
  throw refusal(file, `it is newer than this program: ${has}; run the version that made it, or restore a backup`)
}

function refuseDamaged(database: DatabaseSync, file: string): void {
  const [first] = Object.values(database.prepare('pragma quick_check(1)').get() ?? {})
  if (first !== 'ok') throw refusal(file, `it is damaged (${String(first)}); restore a backup`)
}

/** SQLite does not wait for the lock that the change of the journal takes, so that two that begin at once must. */
function prepareLog(database: DatabaseSync, { file, synchronous, busyTimeout }: Setting): void {
  const deadline = performance.now() + busyTimeout
  // It is without effect where there is anything in the file.
  database.exec(`pragma page_size = ${pageBytes}`)
  for (;;) {
    try {
      const mode = database.prepare('pragma journal_mode = wal').get()?.['journal_mode']
      if (mode !== 'wal' && file !== ':memory:') throw refusal(file, 'its file system cannot hold a write-ahead log')
      break
    } catch (error) {
      if (resultCode(error) !== busy || performance.now() >= deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
    }
  }
  const checkpointPages = Math.ceil(checkpointBytes / numberOf(database, 'page_size'))
  database.exec(`pragma synchronous = ${synchronous}; pragma wal_autocheckpoint = ${checkpointPages}`)
}

/** In one transaction: all of it or nothing. What another process did in the meantime is seen. */
function migrate(database: DatabaseSync, file: string): void {
  database.exec('begin immediate')
  try {
    const { ours, others } = tablesIn(database)
    if (ours.length + others.length === 0) database.exec(`pragma application_id = ${applicationId}`)
    database.exec(`create table if not exists taskflow_migrations (
      id integer primary key,
      applied_at real not null
    ) strict`)
    const applied = appliedIn(database)
    refuseNewer(applied, file)
    for (const migration of migrations) if (!applied.includes(migration.id)) apply(database, migration)
    database.exec('commit')
  } catch (error) {
    if (database.isTransaction) database.exec('rollback')
    throw error
  }
}

function appliedIn(database: DatabaseSync): readonly number[] {
  return database
    .prepare('select id from taskflow_migrations order by id')
    .all()
    .map(({ id }) => Number(id))
}

function apply(database: DatabaseSync, { id, statements }: Migration): void {
  database.exec(statements)
  database.prepare('insert into taskflow_migrations (id, applied_at) values (?, ?)').run(id, Date.now())
}
