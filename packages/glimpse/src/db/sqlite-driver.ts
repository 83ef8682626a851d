import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type SqliteDatabase,
  SqliteDriver,
  type SqliteStatement,
  type TransactionSettings,
} from 'kysely'
import { ServiceError } from '../domain/errors.ts'

const maxStatements = 256
const maxPauseMs = 25

/** SQLite's result codes that a user or deployer can act on. Source: sqlite.org/rescode.html. */
const resultCodes: Readonly<Record<number, string>> = {
  5: 'another process keeps the database locked; try again',
  8: 'the database may only be read; give this user the right to write to the file and to its folder',
  10: 'the disk of the database cannot be read or written; check the disk',
  11: 'the database is damaged; restore a backup',
  13: 'the disk of the database is full; free space there',
  14: 'the database cannot be opened; its folder must exist, and this user must have the right to write there',
  26: 'the file is no SQLite database; name another file',
}
const busy = 5

/** SQLite's primary result code of an error; undefined when SQLite did not throw it. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff
}

/** Whether another connection has the lock that was wanted. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === busy
}

/** What SQLite threw, in words to act on where there are any: a ServiceError `unavailable` with the cause. */
export function explain(error: unknown, file?: string): unknown {
  const text = resultCodes[resultCode(error) ?? 0]
  if (text === undefined) return error
  const reason = file === undefined ? `Cannot use the database: ${text}` : `Cannot use the database ${file}: ${text}`
  return new ServiceError('unavailable', { reason }, { cause: error })
}

function explained<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw explain(error)
  }
}

/** Gives a statement the shape that Kysely expects (better-sqlite3's). */
function adapt(database: DatabaseSync, text: string): SqliteStatement {
  const statement = database.prepare(text)
  return {
    reader: statement.columns().length > 0,
    all: (values) => explained(() => statement.all(...(values as SQLInputValue[]))),
    run: (values) => explained(() => statement.run(...(values as SQLInputValue[]))),
    iterate: (values) => statement.iterate(...(values as SQLInputValue[])),
  }
}

/** node:sqlite in the shape that Kysely's driver expects, with the most recently used statements kept prepared. */
function cacheStatements(database: DatabaseSync): SqliteDatabase {
  const cache = new Map<string, SqliteStatement>()
  return {
    close: () => database.close(),
    prepare(text) {
      const statement = cache.get(text) ?? explained(() => adapt(database, text))
      cache.delete(text)
      cache.set(text, statement)
      const [oldest] = cache.keys()
      if (cache.size > maxStatements && oldest !== undefined) cache.delete(oldest)
      return statement
    },
  }
}

/**
 * Kysely's driver with three differences, all about transactions.
 *
 * A writing transaction takes the write lock when it begins: one that begins by reading and writes later fails at
 * once (SQLITE_BUSY_SNAPSHOT) when another connection wrote between. While another connection has the lock, it waits
 * without blocking the event loop, where the holder may be another connection of this very process. A rollback of a
 * transaction that SQLite has rolled back itself (full disk) does nothing, so that the first error is what is seen.
 */
export class WaitingSqliteDriver extends SqliteDriver {
  readonly #database: DatabaseSync
  readonly #busyTimeoutMs: number

  constructor(database: DatabaseSync, busyTimeoutMs: number) {
    super({ database: cacheStatements(database) })
    this.#database = database
    this.#busyTimeoutMs = busyTimeoutMs
  }

  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings = {}): Promise<void> {
    if (settings.accessMode === 'read only') {
      await connection.executeQuery(CompiledQuery.raw('begin'))
      return
    }
    const deadline = performance.now() + this.#busyTimeoutMs
    for (let wait = 1; ; wait = Math.min(wait * 2, maxPauseMs)) {
      const refusal = this.#tryBegin()
      if (refusal === undefined) return
      if (!isBusy(refusal) || performance.now() >= deadline) throw explain(refusal)
      await pause(wait)
    }
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await super.rollbackTransaction(connection)
  }

  #tryBegin(): unknown {
    this.#database.exec('pragma busy_timeout = 0')
    try {
      this.#database.exec('begin immediate')
      return undefined
    } catch (error) {
      return error
    } finally {
      this.#database.exec(`pragma busy_timeout = ${this.#busyTimeoutMs}`)
    }
  }
}
