import {
  CompiledQuery,
  type Kysely,
  type Selectable,
  type SelectQueryBuilder,
  sql,
  type Transaction,
  type Updateable,
} from 'kysely'
import { ServiceError } from '../domain/errors.ts'
import type { Clock, TaskQuery, TaskRepo } from '../domain/ports.ts'
import {
  type JsonObject,
  type NewTask,
  type Task,
  type TaskOutcome,
  type TaskStatus,
  taskStatuses,
  taskTransitions,
} from '../domain/task.ts'
import { changeImage } from './image-changes.ts'
import { checkLimit, completeSort, isAfter } from './keyset.ts'
import type { Schema, TaskTable } from './schema.ts'

type TaskRow = Selectable<TaskTable>
type Accept = Parameters<TaskRepo['accept']>

const hourMs = 3_600_000
const open = taskStatuses.filter((status) => taskTransitions[status].length > 0)
const sortColumns = {
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  expiresAt: 'expires_at',
  id: 'id',
  status: 'status',
  type: 'type',
} as const satisfies { readonly [K in TaskQuery['sort']['key']]: keyof TaskTable }

/** What is to be stored with a task: a statement on the same file, and its parameters. */
export type AlsoStore = (task: NewTask) => { readonly sql: string; readonly parameters: readonly unknown[] }

export interface TaskRepoOptions {
  /** How long a task is kept after its end; one that has not ended is kept for ever. */
  readonly ttlHours: number
  readonly alsoStore?: AlsoStore
  /** Makes what was accepted durable against a power cut. */
  readonly syncLog?: () => Promise<void>
}

/** Tasks in the database. */
export function taskRepo(db: Kysely<Schema>, clock: Clock, options: TaskRepoOptions): TaskRepo {
  const { ttlHours, alsoStore, syncLog } = options
  const now = () => clock.now().toISOString()
  const read = () => db.transaction().setAccessMode('read only')
  return {
    accept: async (...accepted) => {
      const task = await db.transaction().execute(async (trx) => {
        const also = alsoStore?.(accepted[0])
        if (also) await trx.executeQuery(CompiledQuery.raw(also.sql, [...also.parameters]))
        return await acceptTask(trx, accepted, now())
      })
      await syncLog?.()
      return task
    },
    find: (id) => read().execute((trx) => loadTask(trx, id)),
    list: (query) => read().execute((trx) => listTasks(trx, query)),
    begin: (id) => db.transaction().execute((trx) => moveTask(trx, id, { status: 'processing', updated_at: now() })),
    say: async (id, message) => {
      const said = { message, updated_at: now() }
      await db.transaction().execute((trx) => sayWhileOpen(trx, id, said))
    },
    finish: (id, outcome) => db.transaction().execute((trx) => finishTask(trx, id, outcome, clock.now(), ttlHours)),
    expire: () =>
      db.transaction().execute(async (trx) => {
        const { numDeletedRows } = await trx.deleteFrom('tasks').where('expires_at', '<=', now()).executeTakeFirst()
        return Number(numDeletedRows)
      }),
    unfinished: () =>
      read().execute(async (trx) => {
        const rows = trx.selectFrom('tasks').selectAll().where('status', 'in', open)
        return (await rows.orderBy('created_at').orderBy('id').execute()).map(toTask)
      }),
  }
}

async function sayWhileOpen(trx: Transaction<Schema>, id: string, said: Updateable<TaskTable>): Promise<void> {
  await trx.updateTable('tasks').set(said).where('id', '=', id).where('status', 'in', open).execute()
}

async function acceptTask(trx: Transaction<Schema>, [task, lock]: Accept, now: string): Promise<Task> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('tasks')
    .values(toNewRow(task, now))
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  if (numInsertedOrUpdatedRows === 0n) {
    throw new ServiceError('conflict', { reason: `Task ID ${task.id} already exists!` })
  }
  if (lock) {
    const change = { ...lock.change, set: { ...lock.change?.set, importTask: task.id } }
    await changeImage(trx, lock.image, change, { importTask: null, ...lock.expected }, now)
  }
  return mustLoad(trx, task.id)
}

