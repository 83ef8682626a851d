import { describe, expect, it } from 'vitest'
import {
  alwaysRevert,
  atom,
  controller,
  Engine,
  type FlowNode,
  fixed,
  flow,
  graph,
  type Inputs,
  type Listener,
  linear,
  MemoryBackend,
  run,
  type Transition,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { ObservedBackend, recordOf, statesOf } from './observed-backend.ts'
import { ending, ManualClock, rejection, turn, Workbench, watched } from './workbench.ts'

const suspended = "suspended: flow 'f' was suspended; run it again, without inputs, to go on"

function sayTransition(transition: Transition): string {
  const name = 'atom' in transition ? transition.atom : 'flow'
  return `${name} ${transition.oldState}>${transition.state}`
}

/** Listens to a run up to its end. */
async function transitionsOf(iterator: AsyncIterable<Transition>): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const transition of iterator) lines.push(sayTransition(transition))
  return lines
}

describe('a run that is suspended', () => {
  it('lets what is under way end, begins nothing more, and goes on when it is run again', async () => {
    const bench = new Workbench()
    const root = linear('f', [atom(bench.quick('a')), atom(bench.held('b')), atom(bench.quick('c'))])
    const watch = watched(root)
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await turn()
    expect(watch.engine.state).toBe('SUSPENDING')
    await bench.end('b')
    expect(await ended).toBe(suspended)
    expect(watch.engine.state).toBe('SUSPENDED')
    expect(watch.states).toBe('flow SUSPENDED, a SUCCESS, b SUCCESS')
    expect(await ending(watch.engine.run())).toBeNull()
    expect(bench.log).toEqual(['a', 'b', 'c'])
    expect(watch.trace.lines.filter((line) => line.startsWith('flow'))).toEqual([
      'flow PENDING>RUNNING',
      'flow RUNNING>SUSPENDING',
      'flow SUSPENDING>SUSPENDED',
      'flow SUSPENDED>RUNNING',
      'flow RUNNING>SUCCESS',
    ])
  })

  it('gives its result when it was run again', async () => {
    const bench = new Workbench()
    const written = flow('f', (f) => {
      f.add(bench.held('a'), {})
      return f.add(bench.quick('b'), {})
    })
    const engine = new Engine(written)
    const ended = ending(engine.run({}))
    await turn()
    engine.suspend()
    await bench.end('a')
    expect(await ended).toBe(suspended)
    await expect(engine.run()).resolves.toBe('b')
  })

  it('lets all that is under way end, and what was due beside it wait', async () => {
    const bench = new Workbench()
    const names = ['a', 'b', 'c', 'd']
    const root = unordered(
      'f',
      names.map((name) => atom(bench.held(name))),
    )
    const watch = watched(root, { mode: 'parallel', maxWorkers: 2 })
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await bench.end('b')
    expect(bench.underWay).toEqual(['a'])
    await bench.end('a')
    expect(await ended).toBe(suspended)
    const done = watch.engine.run()
    await turn()
    expect(bench.underWay).toEqual(['c', 'd'])
    await bench.end('c')
    await bench.end('d')
    await done
    expect(bench.log).toEqual(names)
  })

  it('before it is run is not noticed, prepared or not', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]))
    engine.suspend()
    await engine.prepare({})
    engine.suspend()
    expect(await ending(engine.run())).toBeNull()
    expect(bench.log).toEqual(['a'])
  })

  it('in its last atom is a success, not a suspension', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [linear('g', [atom(bench.held('a'))]), linear('h', [])]))
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await bench.end('a')
    expect(await ended).toBeNull()
    expect(watch.states).toBe('flow SUCCESS, a SUCCESS')
    expect(watch.trace.lines.slice(-2)).toEqual(['a RUNNING>SUCCESS', 'flow SUSPENDING>SUCCESS'])
  })

  it('in its last atom, where a decider passes by the rest, is a success too', async () => {
    const bench = new Workbench()
    const [a, b] = [atom(bench.held('a')), atom(bench.quick('b'))]
    const watch = watched(graph('f', [a, b], { links: [{ from: a, to: b, decider: () => false }] }))
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await bench.end('a')
    expect(await ended).toBeNull()
    expect(watch.states).toBe('flow SUCCESS, a SUCCESS, b IGNORE')
  })

  it('when its last atom fails rests before it reverts', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(bench.held('x'))]))
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await bench.fail('x')
    expect(await ended).toBe(suspended)
    expect(watch.states).toBe('flow SUSPENDED, a SUCCESS, x FAILURE')
    expect(watch.engine.failures.map(String)).toEqual(['x: Error: x broke'])
    expect(await ending(watch.engine.run())).toBe('x broke')
    expect(bench.log).toEqual(['a', 'x', '-x', '-a'])
    expect(watch.states).toBe('flow REVERTED, a REVERTED, x REVERTED')
  })

  it('while it reverts rests between two reverts', async () => {
    const bench = new Workbench()
    const undo = bench.quick('b', undefined, { revert: (_, context) => bench.hold('undo b', context) })
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(undo), atom(bench.failing('x'))]))
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await bench.end('undo b')
    expect(await ended).toBe(suspended)
    expect(bench.log).toEqual(['a', 'b', 'x', '-x', '-b'])
    expect(watch.states).toBe('flow SUSPENDED, a SUCCESS, b REVERTED, x REVERTED')
    expect(await ending(watch.engine.run())).toBe('x broke')
    expect(bench.log).toEqual(['a', 'b', 'x', '-x', '-b', '-a'])
  })

  it('in its last revert is reverted', async () => {
    const bench = new Workbench()
    const undo = bench.failing('x', undefined, { revert: (_, context) => bench.hold('undo', context) })
    const watch = watched(linear('f', [atom(undo)]))
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await bench.end('undo')
    expect(await ended).toBe('x broke')
    expect(watch.trace.lines.slice(-2)).toEqual(['x REVERTING>REVERTED', 'flow SUSPENDING>REVERTED'])
  })

  it('when a revert fails is a failure', async () => {
    const bench = new Workbench()
    const undo = bench.failing('x', undefined, { revert: (_, context) => bench.hold('undo', context) })
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(undo)]))
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await bench.fail('undo')
    expect(await ended).toBe('undo broke')
    expect(watch.states).toBe('flow FAILURE, a SUCCESS, x REVERT_FAILURE')
  })

  it('while a retry waits for its next attempt does not wait for that, which comes at once when it goes on', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const root = linear('f', [atom(bench.unsteady('x', 1))], { retry: controller(times(2, { backoff: fixed(90) })) })
    const watch = watched(root, { clock })
    const ended = ending(watch.engine.run({}))
    await turn()
    expect(clock.waits).toEqual([90])
    watch.engine.suspend()
    expect(await ended).toBe(suspended)
    expect(clock.waits).toEqual([])
    expect(watch.states).toBe('flow SUSPENDED, f_retry RETRYING, x PENDING')
    expect(await ending(watch.engine.run())).toBeNull()
    expect(bench.log).toEqual(['x', '-x', 'x'])
    expect(clock.asked).toEqual([90])
  })

  it('in the last revert before an attempt rests, though that attempt would have to wait', async () => {
    for (const backoff of [undefined, fixed(90)]) {
      const bench = new Workbench()
      const clock = new ManualClock()
      const undo = bench.unsteady('x', 1, { revert: (_, context) => bench.hold('undo', context) })
      const by = times(2, backoff ? { backoff } : {})
      const watch = watched(linear('f', [atom(undo)], { retry: controller(by) }), { clock })
      const ended = ending(watch.engine.run({}))
      await turn()
      watch.engine.suspend()
      await bench.end('undo')
      expect(await ended).toBe(suspended)
      expect(watch.engine.state).toBe('SUSPENDED')
      expect(clock.waits).toEqual([])
      const again = ending(watch.engine.run())
      await turn()
      await clock.pass(90)
      expect(await again).toBeNull()
      expect(bench.log).toEqual(['x', '-x', 'x'])
      expect(watch.states).toBe('flow SUCCESS, f_retry SUCCESS, x SUCCESS')
    }
  })

  it('twice at once is suspended once, and may be suspended again later', async () => {
    const bench = new Workbench()
    const watch = watched(
      linear(
        'f',
        ['a', 'b', 'c'].map((name) => atom(bench.held(name))),
      ),
    )
    for (const name of ['a', 'b']) {
      const ended = ending(watch.engine.run(name === 'a' ? {} : undefined))
      await turn()
      watch.engine.suspend()
      watch.engine.suspend()
      await bench.end(name)
      expect(await ended).toBe(suspended)
    }
    const done = watch.engine.run()
    await turn()
    await bench.end('c')
    await done
    expect(bench.log).toEqual(['a', 'b', 'c'])
  })

  it('by a listener or a task of its own ends that task first', async () => {
    const engines: Engine<object, unknown>[] = []
    const bench = new Workbench()
    const stopper: Listener = {
      onAtom: ({ atom, state }) => {
        if (atom === 'a' && state === 'SUCCESS') engines[0]?.suspend()
      },
    }
    const root = linear('f', [
      atom(bench.quick('a')),
      atom(bench.quick('b', () => engines[0]?.suspend())),
      atom(bench.quick('c')),
    ])
    engines.push(new Engine(root, { listeners: [stopper] }))
    // The end of a and the begin of b are one batch: b has begun when a listener hears of it.
    expect(await ending(engines[0]!.run({}))).toBe(suspended)
    expect(bench.log).toEqual(['a', 'b'])
    expect(await ending(engines[0]!.run())).toBeNull()
    expect(bench.log).toEqual(['a', 'b', 'c'])
  })

  it('keeps the attempts of a retry', async () => {
    const bench = new Workbench()
    const x = bench.taking('x', ({ n }) => {
      if (Number(n) < 3) throw new Error('early')
    })
    const root = linear('f', [atom(bench.held('h')), atom(x, { requires: ['n'] })], {
      retry: controller(times(3), { provides: 'n' }),
    })
    const watch = watched(root)
    const first = ending(watch.engine.run({}))
    await turn()
    await bench.end('h')
    watch.engine.suspend()
    await bench.end('h')
    expect(await first).toBe(suspended)
    const second = ending(watch.engine.run())
    await turn()
    await bench.end('h')
    expect(await second).toBeNull()
    expect(bench.log.filter((line) => line.startsWith('x'))).toEqual(['x(n=1)', 'x(n=2)', 'x(n=3)'])
    expect(recordOf(watch.backend, 'r', 'f_retry')?.attempts).toBe(3)
  })

  it('may be cancelled while it rests: when it is run, it reverts', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.held('a')), atom(bench.quick('b'))]))
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await bench.end('a')
    expect(await ended).toBe(suspended)
    watch.engine.cancel('no more')
    expect(watch.engine.state).toBe('SUSPENDED')
    expect(await ending(watch.engine.run())).toBe("cancelled: flow 'f' was cancelled: no more")
    expect(bench.log).toEqual(['a', '-a'])
    expect(watch.states).toBe('flow REVERTED, a REVERTED')
  })

  it('after a cancel is not: what was done is reverted to the end', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(bench.held('b'))]))
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.cancel('no more')
    watch.engine.suspend()
    await bench.end('b')
    expect(await ended).toBe("cancelled: flow 'f' was cancelled: no more")
    expect(bench.log).toEqual(['a', 'b', '-b', '-a'])
    expect(watch.states).toBe('flow REVERTED, a REVERTED, b REVERTED')
  })

  it('may be cancelled while it waits for what is under way: it reverts then', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(bench.held('b')), atom(bench.quick('c'))]))
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await turn()
    expect(watch.engine.state).toBe('SUSPENDING')
    watch.engine.cancel('no more')
    expect(bench.contextOf('b').signal.aborted).toBe(true)
    watch.engine.suspend()
    await bench.end('b')
    expect(await ended).toBe("cancelled: flow 'f' was cancelled: no more")
    expect(bench.log).toEqual(['a', 'b', '-b', '-a'])
    expect(watch.engine.state).toBe('REVERTED')
  })
})

