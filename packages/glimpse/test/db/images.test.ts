import { describe, expect, it } from 'vitest'
import { openRepos } from './temp-folder.ts'

const facts = { size: 3, checksum: 'c1', hashAlgo: 'sha512', hashValue: 'h1' }

async function withImage() {
  const repos = await openRepos()
  const image = await repos.images.create({ id: 'a', name: 'cirros', owner: 'p1' })
  return { ...repos, image }
}

describe('creating an image', () => {
  it('fills in what is not given', async () => {
    const { image, clock } = await withImage()
    expect(image).toEqual({
      id: 'a',
      name: 'cirros',
      status: 'queued',
      visibility: 'shared',
      protected: false,
      hidden: false,
      owner: 'p1',
      containerFormat: null,
      diskFormat: null,
      minDisk: 0,
      minRam: 0,
      size: null,
      virtualSize: null,
      checksum: null,
      hashAlgo: null,
      hashValue: null,
      tags: [],
      properties: {},
      locations: [],
      staged: null,
      importTask: null,
      importingStores: [],
      failedStores: [],
      createdAt: clock.now().toISOString(),
      updatedAt: clock.now().toISOString(),
    })
  })

  it('keeps all that is given, and a tag given twice once', async () => {
    const { images } = await openRepos()
    const given = {
      id: 'a',
      name: 'x',
      owner: null,
      visibility: 'public',
      protected: true,
      hidden: true,
      containerFormat: 'bare',
      diskFormat: 'qcow2',
      minDisk: 1,
      minRam: 2,
      properties: { os: 'linux', ['__proto__']: 'own', '': 'empty name', nul: 'a\0b' },
    } as const
    const image = await images.create({ ...given, tags: ['b', 'a', 'b'] })
    expect(image).toMatchObject({ ...given, tags: ['a', 'b'] })
    expect(new Map(Object.entries(image.properties))).toEqual(new Map(Object.entries(given.properties)))
    expect(await images.find('a')).toEqual(image)
  })

  it('refuses an id in use, and leaves the image that has it as it is', async () => {
    const { images, image } = await withImage()
    await expect(images.create({ id: 'a', name: 'other', owner: null, tags: ['t'] })).rejects.toMatchObject({
      code: 'image-exists',
      message: 'Image ID a already exists!',
    })
    expect(await images.find('a')).toEqual(image)
  })

  it('refuses an id that was in use', async () => {
    const { images } = await withImage()
    await images.remove('a')
    await expect(images.create({ id: 'a', name: null, owner: null })).rejects.toMatchObject({ code: 'image-exists' })
  })

  it.each([-1, 0.5, 2 ** 60, Number.NaN])('refuses minDisk %s, and stores nothing', async (minDisk) => {
    const { images } = await openRepos()
    await expect(images.create({ id: 'a', name: null, owner: null, minDisk })).rejects.toMatchObject({
      code: 'invalid',
      message: `minDisk is ${minDisk}, a whole number from 0 to 9007199254740991 is allowed`,
    })
    expect(await images.find('a')).toBeUndefined()
  })
})

