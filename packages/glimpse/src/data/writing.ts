import { type OpenResumable, type Store, StoreError, type WriteResult } from '@glimpse/stores'
import { ServiceError } from '../domain/errors.ts'
import type { DataFacts } from '../domain/image.ts'

/** How image data is taken in, whoever sends it. */
export interface Intake {
  /** The deployer's algorithm beside md5. */
  readonly hashAlgo: string
  /** Bytes that an image may have at most. */
  readonly sizeCap: number
}

export interface WriteOptions extends Intake {
  /** Bytes that the sender announced. */
  readonly size?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (bytes: number) => void
}

/**
 * Writes image data under a key that its caller owns, in one pass: file, checksums and size. What an earlier, cut off
 * attempt left under the key is replaced.
 *
 * @throws ServiceError when the store is full, refuses, or the data is not as announced; what the source threw.
 */
export async function writeData(
  store: Store,
  key: string,
  source: AsyncIterable<Uint8Array>,
  { hashAlgo, sizeCap, ...options }: WriteOptions,
): Promise<DataFacts> {
  const algorithms = [...new Set(['md5', hashAlgo])]
  return await replaceData(store, key, hashAlgo, () =>
    store.write(key, source, { algorithms, limit: sizeCap, ...options }),
  )
}

/**
 * The same from a source that can be asked to go on: what an earlier attempt wrote is gone on with, where the source
 * still has it. A part is left under the key after a failure, until it is gone on with or dropped.
 *
 * @throws as {@link writeData}; what `open` threw.
 */
export async function resumeData(
  store: Store,
  key: string,
  open: OpenResumable,
  { hashAlgo, sizeCap, ...options }: Omit<WriteOptions, 'size'>,
): Promise<DataFacts> {
  const algorithms = [...new Set(['md5', hashAlgo])]
  return await replaceData(store, key, hashAlgo, () =>
    store.resume(key, open, { algorithms, limit: sizeCap, ...options }),
  )
}

async function replaceData(
  store: Store,
  key: string,
  hashAlgo: string,
  write: () => Promise<WriteResult>,
): Promise<DataFacts> {
  try {
    await discard(store, key)
    const { size, hashes } = await write()
    return { size, checksum: hashes['md5']!, hashAlgo, hashValue: hashes[hashAlgo]! }
  } catch (error) {
    throw explained(error)
  }
}

/** Deletes what is under a key, if anything is. @returns whether anything was. */
export async function discard(store: Store, key: string): Promise<boolean> {
  try {
    await store.delete(key)
    return true
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return false
    throw error
  }
}

/** What a store's refusal means to the user of the API; other errors are given back as they are. */
export function explained(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error
  const because = (code: 'too-large' | 'invalid' | 'unavailable', said: string): ServiceError =>
    new ServiceError(code, { reason: `${said}: ${error.message}` }, { cause: error })
  switch (error.code) {
    case 'full':
      return because('too-large', 'Image storage media is full')
    case 'too-large':
      return because('too-large', 'The incoming image is too large')
    case 'read-only':
      return because('unavailable', 'Insufficient permissions on image storage media')
    case 'size-mismatch':
      return because('invalid', 'The image data is not as announced')
    case 'io':
    case 'not-found':
      return because('unavailable', 'Image storage media failed')
    default:
      return error
  }
}
