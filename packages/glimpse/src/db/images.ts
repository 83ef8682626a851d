import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely'
import { ServiceError } from '../domain/errors.ts'
import type { Image, NewImage } from '../domain/image.ts'
import type { Clock, ImageRepo } from '../domain/ports.ts'
import { changeImage, changeProperties, removeImage, replaceTags } from './image-changes.ts'
import { listImages } from './image-list.ts'
import { completeImages, loadImage, loadImages, toNewRow } from './image-rows.ts'
import type { Schema } from './schema.ts'

/**
 * Images in the database. Every call is one short transaction, reads too: an image is never seen half changed.
 * Tags and properties come sorted by name, locations in the order of their adding.
 */
export function imageRepo(db: Kysely<Schema>, clock: Clock): ImageRepo {
  const now = () => clock.now().toISOString()
  const read = () => db.transaction().setAccessMode('read only')
  return {
    create: (image) => createImage(db, image, now()),
    find: (id) => read().execute((trx) => loadImage(trx, id)),
    list: (query) => read().execute((trx) => listImages(trx, query)),
    update: (id, change, expected = {}) =>
      db.transaction().execute(async (trx) => {
        await changeImage(trx, id, change, expected, now())
        return mustLoad(trx, id)
      }),
    remove: (id, expected = {}) => db.transaction().execute((trx) => removeImage(trx, id, expected, now())),
    findAll: (ids) => read().execute((trx) => loadImages(trx, ids)),
    isKnown: (id) =>
      read().execute(async (trx) => {
        return (await trx.selectFrom('images').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
      }),
    unsettled: (after, limit) => read().execute((trx) => loadPage(trx, 'unsettled', after, limit)),
    all: (after, limit) => read().execute((trx) => loadPage(trx, 'all', after, limit)),
  }
}

/** @param which all images, or those that are not at rest. */
async function loadPage(
  trx: Kysely<Schema>,
  which: 'all' | 'unsettled',
  after: string | null,
  limit: number,
): Promise<Image[]> {
  const all = trx.selectFrom('images').selectAll().where('deleted_at', 'is', null)
  const chosen = which === 'all' ? all : all.where(isUnsettled)
  return completeImages(
    trx,
    await chosen
      .where('id', '>', after ?? '')
      .orderBy('id')
      .limit(limit)
      .execute(),
  )
}

function isUnsettled(eb: ExpressionBuilder<Schema, 'images'>): Expression<SqlBool> {
  return eb.or([
    eb('import_task', 'is not', null),
    eb('status', 'in', ['saving', 'importing']),
    eb.and([eb('status', '=', 'uploading'), eb('staged', 'is', null)]),
  ])
}

async function createImage(db: Kysely<Schema>, image: NewImage, now: string): Promise<Image> {
  const row = toNewRow(image, now)
  return db.transaction().execute(async (trx) => {
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('images')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows === 0n) throw new ServiceError('image-exists', { id: image.id })
    await replaceTags(trx, image.id, image.tags ?? [])
    await changeProperties(trx, image.id, image.properties ?? {}, [])
    return mustLoad(trx, image.id)
  })
}

async function mustLoad(trx: Kysely<Schema>, id: string): Promise<Image> {
  const image = await loadImage(trx, id)
  if (!image) throw new ServiceError('image-not-found', { id })
  return image
}