describe('changing an image', () => {
  it('sets columns, and leaves the rest', async () => {
    const { images, image, clock } = await withImage()
    clock.at += 1000
    const set = {
      name: null,
      visibility: 'community',
      protected: true,
      hidden: true,
      owner: 'p2',
      containerFormat: 'bare',
      diskFormat: 'raw',
      minDisk: 1,
      minRam: 2,
      virtualSize: 4,
      ...facts,
      staged: facts,
      importTask: 't1',
      importingStores: ['s1', 's2'],
      failedStores: ['s3'],
    } as const
    const changed = await images.update('a', { set })
    expect(changed).toEqual({ ...image, ...set, updatedAt: clock.now().toISOString() })
    expect(await images.find('a')).toEqual(changed)
  })

  it('moves updatedAt, not createdAt, with a change of nothing but a property', async () => {
    const { images, image, clock } = await withImage()
    clock.at += 1
    const changed = await images.update('a', { setProperties: { os: 'linux' } })
    expect(changed).toEqual({ ...image, properties: { os: 'linux' }, updatedAt: clock.now().toISOString() })
  })

  it('replaces tags as a whole and properties one by one', async () => {
    const { images } = await withImage()
    await images.update('a', { tags: ['x', 'y'], setProperties: { os: 'linux', arch: 'x86' } })
    const changed = await images.update('a', {
      tags: ['z'],
      setProperties: { os: 'bsd', new: '' },
      removeProperties: ['arch', 'none'],
    })
    expect(changed).toMatchObject({ tags: ['z'], properties: { os: 'bsd', new: '' } })
    expect(changed.properties).not.toHaveProperty('arch')
    expect((await images.update('a', { tags: [] })).tags).toEqual([])
  })

  it('keeps locations in the order of their adding', async () => {
    const { images } = await withImage()
    const one = { store: 'z', url: 'file:///z/a' }
    const two = { store: 'a', url: 'file:///a/a' }
    const three = { store: 'm', url: 'file:///m/a' }
    await images.update('a', { addLocations: [one, two] })
    const changed = await images.update('a', { removeLocations: ['a', 'none'], addLocations: [three] })
    expect(changed.locations).toEqual([one, three])
    expect((await images.update('a', { addLocations: [two] })).locations).toEqual([one, three, two])
  })

  it('adds a location only once, and refuses a second URL in its store', async () => {
    const { images } = await withImage()
    const location = { store: 's', url: 'file:///s/a' }
    await images.update('a', { addLocations: [location] })
    expect((await images.update('a', { addLocations: [location] })).locations).toEqual([location])
    const other = { store: 's', url: 'file:///s/b' }
    const change = { set: { name: 'new' }, addLocations: [other] }
    await expect(images.update('a', change)).rejects.toMatchObject({
      code: 'conflict',
      message: 'Image a is in store s under another URL; remove that location first',
    })
    expect(await images.find('a')).toMatchObject({ name: 'cirros', locations: [location] })
    expect((await images.update('a', { removeLocations: ['s'], addLocations: [other] })).locations).toEqual([other])
  })

  it('takes stores out of those that are importing, and adds them to those that failed, once', async () => {
    const { images } = await withImage()
    await images.update('a', { set: { importingStores: ['z', 'a', 'm'], failedStores: ['q'] } })
    const change = { leaveImporting: ['a', 'none'], addFailed: ['m', 'q', 'b', 'm'] }
    expect(await images.update('a', change)).toMatchObject({
      importingStores: ['z', 'm'],
      failedStores: ['q', 'm', 'b'],
    })
    expect(await images.update('a', change)).toMatchObject({
      importingStores: ['z', 'm'],
      failedStores: ['q', 'm', 'b'],
    })
    const restart = { set: { importingStores: ['x', 'y'], failedStores: [] }, leaveImporting: ['y'], addFailed: ['y'] }
    expect(await images.update('a', restart)).toMatchObject({ importingStores: ['x'], failedStores: ['y'] })
    expect(await images.update('a', { leaveImporting: ['x'] })).toMatchObject({ importingStores: [] })
  })

  it('refuses a size that node:sqlite could not read back', async () => {
    const { images } = await withImage()
    await expect(images.update('a', { set: { virtualSize: 2 ** 63 } })).rejects.toMatchObject({ code: 'invalid' })
    expect(await images.find('a')).toMatchObject({ virtualSize: null })
  })

  it('does not find an image that is not there', async () => {
    const { images } = await withImage()
    const change = { set: { name: 'x' } }
    await expect(images.update('b', change)).rejects.toMatchObject({
      code: 'image-not-found',
      message: 'No image found with ID b',
    })
    await expect(images.remove('b')).rejects.toMatchObject({ code: 'image-not-found' })
    expect(await images.find('b')).toBeUndefined()
    await images.remove('a')
    await expect(images.update('a', change)).rejects.toMatchObject({ code: 'image-not-found' })
  })
})

describe('what a sweep looks through', () => {
  it('is every image that is being written or is locked, in pages by id, complete', async () => {
    const { images } = await openRepos()
    for (const id of ['saving', 'importing', 'uploading', 'staged', 'locked', 'queued']) {
      await images.create({ id, name: null, owner: id, tags: [id], properties: { p: id } })
    }
    for (const status of ['saving', 'importing', 'uploading'] as const) await images.update(status, { set: { status } })
    await images.update('staged', { set: { status: 'uploading', staged: facts } })
    await images.update('locked', { set: { importTask: 't' } })
    const found = await images.unsettled(null, 3)
    expect(found.map(({ id }) => id)).toEqual(['importing', 'locked', 'saving'])
    expect(found[0]).toEqual(await images.find('importing'))
    expect((await images.unsettled('saving', 3)).map(({ id }) => id)).toEqual(['uploading'])
  })

  it('is any number of images by their ids, those that are there', async () => {
    const { images } = await openRepos()
    for (const id of ['a', 'b', 'c']) await images.create({ id, name: null, owner: null, tags: [id] })
    await images.remove('b')
    const found = await images.findAll(['c', 'b', 'a', 'never'])
    expect(found.toSorted((x, y) => x.id.localeCompare(y.id))).toEqual([await images.find('a'), await images.find('c')])
  })

  it('knows every id that ever was, of an image', async () => {
    const { images } = await openRepos()
    await images.create({ id: 'a', name: null, owner: null })
    await images.remove('a')
    expect([await images.isKnown('a'), await images.isKnown('b')]).toEqual([true, false])
  })
})
