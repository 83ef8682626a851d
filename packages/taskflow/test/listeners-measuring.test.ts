import { describe, expect, it } from 'vitest'
import {
  type AtomEvent,
  atom,
  controller,
  Engine,
  type FlowEvent,
  graph,
  linear,
  type TaskContext,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { CapturingListener } from '../src/listeners/capturing.ts'
import { ProgressListener } from '../src/listeners/progress.ts'
import { TimingListener } from '../src/listeners/timing.ts'
import { rejection, turn, Workbench } from './workbench.ts'

/** Time that only passes when a test says so. */
class HandClock {
  time = 1_000
  readonly now = (): number => this.time

  /** What can be called in a task to let it take so long. */
  takes(milliseconds: number, outcome: () => unknown = () => null): () => unknown {
    return () => {
      this.time += milliseconds
      return outcome()
    }
  }
}

function broken(): never {
  throw new Error('broke')
}

function flowEvent(state: FlowEvent['state'], flow = 'r', oldState: FlowEvent['oldState'] = 'RUNNING'): FlowEvent {
  return { flow, name: 'f', state, oldState }
}

function atomEvent(state: AtomEvent['state'], flow = 'r', name = 'a'): AtomEvent {
  return { flow, atom: name, kind: 'task', state, oldState: 'PENDING', attempt: 1 }
}

describe('a timing listener', () => {
  it('tells when a flow and its atoms entered each state, and how long they took', async () => {
    const clock = new HandClock()
    const timing = new TimingListener({ now: clock.now })
    const bench = new Workbench()
    const root = linear('f', [atom(bench.quick('a', clock.takes(20))), atom(bench.quick('b', clock.takes(5)))])
    await new Engine(root, { id: 'r', listeners: [timing] }).run({})
    expect(timing.flow('r')).toEqual({
      name: 'f',
      entered: { RUNNING: 1_000, SUCCESS: 1_025 },
      run: { count: 1, total: 25, longest: 25, recent: [25], since: null },
    })
    expect(timing.atom('r', 'a')).toEqual({
      kind: 'task',
      entered: { RUNNING: 1_000, SUCCESS: 1_020 },
      execute: { count: 1, total: 20, longest: 20, recent: [20], since: null },
      revert: { count: 0, total: 0, longest: 0, recent: [], since: null },
    })
    expect([...timing.atoms('r')].map(([name, { entered }]) => [name, entered.RUNNING])).toEqual([
      ['a', 1_000],
      ['b', 1_020],
    ])
  })

  it('adds up attempts, and tells them one by one, executes apart from reverts', async () => {
    const clock = new HandClock()
    const timing = new TimingListener({ now: clock.now })
    const bench = new Workbench()
    let tries = 0
    const flaky = bench.quick(
      'flaky',
      () => {
        clock.time += ++tries * 10
        return tries === 1 ? broken() : tries
      },
      { revert: clock.takes(3) },
    )
    const retry = controller(times(2), { name: 'again' })
    await new Engine(linear('f', [atom(flaky)], { retry }), { id: 'r', listeners: [timing] }).run({})
    expect(timing.atom('r', 'flaky')).toMatchObject({
      entered: { RUNNING: 1_013, FAILURE: 1_010, REVERTED: 1_013, PENDING: 1_013, SUCCESS: 1_033 },
      execute: { count: 2, total: 30, longest: 20, recent: [10, 20] },
      revert: { count: 1, total: 3, recent: [3] },
    })
    expect(timing.atom('r', 'again')).toMatchObject({ kind: 'retry', execute: { count: 2 }, revert: { count: 0 } })
    expect(timing.atom('r', 'again')?.entered.RETRYING).toBe(1_013)
  })

  it('times a revert that fails', async () => {
    const clock = new HandClock()
    const timing = new TimingListener({ now: clock.now })
    const x = new Workbench().quick('x', broken, { revert: clock.takes(7, broken) })
    await rejection(new Engine(linear('f', [atom(x)]), { id: 'r', listeners: [timing] }).run({}))
    expect(timing.atom('r', 'x')).toMatchObject({ entered: { REVERT_FAILURE: 1_007 }, revert: { count: 1, total: 7 } })
    expect(timing.flow('r')).toMatchObject({ entered: { FAILURE: 1_007 }, run: { total: 7 } })
  })

  it('can be read while the flow runs: what is under way tells since when', async () => {
    const clock = new HandClock()
    const timing = new TimingListener({ now: clock.now })
    const bench = new Workbench()
    const running = new Engine(linear('f', [atom(bench.held('a'))]), { id: 'r', listeners: [timing] }).run({})
    await turn()
    const during = timing.atom('r', 'a')
    clock.time += 4
    await bench.end('a')
    await running
    expect(during?.execute).toMatchObject({ count: 0, total: 0, since: 1_000 })
    expect(timing.atom('r', 'a')?.execute).toMatchObject({ count: 1, total: 4, since: null })
  })

  it('does not count the time of a suspension', async () => {
    const clock = new HandClock()
    const timing = new TimingListener({ now: clock.now })
    const bench = new Workbench()
    const root = linear('f', [atom(bench.held('a')), atom(bench.quick('b', clock.takes(2)))])
    const engine = new Engine(root, { id: 'r', listeners: [timing] })
    const first = rejection(engine.run({}))
    await turn()
    engine.suspend()
    clock.time += 5
    await bench.end('a')
    await first
    clock.time += 1_000
    await engine.run()
    expect(timing.flow('r')?.run).toEqual({ count: 2, total: 7, longest: 5, recent: [5, 2], since: null })
    expect(timing.flow('r')?.entered).toMatchObject({ SUSPENDED: 1_005, RUNNING: 2_005 })
  })

  it('tells when an atom was ignored', async () => {
    const timing = new TimingListener({ now: () => 3 })
    const bench = new Workbench()
    const [a, b] = [atom(bench.quick('a')), atom(bench.quick('b'))]
    const root = graph('f', [a, b], { links: [{ from: a, to: b, decider: () => false }] })
    await new Engine(root, { id: 'r', listeners: [timing] }).run({})
    expect(timing.atom('r', 'b')).toMatchObject({ entered: { IGNORE: 3 }, execute: { count: 0 } })
  })

  it('keeps runs of one flow at the same time apart', async () => {
    const clock = new HandClock()
    const timing = new TimingListener({ now: clock.now })
    const benches = [new Workbench(), new Workbench()]
    const runs = benches.map((bench, index) =>
      new Engine(linear('f', [atom(bench.held('a'))]), { id: `r${index}`, listeners: [timing] }).run({}),
    )
    await turn()
    clock.time += 1
    await benches[1]?.end('a')
    clock.time += 10
    await benches[0]?.end('a')
    await Promise.all(runs)
    expect(['r0', 'r1'].map((id) => timing.atom(id, 'a')?.execute.total)).toEqual([11, 1])
  })

  it('keeps the latest ten times of an atom, and the sum of all', () => {
    let now = 0
    const timing = new TimingListener({ now: () => now })
    timing.onFlow(flowEvent('RUNNING'))
    for (let attempt = 1; attempt <= 25; attempt++) {
      timing.onAtom(atomEvent('RUNNING'))
      now += attempt
      timing.onAtom(atomEvent('FAILURE'))
    }
    expect(timing.atom('r', 'a')?.execute).toEqual({
      count: 25,
      total: 325,
      longest: 25,
      recent: [16, 17, 18, 19, 20, 21, 22, 23, 24, 25],
      since: null,
    })
  })

  it('forgets the runs that came to rest first, and none that is driven', () => {
    const timing = new TimingListener({ keep: 2 })
    timing.onFlow(flowEvent('RUNNING', 'driven'))
    for (const id of ['a', 'b', 'c']) timing.onFlow(flowEvent('RUNNING', id))
    for (const id of ['b', 'c', 'a']) timing.onFlow(flowEvent('SUCCESS', id))
    expect(timing.runs.toSorted()).toEqual(['a', 'c', 'driven'])
    expect(timing.flow('b')).toBeNull()
    expect(timing.atom('b', 'a')).toBeNull()
    expect(timing.atoms('b').size).toBe(0)
    timing.forget('driven')
    expect(timing.runs).toEqual(['a', 'c'])
  })

  it('a run that is run again is kept anew', () => {
    const timing = new TimingListener({ keep: 1 })
    timing.onFlow(flowEvent('SUSPENDED', 'a'))
    timing.onFlow(flowEvent('RUNNING', 'a'))
    timing.onFlow(flowEvent('SUCCESS', 'b'))
    timing.onFlow(flowEvent('SUCCESS', 'c'))
    expect(timing.runs).toEqual(['a', 'c'])
  })

  it('a run that rests again counts as one that rests since then', () => {
    const timing = new TimingListener({ keep: 2 })
    timing.onFlow(flowEvent('RESUMING', 'a'))
    timing.onFlow(flowEvent('SUCCESS', 'b'))
    timing.onFlow(flowEvent('SUSPENDED', 'a'))
    timing.onFlow(flowEvent('SUCCESS', 'c'))
    expect(timing.runs).toEqual(['a', 'c'])
  })

  it('an end whose begin was not heard of counts for nothing', () => {
    const timing = new TimingListener({ now: () => 5 })
    timing.onAtom(atomEvent('SUCCESS'))
    expect(timing.atom('r', 'a')).toMatchObject({ entered: { SUCCESS: 5 }, execute: { count: 0, total: 0 } })
  })

  it('late words about forgotten runs do not pile up', () => {
    const timing = new TimingListener({ keep: 3 })
    for (let index = 0; index < 50; index++) timing.onAtom(atomEvent('PENDING', `r${index}`))
    expect(timing.runs).toHaveLength(3)
  })

  it('what it gives does not change any more', () => {
    const timing = new TimingListener()
    timing.onFlow(flowEvent('RUNNING'))
    timing.onAtom(atomEvent('RUNNING'))
    const read = [timing.flow('r'), timing.atom('r', 'a')]
    const copy = structuredClone(read)
    timing.onAtom(atomEvent('SUCCESS'))
    timing.onFlow(flowEvent('SUCCESS'))
    expect(read).toEqual(copy)
  })

  it('by default tells the time of day', () => {
    const timing = new TimingListener()
    const before = Date.now()
    timing.onFlow(flowEvent('RUNNING'))
    expect(Math.abs((timing.flow('r')?.entered.RUNNING ?? 0) - before)).toBeLessThan(60_000)
  })

  it.each([-1, 1.5, Number.NaN])('refuses to keep %s runs', (keep) => {
    expect(() => new TimingListener({ keep })).toThrow(expect.objectContaining({ code: 'invalid-flow' }) as Error)
  })
})

describe('a progress listener', () => {
  it('tells the present fraction and details; a good end is the whole', async () => {
    const progress = new ProgressListener()
    const bench = new Workbench()
    const root = linear('f', [atom(bench.held('a')), atom(bench.quick('b'))])
    const running = new Engine(root, { id: 'r', listeners: [progress] }).run({})
    await turn()
    expect(progress.atom('r', 'a')).toEqual({ fraction: 0, details: null })
    bench.contextOf('a').progress(0.5, { bytes: 7 })
    await turn()
    expect(progress.atom('r', 'a')).toEqual({ fraction: 0.5, details: { bytes: 7 } })
    expect(progress.fraction('r', 2)).toBe(0.25)
    await bench.end('a')
    await running
    expect([...progress.atoms('r')]).toEqual([
      ['a', { fraction: 1, details: null }],
      ['b', { fraction: 1, details: null }],
    ])
    expect(progress.fraction('r', 2)).toBe(1)
  })

  it('a failure leaves the fraction, a revert begins at 0 and ends at 1, and the run falls back', async () => {
    const heard: unknown[] = []
    const progress = new ProgressListener()
    const note = {
      onAtom: ({ atom: name, state }: AtomEvent): void =>
        void heard.push([name, state, progress.atom('r', name)?.fraction, progress.fraction('r', 2)]),
    }
    const halfway = async (_: object, context: TaskContext): Promise<void> => {
      context.progress(0.5)
      await turn()
      throw new Error('broke')
    }
    const x = task({ name: 'x', execute: halfway })
    const root = linear('f', [atom(new Workbench().quick('a')), atom(x)])
    await rejection(new Engine(root, { id: 'r', listeners: [progress, note] }).run({}))
    expect(heard).toEqual([
      ['a', 'RUNNING', 0, 0],
      ['a', 'SUCCESS', 1, 0.5],
      ['x', 'RUNNING', 0, 0.5],
      ['x', 'FAILURE', 0.5, 0.5],
      ['x', 'REVERTING', 0, 0.5],
      ['x', 'REVERTED', 1, 0.5],
      ['a', 'REVERTING', 0, 0],
      ['a', 'REVERTED', 1, 0],
    ])
  })

  it('a second attempt begins at 0 again, and counts once', async () => {
    const heard: unknown[] = []
    const progress = new ProgressListener()
    const note = {
      onAtom: ({ atom: name, state }: AtomEvent): void =>
        void (name === 'flaky' && heard.push([state, progress.atom('r', name)?.fraction])),
    }
    let tries = 0
    const flaky = new Workbench().quick('flaky', () => (++tries === 1 ? broken() : tries))
    const root = linear('f', [atom(flaky)], { retry: controller(times(2), { name: 'again' }) })
    await new Engine(root, { id: 'r', listeners: [progress, note] }).run({})
    expect(heard).toEqual([
      ['RUNNING', 0],
      ['FAILURE', 0],
      ['REVERTING', 0],
      ['REVERTED', 1],
      ['PENDING', 0],
      ['RUNNING', 0],
      ['SUCCESS', 1],
    ])
    expect(progress.fraction('r', 2)).toBe(1)
  })

  it('a revert that fails stays where it was', async () => {
    const progress = new ProgressListener()
    const x = task({
      name: 'x',
      execute: broken,
      revert: async (_, __, context) => {
        context.progress(0.25)
        await turn()
        return broken()
      },
    })
    await rejection(new Engine(linear('f', [atom(x)]), { id: 'r', listeners: [progress] }).run({}))
    expect(progress.atom('r', 'x')?.fraction).toBe(0.25)
    expect(progress.fraction('r', 1)).toBe(0)
  })

  it('an ignored atom is at 0 itself, and keeps no run from being whole', async () => {
    const progress = new ProgressListener()
    const bench = new Workbench()
    const [a, b] = [atom(bench.quick('a')), atom(bench.quick('b'))]
    const root = graph('f', [a, b], { links: [{ from: a, to: b, decider: () => false }] })
    await new Engine(root, { id: 'r', listeners: [progress] }).run({})
    expect(progress.atom('r', 'b')?.fraction).toBe(0)
    expect(progress.fraction('r', 2)).toBe(1)
  })

  it('the number of atoms of a compiled flow is that of a whole run', async () => {
    const progress = new ProgressListener()
    const bench = new Workbench()
    const root = unordered('f', [linear('g', [atom(bench.quick('a')), atom(bench.quick('b'))])], {
      retry: controller(times(2)),
    })
    const engine = new Engine(root, { id: 'r', listeners: [progress] })
    await engine.run({})
    expect(progress.fraction('r', engine.compile().atoms.filter((found) => found !== null).length)).toBe(1)
  })

  it('goes on after a suspension where it was', async () => {
    const progress = new ProgressListener()
    const bench = new Workbench()
    const root = linear('f', [atom(bench.held('a')), atom(bench.held('b'))])
    const engine = new Engine(root, { id: 'r', listeners: [progress] })
    const first = rejection(engine.run({}))
    await turn()
    engine.suspend()
    await bench.end('a')
    await first
    expect(progress.fraction('r', 2)).toBe(0.5)
    const second = engine.run()
    await turn()
    bench.contextOf('b').progress(0.5)
    await turn()
    expect(progress.fraction('r', 2)).toBe(0.75)
    await bench.end('b')
    await second
  })

  it('serves several runs, and forgets those that rest beyond what it keeps', async () => {
    const progress = new ProgressListener({ keep: 1 })
    const bench = new Workbench()
    const held = new Engine(linear('f', [atom(bench.held('a'))]), { id: 'held', listeners: [progress] }).run({})
    for (const id of ['r0', 'r1']) {
      await new Engine(linear('f', [atom(bench.quick('a'))]), { id, listeners: [progress] }).run({})
    }
    expect(progress.runs).toEqual(['held', 'r1'])
    expect([progress.fraction('held', 1), progress.fraction('r0', 1), progress.fraction('r1', 1)]).toEqual([0, 0, 1])
    expect(progress.atom('r0', 'a')).toBeNull()
    await bench.end('a')
    await held
    expect(progress.runs).toEqual(['held'])
    progress.forget('held')
    expect(progress.runs).toEqual([])
  })

  it.each(['RUNNING', 'REVERTING', 'PENDING', 'IGNORE'] as const)('%s begins at 0, without details', (state) => {
    const progress = new ProgressListener()
    progress.onAtom(atomEvent('RUNNING'))
    progress.onProgress({ flow: 'r', atom: 'a', attempt: 1, fraction: 0.5, details: { bytes: 1 } })
    progress.onAtom(atomEvent(state))
    expect(progress.atom('r', 'a')).toEqual({ fraction: 0, details: null })
  })

  it('a run is never more than whole, also when it has more atoms than were counted', () => {
    const progress = new ProgressListener()
    for (const name of ['a', 'b']) progress.onAtom(atomEvent('SUCCESS', 'r', name))
    expect(progress.fraction('r', 1)).toBe(1)
  })

  it.each([0, -1, 1.5])('a run of %s atoms is refused', (atoms) => {
    expect(() => new ProgressListener().fraction('r', atoms)).toThrow(/whole number of atoms, at least 1, not/)
  })
})

describe('a capturing listener', () => {
  it('keeps everything in order, by kind and as one list', async () => {
    const heard = new CapturingListener()
    const bench = new Workbench()
    const running = new Engine(linear('f', [atom(bench.held('a'))], { retry: controller(times(1)) }), {
      listeners: [heard],
    }).run({})
    await turn()
    bench.contextOf('a').progress(0.5)
    await turn()
    await bench.end('a')
    await running
    const said = heard.all.map(({ type, event }) => {
      if ('fraction' in event) return `${type} ${event.atom} ${event.fraction}`
      return `${type} ${'atom' in event ? event.atom : event.name} ${event.state}`
    })
    expect(said).toEqual([
      'flow f RUNNING',
      'atom f_retry RUNNING',
      'atom f_retry SUCCESS',
      'atom a RUNNING',
      'progress a 0.5',
      'atom a SUCCESS',
      'flow f SUCCESS',
    ])
    expect(heard.flows.map(({ state }) => state)).toEqual(['RUNNING', 'SUCCESS'])
    expect(heard.atoms).toHaveLength(4)
    expect(heard.progress).toEqual([expect.objectContaining({ atom: 'a', fraction: 0.5 })])
  })

  it.each([
    ['flow', 'atom:task atom:retry progress'],
    ['task', 'flow atom:retry progress'],
    ['retry', 'flow atom:task progress'],
    ['progress', 'flow atom:task atom:retry'],
  ] as const)('skips what is %s when told to', (skipped, left) => {
    const heard = new CapturingListener({ skip: [skipped] })
    heard.onFlow(flowEvent('RUNNING'))
    heard.onAtom(atomEvent('RUNNING'))
    heard.onAtom({ ...atomEvent('RUNNING'), kind: 'retry' })
    heard.onProgress({ flow: 'r', atom: 'a', attempt: 1, fraction: 1, details: null })
    const said = heard.all.map(({ type, event }) => ('kind' in event ? `${type}:${event.kind}` : type))
    expect(said.join(' ')).toBe(left)
    expect(heard.flows.length + heard.atoms.length + heard.progress.length).toBe(3)
  })

  it('starts anew when cleared', () => {
    const heard = new CapturingListener()
    heard.onFlow(flowEvent('RUNNING'))
    heard.clear()
    heard.onAtom(atomEvent('RUNNING'))
    expect([heard.flows.length, heard.atoms.length, heard.all.length]).toEqual([0, 1, 1])
  })
})
