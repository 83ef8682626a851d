import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileDriver, Store } from '@glimpse/stores'
import { FaultyDriver } from '@glimpse/stores/testing'
import { describe, expect, it } from 'vitest'
import { deleteImage } from '../../src/usecases/delete-image.ts'
import type { Parts } from '../../src/usecases/parts.ts'
import { imageId, type Service, startService } from './service.ts'

const admin = { requestId: 'req-x', userId: null, projectId: null, roles: [], isAdmin: true }
const url = `/v2/images/${imageId}`
const bytes = { 'content-type': 'application/octet-stream' }

async function stage({ request }: Service): Promise<void> {
  const answer = await request({ method: 'PUT', url: `${url}/stage`, headers: bytes, payload: 'staged' })
  if (answer.statusCode !== 204) throw new Error(answer.body)
}

describe('deleting an image', () => {
  it('is refused while it is protected', async () => {
    const { request, createImage, upload, files } = await startService()
    await createImage({ protected: true })
    await upload('x')
    const answer = await request({ method: 'DELETE', url })
    expect([answer.statusCode, answer.body]).toEqual([
      403,
      `403 Forbidden\n\nImage ${imageId} is protected and cannot be deleted.\n\n   `,
    ])
    expect(await files('fast')).toEqual([imageId])
  })

  it('takes its staged data along', async () => {
    const service = await startService()
    await service.createImage()
    await stage(service)
    expect(await service.files('staging')).toEqual([imageId])
    expect((await service.request({ method: 'DELETE', url })).statusCode).toBe(204)
    expect(await service.files('staging')).toEqual([])
  })

  it('never gives its id away again', async () => {
    const { request, send, createImage } = await startService()
    await createImage()
    await request({ method: 'DELETE', url })
    const answer = await send('POST', '/v2/images', { id: imageId })
    expect(answer.statusCode).toBe(409)
    expect((await request({ method: 'DELETE', url })).statusCode).toBe(404)
  })

  it('is possible while an import holds its lock, whatever the import has written where', async () => {
    const { parts, folder, createImage, files } = await startService()
    await createImage()
    const task = {
      id: 't',
      type: 'api_image_import',
      owner: null,
      input: {},
      imageId,
      requestId: null,
      userId: null,
    } as const
    await parts.tasks.accept(task, { image: imageId, expected: {}, change: { set: { status: 'importing' } } })
    for (const store of ['fast', 'slow'])
      await writeFile(join(folder, store, imageId), 'x').catch(() => remake(folder, store))
    await deleteImage(parts, admin, imageId)
    expect([await files('fast'), await files('slow')]).toEqual([[], []])
    expect(await parts.images.find(imageId)).toBeUndefined()
  })

  it('sees what another writer adds meanwhile', async () => {
    const { parts, createImage, upload, files } = await startService()
    await createImage()
    let first = true
    const images: Parts['images'] = {
      ...parts.images,
      find: async (id) => {
        const found = await parts.images.find(id)
        if (first) {
          first = false
          await upload('late')
        }
        return found
      },
    }
    await deleteImage({ ...parts, images }, admin, imageId)
    expect(await files('fast')).toEqual([])
    expect(await parts.images.find(imageId)).toBeUndefined()
  })

  it('is refused when another request protects it meanwhile', async () => {
    const { parts, createImage, upload, files } = await startService()
    await createImage()
    await upload('x')
    const images: Parts['images'] = {
      ...parts.images,
      find: async (id) => {
        const found = await parts.images.find(id)
        await parts.images.update(id, { set: { protected: true } })
        return found
      },
    }
    await expect(deleteImage({ ...parts, images }, admin, imageId)).rejects.toMatchObject({ code: 'protected' })
    expect(await parts.images.find(imageId)).toMatchObject({ status: 'active', protected: true })
    expect(await files('fast')).toEqual([imageId])
  })

  it('gives up on an image that never stands still', async () => {
    const { parts, createImage } = await startService()
    await createImage()
    const images: Parts['images'] = {
      ...parts.images,
      find: async (id) => {
        const found = await parts.images.find(id)
        await parts.images.update(id, { set: { status: found?.status === 'queued' ? 'saving' : 'queued' } })
        return found
      },
    }
    await expect(deleteImage({ ...parts, images }, admin, imageId)).rejects.toMatchObject({ code: 'image-transition' })
    expect(await parts.images.find(imageId)).toBeDefined()
  })

  it('says and logs what a store would not let go, and clears the other stores all the same', async () => {
    const service = await startService()
    const { parts, folder, createImage, upload, files, logged } = service
    await createImage()
    await upload('x')
    await parts.images.update(imageId, { addLocations: [{ store: 'slow', url: 'file:///slow' }] })
    await parts.stores.all.get('slow')!.copyFrom(parts.stores.all.get('fast')!, imageId)
    const driver = new FaultyDriver(new FileDriver(join(folder, 'fast')), [{ call: 'delete', errno: 'EIO', nth: 1 }])
    const all = new Map(parts.stores.all).set('fast', new Store('fast', driver))
    const broken = { ...parts, stores: { ...parts.stores, all } }
    await expect(deleteImage(broken, admin, imageId)).rejects.toMatchObject({
      status: 500,
      message: expect.stringMatching(
        /^Image 1.* is deleted, but some of its data could not be removed: store 'fast' failed to delete image/,
      ) as unknown,
    })
    expect(await parts.images.find(imageId)).toBeUndefined()
    expect([await files('fast'), await files('slow')]).toEqual([[imageId], []])
    expect(logged).toContainEqual(
      expect.objectContaining({ store: 'fast', msg: 'the data of a deleted image is left in a store' }),
    )
  })

  it('says that a store of it is not configured any more', async () => {
    const { request, parts, createImage, upload, logged } = await startService()
    await createImage()
    await upload('x')
    await parts.images.update(imageId, { addLocations: [{ store: 'gone', url: 'file:///gone' }] })
    const answer = await request({ method: 'DELETE', url })
    expect([answer.statusCode, answer.body]).toEqual([500, expect.stringContaining("store 'gone' is not configured")])
    expect(logged).toContainEqual(expect.objectContaining({ store: 'gone', image: imageId }))
  })

  it('is content when the data is gone already', async () => {
    const { request, folder, createImage, upload } = await startService()
    await createImage()
    await upload('x')
    await rm(join(folder, 'fast', imageId))
    expect((await request({ method: 'DELETE', url })).statusCode).toBe(204)
  })
})

async function remake(folder: string, store: string): Promise<void> {
  await mkdir(join(folder, store), { recursive: true })
  await writeFile(join(folder, store, imageId), 'x')
}
