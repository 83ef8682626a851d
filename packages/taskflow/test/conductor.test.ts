import { describe, expect, it } from 'vitest'
import {
  atom,
  type Backend,
  Conductor,
  type ConductorOptions,
  Engine,
  exponential,
  type FlowNode,
  flow,
  flowFactories,
  type Inputs,
  type Jobboard,
  linear,
  MemoryBackend,
  MemoryJobboard,
  type PlainNode,
  TaskFlowError,
  task,
  withInputs,
} from '../src/index.ts'
import { altered, lease, Mortal, Office, settle } from './conducting.ts'
import { LogBook } from './trace.ts'
import { ManualClock, thrownBy } from './workbench.ts'

const quick =
  (office: Office, ...names: readonly string[]) =>
  (): readonly PlainNode[] =>
    names.map((name) => atom(office.bench.quick(name)))

describe('a conductor', () => {
  it('runs the flow of a job, and takes the job off the board', async () => {
    const office = new Office()
    office.post(quick(office, 'a', 'b'))
    const conductor = office.hire('one')
    await conductor.idle()
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS, b SUCCESS')
    expect(office.jobs).toEqual([])
    expect(office.heard).toEqual(['one claimed j', 'one consumed j'])
    expect(office.events.at(-1)).toMatchObject({ state: 'SUCCESS', why: null, conductor: 'one' })
    expect(conductor.dispatched).toBe(1)
    await conductor.stop()
  })

  it('hears of jobs that are posted later', async () => {
    const office = new Office()
    office.flows.f = () => linear('f', quick(office, 'a')())
    const conductor = office.hire('one')
    await conductor.idle()
    office.board.post([{ id: 'j', factory: 'f' }])
    await conductor.idle()
    office.board.post([{ id: 'k', factory: 'f' }])
    await settle()
    expect([office.states('j'), office.states('k')]).toEqual(['flow SUCCESS, a SUCCESS', 'flow SUCCESS, a SUCCESS'])
    await conductor.stop()
  })

  it('is not idle before it has looked for what was posted before it was asked', async () => {
    const office = new Office()
    office.flows.f = () => linear('f', quick(office, 'a')())
    const slow = Promise.withResolvers<void>()
    const jobboard = altered<Jobboard>(office.board, {
      claimNext: async (...args) => {
        const claimed = office.board.claimNext(...args)
        await slow.promise
        return claimed
      },
    })
    const conductor = office.hire('one', { jobboard })
    await settle()
    office.board.post([{ id: 'j', factory: 'f' }])
    const idle = conductor.idle()
    slow.resolve()
    await idle
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS')
    await conductor.stop()
  })

  it('stores with the run what it was made from', async () => {
    const office = new Office()
    office.backend.saveBook({ id: 'imports', name: 'imports', meta: {} })
    office.flows.f = () => linear('f', quick(office, 'a')())
    office.board.post([
      { id: 'j', factory: 'f', run: 'r', book: 'imports', parameters: { image: 'x' }, meta: { user: 'me' } },
    ])
    const conductor = office.hire('one')
    await conductor.idle()
    await conductor.stop()
    const { book, meta, fence, state } = office.backend.load('r')!.flow
    expect({ book, meta, fence, state }).toEqual({
      book: 'imports',
      meta: { user: 'me', job: 'j', factory: 'f', parameters: { image: 'x' } },
      fence: 1,
      state: 'SUCCESS',
    })
  })

  it('builds a flow from the parameters of its job, with its inputs', async () => {
    const said: string[] = []
    const say = task({ name: 'say', execute: ({ words }: { words: string }) => void said.push(words) })
    const hello = flow('hello', (f, { name }: Inputs<{ name: string }>) => f.add(say, { words: name }))
    const factories = flowFactories({
      constant: ({ name }: { name: string }) => flow('hello', (f) => f.add(say, { words: name })),
      input: (inputs: { name: string }) => withInputs(hello, inputs),
    })
    const jobboard = new MemoryJobboard()
    const posting = factories.posting('constant', { name: 'Ada' })
    jobboard.post([posting, factories.posting('input', { name: 'Grace' })])
    const conductor = new Conductor({ name: 'one', jobboard, backend: new MemoryBackend(), factories })
    conductor.start()
    await conductor.idle()
    await conductor.stop()
    expect(said.toSorted()).toEqual(['Ada', 'Grace'])
  })

  it('runs as many jobs at once as it may, the best first', async () => {
    const office = new Office()
    office.flows.f = () => linear('f', [])
    for (const id of ['a', 'b', 'c', 'd']) office.flows[id] = () => linear(id, [atom(office.bench.held(id))])
    office.board.post([
      { factory: 'a', priority: 'VERY_LOW' },
      { factory: 'b' },
      { factory: 'c', priority: 'HIGH' },
      { factory: 'd' },
    ])
    const conductor = office.hire('one', { maxJobs: 2 })
    await settle()
    expect(office.bench.underWay).toEqual(['c', 'b'])
    expect(conductor.running.map(({ factory }) => factory)).toEqual(['c', 'b'])
    await office.bench.end('b')
    await settle()
    expect(office.bench.underWay).toEqual(['c', 'd'])
    await office.bench.end('c')
    await office.bench.end('d')
    await settle()
    expect(office.bench.underWay).toEqual(['a'])
    await office.bench.end('a')
    await conductor.idle()
    expect(office.jobs).toEqual([])
    await conductor.stop()
  })

  it('lets timers and sockets in between many jobs that never wait', async () => {
    const office = new Office()
    const ids = Array.from({ length: 1_000 }, (_, index) => `job ${index}`)
    office.post(quick(office, 'a'), ...ids)
    const conductor = office.hire('one', { maxJobs: 4 })
    let turns = 0
    let counting = true
    const count = (): void => {
      turns++
      if (counting) setImmediate(count)
    }
    setImmediate(count)
    await conductor.idle()
    counting = false
    expect(conductor.dispatched).toBe(1_000)
    expect(turns).toBeGreaterThan(5)
    await conductor.stop()
  })

  it('gives each engine the options that are meant for its job', async () => {
    const office = new Office()
    office.flows.f = () => linear('f', [atom(office.bench.failing('a'))])
    office.board.post([
      { id: 'j', factory: 'f' },
      { id: 'k', factory: 'f', meta: { keep: true } },
    ])
    const conductor = office.hire('one', { engine: ({ meta }) => ({ neverResolve: meta.keep === true }) })
    await conductor.idle()
    expect([office.states('j'), office.states('k')]).toEqual(['flow REVERTED, a REVERTED', 'flow FAILURE, a FAILURE'])
    await conductor.stop()
  })

  it.each<[string, Partial<ConductorOptions>, string]>([
    ['a name', { name: '' }, 'a conductor needs a name that is not empty, not ""'],
    ['a bound', { maxJobs: 0 }, 'maxJobs must be a whole number of at least 1, not 0'],
    ['a lease', { lease: -1 }, 'the lease of a conductor must be milliseconds above 0 and up to 2147483647, not -1'],
  ])('needs %s', (_, wrong, message) => {
    const parts = { jobboard: new MemoryJobboard(), backend: new MemoryBackend(), factories: flowFactories({}) }
    const error = thrownBy(() => new Conductor({ name: 'one', ...parts, ...wrong }))
    expect(error).toMatchObject({ code: 'invalid-flow', message })
  })

  it('is not started twice', async () => {
    const conductor = new Office().hire('one')
    expect(thrownBy(() => conductor.start())).toMatchObject({ code: 'invalid-state' })
    await conductor.stop()
    conductor.start()
    await conductor.stop()
  })
})