describe('an engine that is iterated', () => {
  it('gives every transition, in order', async () => {
    const bench = new Workbench()
    const root = linear('f', [atom(bench.quick('a')), atom(bench.quick('b'))])
    expect(await transitionsOf(new Engine(root).iterate({}))).toEqual([
      'flow PENDING>RUNNING',
      'a PENDING>RUNNING',
      'a RUNNING>SUCCESS',
      'b PENDING>RUNNING',
      'b RUNNING>SUCCESS',
      'flow RUNNING>SUCCESS',
    ])
  })

  it('gives what listeners hear, the same events', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.unsteady('x', 1))], { retry: controller(times(2)) }))
    const given: Transition[] = []
    for await (const transition of watch.engine.iterate({})) given.push(transition)
    expect(given.map(sayTransition)).toEqual(watch.trace.lines)
    expect(given.filter((one) => 'atom' in one)).toEqual(watch.trace.atoms)
  })

  it('begins nothing before it is asked, and nothing between two transitions', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a')), atom(bench.quick('b'))]))
    const steps = engine.iterate({})
    await turn()
    expect(engine.state).toBe('PENDING')
    const seen: string[] = []
    for await (const transition of steps) {
      await turn()
      seen.push(`${sayTransition(transition)} | ${bench.log.join(' ')}`)
    }
    expect(seen).toEqual([
      'flow PENDING>RUNNING | ',
      'a PENDING>RUNNING | ',
      'a RUNNING>SUCCESS | a',
      'b PENDING>RUNNING | a',
      'b RUNNING>SUCCESS | a b',
      'flow RUNNING>SUCCESS | a b',
    ])
  })

  it('has stored what it gives', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const states: string[] = []
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]), { backend, id: 'r' })
    for await (const transition of engine.iterate({})) {
      if ('atom' in transition) states.push(`${transition.state}: ${statesOf(backend, 'r')}`)
    }
    expect(states).toEqual(['RUNNING: flow RUNNING, a RUNNING', 'SUCCESS: flow SUCCESS, a SUCCESS'])
  })

  it('does not throw what failed', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.failing('x'))]))
    const lines = await transitionsOf(engine.iterate({}))
    expect(lines.slice(2)).toEqual([
      'x RUNNING>FAILURE',
      'x FAILURE>REVERTING',
      'x REVERTING>REVERTED',
      'flow RUNNING>REVERTED',
    ])
    expect(engine.state).toBe('REVERTED')
    expect(engine.failures.map(String)).toEqual(['x: Error: x broke'])
  })

  it.each(['run', 'iterate'] as const)('rests when nobody listens any more, and goes on by %s()', async (how) => {
    const bench = new Workbench()
    const watch = watched(
      linear(
        'f',
        ['a', 'b', 'c'].map((name) => atom(bench.quick(name))),
      ),
    )
    for await (const transition of watch.engine.iterate({})) {
      if (sayTransition(transition) === 'b PENDING>RUNNING') break
    }
    // It was said that b has begun: so it runs to its end, and nothing more.
    expect(bench.log).toEqual(['a', 'b'])
    expect(watch.states).toBe('flow SUSPENDED, a SUCCESS, b SUCCESS')
    if (how === 'run') await watch.engine.run()
    else expect((await transitionsOf(watch.engine.iterate())).slice(-1)).toEqual(['flow RUNNING>SUCCESS'])
    expect(bench.log).toEqual(['a', 'b', 'c'])
    expect(watch.engine.state).toBe('SUCCESS')
  })

  it('that rests gives its transitions from there when it goes on', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a')), atom(bench.quick('b'))]))
    for await (const transition of engine.iterate({})) if ('atom' in transition) break
    expect(await transitionsOf(engine.iterate())).toEqual([
      'flow SUSPENDED>RUNNING',
      'b PENDING>RUNNING',
      'b RUNNING>SUCCESS',
      'flow RUNNING>SUCCESS',
    ])
  })

  it('rests when who listens throws, and that is what is thrown', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a')), atom(bench.quick('b'))]))
    const broken = new Error('cannot listen')
    const listening = (async () => {
      for await (const _ of engine.iterate({})) throw broken
    })()
    expect(await rejection(listening)).toBe(broken)
    expect(bench.log).toEqual(['a'])
    expect(engine.state).toBe('SUSPENDED')
    await engine.run()
    expect(bench.log).toEqual(['a', 'b'])
  })

  it('that is left at its last transition is over, not suspended', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]))
    for await (const transition of engine.iterate({}))
      if (transition.state === 'SUCCESS' && !('atom' in transition)) break
    expect(engine.state).toBe('SUCCESS')
    expect(await transitionsOf(engine.iterate())).toEqual([])
  })

  it('waits for what is under way when it is left', async () => {
    const bench = new Workbench()
    const root = unordered('f', [atom(bench.held('a')), atom(bench.held('b')), atom(bench.quick('c'))])
    const engine = new Engine(root, { mode: 'parallel', maxWorkers: 2 })
    let left = false
    const listening = (async () => {
      for await (const transition of engine.iterate({})) if (transition.state === 'SUCCESS') break
      left = true
    })()
    await turn()
    await bench.end('a')
    await turn()
    expect(bench.log).toEqual(['a', 'b', 'c'])
    expect([left, engine.state]).toEqual([false, 'SUSPENDING'])
    await bench.end('b')
    await listening
    expect(engine.state).toBe('SUCCESS')
  })

  it('may run several atoms at once, and gives what they tell in one order', async () => {
    const bench = new Workbench()
    const root = unordered('f', [atom(bench.held('a')), atom(bench.held('b'))])
    const given: string[] = []
    const done = (async () => {
      for await (const transition of new Engine(root, { mode: 'parallel' }).iterate({}))
        given.push(sayTransition(transition))
    })()
    await turn()
    expect(bench.underWay).toEqual(['a', 'b'])
    expect(given).toEqual(['flow PENDING>RUNNING', 'a PENDING>RUNNING', 'b PENDING>RUNNING'])
    await bench.end('b')
    await bench.end('a')
    await done
    expect(given.slice(3)).toEqual(['b RUNNING>SUCCESS', 'a RUNNING>SUCCESS', 'flow RUNNING>SUCCESS'])
  })

  it('goes on after a backoff that was over before it was asked for more', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const root = linear('f', [atom(bench.unsteady('x', 1))], { retry: controller(times(2, { backoff: fixed(30) })) })
    const lines: string[] = []
    for await (const transition of new Engine(root, { clock }).iterate({})) {
      lines.push(sayTransition(transition))
      if (transition.state === 'RETRYING') await clock.pass(30)
    }
    expect(bench.log).toEqual(['x', '-x', 'x'])
    expect(lines.slice(-5)).toEqual([
      'f_retry RETRYING>RUNNING',
      'f_retry RUNNING>SUCCESS',
      'x PENDING>RUNNING',
      'x RUNNING>SUCCESS',
      'flow RUNNING>SUCCESS',
    ])
  })

  it('may be suspended and cancelled by who listens', async () => {
    const bench = new Workbench()
    const engine = new Engine(
      linear(
        'f',
        ['a', 'b', 'c'].map((name) => atom(bench.quick(name))),
      ),
    )
    for await (const transition of engine.iterate({})) if ('atom' in transition) engine.suspend()
    expect([engine.state, bench.log.join(' ')]).toEqual(['SUSPENDED', 'a'])
    for await (const transition of engine.iterate()) if ('atom' in transition) engine.cancel()
    expect(bench.log).toEqual(['a', 'b', '-b', '-a'])
    expect(engine.state).toBe('REVERTED')
  })

  it('is refused what a run is refused, when it is asked for its first transition', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.taking('a'), { requires: ['x'] })]))
    expect(await ending(transitionsOf(engine.iterate({})))).toContain('missing-dependencies')
    expect(await ending(engine.run({ x: 1 }))).toBeNull()
    expect(await ending(transitionsOf(engine.iterate({ x: 1 })))).toBe(
      "invalid-state: flow 'f' has its inputs already; run it without any to go on",
    )
  })

  it('rejects when what happened cannot be stored, and leaves nothing under way', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend((_, nth) => {
      if (nth === 2) throw new Error('disk full')
    })
    const root = unordered('f', [atom(bench.held('a')), atom(bench.held('b'))])
    const engine = new Engine(root, { backend, mode: 'parallel' })
    const ended = ending(transitionsOf(engine.iterate({})))
    await turn()
    const { signal } = bench.contextOf('b')
    await bench.end('a')
    expect(signal.aborted).toBe(true)
    await bench.end('b')
    expect(await ended).toBe('storage: what the flow did could not be stored: disk full')
  })

  it('that is left while it cannot be stored leaves nothing under way either', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend((_, nth) => {
      if (nth === 2) throw new Error('disk full')
    })
    const root = unordered('f', [atom(bench.held('a')), atom(bench.held('b'))])
    const engine = new Engine(root, { backend, mode: 'parallel' })
    const steps = engine.iterate({})
    await steps.next()
    let over = false
    const left = ending(steps.return()).finally(() => {
      over = true
    })
    await turn()
    const { signal } = bench.contextOf('b')
    await bench.end('a')
    expect([over, signal.aborted]).toEqual([false, true])
    await bench.end('b')
    expect(await left).toBe('storage: what the flow did could not be stored: disk full')
  })
})

