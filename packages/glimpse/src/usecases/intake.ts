import type { Readable } from 'node:stream'
import type { Store } from '@glimpse/stores'
import { freeing } from '../data/freeing.ts'
import { discard, writeData } from '../data/writing.ts'
import { ServiceError } from '../domain/errors.ts'
import type { DataFacts, ImageStatus } from '../domain/image.ts'
import type { Parts } from './parts.ts'

/**
 * Takes the body of a request into a store. When it ends before its time, that is said; the body itself is left to the
 * server, which still has to answer.
 *
 * @throws ServiceError
 */
export async function takeBody(
  { config }: Parts,
  store: Store,
  key: string,
  body: Readable,
  size: number | undefined,
): Promise<DataFacts> {
  const intake = { hashAlgo: config.hashingAlgorithm, sizeCap: config.limits.imageSizeCap }
  try {
    const source = freeing(body.iterator({ destroyOnReturn: false }))
    return await writeData(store, key, source, { ...intake, ...(size === undefined ? {} : { size }) })
  } catch (error) {
    if (!isDisconnect(error)) throw error
    throw new ServiceError(
      'invalid',
      { reason: 'The client closed the connection before all data had come' },
      { cause: error },
    )
  }
}

function isDisconnect(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ABORT_ERR'
}

/**
 * Undoes an intake that failed: its data goes, and the image is queued again, if it is there. Never throws, so that the
 * caller can say what failed first. Data that cannot be removed now is replaced by the next that comes for the image.
 *
 * @param from the status that the intake gave the image.
 */
export async function giveUp({ images, log }: Parts, store: Store, id: string, from: ImageStatus): Promise<void> {
  try {
    await discard(store, id)
  } catch (error) {
    log.error({ err: error, image: id, store: store.id }, 'data that no image has is left in a store')
  }
  try {
    await images.update(id, { set: { status: 'queued', staged: null } }, { status: [from] })
  } catch (error) {
    log.warn({ err: error, image: id }, 'an image that got no data could not be queued again')
  }
}
