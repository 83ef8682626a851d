import { describe, expect, it } from 'vitest'
import { newTask } from './new-task.ts'
import { openRepos, type TestRepos } from './temp-folder.ts'

const hour = 3_600_000

async function withImage(): Promise<TestRepos> {
  const repos = await openRepos()
  await repos.images.create({ id: 'a', name: null, owner: 'p1' })
  return repos
}

const lock = { image: 'a', expected: { status: ['queued'] }, change: { set: { status: 'importing' } } } as const

describe('accepting a task', () => {
  it('stores it as pending', async () => {
    const { tasks, clock } = await openRepos()
    const now = clock.now().toISOString()
    const task = await tasks.accept(newTask('t1'))
    expect(task).toEqual({
      ...newTask('t1'),
      status: 'pending',
      result: null,
      message: '',
      expiresAt: null,
      createdAt: now,
      updatedAt: now,
    })
    expect(await tasks.find('t1')).toEqual(task)
    expect(await tasks.find('t2')).toBeUndefined()
  })

  it('keeps a task of nobody and of no image', async () => {
    const { tasks } = await openRepos()
    const none = { owner: null, imageId: null, requestId: null, userId: null }
    expect(await tasks.accept(newTask('t1', { type: 'import', ...none }))).toMatchObject(none)
  })

  it('refuses an id in use', async () => {
    const { tasks } = await openRepos()
    const task = await tasks.accept(newTask('t1'))
    await expect(tasks.accept(newTask('t1', { owner: 'p2' }))).rejects.toMatchObject({
      code: 'conflict',
      message: 'Task ID t1 already exists!',
    })
    expect(await tasks.find('t1')).toEqual(task)
  })

  it('takes the lock and makes the change that goes with it', async () => {
    const { images, tasks } = await withImage()
    await tasks.accept(newTask('t1'), { ...lock, change: { set: { status: 'importing', importingStores: ['s'] } } })
    expect(await images.find('a')).toMatchObject({ status: 'importing', importTask: 't1', importingStores: ['s'] })
  })

  it('takes the lock alone', async () => {
    const { images, tasks } = await withImage()
    await tasks.accept(newTask('t1'), { image: 'a', expected: {} })
    expect(await images.find('a')).toMatchObject({ status: 'queued', importTask: 't1' })
  })

  it('takes no lock that another task holds, unless the caller names that task', async () => {
    const { images, tasks } = await withImage()
    await tasks.accept(newTask('t1'), { image: 'a', expected: {} })
    await expect(tasks.accept(newTask('t2'), { image: 'a', expected: {} })).rejects.toMatchObject({
      code: 'image-locked',
    })
    expect(await tasks.find('t2')).toBeUndefined()
    await tasks.accept(newTask('t2'), { image: 'a', expected: { importTask: 't1' } })
    expect(await images.find('a')).toMatchObject({ importTask: 't2' })
  })

  it('stores no task when the image is in another status', async () => {
    const { images, tasks } = await withImage()
    await images.update('a', { set: { status: 'saving' } })
    await expect(tasks.accept(newTask('t1'), lock)).rejects.toMatchObject({
      code: 'image-transition',
      details: { from: 'saving', to: 'importing' },
    })
    expect(await tasks.unfinished()).toEqual([])
    expect(await images.find('a')).toMatchObject({ importTask: null })
  })

  it('stores no task when there is no image', async () => {
    const { images, tasks } = await withImage()
    await expect(tasks.accept(newTask('t1'), { ...lock, image: 'b' })).rejects.toMatchObject({
      code: 'image-not-found',
    })
    await images.remove('a')
    await expect(tasks.accept(newTask('t1'), lock)).rejects.toMatchObject({ code: 'image-not-found' })
    expect(await tasks.find('t1')).toBeUndefined()
  })
})

describe('running a task', () => {
  it('goes from pending to processing, once', async () => {
    const { tasks, clock } = await openRepos()
    const task = await tasks.accept(newTask('t1'))
    clock.at += 1
    const begun = await tasks.begin('t1')
    expect(begun).toEqual({ ...task, status: 'processing', updatedAt: clock.now().toISOString() })
    await expect(tasks.begin('t1')).rejects.toMatchObject({
      code: 'task-transition',
      message: 'Task status transition from processing to processing is not allowed',
    })
    expect(await tasks.find('t1')).toEqual(begun)
  })

  it('says what it does while it is unfinished', async () => {
    const { tasks, clock } = await openRepos()
    await tasks.accept(newTask('t1'))
    await tasks.say('t1', 'waiting')
    expect(await tasks.find('t1')).toMatchObject({ status: 'pending', message: 'waiting' })
    await tasks.begin('t1')
    clock.at += 1
    await tasks.say('t1', 'Copied 2 MiB')
    const said = { status: 'processing', message: 'Copied 2 MiB', updatedAt: clock.now().toISOString() }
    expect(await tasks.find('t1')).toMatchObject(said)
  })

  it('says nothing once it has ended, nor when it is not there', async () => {
    const { tasks } = await openRepos()
    await tasks.accept(newTask('t1'))
    const ended = await tasks.finish('t1', { status: 'failure', message: 'the disk is full' })
    await tasks.say('t1', 'Copied 2 MiB')
    await tasks.say('t2', 'Copied 2 MiB')
    expect(await tasks.find('t1')).toEqual(ended)
  })

  it('does not find a task that is not there', async () => {
    const { tasks } = await openRepos()
    const missing = { code: 'task-not-found', message: 'No task found with ID t1' }
    await expect(tasks.begin('t1')).rejects.toMatchObject(missing)
    await expect(tasks.finish('t1', { status: 'failure', message: '' })).rejects.toMatchObject(missing)
  })
})

