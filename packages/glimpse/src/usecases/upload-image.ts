import type { Readable } from 'node:stream'
import type { Store } from '@glimpse/stores'
import { discard } from '../data/writing.ts'
import type { RequestContext } from '../domain/context.ts'
import { ServiceError } from '../domain/errors.ts'
import type { DataFacts } from '../domain/image.ts'
import { requireFormats, requireImage } from './finding.ts'
import { takeBody } from './intake.ts'
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
  await images.update(id, { set: { status: 'saving' } }, { status: ['queued'], importTask: null })
  let facts: DataFacts
  try {
    facts = await takeBody(parts, store, id, body, size)
  } catch (error) {
    await requeue(parts, id)
    throw error
  }
  await activate(parts, store, id, facts)
}

function chooseStore({ stores, config }: Parts, id: string | undefined): Store {
  if (id === undefined || !config.stores.multi) return stores.default
  const store = stores.all.get(id)
  if (store) return store
  throw new ServiceError('invalid', {
    reason: `Unknown store '${id}'; the stores are ${[...stores.all.keys()].join(', ')}`,
  })
}

async function activate({ images, log }: Parts, store: Store, id: string, facts: DataFacts): Promise<void> {
  const change = {
    set: { ...facts, status: 'active' },
    addLocations: [{ store: store.id, url: store.url(id) }],
  } as const
  try {
    await images.update(id, change, { status: ['saving'] })
  } catch (error) {
    log.warn({ err: error, image: id }, 'an image went away while its data was uploaded')
    await discard(store, id)
    const reason =
      `Image ${id} could not be found after upload. The image may have been deleted during the upload, ` +
      'cleaning up the chunks uploaded.'
    throw new ServiceError('gone', { reason }, { cause: error })
  }
}

async function requeue({ images, log }: Parts, id: string): Promise<void> {
  try {
    await images.update(id, { set: { status: 'queued' } }, { status: ['saving'] })
  } catch (error) {
    log.warn({ err: error, image: id }, 'an image whose upload failed could not be queued again')
  }
}