describe('a run that is over', () => {
  it('and succeeded gives its result again, and does nothing', async () => {
    const bench = new Workbench()
    const written = flow('f', (f, { n }: Inputs<{ n: number }>) =>
      f.add(
        bench.taking('a', (args) => args),
        { n },
      ),
    )
    const backend = new ObservedBackend()
    const engine = new Engine(written, { backend, id: 'r' })
    await expect(engine.run({ n: 3 })).resolves.toEqual({ n: 3 })
    await expect(engine.run()).resolves.toEqual({ n: 3 })
    expect(bench.log).toEqual(['a(n=3)'])
    expect(backend.batches).toHaveLength(2)
  })

  it('and was reverted starts over, with new attempts', async () => {
    const bench = new Workbench()
    const root = linear('f', [atom(bench.quick('a')), atom(bench.unsteady('x', 1)), atom(bench.quick('b'))])
    const watch = watched(root, { clock: new ManualClock() })
    expect(await ending(watch.engine.run({}))).toBe('x#1')
    expect(watch.backend.load('r')?.flow.intention).toBe('REVERT')
    watch.trace.lines.length = 0
    expect(await ending(watch.engine.run())).toBeNull()
    expect(watch.backend.load('r')?.flow.intention).toBe('EXECUTE')
    expect(bench.log).toEqual(['a', 'x', '-x', '-a', 'a', 'x', 'b'])
    expect(watch.engine.failures).toEqual([])
    expect(watch.trace.lines.slice(0, 5)).toEqual([
      'a REVERTED>PENDING',
      'x REVERTED>PENDING',
      'flow REVERTED>PENDING',
      'flow PENDING>RUNNING',
      'a PENDING>RUNNING',
    ])
    expect(recordOf(watch.backend, 'r', 'x')).toEqual({
      name: 'x',
      kind: 'task',
      version: '1.0',
      state: 'SUCCESS',
      intention: 'EXECUTE',
      attempts: 2,
      result: 'x',
      beganAt: 0,
      endedAt: 0,
    })
    expect(recordOf(watch.backend, 'r', 'b')?.attempts).toBe(1)
  })

  it('and was reverted fails again with what fails then alone', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.unsteady('x', 2))]))
    expect(await ending(engine.run({}))).toBe('x#1')
    expect(await ending(engine.run())).toBe('x#2')
    expect(await ending(engine.run())).toBeNull()
  })

  it('and was reverted in a part does what is left: what succeeded is not executed again', async () => {
    const bench = new Workbench()
    const part = linear('part', [atom(bench.quick('b')), atom(bench.unsteady('x', 1))], {
      retry: controller(alwaysRevert(), { name: 'r' }),
    })
    const watch = watched(linear('f', [atom(bench.quick('a')), part, atom(bench.quick('c'))]))
    expect(await ending(watch.engine.run({}))).toBe('x#1')
    expect(watch.states).toBe('flow REVERTED, a SUCCESS, r REVERTED, b REVERTED, x REVERTED')
    expect(await ending(watch.engine.run())).toBeNull()
    expect(bench.log).toEqual(['a', 'b', 'x', '-x', '-b', 'b', 'x', 'c'])
    expect(watch.states).toBe('flow SUCCESS, a SUCCESS, r SUCCESS, b SUCCESS, x SUCCESS, c SUCCESS')
  })

  it('and was reverted in a part still undoes all of it when it fails for good', async () => {
    const bench = new Workbench()
    const part = linear('part', [atom(bench.unsteady('x', 1))], { retry: controller(alwaysRevert()) })
    const watch = watched(linear('f', [atom(bench.quick('a')), part, atom(bench.failing('y'))]))
    expect(await ending(watch.engine.run({}))).toBe('x#1')
    expect(await ending(watch.engine.run())).toBe('y broke')
    expect(bench.log).toEqual(['a', 'x', '-x', 'x', 'y', '-y', '-x', '-a'])
    expect(watch.engine.state).toBe('REVERTED')
  })

  it('beside a part that was reverted keeps what succeeded, and waits for the part', async () => {
    const bench = new Workbench()
    const part = linear('part', [atom(bench.unsteady('x', 1))], { retry: controller(alwaysRevert()) })
    const line = linear('line', [atom(bench.quick('a')), atom(bench.quick('b'))])
    const root = linear('f', [unordered('both', [part, line]), atom(bench.quick('after'))])
    const engine = new Engine(root)
    expect(await ending(engine.run({}))).toBe('x#1')
    await engine.run()
    expect(bench.log).toEqual(['a', 'x', 'b', '-x', 'x', 'after'])
  })

  it('and was cancelled starts over, uncancelled', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.held('a')), atom(bench.quick('b'))]))
    const first = ending(engine.run({}))
    await turn()
    engine.cancel()
    await bench.end('a')
    expect(await first).toContain('cancelled')
    const second = ending(engine.run())
    await turn()
    expect(bench.contextOf('a').signal.aborted).toBe(false)
    expect(bench.contextOf('a').attempt).toBe(2)
    await bench.end('a')
    expect(await second).toBeNull()
    expect(bench.log).toEqual(['a', '-a', 'a', 'b'])
  })

  it('by a signal that is still aborted is cancelled again', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]), { signal: AbortSignal.abort('stop') })
    expect(await ending(engine.run({}))).toBe("cancelled: flow 'f' was cancelled: stop")
    expect(await ending(engine.run())).toBe("cancelled: flow 'f' was cancelled: stop")
    expect(bench.log).toEqual([])
    expect(engine.state).toBe('REVERTED')
  })

  it('because a revert failed stays a failure: nothing is done twice, and the same is raised', async () => {
    const bench = new Workbench()
    const stuck = bench.quick('b', undefined, { revert: async () => await Promise.reject(new Error('cannot undo')) })
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(stuck), atom(bench.failing('x'))]))
    for (const inputs of [{}, undefined, undefined]) {
      expect(await ending(watch.engine.run(inputs))).toBe('cannot undo')
      expect(watch.states).toBe('flow FAILURE, a SUCCESS, b REVERT_FAILURE, x REVERTED')
    }
    expect(bench.log).toEqual(['a', 'b', 'x', '-x', '-b'])
    expect(watch.trace.lines.slice(-4)).toEqual([
      'flow FAILURE>RUNNING',
      'flow RUNNING>FAILURE',
      'flow FAILURE>RUNNING',
      'flow RUNNING>FAILURE',
    ])
  })

  it('because a revert failed goes on reverting what does not wait for that', async () => {
    const bench = new Workbench()
    const stuck = bench.quick('b', undefined, { revert: (_, context) => bench.hold('undo b', context) })
    const root = linear('f', [
      unordered('both', [atom(stuck), linear('line', [atom(bench.quick('c')), atom(bench.quick('d'))])]),
      atom(bench.failing('x')),
    ])
    const watch = watched(root)
    const ended = ending(watch.engine.run({}))
    await turn()
    expect(bench.log).toEqual(['b', 'c', 'd', 'x', '-x', '-d', '-b'])
    await bench.fail('undo b')
    expect(await ended).toBe('undo b broke')
    expect(bench.log.slice(7)).toEqual([])
    expect(await ending(watch.engine.run())).toBe('undo b broke')
    expect(bench.log.slice(7)).toEqual(['-c'])
    expect(watch.states).toBe('flow FAILURE, b REVERT_FAILURE, c REVERTED, d REVERTED, x REVERTED')
  })

  it('because nothing is resolved stays a failure, and what did not wait for it goes on', async () => {
    const bench = new Workbench()
    const line = linear('line', [atom(bench.quick('a')), atom(bench.quick('b')), atom(bench.quick('c'))])
    const watch = watched(unordered('f', [line, atom(bench.failing('x'))]), { neverResolve: true })
    expect(await ending(watch.engine.run({}))).toBe('x broke')
    expect(bench.log).toEqual(['a', 'x'])
    expect(await ending(watch.engine.run())).toBe('x broke')
    expect(bench.log).toEqual(['a', 'x', 'b', 'c'])
    expect(watch.states).toBe('flow FAILURE, a SUCCESS, x FAILURE, b SUCCESS, c SUCCESS')
  })

  it('because nothing is resolved may be cancelled: what was done is reverted then', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(bench.failing('x'))]), { neverResolve: true })
    expect(await ending(watch.engine.run({}))).toBe('x broke')
    watch.engine.cancel('undo it')
    expect(await ending(watch.engine.run())).toBe("cancelled: flow 'f' was cancelled: undo it")
    expect(bench.log).toEqual(['a', 'x', '-x', '-a'])
    expect(watch.states).toBe('flow REVERTED, a REVERTED, x REVERTED')
  })

  it('does not notice a cancel, also where it was reverted in a part', async () => {
    const bench = new Workbench()
    const part = linear('part', [atom(bench.unsteady('x', 1))], { retry: controller(alwaysRevert()) })
    const reverted = new Engine(linear('f', [atom(bench.quick('a')), part]))
    expect(await ending(reverted.run({}))).toBe('x#1')
    reverted.cancel()
    expect(reverted.cancelled).toBe(false)
    expect(await ending(reverted.run())).toBeNull()
    reverted.cancel()
    expect([reverted.cancelled, reverted.state]).toEqual([false, 'SUCCESS'])
    expect(bench.log).toEqual(['a', 'x', '-x', 'x'])
  })

  it.each([
    ['its end', 2],
    ['its begin', 1],
  ])('because %s could not be stored is not taken for a success, nor begun again, by this engine', async (_, lost) => {
    const bench = new Workbench()
    const backend = new ObservedBackend((_batch, nth) => {
      if (nth === lost) throw new Error('disk full')
    })
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]), { backend, id: 'r' })
    expect(await ending(engine.run({}))).toBe('storage: what the flow did could not be stored: disk full')
    const log = [...bench.log]
    expect(await ending(engine.run())).toMatch(/^(invalid-state|storage): /)
    expect(await ending(transitionsOf(engine.iterate()))).toMatch(/^(invalid-state|storage): /)
    expect(bench.log).toEqual(log)
    expect(backend.begun).toBe(lost)
  })

  it('takes no inputs any more', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.unsteady('x', 1))]))
    await rejection(engine.run({}))
    expect(await ending(engine.run({}))).toBe(
      "invalid-state: flow 'f' has its inputs already; run it without any to go on",
    )
    expect(engine.state).toBe('REVERTED')
    expect(await ending(engine.run())).toBeNull()
  })
})

