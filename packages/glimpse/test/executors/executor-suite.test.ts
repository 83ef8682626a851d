import { type FileDriver, Store } from '@glimpse/stores'
import { type Fault, FaultyDriver } from '@glimpse/stores/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { ServiceError } from '../../src/domain/errors.ts'
import type { JsonObject, Task } from '../../src/domain/task.ts'
import type { TaskExecutor } from '../../src/executors/executor.ts'
import type { Steps } from '../../src/flows/steps/steps.ts'
import { Bench, type EndState, type ExecutorName, executors, type SourceKind, Waits } from './bench.ts'

/**
 * Users cannot tell which executor ran: every task, succeeding and failing at each of its steps, ends in the same
 * image, task, stores and staging area whichever executor the deployer chose.
 */
type TaskKind = 'web-download' | 'glance-direct' | 'import'
const taskId = '99999999-2222-3333-4444-555555555555'

const stepsOf: Record<TaskKind, readonly (keyof Steps)[]> = {
  'web-download': ['markImporting', 'download', 'importToStore', 'activate'],
  'glance-direct': ['markImporting', 'openStaged', 'importToStore', 'activate'],
  import: ['createImage', 'markImporting', 'download', 'importToStore', 'activate'],
}
/** How the image is left, for its user to try again. */
const afterFailure: Record<TaskKind, string | null> = {
  'web-download': 'queued',
  'glance-direct': 'uploading',
  import: null,
}
type Break = { readonly step: keyof Steps; readonly when: 'before' | 'after'; readonly revert?: 'fails' }

const open: Bench[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((bench) => bench.close()))
})

describe.each(Object.keys(stepsOf) as TaskKind[])('task %s', (kind) => {
  it('succeeds, and ends the same on every executor', async () => {
    const ends = await onEvery((bench) => perform(bench, kind))
    const end = same(ends)
    expect(end.task).toMatchObject({ status: 'success', expires: true, result: { image_id: expect.any(String) } })
    expect(end.image).toMatchObject({ status: 'active', importTask: null, staged: null, importingStores: [] })
    expect(Object.keys(end.files['staging']!)).toEqual([])
    expect(Object.keys(end.files['fast']!)).toHaveLength(1)
  })

  const faults = stepsOf[kind].flatMap((step): Break[] => [
    { step, when: 'before' },
    { step, when: 'after' },
  ])
  it.each(faults)(
    'fails $when the work of $step, is undone the same everywhere, and can be tried again',
    async (fault) => {
      const ends = await onEvery((bench) => perform(bench, kind, { fault }))
      const end = same(ends)
      /** Activation is the point of no return. */
      const activeAnyway = fault.step === 'activate' && fault.when === 'after'
      expect(end.task).toMatchObject({ status: 'failure', message: expect.stringContaining('broken on purpose') })
      if (activeAnyway) expect([end.image?.status, end.files['staging']]).toEqual(['active', {}])
      else expectUndone(end, kind)
      expect(end.image?.importTask ?? null).toBeNull()
      if (!activeAnyway && kind !== 'import') {
        const again = same(await onEvery((bench) => retry(bench, kind, fault)))
        expect(again.image?.status).toBe('active')
      }
    },
  )

  it('says so when an undo fails too, and undoes everything else', async () => {
    const fault = { step: 'activate', when: 'before' } as const
    const ends = await onEvery((bench) => perform(bench, kind, { fault, badRevert: 'importToStore' }))
    const end = same(ends)
    expect(end.task.message).toMatch(/step activate failed: broken on purpose; undoing step import-to-\w+ failed too/)
    expect(end.image?.importTask ?? null).toBeNull()
    if (kind === 'web-download') expect(Object.keys(end.files['staging']!)).toEqual([])
  })
})

