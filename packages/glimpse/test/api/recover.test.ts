import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { writeData } from '../../src/data/writing.ts'
import type { ImageStatus } from '../../src/domain/image.ts'
import { recover } from '../../src/usecases/recover.ts'
import { imageId, type Service, startService } from './service.ts'

const taskId = '99999999-2222-3333-4444-555555555555'
const hour = 3_600_000

/** An image as a process left it that died, with a task that it was at. */
async function died(status: ImageStatus, { staged = false, stored = false, task = true } = {}): Promise<Service> {
  const service = await startService()
  const { images, stores, tasks } = service.parts
  await service.createImage()
  const intake = { hashAlgo: 'sha512', sizeCap: 100 }
  const facts = await writeData(stores.staging, imageId, Readable.from([Buffer.from('data')]), intake)
  if (stored) {
    await stores.default.copyFrom(stores.staging, imageId)
    await images.update(imageId, { addLocations: [{ store: 'fast', url: stores.default.url(imageId) }] })
  }
  const row = { id: taskId, type: 'api_image_import', owner: null, input: {}, imageId, requestId: null, userId: null }
  if (task) await tasks.accept({ ...row, type: 'api_image_import' }, { image: imageId, expected: {} })
  if (status === 'uploading') await images.update(imageId, { set: { status } })
  else await images.update(imageId, { set: { status: 'importing' } })
  await images.update(imageId, { set: { status, staged: staged ? facts : null } }, { status: ['importing', status] })
  return service
}

describe('a start after a crash', () => {
  it('queues an image whose import died', async () => {
    const { parts, files } = await died('importing', { stored: true })
    expect(await recover(parts)).toMatchObject({ tasks: 1, images: 1 })
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'queued', importTask: null, locations: [] })
    expect([await files('fast'), await files('staging')]).toEqual([[], []])
    expect(await parts.tasks.find(taskId)).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('can be imported again') as unknown,
    })
  })

  it('keeps the staged data of an image whose import died', async () => {
    const { parts, files } = await died('importing', { staged: true, stored: true })
    await recover(parts)
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'uploading', importTask: null, locations: [] })
    expect([await files('fast'), await files('staging')]).toEqual([[], [imageId]])
  })

  it('queues an image whose staging died', async () => {
    const { parts, files } = await died('uploading', { task: false })
    await recover(parts)
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'queued' })
    expect(await files('staging')).toEqual([])
  })

  it('leaves an active image alone, but for what is staged of it', async () => {
    const { parts, files } = await died('active', { stored: true })
    await recover(parts)
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'active', importTask: null })
    expect([await files('fast'), await files('staging')]).toEqual([[imageId], []])
  })

  it('removes what was staged of an image that was deleted meanwhile', async () => {
    const { parts, files } = await died('importing')
    await parts.images.remove(imageId)
    await recover(parts)
    expect(await files('staging')).toEqual([])
  })

  it('leaves staged data alone that waits for its import', async () => {
    const { parts, files } = await died('uploading', { staged: true, task: false })
    expect(await recover(parts)).toEqual({ tasks: 0, images: 0, files: 0 })
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'uploading' })
    expect(await files('staging')).toEqual([imageId])
  })

  it('removes half-written files', async () => {
    const { parts, files } = await died('active', { stored: true, task: false })
    const { config } = parts
    await writeFile(join(config.stores.stagingDir, `.${imageId}.0123456789abcdef.part`), 'half')
    expect(await recover(parts)).toMatchObject({ files: 1 })
    expect(await files('staging')).not.toContain(`.${imageId}.0123456789abcdef.part`)
  })

  it('forgets tasks whose time is over', async () => {
    const { parts, clock } = await died('importing')
    await recover(parts)
    clock.at += 47 * hour
    await recover(parts)
    expect(await parts.tasks.find(taskId)).toBeDefined()
    clock.at += hour
    await recover(parts)
    expect(await parts.tasks.find(taskId)).toBeUndefined()
  })
})