describe('a job whose flow fails', () => {
  it('is done when everything was reverted', async () => {
    const office = new Office()
    office.post(() => [atom(office.bench.quick('a')), atom(office.bench.failing('b'))])
    const conductor = office.hire('one')
    await conductor.idle()
    expect(office.states()).toBe('flow REVERTED, a REVERTED, b REVERTED')
    expect(office.heard).toEqual(['one claimed j', 'one consumed j'])
    expect(office.events.at(-1)).toMatchObject({ state: 'REVERTED', why: 'b broke' })
    expect(office.jobs).toEqual([])
    await conductor.stop()
  })

  it('is done when a revert failed, too', async () => {
    const office = new Office()
    const revert = (): never => {
      throw new Error('stuck')
    }
    office.post(() => [atom(office.bench.quick('a', () => 1, { revert })), atom(office.bench.failing('b'))])
    const conductor = office.hire('one')
    await conductor.idle()
    expect(office.states()).toBe('flow FAILURE, a REVERT_FAILURE, b REVERTED')
    expect(office.events.at(-1)).toMatchObject({ change: 'consumed', state: 'FAILURE', why: 'stuck' })
    await conductor.stop()
  })

  it('is done whatever code the error has', async () => {
    const office = new Office()
    const errors = ['storage', 'suspended', 'stale-owner', 'not-found'] as const
    for (const code of errors) {
      office.flows[code] = () => linear('f', [atom(office.bench.failing('a', new TaskFlowError(code, 'of a task')))])
    }
    office.board.post(errors.map((code) => ({ id: code, factory: code })))
    const conductor = office.hire('one')
    await conductor.idle()
    expect(office.jobs).toEqual([])
    for (const code of errors) expect(office.states(code)).toBe('flow REVERTED, a REVERTED')
    await conductor.stop()
  })

  it('is done when it is cancelled', async () => {
    const office = new Office()
    const abort = new AbortController()
    office.post(() => [atom(office.bench.quick('a')), atom(office.bench.held('b'))])
    const conductor = office.hire('one', { engine: () => ({ signal: abort.signal }) })
    await settle()
    abort.abort('not wanted any more')
    await office.bench.fail('b')
    await conductor.idle()
    expect(office.states()).toBe('flow REVERTED, a REVERTED, b REVERTED')
    expect(office.events.at(-1)).toMatchObject({
      change: 'consumed',
      why: "flow 'f' was cancelled: not wanted any more",
    })
    await conductor.stop()
  })
})

