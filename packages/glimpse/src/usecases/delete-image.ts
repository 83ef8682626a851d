import type { Store } from '@glimpse/stores'
import { discard } from '../data/writing.ts'
import type { RequestContext } from '../domain/context.ts'
import { ServiceError } from '../domain/errors.ts'
import type { Image, ImageStatus } from '../domain/image.ts'
import { requireImage } from './finding.ts'
import type { Parts } from './parts.ts'

/**
 * Deletes an image, then its data, staged data too. An import that holds the lock does not hinder it: that task finds
 * the row gone, fails, and takes away what it wrote.
 *
 * The row goes first, and only as it was read: whoever adds data must change the row to make it known, so nobody can
 * add some that is not seen here.
 *
 * @throws ServiceError `image-not-found`; `protected`; `data-left` when the image is gone and a store kept its data.
 */
export async function deleteImage(parts: Parts, _context: RequestContext, id: string): Promise<void> {
  const image = await removeRow(parts, id)
  const left = unknownStores(parts, image)
  for (const store of storesToClear(parts, image)) {
    try {
      await discard(store, id)
    } catch (error) {
      parts.log.error({ err: error, image: id, store: store.id }, 'the data of a deleted image is left in a store')
      left.push(error instanceof Error ? error.message : String(error))
    }
  }
  if (left.length > 0) throw new ServiceError('data-left', { id, reason: left.join('; ') })
}

/** Bounds what many writers to one image can cost; each of them moved it forward, so one round seldom fails. */
const rounds = 10

async function removeRow({ images }: Parts, id: string): Promise<Image> {
  for (let round = 1; ; round += 1) {
    const image = await requireImage(images, id)
    if (image.protected) throw new ServiceError('protected', { id })
    try {
      await images.remove(id, { status: [image.status], importTask: image.importTask, protected: false })
      return image
    } catch (error) {
      if (round === rounds || !movedOn(error)) throw error
    }
  }
}

function movedOn(error: unknown): boolean {
  return error instanceof ServiceError && (error.code === 'image-transition' || error.code === 'image-locked')
}

const beingWritten: readonly ImageStatus[] = ['saving', 'uploading', 'importing']

/** Of an image that is being written, any store may have data; else those that its locations name. */
function storesToClear({ stores }: Parts, { importTask, locations, staged, status }: Image): Store[] {
  const named = new Set(locations.map(({ store }) => store))
  const inMotion = importTask !== null || beingWritten.includes(status)
  const holders = [...stores.all.values()].filter((store) => inMotion || named.has(store.id))
  return staged !== null || inMotion ? [...holders, stores.staging] : holders
}

/** What cannot be removed because the deployer took the store away. */
function unknownStores({ stores, log }: Parts, { id, locations }: Image): string[] {
  const unknown = locations.filter(({ store }) => !stores.all.has(store))
  for (const { store } of unknown)
    log.error({ image: id, store }, 'a deleted image is in a store that is not configured')
  return unknown.map(({ store }) => `store '${store}' is not configured`)
}
