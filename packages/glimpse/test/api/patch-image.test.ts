import { describe, expect, it } from 'vitest'
import { type PatchOperation, patchImage } from '../../src/usecases/patch-image.ts'
import { imageId, type Service, startService } from './service.ts'

const admin = { requestId: 'req-x', userId: null, projectId: null, roles: [], isAdmin: true }

async function prepared(also: object = {}, overrides: Record<string, string> = {}): Promise<Service> {
  const service = await startService({ overrides })
  await service.createImage({ a: '1', ...also })
  return service
}

const add = (name: string, value: PatchOperation['value']): PatchOperation => ({ op: 'add', name, value: value! })
const replace = (name: string, value: PatchOperation['value']): PatchOperation => ({
  op: 'replace',
  name,
  value: value!,
})
const remove = (name: string): PatchOperation => ({ op: 'remove', name })

describe('a patch', () => {
  it('sees what its earlier operations did', async () => {
    const { parts } = await prepared()
    const operations = [add('b', '2'), replace('b', '3'), remove('a'), add('a', '4'), add('c', '5'), remove('c')]
    const image = await patchImage(parts, admin, imageId, operations)
    expect(image.properties).toEqual({ a: '4', b: '3' })
  })

  it('changes all or nothing', async () => {
    const { parts } = await prepared()
    const before = await parts.images.find(imageId)
    await expect(patchImage(parts, admin, imageId, [replace('name', 'new'), remove('none')])).rejects.toThrow(
      'Property none does not exist.',
    )
    expect(await parts.images.find(imageId)).toEqual(before)
  })

  it('without operations changes nothing, not even the time', async () => {
    const { parts, clock } = await prepared()
    const before = await parts.images.find(imageId)
    clock.at += 1000
    expect(await patchImage(parts, admin, imageId, [])).toEqual(before)
  })

  it('cannot set a format once there is data', async () => {
    const { parts, upload } = await prepared()
    await upload('x')
    for (const name of ['disk_format', 'container_format']) {
      await expect(patchImage(parts, admin, imageId, [replace(name, 'raw')])).rejects.toMatchObject({
        status: 403,
        message: `Attribute ${name} can be only replaced for a queued image.`,
      })
    }
    const image = await patchImage(parts, admin, imageId, [replace('name', 'new'), replace('protected', true)])
    expect(image).toMatchObject({ name: 'new', protected: true, status: 'active' })
  })

  it('cannot set a format when data comes while it is being made', async () => {
    const { parts } = await prepared()
    const images = {
      ...parts.images,
      find: async (id: string) => {
        const found = await parts.images.find(id)
        await parts.images.update(id, { set: { status: 'saving' } })
        return found
      },
    }
    await expect(
      patchImage({ ...parts, images }, admin, imageId, [replace('disk_format', 'iso')]),
    ).rejects.toMatchObject({
      status: 403,
      message: 'Attribute disk_format can be only replaced for a queued image.',
    })
  })

  it('of the owner is for administrators', async () => {
    const { parts } = await prepared()
    const operations = [replace('owner', 'p2')]
    await expect(patchImage(parts, { ...admin, isAdmin: false }, imageId, operations)).rejects.toMatchObject({
      status: 403,
      message: "Owner can't be updated by non admin.",
    })
    expect((await patchImage(parts, admin, imageId, operations)).owner).toBe('p2')
  })

  it('may change and remove properties of an image that has too many', async () => {
    const { parts, config } = await prepared({ b: '2', c: '3' }).then((service) => ({
      ...service,
      config: service.parts.config,
    }))
    const tight = { ...parts, config: { ...config, limits: { ...config.limits, propertyQuota: 1 } } }
    expect((await patchImage(tight, admin, imageId, [replace('a', 'x'), remove('b')])).properties).toEqual({
      a: 'x',
      c: '3',
    })
    await expect(patchImage(tight, admin, imageId, [remove('c'), add('d', ''), add('e', '')])).rejects.toMatchObject({
      status: 413,
    })
  })

  it('knows no quota where the deployer wants none', async () => {
    const none = { 'DEFAULT.image_property_quota': '-1', 'DEFAULT.image_tag_quota': '-1' }
    const { parts } = await prepared({}, none)
    const many = Array.from({ length: 200 }, (_, at) => `p${at}`)
    const image = await patchImage(parts, admin, imageId, [add('tags', many), ...many.map((name) => add(name, ''))])
    expect([image.tags.length, Object.keys(image.properties).length]).toEqual([200, 201])
  })

  it('takes names that objects have of themselves', async () => {
    const { parts } = await prepared()
    const image = await patchImage(parts, admin, imageId, [add('constructor', 'x'), add('__proto__', 'y')])
    expect(Object.entries(image.properties).toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
      ['__proto__', 'y'],
      ['a', '1'],
      ['constructor', 'x'],
    ])
  })
})