describe('several stores', () => {
  it.each(['web-download', 'glance-direct'] as const)('%s fills all of them', async (kind) => {
    const end = same(await onEvery((bench) => perform(bench, kind, { stores: ['fast', 'slow'] })))
    expect(end.locations).toEqual(['fast', 'slow'])
    expect(end.files['fast']).toEqual(end.files['slow'])
  })

  it.each(['fast', 'slow'])('when %s fails and all must succeed, none has the data', async (badStore) => {
    const end = same(await onEvery((bench) => perform(bench, 'glance-direct', { stores: ['fast', 'slow'] }), badStore))
    expect(end.image?.failedStores).toEqual([badStore])
    expectUndone(end, 'glance-direct')
  })

  it.each(['fast', 'slow'])('when %s fails and one is enough, the other has the data', async (badStore) => {
    const request = { stores: ['fast', 'slow'], allMustSucceed: false }
    const end = same(await onEvery((bench) => perform(bench, 'web-download', request), badStore))
    expect(end).toMatchObject({ task: { status: 'success' }, image: { status: 'active', failedStores: [badStore] } })
    expect(end.locations).toEqual([badStore === 'fast' ? 'slow' : 'fast'])
  })

  it('when one breaks down altogether and one is enough, the other has the data', async () => {
    const request = { stores: ['fast', 'slow'], allMustSucceed: false }
    const broken = Array.from({ length: 3 }, (_, at): Fault => ({ call: 'delete', nth: at + 1, errno: 'EIO' }))
    const end = same(await onEvery((bench) => perform(bench, 'web-download', request), 'fast', broken))
    expect(end).toMatchObject({ task: { status: 'success' }, image: { status: 'active', failedStores: ['fast'] } })
    expect(end.locations).toEqual(['slow'])
  })

  it('when the only store fails and one is enough, the import fails with the cause', async () => {
    const request = { stores: ['fast'], allMustSucceed: false }
    const end = same(await onEvery((bench) => perform(bench, 'web-download', request), 'fast'))
    expect(end.task.message).toMatch(/^step import-to-fast failed: Image storage media is full: /)
    expectUndone(end, 'web-download')
  })

  it('when all fail and one is enough, the import fails and names them', async () => {
    const request = { stores: ['fast', 'gone'], allMustSucceed: false }
    const end = same(await onEvery((bench) => perform(bench, 'web-download', request), 'fast'))
    expect(end.task.message).toBe('step activate failed: None of the uploads finished! Failed stores: fast, gone')
    expectUndone(end, 'web-download')
  })
})

describe('a bad source', () => {
  it.each([
    ['missing', 1, /^step download failed: the source \S+ answered 404/],
    ['moved', 1, /^step download failed: .*169\.254\.169\.254/],
    ['endless', 1, /^step download failed: .*too large/],
    ['huge', 1, /^step download failed: .*too large.*: 900719925474099 bytes were given/],
    ['busy', 3, /^step download failed after 3 attempts: the source \S+ answered 503/],
    ['limited', 3, /^step download failed after 3 attempts: the source \S+ answered 429/],
    ['mute', 3, /^step download failed after 3 attempts: the source \S+ cannot be reached/],
    ['cut-off', 3, /^step download failed after 3 attempts: .*closed the connection after \d+ of 880000 bytes$/],
  ] as const)('%s: is asked %d times, the task says why, and nothing is left', async (what, attempts, message) => {
    for (const kind of ['web-download', 'import'] as const) {
      const ends = await onEvery(async (bench, waits) => {
        await perform(bench, kind, { source: what })
        expect(bench.source.requests).toBe(attempts)
        expect(waits.begun).toEqual(Array.from({ length: attempts - 1 }, () => 2_000))
      })
      const end = same(ends)
      expect(end.task.message).toMatch(message)
      expectUndone(end, kind)
    }
  })

  it.each(['web-download', 'import'] as const)('that recovers in time does a %s no harm', async (kind) => {
    const said: string[][] = []
    const ends = await onEvery(async (bench) => {
      await perform(bench, kind, { source: 'shaky' })
      expect(bench.source.requests).toBe(3)
      said.push(bench.said.map((message) => message.replace(/\S+:\d+\S+|\d+ of \d+ bytes/g, '#')))
    })
    const end = same(ends)
    expect(end).toMatchObject({ task: { status: 'success' }, image: { status: 'active' }, locations: ['fast'] })
    expect([Object.keys(end.files['fast']!).length, end.files['staging']]).toEqual([1, {}])
    for (const messages of said) {
      expect(messages).toEqual([
        'Step download failed: the source # answered 503 Service Unavailable; attempt 2 of 3 follows in 2.0 s',
        'Step download failed: the source closed the connection after #; attempt 3 of 3 follows in 2.0 s',
      ])
    }
  })

  it('that failed for good can be tried again', async () => {
    const ends = await onEvery(async (bench) => {
      await perform(bench, 'web-download', { source: 'busy' })
      await bench.run(taskFor(bench, 'web-download', 'second-task', { source: 'good' }))
    })
    expect(same(ends).image?.status).toBe('active')
  })

  it('does not make anything else be tried again', async () => {
    const ends = await onEvery(async (bench, waits) => {
      await perform(bench, 'web-download', { fault: { step: 'download', when: 'after' } })
      expect([bench.source.requests, waits.begun]).toEqual([1, []])
    })
    expect(same(ends).task.message).toBe('step download failed: broken on purpose')
  })

  it('whose leftovers cannot be removed is not tried again', async () => {
    const ends = await onEvery(async (bench) => {
      await perform(bench, 'web-download', { source: 'busy', badRevert: 'download' })
      expect(bench.source.requests).toBe(1)
    })
    const end = same(ends)
    expect(end.task.message).toMatch(/503 Service Unavailable; undoing step download failed too: cannot be undone/)
    expectUndone(end, 'web-download')
  })
})

