import type { Kysely } from 'kysely'
import { taskStatuses, taskTransitions } from '../domain/task.ts'
import type { Schema } from './schema.ts'

export interface PurgeOptions {
  /** Only what has ended, or was deleted, before this time. */
  readonly before: Date
  /** Rows of tasks and images, together. */
  readonly maxRows: number
  /** Whether data of a deleted image is left somewhere: then its row stays, as it is all that tells whose data it is. */
  readonly hasData: (image: string) => Promise<boolean>
}

export interface Purged {
  readonly tasks: number
  readonly images: number
  /** Images whose rows stay. */
  readonly kept: readonly string[]
}

const ended = taskStatuses.filter((status) => taskTransitions[status].length === 0)
const page = 100

/** Removes for good the rows of tasks that have ended and of images that are deleted, the oldest first. */
export async function purge(db: Kysely<Schema>, { before, maxRows, hasData }: PurgeOptions): Promise<Purged> {
  const time = before.toISOString()
  const tasks = await purgeTasks(db, time, maxRows)
  const kept: string[] = []
  let images = 0
  let after = { deleted_at: '', id: '' }
  while (tasks + images < maxRows) {
    const found = await deletedImages(db, time, after)
    const last = found.at(-1)
    if (!last) break
    const going: string[] = []
    for (const { id } of found) {
      if (tasks + images + going.length === maxRows) break
      const list = (await hasData(id)) ? kept : going
      list.push(id)
    }
    await removeImages(db, going)
    images += going.length
    after = last
  }
  return { tasks, images, kept }
}

async function purgeTasks(db: Kysely<Schema>, before: string, limit: number): Promise<number> {
  const old = db.selectFrom('tasks').select('id').where('status', 'in', ended).where('updated_at', '<', before)
  const oldest = old.orderBy('updated_at').limit(Math.min(limit, Number.MAX_SAFE_INTEGER))
  const { numDeletedRows } = await db.deleteFrom('tasks').where('id', 'in', oldest).executeTakeFirst()
  return Number(numDeletedRows)
}

async function deletedImages(db: Kysely<Schema>, before: string, after: { deleted_at: string; id: string }) {
  const rows = await db
    .selectFrom('images')
    .select(['id', 'deleted_at'])
    .where('deleted_at', '<', before)
    .where((eb) =>
      eb.or([
        eb('deleted_at', '>', after.deleted_at),
        eb.and([eb('deleted_at', '=', after.deleted_at), eb('id', '>', after.id)]),
      ]),
    )
    .orderBy('deleted_at')
    .orderBy('id')
    .limit(page)
    .execute()
  return rows.map(({ id, deleted_at }) => ({ id, deleted_at: deleted_at ?? '' }))
}

/** A part of an image cannot be there without it. */
async function removeImages(db: Kysely<Schema>, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await db.transaction().execute(async (trx) => {
    for (const table of ['image_tags', 'image_properties', 'image_locations'] as const) {
      await trx.deleteFrom(table).where('image_id', 'in', ids).execute()
    }
    await trx.deleteFrom('images').where('id', 'in', ids).execute()
  })
}
