import { type Kysely, sql } from 'kysely'
import { migrations } from './migrations/all.ts'
import type { Schema } from './schema.ts'

/** How the schema of a file is to what a program knows. */
export interface SchemaState {
  /** The last step that the file has; null: none. */
  readonly last: string | null
  readonly missing: readonly string[]
  /** Steps of a newer program. */
  readonly unknown: readonly string[]
}

/** What SQLite finds wrong with the file; nothing, as a rule. Reads all of it. */
export async function findDamage(db: Kysely<Schema>): Promise<readonly string[]> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(10)`.execute(db)
  return rows.map(({ integrity_check: said }) => said).filter((said) => said !== 'ok')
}

export async function schemaState(db: Kysely<Schema>): Promise<SchemaState> {
  const has = await hasTable(db, 'schema_migrations')
  const rows = has ? await db.selectFrom('schema_migrations').select('id').orderBy('id').execute() : []
  const applied = rows.map(({ id }) => id)
  const known = migrations.map(({ id }) => id)
  return compare(applied, known)
}

/** @param version the last step that this program knows. */
export async function flowSchemaState(db: Kysely<Schema>, version: number): Promise<SchemaState> {
  const known = Array.from({ length: version }, (_, step) => String(step + 1))
  return compare(await flowMigrations(db), known)
}

/** The steps of the schema of runs and jobs that the file has. */
export async function flowMigrations(db: Kysely<Schema>): Promise<readonly string[]> {
  if (!(await hasTable(db, 'taskflow_migrations'))) return []
  const { rows } = await sql<{ id: number }>`select id from taskflow_migrations order by id`.execute(db)
  return rows.map(({ id }) => String(id))
}

function compare(applied: readonly string[], known: readonly string[]): SchemaState {
  return {
    last: applied.at(-1) ?? null,
    missing: known.filter((id) => !applied.includes(id)),
    unknown: applied.filter((id) => !known.includes(id)),
  }
}

/** How many there are of each kind. */
export type Counts = Readonly<Record<string, number>>

/** @param now decides which claims of jobs have ended. */
export async function countRows(
  db: Kysely<Schema>,
  now: Date,
): Promise<Readonly<Record<'images' | 'tasks' | 'jobs', Counts>>> {
  const state = sql`case when trashed_at is not null then 'kept aside'
    when expires_at > ${now.getTime()} then 'claimed' else 'waiting' end`
  return {
    images: await countBy(db, 'images', sql`status`),
    tasks: await countBy(db, 'tasks', sql`status`),
    jobs: (await hasTable(db, 'taskflow_jobs')) ? await countBy(db, 'taskflow_jobs', state) : {},
  }
}

async function countBy(db: Kysely<Schema>, table: string, kind: ReturnType<typeof sql>): Promise<Counts> {
  const { rows } = await sql<{ kind: string; count: number }>`
    select ${kind} as kind, count(*) as count from ${sql.table(table)} group by 1 order by 1`.execute(db)
  return Object.fromEntries(rows.map(({ kind: name, count }) => [name, count]))
}

async function hasTable(db: Kysely<Schema>, name: string): Promise<boolean> {
  const { rows } = await sql`select 1 from sqlite_schema where type = 'table' and name = ${name}`.execute(db)
  return rows.length > 0
}
