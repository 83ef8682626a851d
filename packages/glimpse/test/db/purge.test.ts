import type { Kysely } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { imageRepo } from '../../src/db/images.ts'
import { migrate } from '../../src/db/migrate.ts'
import { purge } from '../../src/db/purge.ts'
import type { Schema } from '../../src/db/schema.ts'
import { openDatabase } from '../../src/db/sqlite.ts'
import { taskRepo } from '../../src/db/tasks.ts'
import { newTask } from './new-task.ts'
import { manualClock, tempFile } from './temp-folder.ts'

const hour = 3_600_000
const noData = async (): Promise<boolean> => false

async function open() {
  const db: Kysely<Schema> = openDatabase(await tempFile())
  onTestFinished(() => db.destroy())
  const clock = manualClock()
  await migrate(db, clock)
  const images = imageRepo(db, clock)
  const tasks = taskRepo(db, clock, { ttlHours: 1_000 })
  const left = async () => ({
    images: (await db.selectFrom('images').select('id').execute()).map(({ id }) => id),
    tasks: (await db.selectFrom('tasks').select('id').execute()).map(({ id }) => id),
  })
  /** Deletes an image an hour after the one before. */
  const deleteImage = async (id: string): Promise<void> => {
    await images.create({ id, name: id, owner: null, tags: ['t'], properties: { p: 'v' } })
    clock.at += hour
    await images.remove(id)
  }
  return { db, clock, images, tasks, left, deleteImage, now: () => new Date(clock.at) }
}

describe('a purge', () => {
  it('removes images that were deleted before the time, and no others', async () => {
    const { db, images, clock, left, deleteImage } = await open()
    await images.create({ id: 'active', name: null, owner: null })
    await deleteImage('old')
    const before = new Date(clock.at + 1)
    await deleteImage('new')
    expect(await purge(db, { before, maxRows: 10, hasData: noData })).toEqual({ tasks: 0, images: 1, kept: [] })
    expect((await left()).images).toEqual(['active', 'new'])
    expect([await images.isKnown('old'), await images.isKnown('new')]).toEqual([false, true])
  })

  it('removes tasks that ended before the time, and none that is unfinished', async () => {
    const { db, tasks, clock, left, now } = await open()
    for (const id of ['ended', 'open', 'late']) await tasks.accept(newTask(id))
    await tasks.finish('ended', { status: 'failure', message: '' })
    clock.at += hour
    const before = now()
    await tasks.finish('late', { status: 'failure', message: '' })
    expect(await purge(db, { before, maxRows: 10, hasData: noData })).toMatchObject({ tasks: 1 })
    expect((await left()).tasks).toEqual(['late', 'open'])
  })

  it('removes at most so many rows in all, the oldest first', async () => {
    const { db, tasks, clock, left, deleteImage, now } = await open()
    await tasks.accept(newTask('task'))
    await tasks.finish('task', { status: 'failure', message: '' })
    for (const id of ['c', 'a', 'b']) await deleteImage(id)
    clock.at += hour
    expect(await purge(db, { before: now(), maxRows: 3, hasData: noData })).toEqual({ tasks: 1, images: 2, kept: [] })
    expect((await left()).images).toEqual(['b'])
    expect(await purge(db, { before: now(), maxRows: 0, hasData: noData })).toEqual({ tasks: 0, images: 0, kept: [] })
  })

  it('keeps the rows of images that have data in a store, however many come first', async () => {
    const { db, clock, left, deleteImage, now } = await open()
    const withData = Array.from({ length: 120 }, (_, at) => `data-${at}`)
    for (const id of [...withData, 'none']) await deleteImage(id)
    clock.at += hour
    const hasData = async (id: string): Promise<boolean> => id.startsWith('data-')
    const purged = await purge(db, { before: now(), maxRows: 1, hasData })
    expect([purged.images, purged.kept.length, (await left()).images.length]).toEqual([1, 120, 120])
  })
})
