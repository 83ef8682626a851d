import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { FileDriver, Store } from '@glimpse/stores'
import { FaultyDriver } from '@glimpse/stores/testing'
import { describe, expect, it } from 'vitest'
import { writeData } from '../../src/data/writing.ts'
import type { ImageStatus } from '../../src/domain/image.ts'
import type { TaskType } from '../../src/domain/task.ts'
import { recover } from '../../src/usecases/recover.ts'
import { imageId, type Service, startService } from './service.ts'

const taskId = '99999999-2222-3333-4444-555555555555'
const hour = 3_600_000

interface Left {
  readonly staged?: boolean
  readonly stored?: boolean
  readonly task?: boolean
  readonly type?: TaskType
}

/** An image as a process left it that died, with a task that it was at. */
async function died(status: ImageStatus, left: Left = {}): Promise<Service> {
  const { staged = false, stored = false, task = true, type = 'api_image_import' } = left
  const service = await startService({ overrides: { 'task.task_executor': 'plain' } })
  const { images, stores, tasks } = service.parts
  await service.createImage()
  const intake = { hashAlgo: 'sha512', sizeCap: 100 }
  const facts = await writeData(stores.staging, imageId, Readable.from([Buffer.from('data')]), intake)
  if (stored) {
    await stores.default.copyFrom(stores.staging, imageId)
    await images.update(imageId, { addLocations: [{ store: 'fast', url: stores.default.url(imageId) }] })
  }
  const row = { id: taskId, type, owner: null, input: {}, imageId, requestId: null, userId: null }
  if (task) await tasks.accept(row, { image: imageId, expected: {} })
  if (status === 'uploading') await images.update(imageId, { set: { status } })
  else if (status !== 'queued') await images.update(imageId, { set: { status: 'importing' } })
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

  it('ends the task well that had come as far as the active image', async () => {
    const { parts } = await died('active', { stored: true })
    await parts.tasks.begin(taskId)
    await recover(parts)
    const result = { image_id: imageId }
    expect(await parts.tasks.find(taskId)).toMatchObject({ status: 'success', message: 'Imported', result })
  })

  it.each(['queued', 'importing'] as const)('leaves no %s image of a legacy import that died', async (status) => {
    const { parts, files } = await died(status, { stored: status === 'importing', type: 'import' })
    await recover(parts)
    expect(await parts.images.find(imageId)).toBeUndefined()
    expect([await files('fast'), await files('staging')]).toEqual([[], []])
    expect(await parts.tasks.find(taskId)).toMatchObject({
      status: 'failure',
      message: 'The service stopped while this task was running; try again',
    })
  })

  it('is not hindered by a store that keeps what it has of an image, but tells of it', async () => {
    const { parts, files, folder, logged } = await died('importing', { stored: true })
    const faulty = new FaultyDriver(new FileDriver(join(folder, 'fast')), [{ call: 'delete', errno: 'EIO' }])
    const stores = { ...parts.stores, all: new Map([['fast', new Store('fast', faulty)]]) }
    await recover({ ...parts, stores })
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'queued', locations: [] })
    expect(await files('staging')).toEqual([])
    expect(logged).toContainEqual(
      expect.objectContaining({ image: imageId, store: 'fast', msg: 'data that no image has is left in a store' }),
    )
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