describe.each(['web-download', 'import'] as const)('a %s between two attempts', (kind) => {
  it('is stopped at once, and leaves nothing, where nothing is stored of it', async () => {
    const ends = await endlesslyOn(['plain'], async (bench, waits) => {
      const executor = await begin(bench, kind, 'busy')
      await waits.first
      await executor.stop('the service goes down')
      expect([bench.source.requests, waits.stopped]).toEqual([1, 1])
    })
    const end = same(ends)
    expect(end.task).toMatchObject({ status: 'failure', message: 'the service goes down' })
    expectUndone(end, kind)
  })

  it('is stopped at once, and goes on with the next start, where it is stored', async () => {
    const ends = await endlesslyOn(['taskflow serial', 'taskflow parallel'], async (bench, waits) => {
      const executor = await begin(bench, kind, 'shaky')
      await waits.first
      await executor.stop('the service goes down')
      expect(bench.source.requests).toBe(1)
      expect((await bench.repos.tasks.find(taskId))?.status).toBe('processing')
      await (await bench.executor((steps) => steps, new Waits())).drain()
      expect(bench.source.requests).toBe(3)
    })
    const end = same(ends)
    expect(end).toMatchObject({ task: { status: 'success' }, image: { status: 'active' }, locations: ['fast'] })
    expect([Object.keys(end.files['fast']!).length, end.files['staging']]).toEqual([1, {}])
  })

  it('is killed, and the next start leaves nothing of it, where nothing is stored of it', async () => {
    const ends = await endlesslyOn(['plain'], async (bench, waits) => {
      await begin(bench, kind, 'cut-off')
      await waits.first
      await bench.recover()
    })
    const end = same(ends)
    expect(end.task.message).toMatch(/^The service stopped while this task was running/)
    expectUndone(end, kind)
  })
})

describe('staged data that is lost', () => {
  it('fails the import, and leaves an image that other data can come to', async () => {
    const end = same(await onEvery(importLostData))
    expect(end.task.message).toMatch(
      /step open-staged failed: .* should have 880000 bytes, but it is gone; stage it again/,
    )
    expect(end.image).toMatchObject({ status: 'queued', staged: null, size: null, importTask: null })
  })

  it('can be staged and imported again', async () => {
    expect(same(await onEvery(stageAfterLoss)).image?.status).toBe('active')
  })
})

describe('an image that a legacy import cannot take back', () => {
  it('is told of in the message of the task', async () => {
    const end = same(
      await onEvery(async (bench) => {
        Object.assign(bench.repos.images, {
          remove: () => Promise.reject(new ServiceError('unavailable', { reason: 'busy' })),
        })
        await perform(bench, 'import', { source: 'missing' })
      }),
    )
    expect(end.task.message).toMatch(/step download failed: .*; undoing step create-image failed too: busy/)
  })
})

describe('a task whose input makes no sense', () => {
  it.each([[{}, 'Input to api_image_import task is empty.']])('%j fails with the reason', async (input, message) => {
    const end = same(
      await onEvery(async (bench) => {
        await bench.addImage()
        await bench.run({ id: taskId, type: 'api_image_import', input })
      }),
    )
    expect(end.task).toMatchObject({ status: 'failure', message })
    expect(end.image).toMatchObject({ status: 'queued', importTask: null })
  })
})

interface Request {
  readonly stores?: readonly string[]
  readonly allMustSucceed?: boolean
  readonly source?: SourceKind
  readonly fault?: Break
  readonly badRevert?: keyof Steps
}

const full: readonly Fault[] = [{ call: 'adopt', errno: 'ENOSPC' }]

type Play = (bench: Bench, waits: Waits) => Promise<void>

/** Plays on some executors, where a wait between two attempts takes for ever. */
async function endlesslyOn(names: readonly ExecutorName[], play: Play): Promise<Record<string, EndState>> {
  return await onEvery(play, null, [], { endless: true, names })
}

