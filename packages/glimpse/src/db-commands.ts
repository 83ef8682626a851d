/** `glimpse db`: what operators do with the database. Results go to stdout, reasons for a refusal to stderr. */

import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { SqliteStore, schemaVersion } from '@glimpse/taskflow-sqlite'
import type { Kysely } from 'kysely'
import { makeStores } from './app.ts'
import type { Config } from './config/config.ts'
import type { Stores } from './data/stores.ts'
import { imageRepo } from './db/images.ts'
import {
  type Counts,
  countRows,
  findDamage,
  flowMigrations,
  flowSchemaState,
  type SchemaState,
  schemaState,
} from './db/inspection.ts'
import { lockInstance } from './db/instance-lock.ts'
import { migrate } from './db/migrate.ts'
import { purge } from './db/purge.ts'
import type { Schema } from './db/schema.ts'
import { openDatabase } from './db/sqlite.ts'
import { taskRepo } from './db/tasks.ts'
import { ServiceError } from './domain/errors.ts'
import type { Clock } from './domain/ports.ts'
import { type ConfigOptions, configOf, forOperator } from './operator.ts'
import { checkStores, type StoreReport } from './usecases/check-stores.ts'

export interface PurgeCommand extends ConfigOptions {
  readonly ageInDays: string
  readonly maxRows: string
}

const dayMs = 86_400_000
const clock: Clock = { now: () => new Date() }

/** Brings the schema up to date. */
export async function syncDatabase(options: ConfigOptions): Promise<0 | 1> {
  return await forOperator(async () => {
    const { config } = configOf(options)
    await mkdir(path.dirname(config.database.file), { recursive: true })
    await whileAlone(config, async (db) => {
      const applied = (await migrate(db, clock)).map((id) => `applied ${id}`)
      const before = await flowMigrations(db)
      await (await SqliteStore.open({ file: config.database.file })).close()
      const after = await flowMigrations(db)
      applied.push(...after.filter((id) => !before.includes(id)).map((id) => `applied taskflow ${id}`))
      say([`Database ${config.database.file}`, ...(applied.length > 0 ? applied : ['nothing to do: it is up to date'])])
    })
    return 0
  })
}

/** Removes for good what has ended or was deleted long ago. */
export async function purgeDatabase(options: PurgeCommand): Promise<0 | 1> {
  return await forOperator(async () => {
    const { config } = configOf(options)
    const days = wholeNumber('--age-in-days', options.ageInDays)
    const rows = wholeNumber('--max-rows', options.maxRows)
    needFile(config)
    await whileAlone(config, async (db) => {
      refuseOther(config, await schemaState(db))
      const before = new Date(Math.max(0, clock.now().getTime() - days * dayMs))
      const stores = makeStores(config)
      const { tasks, images, kept } = await purge(db, { before, maxRows: rows, hasData: (id) => hasData(stores, id) })
      say([
        `Database ${config.database.file}`,
        `removed ${tasks} tasks that had ended, ${images} images that were deleted, before ${before.toISOString()}`,
        ...kept.map(
          (id) => `kept image ${id}: some of its data is left in a store; the service removes it while it runs`,
        ),
      ])
    })
    return 0
  })
}

/** Looks at everything and changes nothing; 1: something is wrong. */
export async function checkDatabase(options: ConfigOptions): Promise<0 | 1> {
  return await forOperator(async () => {
    const { config } = configOf(options)
    needFile(config)
    const db = openDatabase(config.database.file, { readOnly: true })
    try {
      say([`Database ${config.database.file}`])
      const damage = await findDamage(db)
      const isSound = damage.length === 0
      say(isSound ? ['integrity: ok'] : damage.map((said) => `integrity: ${said}; restore a backup`))
      const own = await schemaState(db)
      const flows = await flowSchemaState(db, schemaVersion)
      // Where tasks are never jobs, nobody makes its tables.
      const hasFlows = flows.last !== null || config.tasks.executor === 'taskflow'
      say([
        `schema: ${describe(own)}`,
        `schema of taskflow: ${hasFlows ? describe(flows) : 'none, and none is needed'}`,
      ])
      if (!isSound || !isCurrent(own) || (hasFlows && !isCurrent(flows))) return 1
      const counts = await countRows(db, clock.now())
      say(Object.entries(counts).map(([what, count]) => `${what}: ${listCounts(count)}`))
      return await checkData(config, db)
    } finally {
      await db.destroy()
    }
  })
}

async function checkData(config: Config, db: Kysely<Schema>): Promise<0 | 1> {
  const images = imageRepo(db, clock)
  const tasks = taskRepo(db, clock, { ttlHours: config.tasks.ttlHours })
  const reports = await checkStores({ images, tasks, stores: makeStores(config) })
  for (const report of reports) say(describeStore(report))
  return reports.some(({ problems }) => problems.length > 0) ? 1 : 0
}

function describeStore({ store, sound, problems, leftovers, foreign }: StoreReport): string[] {
  return [
    `store ${store}: ${sound} images as they should be, ${problems.length} problems`,
    ...problems.map((problem) => `  ${problem}`),
    ...leftovers.map(({ key, why }) => `  file ${key} is not needed (${why}); the service removes it while it runs`),
    ...foreign.map((name) => `  file ${name} has a name that no image ever had; the service leaves it alone`),
  ]
}

/** Nobody serves the database meanwhile, nor begins to. */
async function whileAlone(config: Config, work: (db: Kysely<Schema>) => Promise<void>): Promise<void> {
  const lock = lockInstance(config.database.file)
  try {
    const db = openDatabase(config.database.file)
    try {
      await work(db)
    } finally {
      await db.destroy()
    }
  } finally {
    lock.release()
  }
}

function needFile({ database: { file } }: Config): void {
  if (existsSync(file)) return
  const reason = `There is no database ${file}; name another one ([database] connection), or make it: glimpse db sync`
  throw new ServiceError('unavailable', { reason })
}

function refuseOther({ database: { file } }: Config, state: SchemaState): void {
  if (isCurrent(state)) return
  throw new ServiceError('unavailable', {
    reason: `The database ${file} cannot be purged: its schema is ${describe(state)}`,
  })
}

function isCurrent({ missing, unknown }: SchemaState): boolean {
  return missing.length === 0 && unknown.length === 0
}

function describe(state: SchemaState): string {
  const { last, missing, unknown } = state
  if (isCurrent(state)) return `${last}, up to date`
  if (unknown.length > 0) return `newer than this program (${unknown.join(', ')}); run the version that made it`
  return `older than this program (it lacks ${missing.join(', ')}); run: glimpse db sync`
}

function listCounts(counts: Counts): string {
  const texts = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`)
  return texts.length === 0 ? 'none' : texts.join(', ')
}

async function hasData({ staging, all }: Stores, image: string): Promise<boolean> {
  for (const store of [staging, ...all.values()]) if (await store.has(image)) return true
  return false
}

/** @throws ServiceError `invalid` */
function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new ServiceError('invalid', { reason: `${option} is '${text}'; a whole number from 0 to 999999999 is allowed` })
}

function say(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`)
}