describe('a job that cannot be begun', () => {
  it('is kept aside with the reason, and runs once it is put back and the fault is gone', async () => {
    const office = new Office()
    office.post(quick(office, 'a'))
    const good = office.flows.f!
    office.flows.f = () => {
      throw new Error('no such plugin')
    }
    const conductor = office.hire('one')
    await conductor.idle()
    expect(office.heard).toEqual(['one claimed j', 'one trashed j'])
    expect(office.board.find('j')?.trashed?.reason).toBe('no such plugin')
    office.flows.f = good
    office.board.putBack('j')
    await conductor.idle()
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS')
    expect(office.jobs).toEqual([])
    await conductor.stop()
  })

  it.each<[string, () => readonly PlainNode[], string]>([
    ['its flow is none', () => ['a', 'a'].map((name) => atom(task({ name, execute: () => 1 }))), 'duplicate-name'],
    [
      'it lacks inputs',
      () => [atom(task({ name: 'a', execute: () => 1 }), { requires: ['image'] })],
      'missing-dependencies',
    ],
  ])('is kept aside when %s', async (_, children) => {
    const office = new Office()
    office.post(children)
    const conductor = office.hire('one')
    await conductor.idle()
    expect(office.jobs).toEqual(['j TRASHED'])
    expect(office.backend.load('j')).toBeUndefined()
    await conductor.stop()
  })

  it('is kept aside when its flow is no longer what was begun', async () => {
    const office = new Office()
    office.post(() => [atom(office.bench.held('a')), atom(office.bench.quick('b'))])
    const first = office.hire('one')
    await settle()
    const stopped = first.stop()
    await office.bench.end('a')
    await stopped
    office.flows.f = () => linear('f', quick(office, 'other', 'b')())
    const second = office.hire('two')
    await second.idle()
    expect(office.jobs).toEqual(['j TRASHED'])
    expect(office.board.find('j')?.trashed?.reason).toContain("'a'")
    expect(office.bench.log).toEqual(['a'])
    await second.stop()
  })

  it.each<[string, () => FlowNode]>([
    ['can be built no more', () => broken()],
    ['is another by now', () => linear('f', [])],
  ])('is done when its run was over, though its flow %s', async (_, build) => {
    const office = new Office()
    office.post(quick(office, 'a'))
    const jobboard = altered(office.board, { consume: () => broken() })
    const first = office.hire('one', { jobboard })
    await first.idle()
    expect(office.heard).toEqual(['one claimed j', 'one lost j'])
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS')
    await first.stop()
    office.flows.f = build
    const second = office.hire('two')
    await office.clock.pass(lease)
    await second.idle()
    expect(office.heard.slice(2)).toEqual(['two claimed j', 'two consumed j'])
    expect(office.jobs).toEqual([])
    await second.stop()
  })

  it('is left on the board by a conductor that does not know its factory', async () => {
    const office = new Office()
    office.post(quick(office, 'a'))
    office.board.post([{ id: 'k', factory: 'elsewhere', priority: 'VERY_HIGH' }])
    const conductor = office.hire('one')
    await conductor.idle()
    expect(office.jobs).toEqual(['k UNCLAIMED'])
    expect(office.board.find('k')?.attempts).toBe(0)
    await conductor.stop()
  })
})

