import { afterEach, describe, expect, it, vi } from 'vitest'
import { Tally } from '../src/engine/tally.ts'
import { type AtomEvent, atom, Engine, linear, MemoryBackend, type Statistics, times, unordered } from '../src/index.ts'
import { ManualClock, rejection, tried, turn, Workbench, watched } from './workbench.ts'

/** Without times, which differ from run to run. */
function countsOf({ completed, incomplete, awaiting, discardedFailures }: Statistics): readonly number[] {
  return [completed, incomplete, awaiting, discardedFailures]
}

afterEach(() => {
  vi.restoreAllMocks()
})

/** Lets time pass only by so many milliseconds as what it gives is told. */
function manualTime(): (milliseconds: number) => void {
  let now = 100
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  return (milliseconds) => {
    now += milliseconds
  }
}

describe('the statistics of a run', () => {
  it('are nothing before it', () => {
    const { statistics } = new Engine(linear('f', [atom(new Workbench().quick('a'))]))
    expect(statistics).toEqual({ completed: 0, incomplete: 0, awaiting: 0, discardedFailures: 0, activeFor: 0 })
    expect(Object.isFrozen(statistics)).toBe(true)
  })

  it.each(['serial', 'parallel'] as const)('count executes and reverts that ended, in mode %s', async (mode) => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a')), atom(bench.quick('b')), atom(bench.failing('x'))]), {
      mode,
    })
    await rejection(engine.run({}))
    expect(bench.log).toEqual(['a', 'b', 'x', '-x', '-b', '-a'])
    expect(countsOf(engine.statistics)).toEqual([6, 0, 0, 1])
  })

  it('count what is under way, and what waits for room', async () => {
    const bench = new Workbench()
    const both = unordered(
      'both',
      ['a', 'b', 'c', 'd', 'e'].map((name) => atom(bench.held(name))),
    )
    const engine = new Engine(linear('f', [both, atom(bench.quick('after'))]), { mode: 'parallel', maxWorkers: 2 })
    const run = engine.run({})
    await turn()
    expect(countsOf(engine.statistics)).toEqual([0, 2, 3, 0])
    await bench.end('a')
    expect(bench.underWay).toEqual(['b', 'c'])
    expect(countsOf(engine.statistics)).toEqual([1, 2, 2, 0])
    for (const name of ['b', 'c', 'd', 'e']) await bench.end(name)
    await run
    expect(countsOf(engine.statistics)).toEqual([6, 0, 0, 0])
  })

  it('count what is to begin though something beside it has failed, as soon as a listener hears of that', async () => {
    const bench = new Workbench()
    const heard: (readonly number[])[] = []
    const listener = {
      onAtom: ({ atom, state }: AtomEvent) =>
        void (`${atom} ${state}` === 'x FAILURE' && heard.push(countsOf(engine.statistics))),
    }
    const flow = unordered('u', [atom(bench.failing('x')), atom(bench.quick('a')), atom(bench.quick('b'))])
    const engine: Engine<object, unknown> = new Engine<object, unknown>(flow, { listeners: [listener] })
    await rejection(engine.run({}))
    // x has failed, a is about to begin; b is to begin then, and x to be reverted.
    expect(heard).toEqual([[1, 1, 2, 1]])
    expect(countsOf(engine.statistics)).toEqual([6, 0, 0, 1])
  })

  it('count what a crash interrupted as what could begin', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const flow = linear('f', [atom(bench.held('a')), atom(bench.quick('b'))])
    const lost = rejection(new Engine(flow, { backend, id: 'r' }).run({}))
    await turn()
    const engine = await Engine.resume(flow, { backend, id: 'r' })
    expect(countsOf(engine.statistics)).toEqual([0, 0, 1, 0])
    await bench.end('a')
    expect(await lost).toMatchObject({ code: 'stale-owner' })
  })

  it('count what is left when it was suspended, and count anew when it goes on', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.held('a')), atom(bench.quick('b')), atom(bench.quick('c'))]))
    const run = engine.run({})
    await turn()
    engine.suspend()
    await Promise.all([rejection(run), bench.end('a')])
    expect(countsOf(engine.statistics)).toEqual([1, 0, 1, 0])
    await engine.run()
    expect(countsOf(engine.statistics)).toEqual([2, 0, 0, 0])
  })

  it('count a retry that waits for its next attempt, and every failure that it answers', async () => {
    const bench = new Workbench()
    const clock = Object.assign(new ManualClock(), { now: () => 0 })
    const flow = tried('f', times(3, { backoff: () => 50 }), [atom(bench.unsteady('a', 2))])
    const { engine } = watched(flow, { clock })
    const run = engine.run({})
    await turn()
    // The retry, a, and the revert of a.
    expect(countsOf(engine.statistics)).toEqual([3, 0, 1, 1])
    await clock.pass(50)
    await clock.pass(50)
    await run
    expect(countsOf(engine.statistics)).toEqual([8, 0, 0, 2])
  })

  it('do not count a failure about which nothing is done', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.failing('x')), atom(bench.quick('a'))]), { neverResolve: true })
    await rejection(engine.run({}))
    expect(countsOf(engine.statistics)).toEqual([1, 0, 0, 0])
  })

  it('count a revert that failed as ended, not as a failure that was discarded', async () => {
    const bench = new Workbench()
    const fail = (): never => {
      throw new Error('stuck')
    }
    const flow = linear('f', [atom(bench.quick('a')), atom(bench.failing('x', new Error('x'), { revert: fail }))])
    const engine = new Engine(flow)
    await rejection(engine.run({}))
    expect(engine.state).toBe('FAILURE')
    expect(countsOf(engine.statistics)).toEqual([3, 0, 0, 1])
  })

  it('stay what they were when a success is run again', async () => {
    const engine = new Engine(linear('f', [atom(new Workbench().quick('a'))]))
    await engine.run({})
    const before = engine.statistics
    await engine.run()
    expect(engine.statistics).toEqual(before)
  })

  it.each([false, true])(
    'tell how long it took; when asked (%s), how long each stage did',
    async (gatherStatistics) => {
      const pass = manualTime()
      const work = atom(new Workbench().quick('a', () => pass(20)))
      const engine = new Engine(linear('f', [work, atom(new Workbench().quick('b', () => pass(3)))]), {
        gatherStatistics,
      })
      await engine.run({})
      pass(1_000)
      const { activeFor, millisecondsPerStage } = engine.statistics
      expect(activeFor).toBe(23)
      expect(millisecondsPerStage).toEqual(
        gatherStatistics ? { scheduling: 0, starting: 23, waiting: 0, analyzing: 0 } : undefined,
      )
    },
  )

  it('time the stages of an iterated run, and none while whoever listens to it holds it', async () => {
    const pass = manualTime()
    const engine = new Engine(linear('f', [atom(new Workbench().quick('a', () => pass(20)))]), {
      gatherStatistics: true,
    })
    for await (const _ of engine.iterate({})) pass(1_000)
    const { activeFor, millisecondsPerStage } = engine.statistics
    expect(activeFor).toBe(4_020)
    expect(millisecondsPerStage).toEqual({ scheduling: 0, starting: 20, waiting: 0, analyzing: 0 })
  })
})

