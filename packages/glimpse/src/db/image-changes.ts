import { type Expression, type ExpressionBuilder, type SqlBool, sql, type Transaction, type Updateable } from 'kysely'
import { ServiceError } from '../domain/errors.ts'
import {
  type ImageChange,
  type ImageExpectation,
  type ImageStatus,
  imageTransitions,
  type Location,
  mayBecome,
} from '../domain/image.ts'
import { toColumns } from './image-rows.ts'
import type { ImageTable, Schema } from './schema.ts'

type Trx = Transaction<Schema>

const statuses = Object.keys(imageTransitions) as ImageStatus[]
const noData = { size: null, virtualSize: null, checksum: null, hashAlgo: null, hashValue: null } as const

/**
 * Changes an image that is in the expected state; inside the caller's transaction.
 *
 * @throws ServiceError as ImageRepo.update does, and `invalid` for what no image can be, `conflict` for a second URL
 *   in one store. The caller's transaction must then be rolled back.
 */
export async function changeImage(
  trx: Trx,
  id: string,
  change: ImageChange,
  expected: ImageExpectation,
  now: string,
): Promise<void> {
  const to = change.set?.status
  if (to === 'deleted') {
    throw new ServiceError('invalid', { reason: `Image ${id} cannot become deleted by a change: remove it` })
  }
  const set = to === 'queued' ? { ...noData, ...change.set } : change.set
  await updateRow(trx, id, { ...toColumns(set), updated_at: now }, expected, to)
  if (change.tags) await replaceTags(trx, id, change.tags)
  await changeProperties(trx, id, change.setProperties ?? {}, change.removeProperties ?? [])
  await changeLocations(trx, id, change.addLocations ?? [], change.removeLocations ?? [])
  if (change.leaveImporting?.length) await leaveImporting(trx, id, change.leaveImporting)
  if (change.addFailed?.length) await addFailed(trx, id, change.addFailed)
}

/** Marks an image deleted and drops what hangs on it; inside the caller's transaction. Throws as changeImage does. */
export async function removeImage(trx: Trx, id: string, expected: ImageExpectation, now: string): Promise<void> {
  const columns = {
    ...toColumns({ status: 'deleted', staged: null, importTask: null, importingStores: [], failedStores: [] }),
    updated_at: now,
    deleted_at: now,
  }
  await updateRow(trx, id, columns, expected, 'deleted')
  await trx.deleteFrom('image_tags').where('image_id', '=', id).execute()
  await trx.deleteFrom('image_properties').where('image_id', '=', id).execute()
  await trx.deleteFrom('image_locations').where('image_id', '=', id).execute()
}

/** The one statement that decides: who comes second finds the row no longer in the state that was expected. */
async function updateRow(
  trx: Trx,
  id: string,
  columns: Updateable<ImageTable>,
  expected: ImageExpectation,
  to: ImageStatus | undefined,
): Promise<void> {
  const { numUpdatedRows } = await trx
    .updateTable('images')
    .set(columns)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .where((eb) => isExpected(eb, expected, to))
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw await explainRefusal(trx, id, expected, to)
}

function isExpected(
  eb: ExpressionBuilder<Schema, 'images'>,
  { status, importTask, protected: isProtected }: ImageExpectation,
  to: ImageStatus | undefined,
): Expression<SqlBool> {
  const from = to === undefined ? status : statuses.filter((old) => mayMove(old, to, status))
  return eb.and([
    ...(from ? [eb('status', 'in', from)] : []),
    ...(importTask !== undefined ? [eb('import_task', 'is', importTask)] : []),
    ...(isProtected !== undefined ? [eb('protected', '=', isProtected ? 1 : 0)] : []),
  ])
}

/**
 * Staying is no move: allowed where the caller names the status it wants among those it expects, so that a revert can
 * be repeated; and not where it names none, lest two uploads both begin.
 */
function mayMove(from: ImageStatus, to: ImageStatus, expected: readonly ImageStatus[] | undefined): boolean {
  if (expected && !expected.includes(from)) return false
  return mayBecome(from, to) || (from === to && expected !== undefined)
}

/** The lock is named before the status: "has active task" says more to a user than the status that task gave it. */
async function explainRefusal(
  trx: Trx,
  id: string,
  expected: ImageExpectation,
  to: ImageStatus | undefined,
): Promise<ServiceError> {
  const row = await trx
    .selectFrom('images')
    .select(['status', 'import_task'])
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  if (!row) return new ServiceError('image-not-found', { id })
  if (expected.importTask !== undefined && row.import_task !== expected.importTask) {
    return new ServiceError('image-locked', { id })
  }
  return new ServiceError('image-transition', { id, from: row.status, to: to ?? expected.status?.join(' or ') ?? '' })
}

export async function replaceTags(trx: Trx, id: string, tags: readonly string[]): Promise<void> {
  await trx.deleteFrom('image_tags').where('image_id', '=', id).execute()
  for (const tag of new Set(tags)) await trx.insertInto('image_tags').values({ image_id: id, tag }).execute()
}

export async function changeProperties(
  trx: Trx,
  id: string,
  set: Readonly<Record<string, string>>,
  remove: readonly string[],
): Promise<void> {
  for (const name of remove) {
    await trx.deleteFrom('image_properties').where('image_id', '=', id).where('name', '=', name).execute()
  }
  for (const [name, value] of Object.entries(set)) {
    await trx
      .insertInto('image_properties')
      .values({ image_id: id, name, value })
      .onConflict((row) => row.columns(['image_id', 'name']).doUpdateSet({ value }))
      .execute()
  }
}

/** SQLite takes the list apart and puts it together, so that what others add and take meanwhile is not lost. */
async function leaveImporting(trx: Trx, id: string, stores: readonly string[]): Promise<void> {
  const left = sql<string>`(
    select json_group_array(value order by key) from json_each(images.importing_stores)
    where value not in (select value from json_each(${JSON.stringify(stores)}))
  )`
  await trx.updateTable('images').set({ importing_stores: left }).where('id', '=', id).execute()
}

/** Each store once, in the order of their failing. */
async function addFailed(trx: Trx, id: string, stores: readonly string[]): Promise<void> {
  const joined = sql<string>`(
    select json_group_array(value order by part, key) from (
      select 0 as part, key, value from json_each(images.failed_stores)
      union all
      select 1, key, value from json_each(${JSON.stringify([...new Set(stores)])})
      where value not in (select value from json_each(images.failed_stores))
    )
  )`
  await trx.updateTable('images').set({ failed_stores: joined }).where('id', '=', id).execute()
}

/** Adding a location that is there already does nothing, so that a step can be repeated. */
async function changeLocations(
  trx: Trx,
  id: string,
  add: readonly Location[],
  remove: readonly string[],
): Promise<void> {
  for (const store of remove) {
    await trx.deleteFrom('image_locations').where('image_id', '=', id).where('store', '=', store).execute()
  }
  for (const { store, url } of add) {
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('image_locations')
      .values({ image_id: id, store, url })
      .onConflict((row) =>
        row.columns(['image_id', 'store']).doUpdateSet({ url }).where('image_locations.url', '=', sql.val(url)),
      )
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows === 0n) throw refuseSecondUrl(id, store)
  }
}

/** To replace the URL in silence would leave the data behind the first one without anybody who knows of it. */
function refuseSecondUrl(id: string, store: string): ServiceError {
  const reason = `Image ${id} is in store ${store} under another URL; remove that location first`
  return new ServiceError('conflict', { reason })
}