describe('a conductor that is stopped', () => {
  it('finishes what ends in time, and takes nothing new', async () => {
    const office = new Office()
    office.post(() => [atom(office.bench.held('a')), atom(office.bench.quick('b'))], 'j', 'k')
    const conductor = office.hire('one')
    await settle()
    const stopped = conductor.stop({ grace: 10_000 })
    await office.clock.pass(9_000)
    await office.bench.end('a')
    await stopped
    expect(office.states('j')).toBe('flow SUCCESS, a SUCCESS, b SUCCESS')
    expect(office.jobs).toEqual(['k UNCLAIMED'])
    expect(conductor.running).toEqual([])
    expect(office.clock.waits).toEqual([])
  })

  it('suspends what does not, and another goes on with it', async () => {
    const office = new Office()
    office.post(() => [atom(office.bench.held('a')), atom(office.bench.quick('b'))])
    const first = office.hire('one')
    await settle()
    const stopped = first.stop({ grace: 10_000 })
    await office.clock.pass(10_000)
    await office.bench.end('a')
    await stopped
    expect(office.states()).toBe('flow SUSPENDED, a SUCCESS')
    expect(office.heard).toEqual(['one claimed j', 'one abandoned j'])
    expect(office.board.find('j')).toMatchObject({ state: 'UNCLAIMED', notBefore: null })
    const second = office.hire('two')
    await second.idle()
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS, b SUCCESS')
    expect(office.bench.log).toEqual(['a', 'b'])
    expect(office.jobs).toEqual([])
    await second.stop()
  })

  it('aborts what does not end even then, and another does it again', async () => {
    const office = new Office()
    office.post(() => [atom(office.bench.quick('a')), atom(office.bench.held('b'))])
    const first = office.hire('one')
    await settle()
    const { signal } = office.bench.contextOf('b')
    const stopped = first.stop({ cut: 5_000 })
    await settle()
    await office.clock.pass(5_000)
    expect(signal.aborted).toBe(true)
    await office.bench.fail('b', signal.reason)
    await stopped
    expect(office.states()).toBe('flow SUSPENDING, a SUCCESS, b RUNNING')
    expect(office.heard).toEqual(['one claimed j', 'one abandoned j'])
    const second = office.hire('two')
    await settle()
    await office.bench.end('b')
    await second.idle()
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS, b SUCCESS')
    expect(office.bench.log).toEqual(['a', 'b', 'b'])
    await second.stop()
  })

  it('does not wait for ever for what does not heed its signal', async () => {
    const office = new Office()
    office.post(() => [atom(office.bench.held('a'))])
    const first = office.hire('one')
    await settle()
    const stopped = first.stop({ cut: 5_000 })
    await settle()
    await office.clock.pass(5_000)
    await office.clock.pass(5_000)
    await stopped
    expect(office.jobs).toEqual(['j CLAIMED'])
    await office.clock.pass(lease)
    expect(office.jobs, 'nobody renews its claim').toEqual(['j UNCLAIMED'])
    expect(thrownBy(() => first.start())).toMatchObject({ code: 'invalid-state' })
    await office.bench.end('a')
    await settle()
    expect(office.states(), 'nothing of it is stored any more').toBe('flow SUSPENDING, a RUNNING')
  })

  it('hands back a job whose claim came too late', async () => {
    const office = new Office()
    office.post(quick(office, 'a'))
    const slow = Promise.withResolvers<void>()
    const late = altered<Jobboard>(office.board, {
      claimNext: async (...args) => {
        await slow.promise
        return office.board.claimNext(...args)
      },
    })
    const conductor = office.hire('one', { jobboard: late })
    const stopped = conductor.stop()
    slow.resolve()
    await stopped
    expect(office.jobs).toEqual(['j UNCLAIMED'])
    expect(office.bench.log).toEqual([])
    expect(office.backend.load('j')).toBeUndefined()
  })

  it('hands back a job whose run was just about to begin', async () => {
    const office = new Office()
    office.post(quick(office, 'a'))
    const slow = Promise.withResolvers<void>()
    const backend = altered<Backend>(office.backend, {
      create: async (flow) => {
        await slow.promise
        office.backend.create(flow)
      },
    })
    const conductor = office.hire('one', { backend })
    await settle()
    const stopped = conductor.stop()
    slow.resolve()
    await stopped
    expect(office.heard).toEqual(['one claimed j', 'one abandoned j'])
    expect(office.states()).toBe('flow PENDING')
    expect(office.bench.log).toEqual([])
  })

  it('tells who waits until it is idle', async () => {
    const office = new Office()
    office.post(() => [atom(office.bench.held('a'))])
    const conductor = office.hire('one')
    await settle()
    const idle = conductor.idle()
    const stopped = conductor.stop()
    await office.bench.end('a')
    await Promise.all([idle, stopped])
    await conductor.idle()
    expect(office.jobs).toEqual([])
  })
})