describe('a tally', () => {
  it('gives each stage what went by since the one before it, but for what it is to skip', () => {
    let now = 100
    const tally = new Tally(true, () => now)
    const pass = (milliseconds: number): void => void (now += milliseconds)
    tally.begin()
    pass(1)
    tally.lap('scheduling')
    pass(2)
    tally.lap('starting')
    pass(40)
    tally.skip()
    pass(3)
    tally.lap('waiting')
    pass(5)
    tally.lap('scheduling')
    expect(tally.millisecondsPerStage).toEqual({ scheduling: 6, starting: 2, waiting: 3, analyzing: 0 })
    expect(tally.activeFor).toBe(51)
    tally.end()
    pass(1_000)
    expect(tally.activeFor).toBe(51)
  })

  it('begins again at nothing', () => {
    let now = 0
    const tally = new Tally(true, () => now)
    tally.begin()
    now = 7
    tally.completed = 3
    tally.discardedFailures = 1
    tally.lap('waiting')
    tally.end()
    tally.begin()
    expect([tally.completed, tally.discardedFailures, tally.activeFor]).toEqual([0, 0, 0])
    expect(tally.millisecondsPerStage).toEqual({ scheduling: 0, starting: 0, waiting: 0, analyzing: 0 })
  })

  it('looks at the clock at the begin and the end only, when stages are not timed', () => {
    let looks = 0
    const tally = new Tally(false, () => ++looks)
    tally.begin()
    for (let step = 0; step < 100; step++) {
      tally.lap('scheduling')
      tally.skip()
    }
    tally.end()
    expect(looks).toBe(2)
    expect(tally.millisecondsPerStage).toBeNull()
  })
})
