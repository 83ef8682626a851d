import type { Readable } from 'node:stream'
import type { Store } from '@glimpse/stores'
import { freeing } from '../data/freeing.ts'
import { writeData } from '../data/writing.ts'
import { ServiceError } from '../domain/errors.ts'
import type { DataFacts } from '../domain/image.ts'
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