describe('a claim', () => {
  it('is renewed for as long as its job runs', async () => {
    const office = new Office()
    office.post(() => [atom(office.bench.held('a'))])
    const conductor = office.hire('one')
    await settle()
    for (let passed = 0; passed < 5 * lease; passed += lease / 3) await office.clock.pass(lease / 3)
    expect(office.jobs).toEqual(['j CLAIMED'])
    await office.bench.end('a')
    await conductor.idle()
    expect(office.heard).toEqual(['one claimed j', 'one consumed j'])
    await conductor.stop()
    expect(office.clock.waits).toEqual([])
  })

  it('survives a board that fails for less than its time', async () => {
    const office = new Office()
    const book = new LogBook()
    office.post(() => [atom(office.bench.held('a'))])
    let down = false
    const jobboard = altered(office.board, {
      renew: (...args) => (down ? broken() : office.board.renew(...args)),
    })
    const conductor = office.hire('one', { jobboard, logger: book })
    await settle()
    for (const state of [true, false, true, false, false]) {
      down = state
      await office.clock.pass(lease / 3)
    }
    expect(book.lines.filter((line) => line.includes('could not be renewed'))).toHaveLength(2)
    await office.bench.end('a')
    await conductor.idle()
    expect(office.heard).toEqual(['one claimed j', 'one consumed j'])
    await conductor.stop()
  })

  it('is lost when no renewal came through in time, also by one that hangs', async () => {
    const office = new Office()
    office.post(() => [atom(office.bench.held('a'))])
    const jobboard = altered<Jobboard>(office.board, { renew: () => new Promise(() => {}) })
    const conductor = office.hire('one', { jobboard })
    await settle()
    const { signal } = office.bench.contextOf('a')
    await office.clock.pass(lease / 3)
    await office.clock.pass((2 * lease) / 3 - 1)
    expect(signal.aborted).toBe(false)
    const stopped = conductor.stop({ grace: 1_000 })
    await settle()
    await office.clock.pass(1)
    expect(signal.aborted).toBe(true)
    await office.bench.fail('a', signal.reason)
    await stopped
    expect(office.heard).toEqual(['one claimed j', 'one lost j'])
    expect(office.states()).toBe('flow RUNNING, a RUNNING')
  })
})

/** Flows of three: the second is under way when the first owner falls behind. */
const steps = (office: Office) => (): readonly PlainNode[] => [
  atom(office.bench.quick('a')),
  atom(office.held('b')),
  atom(office.bench.quick('c')),
]

