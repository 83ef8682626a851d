import type { JobPosting } from '@glimpse/taskflow'
import { SqliteStore } from '@glimpse/taskflow-sqlite'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Task, TaskStatus } from '../../src/domain/task.ts'
import { sweepJobs } from '../../src/executors/leftover-jobs.ts'
import { TaskLifecycle } from '../../src/executors/lifecycle.ts'
import { tempFile } from '../db/temp-folder.ts'

const claimant = { owner: 'host-1', lease: 60_000 }

/** A store in a file, and tasks by id: those that are not named are gone. */
async function leftIn(statuses: Readonly<Record<string, TaskStatus>>) {
  const store = await SqliteStore.open({ file: await tempFile('flows.sqlite') })
  onTestFinished(() => store.close())
  const logged: Record<string, unknown>[] = []
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line)) })
  const find = async (id: string): Promise<Task | undefined> =>
    id in statuses ? ({ id, status: statuses[id] } as unknown as Task) : undefined
  const post = (...ids: string[]) => store.jobboard.post(ids.map((id): JobPosting => ({ id, factory: 'task' })))
  const keepAside = async (id: string): Promise<void> => {
    await post(id)
    await store.jobboard.trash(await store.jobboard.claim(id, claimant), 'it cannot be built')
  }
  const begin = (id: string) =>
    store.backend.create({
      id,
      book: null,
      name: 'f',
      state: 'RUNNING',
      intention: 'EXECUTE',
      fence: 1,
      inputs: {},
      meta: {},
      plan: [],
      cancelled: null,
      createdAt: 0,
      updatedAt: 0,
    } as never)
  const left = async () => ({
    jobs: (await store.jobboard.list()).map(({ id, state }) => `${id} ${state}`),
    runs: (await store.backend.list()).map(({ id }) => id),
  })
  return { store, post, keepAside, begin, left, logged, sweep: () => sweepJobs({ store, tasks: { find }, log }) }
}

describe('what is stored of runs and jobs', () => {
  it('goes where a job was kept aside whose task is over, and the reason is told', async () => {
    const site = await leftIn({ failed: 'failure', open: 'processing' })
    for (const id of ['failed', 'gone', 'open']) await site.keepAside(id)
    await site.begin('failed')
    expect(await site.sweep()).toEqual({ jobs: 2, runs: 1 })
    expect(await site.left()).toEqual({ jobs: ['open TRASHED'], runs: [] })
    const told = { level: 40, task: 'failed', keptAsideFor: 'it cannot be built', why: 'its task is over' }
    expect(site.logged[0]).toMatchObject(told)
  })

  it('stays where a job waits or is claimed, whatever its task says', async () => {
    const site = await leftIn({ waiting: 'pending', claimed: 'success' })
    await site.post('waiting', 'claimed', 'gone')
    await site.store.jobboard.claim('claimed', claimant)
    for (const id of ['waiting', 'claimed', 'gone']) await site.begin(id)
    expect(await site.sweep()).toEqual({ jobs: 0, runs: 0 })
    expect((await site.left()).runs).toEqual(['waiting', 'claimed', 'gone'])
  })

  it('goes where a run has no job and its task has ended or is gone, however many there are', async () => {
    const site = await leftIn({ open: 'processing', ended: 'success' })
    const gone = Array.from({ length: 210 }, (_, at) => `gone-${at}`)
    for (const id of [...gone.slice(0, 105), 'open', ...gone.slice(105), 'ended']) await site.begin(id)
    expect(await site.sweep()).toEqual({ jobs: 0, runs: 211 })
    expect(await site.left()).toEqual({ jobs: [], runs: ['open'] })
  })

  it('goes in pages past those that stay', async () => {
    const open = Array.from({ length: 150 }, (_, at) => `open-${String(at).padStart(3, '0')}`)
    const site = await leftIn(Object.fromEntries(open.map((id) => [id, 'processing'])))
    for (const id of open) await site.keepAside(id)
    await site.keepAside('gone')
    expect(await site.sweep()).toEqual({ jobs: 1, runs: 0 })
    expect((await site.left()).jobs).toHaveLength(150)
  })
})

it('an executor that keeps nothing has a task until it has brought it to its end', async () => {
  const held = Promise.withResolvers<{ failures: []; revertFailures: []; cancelled: null }>()
  const task = { id: 't', imageId: null, requestId: null } as unknown as Task
  const executor = new TaskLifecycle({
    images: { find: async () => undefined },
    tasks: { begin: async () => task, finish: async () => task, expire: async () => 0 } as never,
    clock: { now: () => new Date() },
    log: pino({ level: 'silent' }),
    jobOf: () => ({ flow: {} as never, inputs: {}, result: {} }),
    runFlow: () => held.promise,
    concurrency: 1,
  })
  expect(await executor.keeps('t')).toBe(false)
  executor.submit(task)
  expect(await executor.keeps('t')).toBe(true)
  held.resolve({ failures: [], revertFailures: [], cancelled: null })
  await executor.drain()
  expect(await executor.keeps('t')).toBe(false)
})
