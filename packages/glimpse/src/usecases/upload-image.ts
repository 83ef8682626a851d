import type { Readable } from 'node:stream'
import type { Store } from '@glimpse/stores'
import type { RequestContext } from '../domain/context.ts'
import { ServiceError } from '../domain/errors.ts'
import { requireFormats, requireImage } from './finding.ts'
import { giveUp, takeBody } from './intake.ts'
import type { Parts } from './parts.ts'

export interface UploadOptions {
  /** Id of the store; else the default one. */
  readonly store?: string
  /** Bytes that the client announced. */
  readonly size?: number
}

/**
 * Takes an image's data straight into a store; the image is active when this resolves. After a failure it is queued
 * again and nothing is left.
 *
 * @throws ServiceError
 */
export async function uploadImage(
  parts: Parts,
  _context: RequestContext,
  id: string,
  body: Readable,
  { store: storeId, size }: UploadOptions,
): Promise<void> {
  const { images } = parts
  const store = chooseStore(parts, storeId)
  requireFormats(await requireImage(images, id), 'invalid', 'before data can be saved')
  await parts.underWay.at(id, async () => {
    await images.update(id, { set: { status: 'saving' } }, { status: ['queued'], importTask: null })
    try {
      const facts = await takeBody(parts, store, id, body, size)
      const addLocations = [{ store: store.id, url: store.url(id) }]
      await images.update(id, { set: { ...facts, status: 'active' }, addLocations }, { status: ['saving'] })
    } catch (error) {
      await giveUp(parts, store, id, 'saving')
      throw wentAway(error) ? goneAfterUpload(id, error) : error
    }
  })
}

function wentAway(error: unknown): boolean {
  return error instanceof ServiceError && (error.code === 'image-not-found' || error.code === 'image-transition')
}

function goneAfterUpload(id: string, cause: unknown): ServiceError {
  const reason =
    `Image ${id} could not be found after upload. The image may have been deleted during the upload, ` +
    'cleaning up the chunks uploaded.'
  return new ServiceError('gone', { reason }, { cause })
}

function chooseStore({ stores, config }: Parts, id: string | undefined): Store {
  if (id === undefined || !config.stores.multi) return stores.default
  const store = stores.all.get(id)
  if (store) return store
  throw new ServiceError('invalid', {
    reason: `Unknown store '${id}'; the stores are ${[...stores.all.keys()].join(', ')}`,
  })
}
