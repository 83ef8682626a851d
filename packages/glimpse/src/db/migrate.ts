import { type Kysely, sql, type Transaction } from 'kysely'
import { ServiceError } from '../domain/errors.ts'
import type { Clock } from '../domain/ports.ts'
import { migrations } from './migrations/all.ts'
import type { Migration } from './migrations/migration.ts'
import type { Schema } from './schema.ts'
import { applicationId } from './sqlite.ts'

/**
 * Brings the schema to what this program knows, in one transaction: all of it or nothing. Does nothing when it is
 * there already, also when several processes start at once.
 *
 * @returns the ids of what was applied.
 * @param known in the order of their ids; a test's own list, or all there are.
 * @throws ServiceError `unavailable` when the database has migrations that this program does not know.
 */
export async function migrate(
  db: Kysely<Schema>,
  clock: Clock,
  known: readonly Migration[] = migrations,
): Promise<readonly string[]> {
  return await db.transaction().execute(async (trx) => {
    const applied = await readApplied(trx)
    await refuseNewer(trx, applied, known)
    const missing = known.filter(({ id }) => !applied.has(id))
    for (const migration of missing) await apply(trx, migration, clock.now().toISOString())
    return missing.map(({ id }) => id)
  })
}

async function readApplied(trx: Transaction<Schema>): Promise<Set<string>> {
  await sql`pragma application_id = ${sql.lit(applicationId)}`.execute(trx)
  await sql`create table if not exists schema_migrations (
    id text primary key not null,
    applied_at text not null
  ) strict, without rowid`.execute(trx)
  const rows = await trx.selectFrom('schema_migrations').select('id').execute()
  return new Set(rows.map(({ id }) => id))
}

async function refuseNewer(
  trx: Transaction<Schema>,
  applied: ReadonlySet<string>,
  known: readonly Migration[],
): Promise<void> {
  const ids = new Set(known.map(({ id }) => id))
  const unknown = [...applied].filter((id) => !ids.has(id))
  if (unknown.length === 0) return
  const { rows } = await sql<{ file: string }>`select file from pragma_database_list where name = 'main'`.execute(trx)
  const file = rows[0]?.file ?? ''
  throw new ServiceError('unavailable', {
    reason: `The database ${file} is newer than this program: it has ${unknown.join(', ')}, the last known is ${known.at(-1)?.id}; run the version that made it, or restore a backup from before`,
  })
}

async function apply(trx: Transaction<Schema>, migration: Migration, now: string): Promise<void> {
  for (const statement of migration.statements) await sql.raw(statement).execute(trx)
  await trx.insertInto('schema_migrations').values({ id: migration.id, applied_at: now }).execute()
}