describe('a run that is prepared', () => {
  it('is recorded as PENDING, and is run without inputs', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.taking('a'), { requires: ['x'] })]))
    await watch.engine.prepare({ x: 1 })
    expect(watch.states).toBe('flow PENDING')
    expect(bench.log).toEqual([])
    expect(await ending(watch.engine.prepare({ x: 2 }))).toMatch(/^invalid-state: flow 'f' has its inputs already/)
    expect(await ending(watch.engine.run({ x: 2 }))).toMatch(/^invalid-state: flow 'f' has its inputs already/)
    await watch.engine.run()
    expect(bench.log).toEqual(['a(x=1)'])
  })

  it('may be cancelled: it is reverted then without having begun', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.quick('a'))]))
    await watch.engine.prepare({})
    watch.engine.cancel('no')
    expect(await ending(watch.engine.run())).toBe("cancelled: flow 'f' was cancelled: no")
    expect(bench.log).toEqual([])
    expect(watch.states).toBe('flow REVERTED')
  })

  it('may be given other inputs when the first were refused', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.taking('a'), { requires: ['x'] })]))
    expect(await ending(engine.prepare({}))).toContain('missing-dependencies')
    await engine.prepare({ x: 1 })
    await engine.run()
    expect(bench.log).toEqual(['a(x=1)'])
  })
})