/** Plays on every executor, each with a bench of its own; the disk of `badStore`, if any, is full or has other faults. */
async function onEvery(
  play: Play,
  badStore: string | null = null,
  faults: readonly Fault[] = full,
  { endless = false, names = executors }: { endless?: boolean; names?: readonly ExecutorName[] } = {},
): Promise<Record<string, EndState>> {
  const ends: Record<string, EndState> = {}
  const wrap = (id: string, driver: FileDriver): Store =>
    new Store(id, id === badStore ? new FaultyDriver(driver, faults) : driver)
  for (const name of names) {
    const waits = new Waits({ endless })
    const bench = await Bench.make(name, wrap, waits)
    open.push(bench)
    await play(bench, waits)
    ends[name] = await bench.endState(taskId)
  }
  return ends
}

/** The one end that all executors came to. */
function same(ends: Record<string, EndState>): EndState {
  const [first, ...others] = Object.entries(ends)
  for (const [name, end] of others) expect({ name, ...plainly(end) }).toEqual({ name, ...plainly(first![1]) })
  return first![1]
}

/** How far a bad download came, how long a task took, and which of two stores failed first, is not the same twice. */
function plainly(end: EndState): EndState {
  const message = end.task.message
    .replace(/after \d+ of/, 'after N of')
    .replace(/\d+ bytes were given/, 'N bytes were given')
    .replace(/ \d+\.\d s$/, ' N s')
  const image = end.image && { ...end.image, failedStores: end.image.failedStores.toSorted() }
  return { ...end, image, task: { ...end.task, message } }
}

async function perform(bench: Bench, kind: TaskKind, request: Request = {}): Promise<void> {
  if (kind !== 'import') await bench.addImage()
  if (kind === 'glance-direct') await bench.stage()
  await bench.run(taskFor(bench, kind, taskId, request), (steps) => spoil(steps, request))
}

async function begin(bench: Bench, kind: TaskKind, source: SourceKind): Promise<TaskExecutor> {
  if (kind !== 'import') await bench.addImage()
  return await bench.start(taskFor(bench, kind, taskId, { source }))
}

async function importLostData(bench: Bench): Promise<void> {
  await bench.addImage()
  await bench.stage()
  await bench.stores.staging.delete(bench.image)
  await bench.run(taskFor(bench, 'glance-direct', taskId, {}))
}

async function stageAfterLoss(bench: Bench): Promise<void> {
  await importLostData(bench)
  await bench.stage()
  await bench.run(taskFor(bench, 'glance-direct', 'second-task', {}))
}

async function retry(bench: Bench, kind: TaskKind, fault: Break): Promise<void> {
  await perform(bench, kind, { fault })
  await bench.run(taskFor(bench, kind, 'second-task', {}))
}

function taskFor(
  bench: Bench,
  kind: TaskKind,
  id: string,
  { stores = ['fast'], allMustSucceed = true, source = 'good' }: Request,
): Pick<Task, 'id' | 'type'> & { input: JsonObject } {
  const uri = bench.source.url(source)
  if (kind === 'import') {
    const input = {
      import_from: uri,
      import_from_format: 'raw',
      image_properties: { name: 'disk', disk_format: 'raw' },
    }
    return { id, type: 'import', input }
  }
  const method = kind === 'web-download' ? { name: kind, uri } : { name: kind }
  const importReq = { method, all_stores_must_succeed: allMustSucceed }
  return { id, type: 'api_image_import', input: { image_id: bench.image, import_req: importReq, backend: stores } }
}

/** Breaks what is to be broken. */
function spoil(steps: Steps, { fault, badRevert }: Request): Steps {
  const spoiled = { ...steps } as unknown as Record<string, Steps['importToStore']>
  if (fault) {
    const step = spoiled[fault.step]!
    spoiled[fault.step] = {
      ...step,
      execute: async (args, context) => {
        if (fault.when === 'after') await step.execute(args, context)
        throw new Error('broken on purpose')
      },
    }
  }
  if (badRevert) {
    const step = spoiled[badRevert]!
    spoiled[badRevert] = { ...step, revert: () => Promise.reject(new Error('cannot be undone on purpose')) }
  }
  return spoiled as unknown as Steps
}

function expectUndone(end: EndState, kind: TaskKind): void {
  expect(end.task.status).toBe('failure')
  expect(end.image?.status ?? null).toBe(afterFailure[kind])
  expect(end.locations).toEqual([])
  const { fast, slow, staging } = end.files
  expect({ fast, slow }).toEqual({ fast: {}, slow: {} })
  expect(Object.keys(staging!)).toHaveLength(kind === 'glance-direct' ? 1 : 0)
}