describe('ending a task', () => {
  it('with success sets message, result and expiry', async () => {
    const { tasks, clock } = await openRepos()
    await tasks.accept(newTask('t1'))
    await tasks.begin('t1')
    await tasks.say('t1', 'Copied 2 MiB')
    const ended = await tasks.finish('t1', {
      status: 'success',
      result: { image_id: 'a' },
      message: 'Imported in 1.0 s',
    })
    expect(ended).toMatchObject({
      status: 'success',
      message: 'Imported in 1.0 s',
      result: { image_id: 'a' },
      expiresAt: new Date(clock.at + 48 * hour).toISOString(),
    })
    expect(await tasks.find('t1')).toEqual(ended)
  })

  it('with failure replaces the message, also before it began', async () => {
    const { tasks } = await openRepos()
    await tasks.accept(newTask('t1'))
    await tasks.say('t1', 'waiting')
    const ended = await tasks.finish('t1', { status: 'failure', message: 'no worker' })
    expect(ended).toMatchObject({ status: 'failure', message: 'no worker', result: null })
  })

  it('is refused where the table of transitions does not have it', async () => {
    const { tasks } = await openRepos()
    const success = { status: 'success', result: {}, message: '' } as const
    await tasks.accept(newTask('t1'))
    await expect(tasks.finish('t1', success)).rejects.toMatchObject({
      code: 'task-transition',
      message: 'Task status transition from pending to success is not allowed',
    })
    await tasks.begin('t1')
    const ended = await tasks.finish('t1', success)
    for (const outcome of [success, { status: 'failure', message: 'late' } as const]) {
      await expect(tasks.finish('t1', outcome)).rejects.toMatchObject({
        code: 'task-transition',
        details: { from: 'success', to: outcome.status },
      })
    }
    await expect(tasks.begin('t1')).rejects.toMatchObject({ code: 'task-transition' })
    expect(await tasks.find('t1')).toEqual(ended)
  })

  it('releases the lock that it holds', async () => {
    const { images, tasks, clock } = await withImage()
    await tasks.accept(newTask('t1'), lock)
    clock.at += 1
    await tasks.finish('t1', { status: 'failure', message: 'x' })
    const updatedAt = clock.now().toISOString()
    expect(await images.find('a')).toMatchObject({ status: 'importing', importTask: null, updatedAt })
  })

  it('leaves a lock that another task holds by now, and one of an end that is refused', async () => {
    const { images, tasks } = await withImage()
    await tasks.accept(newTask('t1'), { image: 'a', expected: {} })
    await expect(tasks.finish('t1', { status: 'success', result: {}, message: '' })).rejects.toThrow()
    expect(await images.find('a')).toMatchObject({ importTask: 't1' })
    await tasks.accept(newTask('t2'), { image: 'a', expected: { importTask: 't1' } })
    await tasks.finish('t1', { status: 'failure', message: 'preempted' })
    expect(await images.find('a')).toMatchObject({ importTask: 't2' })
  })
})

describe('expiry', () => {
  it('deletes what ended long enough ago, whoever owns it, and nothing unfinished', async () => {
    const { tasks, clock } = await openRepos()
    for (const id of ['t1', 't2', 't3', 't4']) await tasks.accept(newTask(id, { owner: id }))
    await tasks.begin('t2')
    await tasks.finish('t1', { status: 'failure', message: '' })
    await tasks.finish('t2', { status: 'success', result: {}, message: '' })
    clock.at += 1
    await tasks.finish('t3', { status: 'failure', message: '' })
    clock.at += 48 * hour - 2
    expect(await tasks.expire()).toBe(0)
    clock.at += 1
    expect(await tasks.expire()).toBe(2)
    expect(await tasks.find('t1')).toBeUndefined()
    expect(await tasks.find('t2')).toBeUndefined()
    expect(await tasks.find('t3')).toBeDefined()
    clock.at += 1000 * hour
    expect(await tasks.expire()).toBe(1)
    expect(await tasks.find('t4')).toMatchObject({ status: 'pending', expiresAt: null })
  })
})