describe('reset()', () => {
  const unsteady = (bench: Workbench): FlowNode =>
    linear('f', [atom(bench.quick('a')), atom(bench.unsteady('x', 1))], { retry: controller(times(2)) })

  it('of a success lets everything be done again, with nothing undone', async () => {
    const bench = new Workbench()
    const watch = watched(unsteady(bench))
    await watch.engine.run({})
    watch.trace.lines.length = 0
    await watch.engine.reset()
    expect(watch.engine.state).toBe('PENDING')
    expect(watch.states).toBe('flow PENDING, f_retry PENDING, a PENDING, x PENDING')
    expect(watch.trace.lines).toEqual([
      'f_retry SUCCESS>PENDING',
      'a SUCCESS>PENDING',
      'x SUCCESS>PENDING',
      'flow SUCCESS>PENDING',
    ])
    expect(watch.engine.fetchAll()).toEqual(new Map())
    bench.log.length = 0
    expect(await ending(watch.engine.run())).toBeNull()
    expect(bench.log).toEqual(['a', 'x'])
    expect(recordOf(watch.backend, 'r', 'f_retry')).toMatchObject({ state: 'SUCCESS', attempts: 3, result: 1 })
  })

  it('of a reverted run, too, and of one that was reverted in a part: all of it is done again then', async () => {
    const bench = new Workbench()
    const part = linear('part', [atom(bench.unsteady('x', 1))], { retry: controller(alwaysRevert()) })
    const watch = watched(linear('f', [atom(bench.quick('a')), part]))
    expect(await ending(watch.engine.run({}))).toBe('x#1')
    expect(watch.engine.failures).toHaveLength(1)
    await watch.engine.reset()
    expect(watch.states).toBe('flow PENDING, a PENDING, part_retry PENDING, x PENDING')
    expect(watch.engine.failures).toEqual([])
    expect(await ending(watch.engine.run())).toBeNull()
    expect(bench.log).toEqual(['a', 'x', '-x', 'a', 'x'])
  })

  it('keeps the inputs', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.taking('a'), { requires: ['x'] })]))
    await engine.run({ x: 1 })
    await engine.reset()
    await engine.run()
    expect(bench.log).toEqual(['a(x=1)', 'a(x=1)'])
  })

  it('before anything was done does nothing', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.quick('a'))]))
    await watch.engine.reset()
    await watch.engine.prepare({})
    await watch.engine.reset()
    expect(watch.trace.lines).toEqual([])
    await watch.engine.run()
    expect(bench.log).toEqual(['a'])
  })

  it('is stored before anything else is: a run that comes meanwhile is refused', async () => {
    const bench = new Workbench()
    const gate = Promise.withResolvers<void>()
    const backend = new ObservedBackend((_, nth) => (nth === 3 ? gate.promise : undefined))
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]), { backend, id: 'r' })
    await engine.run({})
    const reset = engine.reset()
    expect(await ending(engine.run())).toBe("invalid-state: flow 'f' is running already")
    expect(backend.begun).toBe(3)
    gate.resolve()
    await reset
    expect(await ending(engine.run())).toBeNull()
    expect(backend.batches.slice(2)).toEqual([
      ['flow PENDING', 'flow to EXECUTE', 'a PENDING'],
      ['flow RUNNING', 'a RUNNING'],
      ['flow SUCCESS', 'a SUCCESS'],
    ])
  })

  it('that cannot be stored leaves the run as it was', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend((_, nth) => {
      if (nth === 3) throw new Error('disk full')
    })
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]), { backend, id: 'r' })
    await engine.run({})
    expect(await ending(engine.reset())).toBe('storage: what the flow did could not be stored: disk full')
    expect(engine.state).toBe('SUCCESS')
    expect(statesOf(backend, 'r')).toBe('flow SUCCESS, a SUCCESS')
  })

  it('is refused while the flow runs, is suspended or has failed, and nothing is changed then', async () => {
    const bench = new Workbench()
    const stuck = bench.quick('b', undefined, { revert: async () => await Promise.reject(new Error('stuck')) })
    const watch = watched(linear('f', [atom(bench.held('a')), atom(stuck), atom(bench.failing('x'))]))
    const first = ending(watch.engine.run({}))
    await turn()
    expect(await ending(watch.engine.reset())).toBe(
      "invalid-state: flow 'f' is running; it can be reset when it is over",
    )
    watch.engine.suspend()
    await bench.end('a')
    expect(await first).toBe(suspended)
    const only = 'only what succeeded or was reverted can be reset'
    expect(await ending(watch.engine.reset())).toBe(`invalid-state: flow 'f' is in SUSPENDED; ${only}`)
    expect(watch.states).toBe('flow SUSPENDED, a SUCCESS')
    expect(await ending(watch.engine.run())).toBe('stuck')
    expect(await ending(watch.engine.reset())).toBe(`invalid-state: flow 'f' is in FAILURE; ${only}`)
    expect(watch.states).toBe('flow FAILURE, a SUCCESS, b REVERT_FAILURE, x REVERTED')
    expect(watch.engine.revertFailures).toHaveLength(1)
    expect(bench.log).toEqual(['a', 'b', 'x', '-x', '-b'])
  })
})

