import { CompiledQuery } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/sqlite.ts'
import { selectTaskPage } from '../../src/db/tasks.ts'
import type { TaskQuery } from '../../src/domain/ports.ts'
import type { Task } from '../../src/domain/task.ts'
import { newTask } from './new-task.ts'
import { manualClock, openRepos } from './temp-folder.ts'

const all: TaskQuery = { sort: { key: 'createdAt', direction: 'desc' }, limit: 100 }

async function withTasks() {
  const repos = await openRepos()
  const { tasks, clock } = repos
  for (const [i, id] of ['t3', 't1', 't5', 't2', 't4'].entries()) {
    clock.at += i % 2
    await tasks.accept(
      newTask(id, { type: i < 2 ? 'import' : 'api_image_import', owner: `p${i % 2}`, imageId: `i${i % 3}` }),
    )
  }
  clock.at += 1
  await tasks.begin('t5')
  await tasks.finish('t3', { status: 'failure', message: '' })
  clock.at += 1
  await tasks.finish('t5', { status: 'success', result: {}, message: '' })
  return repos
}

const ids = (found: Task[]) => found.map(({ id }) => id)

describe('listing tasks', () => {
  it('filters by type, status, owner and image, together too', async () => {
    const { tasks } = await withTasks()
    const list = async (query: Partial<TaskQuery>) => ids(await tasks.list({ ...all, ...query })).toSorted()
    expect(await list({ type: 'import' })).toEqual(['t1', 't3'])
    expect(await list({ status: 'pending' })).toEqual(['t1', 't2', 't4'])
    expect(await list({ owner: 'p0' })).toEqual(['t3', 't4', 't5'])
    expect(await list({ imageId: 'i0' })).toEqual(['t2', 't3'])
    expect(await list({ imageId: 'i0', status: 'failure', owner: 'p0', type: 'import' })).toEqual(['t3'])
    expect(await list({ imageId: 'none' })).toEqual([])
  })

  it.each(['createdAt', 'updatedAt', 'expiresAt', 'id', 'status', 'type'] as const)(
    'gives every task once by %s, whatever the size of a page',
    async (key) => {
      const { tasks } = await withTasks()
      for (const direction of ['asc', 'desc'] as const) {
        const sort = { key, direction }
        const whole = await tasks.list({ ...all, sort })
        const texts = whole.map((task) => [task[key] ?? '', task.createdAt, task.id].join(' '))
        expect(texts).toEqual(direction === 'asc' ? texts.toSorted() : texts.toSorted().toReversed())
        expect(texts).toHaveLength(5)
        for (const limit of [1, 2, 3, 5]) {
          const read: Task[] = []
          for (let page = await tasks.list({ sort, limit }); page.length > 0; ) {
            read.push(...page)
            page = await tasks.list({ sort, limit, marker: page.at(-1)?.id ?? '' })
          }
          expect(read).toEqual(whole)
        }
      }
    },
  )

  it('does not find a marker that is not there', async () => {
    const { tasks } = await withTasks()
    await expect(tasks.list({ ...all, marker: 't9' })).rejects.toMatchObject({ code: 'task-not-found' })
  })

  it('refuses a limit that is no number of rows', async () => {
    const { tasks } = await openRepos()
    await expect(tasks.list({ ...all, limit: -1 })).rejects.toMatchObject({ code: 'invalid' })
  })

  it('knows the unfinished ones, oldest first', async () => {
    const { tasks } = await withTasks()
    await tasks.begin('t4')
    expect(ids(await tasks.unfinished())).toEqual(['t1', 't2', 't4'])
  })
})

describe('the plan of a listing of tasks', () => {
  const filters: Partial<TaskQuery>[] = [
    {},
    { type: 'import' },
    { status: 'pending' },
    { owner: 'p1' },
    { imageId: 'a' },
    { sort: { key: 'expiresAt', direction: 'asc' } },
    { sort: { key: 'updatedAt', direction: 'desc' } },
  ]
  it.each(filters)('walks an index in order for %j', async (filter) => {
    const db = openDatabase(':memory:')
    onTestFinished(() => db.destroy())
    await migrate(db, manualClock())
    const { sql, parameters } = selectTaskPage(db, { ...all, ...filter }, undefined).compile()
    const explain = CompiledQuery.raw(`explain query plan ${sql}`, [...parameters])
    const { rows } = await db.executeQuery<{ detail: string }>(explain)
    expect(rows).toEqual([{ ...rows[0], detail: expect.stringMatching(/^(SCAN|SEARCH) tasks USING INDEX tasks_by_/) }])
  })
})
