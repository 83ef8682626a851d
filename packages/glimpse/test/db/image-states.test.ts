import { describe, expect, it } from 'vitest'
import { type ImageStatus, imageTransitions, mayBecome } from '../../src/domain/image.ts'
import { openRepos } from './temp-folder.ts'

const statuses = Object.keys(imageTransitions) as ImageStatus[]
const facts = { size: 3, checksum: 'c1', hashAlgo: 'sha512', hashValue: 'h1' }
/** A way from `queued` to each status there is one to. */
const ways: Partial<Record<ImageStatus, ImageStatus[]>> = {
  queued: [],
  saving: ['saving'],
  uploading: ['uploading'],
  importing: ['importing'],
  active: ['active'],
  deactivated: ['active', 'deactivated'],
  killed: ['saving', 'killed'],
  pending_delete: ['active', 'pending_delete'],
}
const reachable = Object.keys(ways) as ImageStatus[]

async function withImage() {
  const repos = await openRepos()
  const image = await repos.images.create({ id: 'a', name: 'cirros', owner: 'p1' })
  return { ...repos, image }
}

async function withImageIn(status: ImageStatus) {
  const repos = await withImage()
  for (const step of ways[status]!) await repos.images.update('a', { set: { status: step } })
  return repos
}

describe('moving an image from status to status', () => {
  it.each(reachable)('from %s goes where the table says, and nowhere else', async (from) => {
    for (const to of statuses.filter((status) => status !== 'deleted')) {
      const { images, close } = await withImageIn(from)
      const moved = images.update('a', { set: { status: to, name: 'moved' } })
      if (mayBecome(from, to)) await expect(moved).resolves.toMatchObject({ status: to, name: 'moved' })
      else {
        await expect(moved).rejects.toMatchObject({
          code: 'image-transition',
          message: `Image status transition from ${from} to ${to} is not allowed`,
        })
        expect(await images.find('a')).toMatchObject({ status: from, name: 'cirros' })
      }
      await close()
    }
  })

  it('is refused when the image is not in a status that was expected', async () => {
    const { images } = await withImageIn('saving')
    const expected = { status: ['queued', 'uploading'] } as const
    await expect(images.update('a', { set: { status: 'active' } }, expected)).rejects.toMatchObject({
      code: 'image-transition',
      details: { from: 'saving', to: 'active' },
    })
    await expect(images.update('a', { set: { size: 1 } }, expected)).rejects.toMatchObject({
      code: 'image-transition',
      details: { from: 'saving', to: 'queued or uploading' },
    })
    expect(await images.find('a')).toMatchObject({ status: 'saving', size: null })
  })

  it('may stay where it is when the caller expects just that, so that a revert can be repeated', async () => {
    const { images } = await withImageIn('importing')
    const revert = () => images.update('a', { set: { status: 'queued' } }, { status: ['importing', 'queued'] })
    expect(await revert()).toMatchObject({ status: 'queued' })
    expect(await revert()).toMatchObject({ status: 'queued' })
    await expect(images.update('a', { set: { status: 'queued' } })).rejects.toMatchObject({ code: 'image-transition' })
  })

  it('loses what is known of its data when it is queued again, unless the change says otherwise', async () => {
    const { images } = await withImageIn('importing')
    await images.update('a', { set: { ...facts, virtualSize: 4, diskFormat: 'raw' } })
    const queued = await images.update('a', { set: { status: 'queued', checksum: 'kept' } })
    expect(queued).toMatchObject({
      size: null,
      virtualSize: null,
      checksum: 'kept',
      hashAlgo: null,
      hashValue: null,
      diskFormat: 'raw',
    })
  })

  it('is not deleted by a change', async () => {
    const { images } = await withImage()
    await expect(images.update('a', { set: { status: 'deleted' } })).rejects.toMatchObject({
      code: 'invalid',
      message: 'Image a cannot become deleted by a change: remove it',
    })
    expect(await images.find('a')).toBeDefined()
  })
})

describe('the import lock', () => {
  it('is asked for by task, and refused to all others', async () => {
    const { images } = await withImage()
    await images.update('a', { set: { importTask: 't1' } }, { importTask: null })
    for (const importTask of [null, 't2']) {
      await expect(images.update('a', { set: { name: 'x' } }, { importTask })).rejects.toMatchObject({
        code: 'image-locked',
        message: 'Image has active task',
      })
      await expect(images.remove('a', { importTask })).rejects.toMatchObject({ code: 'image-locked' })
    }
    expect(await images.update('a', { set: { name: 'x' } }, { importTask: 't1' })).toMatchObject({ name: 'x' })
    expect(await images.update('a', { set: { name: 'y' } })).toMatchObject({ name: 'y' })
  })

  it('is named before the status when neither is as expected', async () => {
    const { images } = await withImageIn('importing')
    await images.update('a', { set: { importTask: 't1' } })
    const expected = { status: ['queued'], importTask: null } as const
    await expect(images.update('a', { set: { status: 'importing' } }, expected)).rejects.toMatchObject({
      code: 'image-locked',
    })
  })
})

describe('removing an image', () => {
  it.each(reachable)('works from %s, and once', async (from) => {
    const { images } = await withImageIn(from)
    await images.remove('a', { status: [from] })
    expect(await images.find('a')).toBeUndefined()
    expect(await images.unsettled(null, 10)).toEqual([])
    await expect(images.remove('a')).rejects.toMatchObject({ code: 'image-not-found' })
  })

  it('is refused in a status that was not expected', async () => {
    const { images } = await withImageIn('saving')
    await expect(images.remove('a', { status: ['active'] })).rejects.toMatchObject({
      code: 'image-transition',
      details: { from: 'saving', to: 'deleted' },
    })
    expect(await images.find('a')).toBeDefined()
  })
})