describe('two runs of one engine at once', () => {
  it('are refused, and harm the first in nothing', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.held('a')), atom(bench.quick('b'))]))
    const done = engine.run({})
    const refused = "invalid-state: flow 'f' is running already"
    expect(await ending(engine.run())).toBe(refused)
    await turn()
    expect(await ending(engine.run({}))).toBe(refused)
    expect(await ending(transitionsOf(engine.iterate()))).toBe(refused)
    await bench.end('a')
    await done
    expect(bench.log).toEqual(['a', 'b'])
    expect(engine.state).toBe('SUCCESS')
  })

  it('are refused between two transitions, too', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]))
    const refused: (string | null)[] = []
    for await (const _ of engine.iterate({})) refused.push(await ending(engine.run()))
    expect(new Set(refused)).toEqual(new Set(["invalid-state: flow 'f' is running already"]))
    expect(bench.log).toEqual(['a'])
  })

  it('are no two any more once the first was refused or is over', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.taking('a'), { requires: ['x'] })]))
    expect(await ending(engine.run({}))).toContain('missing-dependencies')
    expect(await ending(engine.run({ x: 1 }))).toBeNull()
    expect(await ending(engine.run())).toBeNull()
  })
})

describe('several engines in one process', () => {
  it('share a backend, and their runs do not mix', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const root = linear('f', [atom(bench.held('a')), atom(bench.taking('b'), { requires: ['n'] })])
    const engines = ['one', 'two'].map((id) => new Engine(root, { backend, id }))
    const ends: Promise<string | null>[] = []
    for (const [at, engine] of engines.entries()) {
      ends.push(ending(engine.run({ n: at })))
      await turn()
      if (at === 0) engine.cancel('only this one')
      await bench.end('a', `a of ${engine.id}`)
    }
    expect(await Promise.all(ends)).toEqual(["cancelled: flow 'f' was cancelled: only this one", null])
    expect(statesOf(backend, 'one')).toBe('flow REVERTED, a REVERTED')
    expect(statesOf(backend, 'two')).toBe('flow SUCCESS, a SUCCESS, b SUCCESS')
    expect(recordOf(backend, 'two', 'a')?.result).toBe('a of two')
    expect(bench.log).toEqual(['a', '-a', 'a', 'b(n=1)'])
  })

  it('run one flow many times at once, each retry for itself', async () => {
    const seen: string[] = []
    const x = task({
      name: 'x',
      execute: async ({ id, n }: { id: number; n: number }, { flow, attempt }) => {
        await turn()
        seen.push(`${flow} ${attempt}`)
        if (n <= id % 3) throw new Error('again')
        return id * 10 + n
      },
    })
    const written = flow('f', (f, { id }: Inputs<{ id: number }>) =>
      f.linear('part', (g, n) => g.add(x, { id, n }), times(3)),
    )
    const backend = new MemoryBackend()
    const ids = Array.from({ length: 30 }, (_, at) => at)
    const results = await Promise.all(ids.map((id) => run(written, { id }, { backend, id: `r${id}` })))
    expect(results).toEqual(ids.map((id) => id * 10 + (id % 3) + 1))
    expect(seen).toHaveLength(60)
    expect(seen.filter((line) => line.startsWith('r5 '))).toEqual(['r5 1', 'r5 2', 'r5 3'])
  })

  it('of one id are refused by the backend they share', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const root = linear('f', [atom(bench.quick('a'))])
    await new Engine(root, { backend, id: 'same' }).run({})
    expect(await ending(new Engine(root, { backend, id: 'same' }).run({}))).toMatch(/^storage: .*'same' exists already/)
    expect(bench.log).toEqual(['a'])
  })
})
