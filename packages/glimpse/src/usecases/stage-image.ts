import type { Readable } from 'node:stream'
import type { RequestContext } from '../domain/context.ts'
import { ServiceError } from '../domain/errors.ts'
import { requireImage } from './finding.ts'
import { giveUp, takeBody } from './intake.ts'
import type { Parts } from './parts.ts'

export interface StageOptions {
  /** Bytes that the client announced. */
  readonly size?: number
}

/**
 * Takes an image's data into the staging store, where an import by `glance-direct` will find it. After a failure the
 * image is queued again and nothing is left.
 *
 * @throws ServiceError
 */
export async function stageImage(
  parts: Parts,
  _context: RequestContext,
  id: string,
  body: Readable,
  { size }: StageOptions,
): Promise<void> {
  const { config, images, stores } = parts
  if (!config.import.methods.includes('glance-direct')) {
    throw new ServiceError('not-found', { reason: "'glance-direct' method is not available at this site." })
  }
  await requireImage(images, id)
  await parts.underWay.at(id, async () => {
    await images.update(id, { set: { status: 'uploading', staged: null } }, { status: ['queued'], importTask: null })
    try {
      const staged = await takeBody(parts, stores.staging, id, body, size)
      await images.update(id, { set: { staged, size: staged.size } }, { status: ['uploading'] })
    } catch (error) {
      await giveUp(parts, stores.staging, id, 'uploading')
      throw error
    }
  })
}
