import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newTask } from './new-task.ts'
import { openRepos } from './temp-folder.ts'

async function twoConnections() {
  const one = await openRepos()
  const two = await openRepos(one.file)
  await one.images.create({ id: 'a', name: null, owner: null })
  return [one, two] as const
}

/** Its 'ready' is taken here, so that what it says next is its answer. */
async function startThread(file: string, name: string, images: readonly string[]): Promise<Worker> {
  const thread = new Worker(new URL('accept-all.ts', import.meta.url), { workerData: { file, name, images } })
  onTestFinished(async () => {
    await thread.terminate()
  })
  await once(thread, 'message')
  return thread
}

describe('two connections to one file', () => {
  it('accept one task for an image, and refuse the other as locked', async () => {
    const [one, two] = await twoConnections()
    const lock = { image: 'a', expected: { status: ['queued'] }, change: { set: { status: 'importing' } } } as const
    const outcomes = await Promise.allSettled([
      one.tasks.accept(newTask('t1'), lock),
      two.tasks.accept(newTask('t2'), lock),
    ])
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(refused).toMatchObject([{ reason: { code: 'image-locked' } }])
    const [winner, ...others] = await one.tasks.unfinished()
    expect(others).toEqual([])
    expect(await two.images.find('a')).toMatchObject({ status: 'importing', importTask: winner?.id })
  })

  it('in two threads accept one task for each image, and refuse the other as locked', async () => {
    const { file, images, tasks } = await openRepos()
    const ids = Array.from({ length: 50 }, (_, i) => `i${i}`)
    for (const id of ids) await images.create({ id, name: null, owner: null })
    const threads = await Promise.all(['one', 'two'].map((name) => startThread(file, name, ids)))
    const answers = threads.map((thread) => once(thread, 'message'))
    for (const thread of threads) thread.postMessage('go', [])
    const [one = [], two = []] = (await Promise.all(answers)).map(([outcomes]) => outcomes as string[])
    const pairs = one.map((outcome, i) => new Set([outcome, two[i]]))
    expect(pairs).toEqual(ids.map(() => new Set(['accepted', 'image-locked'])))
    expect(await tasks.unfinished()).toHaveLength(ids.length)
  })

  it('keep every change of 50 made at once', async () => {
    const [one, two] = await twoConnections()
    const numbers = Array.from({ length: 50 }, (_, i) => i)
    const changed = numbers.map((i) => {
      const change = { setProperties: { [`p${i}`]: `${i}` }, addFailed: [`s${i}`], set: { minRam: i } }
      return (i % 2 ? one : two).images.update('a', change)
    })
    await Promise.all(changed)
    const image = await one.images.find('a')
    expect(new Set(image?.failedStores)).toEqual(new Set(numbers.map((i) => `s${i}`)))
    expect(image?.properties).toEqual(Object.fromEntries(numbers.map((i) => [`p${i}`, `${i}`])))
  })

  it('let one of many begin an upload', async () => {
    const [one, two] = await twoConnections()
    const begin = (i: number) => (i % 2 ? one : two).images.update('a', { set: { status: 'saving' } })
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => begin(i)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'image-transition' })
    }
  })

  it('never see an image half changed', async () => {
    const [one, two] = await twoConnections()
    const writes = Array.from({ length: 30 }, (_, i) =>
      one.images.update('a', { set: { name: `${i}` }, tags: [`${i}`], setProperties: { n: `${i}` } }),
    )
    const reads = Array.from({ length: 60 }, (_, i) => (i % 2 ? one : two).images.find('a'))
    await Promise.all(writes)
    for (const image of await Promise.all(reads)) {
      if (image?.name !== null) expect([image?.tags[0], image?.properties['n']]).toEqual([image?.name, image?.name])
    }
  })
})