describe('a conductor that is overtaken', () => {
  it('stores nothing, reverts nothing and does not consume, though it knows of nothing', async () => {
    const office = new Office()
    office.post(steps(office))
    const standing = new ManualClock()
    const first = office.hire('one', { clock: standing })
    await settle()
    await office.clock.pass(lease)
    const [stale] = office.holds
    const second = office.hire('two')
    await settle()
    office.holds[1]!.resolve('second')
    await second.idle()
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS, b SUCCESS, c SUCCESS')
    const stored = office.backend.load('j')
    stale!.resolve('first')
    await first.idle()
    expect(office.backend.load('j')).toEqual(stored)
    expect(office.bench.log).toEqual(['a', 'b', 'b', 'c'])
    expect(office.heard).toEqual(['one claimed j', 'two claimed j', 'two consumed j', 'one lost j'])
    await Promise.all([first.stop(), second.stop()])
  })

  it('does not harm the other in the middle of its work', async () => {
    const office = new Office()
    office.post(steps(office))
    const standing = new ManualClock()
    const first = office.hire('one', { clock: standing })
    await settle()
    await office.clock.pass(lease)
    const [stale] = office.holds
    const second = office.hire('two')
    await settle()
    stale!.reject(new Error('too late'))
    await first.stop()
    expect(office.heard).toEqual(['one claimed j', 'two claimed j', 'one lost j'])
    expect(office.jobs).toEqual(['j CLAIMED'])
    expect(office.states()).toBe('flow RUNNING, a SUCCESS, b RUNNING')
    office.holds[1]!.resolve('b')
    await second.idle()
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS, b SUCCESS, c SUCCESS')
    await second.stop()
  })

  it('aborts what is under way as soon as a renewal is refused', async () => {
    const office = new Office()
    office.post(steps(office))
    const slow = new ManualClock()
    const first = office.hire('one', { clock: slow })
    await settle()
    const { signal } = office.holds[0]!
    await office.clock.pass(lease)
    const [stale] = office.holds
    const second = office.hire('two')
    await settle()
    await slow.pass(lease / 3)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ code: 'abandoned' })
    stale!.reject(signal.reason)
    await first.stop()
    expect(office.heard.at(-1)).toBe('one lost j')
    office.holds[1]!.resolve('b')
    await second.idle()
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS, b SUCCESS, c SUCCESS')
    await second.stop()
  })

  it('stores nothing once its time is over, also where nobody has its job yet', async () => {
    const office = new Office()
    office.post(steps(office))
    const first = office.hire('one')
    await settle()
    const stored = office.backend.load('j')
    const [stale] = office.holds
    const stopped = first.stop({ grace: 2 * lease })
    await settle()
    await office.clock.pass(lease)
    stale!.resolve('b')
    await stopped
    expect(office.backend.load('j')).toEqual(stored)
    expect(office.heard).toEqual(['one claimed j', 'one lost j'])
    expect(office.jobs).toEqual(['j UNCLAIMED'])
  })

  it('goes on with a job that it lost only when it has let go of it', async () => {
    const office = new Office()
    office.post(steps(office))
    const conductor = office.hire('one', { maxJobs: 2 })
    await settle()
    await office.clock.pass(lease)
    await settle()
    expect(conductor.running.map(({ fence }) => fence)).toEqual([1, 2])
    expect(office.bench.log).toEqual(['a', 'b'])
    office.holds[0]!.reject(new Error('aborted'))
    await settle()
    expect(office.bench.log).toEqual(['a', 'b', 'b'])
    office.holds[1]!.resolve('b')
    await conductor.idle()
    expect(office.heard).toEqual(['one claimed j', 'one lost j', 'one claimed j', 'one consumed j'])
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS, b SUCCESS, c SUCCESS')
    await conductor.stop()
  })
})

describe('a process that dies', () => {
  /** Lets a conductor die at its n-th operation, and another finish; whether the first one did die. */
  async function survive(office: Office, operation: number, lastCounts: boolean): Promise<boolean> {
    const mortal = new Mortal(office, operation, lastCounts)
    office.hire('one', { jobboard: mortal.board, backend: mortal.backend })
    await settle()
    if (!mortal.dead) return false
    const before = office.backend.load('j')
    const done = before?.atoms.filter(({ state }) => state === 'SUCCESS').map(({ name }) => name) ?? []
    const wasOver = before !== undefined && ['SUCCESS', 'REVERTED', 'FAILURE'].includes(before.flow.state)
    const { length } = office.bench.log
    await office.clock.pass(lease)
    const second = office.hire('two')
    await second.idle()
    await second.stop()
    const after = office.bench.log.slice(length)
    expect(after.filter((entry) => done.includes(entry))).toEqual([])
    if (wasOver) expect(after).toEqual([])
    expect(office.jobs).toEqual([])
    return true
  }

  it.each<[string, (office: Office) => readonly PlainNode[], string]>([
    ['succeeds', (office) => quick(office, 'a', 'b', 'c')(), 'flow SUCCESS, a SUCCESS, b SUCCESS, c SUCCESS'],
    [
      'fails and is reverted',
      (office) => [...quick(office, 'a', 'b')(), atom(office.bench.failing('c'))],
      'flow REVERTED, a REVERTED, b REVERTED, c REVERTED',
    ],
    [
      'can be neither finished nor undone',
      (office) => [
        atom(office.bench.quick('a')),
        atom(office.bench.quick('b', () => 1, { revert: () => broken() })),
        atom(office.bench.failing('c')),
      ],
      'flow FAILURE, a SUCCESS, b REVERT_FAILURE, c REVERTED',
    ],
  ])('between any two operations leaves a job that %s to the next', async (_, children, states) => {
    let deaths = 0
    for (const lastCounts of [true, false]) {
      for (let operation = 1; ; operation++) {
        const office = new Office()
        office.post(() => children(office))
        const died = await survive(office, operation, lastCounts)
        expect(`${operation}: ${office.states()}`).toBe(`${operation}: ${states}`)
        if (!died) break
        deaths++
      }
    }
    expect(deaths).toBeGreaterThan(16)
  })
})