function finishTask(
  trx: Transaction<Schema>,
  id: string,
  outcome: TaskOutcome,
  now: Date,
  ttlHours: number,
): Promise<Task> {
  const updated_at = now.toISOString()
  const ended = {
    status: outcome.status,
    updated_at,
    expires_at: new Date(now.getTime() + ttlHours * hourMs).toISOString(),
    message: outcome.message,
    ...(outcome.status === 'success' ? { result: JSON.stringify(outcome.result) } : {}),
  }
  return moveTask(trx, id, ended, () =>
    trx.updateTable('images').set({ import_task: null, updated_at }).where('import_task', '=', id).execute(),
  )
}

/** The statement decides, as with images: of two that end a task, one finds it ended. */
async function moveTask(
  trx: Transaction<Schema>,
  id: string,
  columns: Updateable<TaskTable> & { status: TaskStatus },
  also?: () => Promise<unknown>,
): Promise<Task> {
  const to = columns.status
  const from = taskStatuses.filter((status) => taskTransitions[status].includes(to))
  const moved = await trx
    .updateTable('tasks')
    .set(columns)
    .where('id', '=', id)
    .where('status', 'in', from)
    .executeTakeFirst()
  const task = await mustLoad(trx, id)
  if (moved.numUpdatedRows === 0n) throw new ServiceError('task-transition', { id, from: task.status, to })
  await also?.()
  return task
}

async function listTasks(trx: Kysely<Schema>, query: TaskQuery): Promise<Task[]> {
  const { marker } = query
  const row =
    marker === undefined
      ? undefined
      : await trx.selectFrom('tasks').selectAll().where('id', '=', marker).executeTakeFirst()
  if (marker !== undefined && !row) throw new ServiceError('task-not-found', { id: marker })
  return (await selectTaskPage(trx, query, row).execute()).map(toTask)
}

/** The statement of one page, before it is run. */
export function selectTaskPage(
  db: Kysely<Schema>,
  { type, status, owner, imageId, sort, limit }: TaskQuery,
  marker: TaskRow | undefined,
): SelectQueryBuilder<Schema, 'tasks', TaskRow> {
  const column = sortColumns[sort.key]
  const terms = completeSort([{ column, direction: sort.direction, nullable: column === 'expires_at' }], 'desc')
  let page = db.selectFrom('tasks').selectAll().limit(checkLimit(limit))
  if (type !== undefined) page = page.where('type', '=', type)
  if (status !== undefined) page = page.where('status', '=', status)
  if (owner !== undefined) page = page.where('owner', '=', owner)
  if (imageId !== undefined) page = page.where('image_id', '=', imageId)
  if (marker) page = page.where(isAfter(terms, { ...marker }))
  for (const term of terms) page = page.orderBy(sql.ref(term.column), term.direction)
  return page
}

async function loadTask(trx: Kysely<Schema>, id: string): Promise<Task | undefined> {
  const row = await trx.selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toTask(row)
}

async function mustLoad(trx: Kysely<Schema>, id: string): Promise<Task> {
  const task = await loadTask(trx, id)
  if (!task) throw new ServiceError('task-not-found', { id })
  return task
}

function toNewRow(task: NewTask, now: string): TaskRow {
  return {
    id: task.id,
    type: task.type,
    status: 'pending',
    owner: task.owner,
    input: JSON.stringify(task.input),
    result: null,
    message: '',
    image_id: task.imageId,
    request_id: task.requestId,
    user_id: task.userId,
    expires_at: null,
    created_at: now,
    updated_at: now,
  }
}

function toTask(row: TaskRow): Task {
  return {
    id: row.id,
    type: row.type,
    status: row.status,
    owner: row.owner,
    input: JSON.parse(row.input) as JsonObject,
    result: row.result === null ? null : (JSON.parse(row.result) as JsonObject),
    message: row.message,
    imageId: row.image_id,
    requestId: row.request_id,
    userId: row.user_id,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
