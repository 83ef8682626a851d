import { DatabaseSync } from 'node:sqlite'
import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { ServiceError } from '../domain/errors.ts'
import type { Schema } from './schema.ts'
import { explain, WaitingSqliteDriver } from './sqlite-driver.ts'

/** Marks a SQLite file as Glimpse's: "GLMP" in ASCII. Source: sqlite.org/pragma.html#pragma_application_id. */
export const applicationId: number = 0x474c4d50

export interface OpenOptions {
  /** How long to wait for a write lock that another connection holds, in milliseconds; 5000 when not given. */
  readonly busyTimeoutMs?: number
  /** Whether it is only looked at: then nothing is written to it, and it must be there. */
  readonly readOnly?: boolean
}

/**
 * Opens a file, or makes it; its folder must exist. Its tables come with `migrate`. A write is safe once it is
 * answered, also when the process is killed; a power cut may lose the last ones (synchronous = NORMAL).
 *
 * Nothing is written to a file that is not ours, and nothing is ever repaired.
 *
 * @throws ServiceError `unavailable` when the file cannot be opened, is no database, or is another program's.
 */
export function openDatabase(file: string, options: OpenOptions = {}): Kysely<Schema> {
  const busyTimeoutMs = options.busyTimeoutMs ?? 5000
  const database = openFile(file, busyTimeoutMs, options.readOnly ?? false)
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new WaitingSqliteDriver(database, busyTimeoutMs),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
}

function openFile(file: string, busyTimeoutMs: number, readOnly: boolean): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true, readOnly })
    refuseForeign(database, file)
    if (!readOnly) database.exec('pragma journal_mode = wal; pragma synchronous = normal')
    return database
  } catch (error) {
    database?.close()
    throw explain(error, file)
  }
}

/** An empty file is ours to fill. One transaction, lest another process fills it between the two questions. */
function refuseForeign(database: DatabaseSync, file: string): void {
  database.exec('begin')
  const found = database.prepare('pragma application_id').get()?.['application_id']
  const objects = database.prepare('select count(*) as count from sqlite_schema').get()?.['count']
  database.exec('commit')
  if (found === applicationId || (found === 0 && objects === 0)) return
  throw new ServiceError('unavailable', {
    reason: `${file} is the SQLite database of another program (application_id ${String(found)}, Glimpse's is ${applicationId}); name another file`,
  })
}