describe('trouble', () => {
  it('of the storage gives the job back, each time for longer', async () => {
    const office = new Office()
    office.post(quick(office, 'a'))
    let down = true
    const backend = altered(office.backend, {
      commit: (batch) => (down ? broken('disk full') : office.backend.commit(batch)),
    })
    const backoff = exponential({ first: 1_000, longest: 3_000 })
    const conductor = office.hire('one', { backend, backoff })
    await conductor.idle()
    expect(office.events.at(-1)).toMatchObject({ change: 'abandoned', delay: 1_000 })
    expect(office.events.at(-1)?.why).toContain('disk full')
    await office.clock.pass(1_000)
    await conductor.idle()
    expect(office.events.at(-1)).toMatchObject({ change: 'abandoned', delay: 2_000 })
    await office.clock.pass(1_999)
    expect(conductor.dispatched).toBe(2)
    await office.clock.pass(1)
    expect(office.events.at(-1)).toMatchObject({ change: 'abandoned', delay: 3_000 })
    down = false
    await office.clock.pass(3_000)
    await conductor.idle()
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS')
    expect(office.jobs).toEqual([])
    await conductor.stop()
  })

  it('of the storage before the run is there gives the job back, too', async () => {
    const office = new Office()
    office.post(quick(office, 'a'))
    for (const method of ['create', 'load'] as const) {
      const backend = altered(office.backend, { [method]: () => broken('disk full') })
      const conductor = office.hire(method, { backend })
      await conductor.idle()
      expect(office.events.at(-1)).toMatchObject({ change: 'abandoned', delay: 1_000, state: null })
      await conductor.stop()
      await office.clock.pass(1_000)
    }
    expect(office.jobs).toEqual(['j UNCLAIMED'])
  })

  it('with a run that somebody took over by hand gives the job back, until its number is high enough', async () => {
    const office = new Office()
    office.post(quick(office, 'a'))
    await new Engine(office.flows.f!(), { backend: office.backend, id: 'j', fence: 3 }).prepare({})
    const conductor = office.hire('one')
    for (const change of ['abandoned', 'abandoned', 'consumed']) {
      await conductor.idle()
      expect(office.events.at(-1)).toMatchObject({ change })
      await office.clock.pass(1_000)
    }
    expect(office.states()).toBe('flow SUCCESS, a SUCCESS')
    await conductor.stop()
  })

  it('of the board is waited out', async () => {
    const office = new Office()
    const book = new LogBook()
    office.post(quick(office, 'a'))
    let down = true
    const jobboard = altered(office.board, {
      claimNext: (...args) => (down ? broken('no connection') : office.board.claimNext(...args)),
    })
    const conductor = office.hire('one', { jobboard, logger: book })
    await settle()
    await office.clock.pass(1_000)
    expect(book.lines.filter((line) => line.includes('the jobboard failed'))).toHaveLength(2)
    expect(conductor.dispatched).toBe(0)
    down = false
    await office.clock.pass(1_000)
    await conductor.idle()
    expect(office.jobs).toEqual([])
    await conductor.stop()
  })

  it('of a listener is logged and harms nothing', async () => {
    const office = new Office()
    const book = new LogBook()
    office.post(quick(office, 'a'))
    const listeners = [{ onJob: () => broken() }, { onJob: async () => await Promise.reject(new Error('later')) }]
    const conductor = office.hire('one', { listeners, logger: book })
    await conductor.idle()
    expect(office.jobs).toEqual([])
    expect(book.lines.filter((line) => line.includes('a listener of a conductor failed'))).toHaveLength(4)
    await conductor.stop()
  })
})

function broken(message = 'does not work'): never {
  throw new Error(message)
}
