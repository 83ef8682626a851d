import { join } from 'node:path'
import { Readable } from 'node:stream'
import { FileDriver, Store } from '@glimpse/stores'
import { type Fault, FaultyDriver } from '@glimpse/stores/testing'
import { describe, expect, it } from 'vitest'
import { ServiceError } from '../../src/domain/errors.ts'
import type { Parts } from '../../src/usecases/parts.ts'
import { stageImage } from '../../src/usecases/stage-image.ts'
import { uploadImage } from '../../src/usecases/upload-image.ts'
import { imageId, type Service, startService } from './service.ts'

const admin = { requestId: 'req-x', userId: null, projectId: null, roles: [], isAdmin: true }
const body = (): Readable => Readable.from([Buffer.from('data')])

const takings = {
  upload: (parts: Parts) => uploadImage(parts, admin, imageId, body(), {}),
  stage: (parts: Parts) => stageImage(parts, admin, imageId, body(), {}),
} as const
type Taking = keyof typeof takings

async function prepared(): Promise<Service> {
  const service = await startService()
  await service.createImage()
  return service
}

/** The parts, but with a database that runs `first` instead of the second change that it is asked for. */
function atTheEnd({ images, ...parts }: Parts, first: () => Promise<void>): Parts {
  let changes = 0
  const update: Parts['images']['update'] = async (...args) => {
    changes += 1
    if (changes === 2) await first()
    return await images.update(...args)
  }
  return { ...parts, images: { ...images, update } }
}

/** The parts, but with faults in the store that the data goes to. */
function onBadDisk({ parts, folder }: Service, taking: Taking, faults: readonly Fault[]): Parts {
  const { stores, config } = parts
  const place = taking === 'stage' ? config.stores.stagingDir : join(folder, 'fast')
  const store = new Store('bad', new FaultyDriver(new FileDriver(place), faults))
  return { ...parts, stores: { ...stores, ...(taking === 'stage' ? { staging: store } : { default: store }) } }
}

async function expectNothingLeft({ parts, files }: Service): Promise<void> {
  expect(await parts.images.find(imageId)).toMatchObject({ status: 'queued', staged: null, size: null, locations: [] })
  expect([await files('fast'), await files('staging')]).toEqual([[], []])
}

describe.each(Object.keys(takings) as Taking[])('data that an %s brings', (taking) => {
  it('is given up, and the image queued again, when the database cannot take it', async () => {
    const service = await prepared()
    const busy = new ServiceError('unavailable', { reason: 'the database is busy' })
    const parts = atTheEnd(service.parts, () => Promise.reject(busy))
    await expect(takings[taking](parts)).rejects.toBe(busy)
    await expectNothingLeft(service)
  })

  it('goes with an image that is deleted meanwhile', async () => {
    const service = await prepared()
    const parts = atTheEnd(service.parts, () => service.parts.images.remove(imageId))
    const status = taking === 'upload' ? 410 : 404
    await expect(takings[taking](parts)).rejects.toMatchObject({ status })
    expect([await service.files('fast'), await service.files('staging')]).toEqual([[], []])
  })

  it('leaves the image queued when the disk is full', async () => {
    const service = await prepared()
    const parts = onBadDisk(service, taking, [{ call: 'write', errno: 'ENOSPC' }])
    await expect(takings[taking](parts)).rejects.toMatchObject({ status: 413 })
    await expectNothingLeft(service)
  })

  it('leaves the image queued when the disk breaks, and says why it broke first', async () => {
    const service = await prepared()
    const faults = [2, 3].map((nth) => ({ call: 'delete', nth, errno: 'EIO' }) as const)
    const parts = onBadDisk(service, taking, [{ call: 'write', errno: 'ENOSPC' }, ...faults])
    await expect(takings[taking](parts)).rejects.toMatchObject({ status: 413 })
    await expectNothingLeft(service)
  })

  it('is told to the operator when it cannot be removed from under a deleted image', async () => {
    const service = await prepared()
    const bad = onBadDisk(service, taking, [{ call: 'delete', nth: 2, errno: 'EIO' }])
    const parts = atTheEnd(bad, () => service.parts.images.remove(imageId))
    await expect(takings[taking](parts)).rejects.toMatchObject({ status: taking === 'upload' ? 410 : 404 })
    expect(service.logged).toContainEqual(
      expect.objectContaining({ image: imageId, store: 'bad', msg: 'data that no image has is left in a store' }),
    )
  })
})
