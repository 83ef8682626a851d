import { describe, expect, it } from 'vitest'
import {
  type AnyRetry,
  atom,
  type Batch,
  controller,
  Engine,
  exponential,
  type FlowNode,
  fixed,
  forEach,
  linear,
  retry,
  times,
  unordered,
} from '../src/index.ts'
import { ObservedBackend } from './observed-backend.ts'
import { ending, ManualClock, thrownBy, tried, turn, type Watched, Workbench, watched } from './workbench.ts'

describe('a backoff', () => {
  const waiting = (bench: Workbench, by: AnyRetry, failures = 9): FlowNode =>
    tried('part', by, [atom(bench.unsteady('x', failures))])
  /** A line beside it that is still at work when it waits. */
  const busy = (bench: Workbench, held: readonly string[], more: readonly string[] = []): FlowNode =>
    linear('line', [
      ...['a', 'b', 'c'].map((name) => atom(bench.quick(name))),
      ...held.map((name) => atom(bench.held(name))),
      ...more.map((name) => atom(bench.quick(name))),
    ])

  it('waits before each attempt but the first, after everything is undone', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const watch = watched(waiting(bench, times(3, { name: 'r', backoff: (failed) => failed * 1_000 }), 2), { clock })
    const ended = ending(watch.engine.run({}))
    await turn()
    expect(watch.states).toBe('flow RUNNING, r RETRYING, x PENDING')
    expect(clock.waits).toEqual([1_000])
    await clock.pass(999)
    expect(bench.log).toEqual(['x', '-x'])
    await clock.pass(1)
    expect(bench.log).toEqual(['x', '-x', 'x', '-x'])
    expect(clock.waits).toEqual([2_000])
    await clock.pass(2_000)
    expect(await ended).toBeNull()
    expect(bench.log).toEqual(['x', '-x', 'x', '-x', 'x'])
    expect(clock.asked).toEqual([1_000, 2_000])
    expect(watch.trace.atoms.flatMap(({ wait }) => wait ?? [])).toEqual([1_000, 2_000])
  })

  it('keeps nobody else from working, also where there is room for one', async () => {
    for (const options of [{ mode: 'serial' }, { mode: 'parallel', maxWorkers: 1 }] as const) {
      const bench = new Workbench()
      const clock = new ManualClock()
      const root = unordered('f', [waiting(bench, times(2, { backoff: fixed(50) }), 1), busy(bench, ['d', 'e'], ['g'])])
      const ended = ending(new Engine(root, { ...options, clock }).run({}))
      await turn()
      expect(clock.waits).toEqual([50])
      expect(bench.log).toEqual(['a', 'x', 'b', '-x', 'c', 'd'])
      await bench.end('d')
      await bench.end('e')
      expect(bench.log.slice(6)).toEqual(['e', 'g'])
      expect(clock.waits).toEqual([50])
      await clock.pass(50)
      expect(await ended).toBeNull()
      expect(bench.log.slice(8)).toEqual(['x'])
    }
  })

  it('that is over while something else is under way begins as soon as there is room', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const part = waiting(bench, times(2, { name: 'r', backoff: fixed(50) }), 1)
    const watch = watched(unordered('f', [part, busy(bench, ['d'], ['e'])]), { clock })
    const ended = ending(watch.engine.run({}))
    await turn()
    await clock.pass(50)
    expect(bench.log).toEqual(['a', 'x', 'b', '-x', 'c', 'd'])
    expect(watch.states).toContain('r RETRYING')
    await bench.end('d')
    expect(await ended).toBeNull()
    const begun = watch.trace.lines.filter((line) => line.endsWith('>RUNNING'))
    expect(begun.slice(begun.indexOf('d PENDING>RUNNING') + 1)).toEqual([
      'r RETRYING>RUNNING',
      'e PENDING>RUNNING',
      'x PENDING>RUNNING',
    ])
  })

  it('of several retries runs at the same time', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const root = unordered('f', [
      tried('p', times(2, { backoff: fixed(70) }), [atom(bench.unsteady('x', 1))]),
      tried('q', times(2, { backoff: fixed(30) }), [atom(bench.unsteady('y', 1))]),
    ])
    const ended = ending(new Engine(root, { clock }).run({}))
    await turn()
    expect(clock.waits).toEqual([30, 70])
    await clock.pass(30)
    expect(bench.log).toEqual(['x', 'y', '-y', '-x', 'y'])
    await clock.pass(40)
    expect(await ended).toBeNull()
    expect(bench.log).toEqual(['x', 'y', '-y', '-x', 'y', 'x'])
  })

  it('that is over while its begin is still being stored begins when that is stored', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const gate = Promise.withResolvers<void>()
    const isRetrying = ({ atoms }: Batch): boolean => atoms.some(({ state }) => state === 'RETRYING')
    const backend = new ObservedBackend((batch) => (isRetrying(batch) ? gate.promise : undefined))
    const engine = new Engine(waiting(bench, times(2, { backoff: fixed(50) }), 1), { backend, clock })
    const ended = ending(engine.run({}))
    await turn()
    await clock.pass(50)
    expect(bench.log).toEqual(['x', '-x'])
    gate.resolve()
    await turn()
    expect(bench.log).toEqual(['x', '-x', 'x'])
    expect(await ended).toBeNull()
  })

  it('ends when the flow is cancelled, and everything is reverted', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const root = linear('f', [atom(bench.quick('a')), waiting(bench, times(2, { name: 'r', backoff: fixed(60) }))])
    const watch = watched(root, { clock })
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.cancel('enough')
    expect(await ended).toBe("cancelled: flow 'f' was cancelled: enough")
    expect(bench.log).toEqual(['a', 'x', '-x', '-a'])
    expect(clock.waits).toEqual([])
    expect(watch.trace.lines.filter((line) => line.startsWith('r '))).toEqual([
      'r PENDING>RUNNING',
      'r RUNNING>SUCCESS',
      'r SUCCESS>RETRYING',
      'r RETRYING>REVERTING',
      'r REVERTING>REVERTED',
    ])
    expect(watch.states).toBe('flow REVERTED, a REVERTED, r REVERTED, x PENDING')
  })

  it.each([
    ['is tried again first', 'fail', {}, ['r', '-r']],
    ['is not tried again, with failFast,', 'fail', { failFast: true }, ['-r']],
    ['is not tried again', 'cancel', {}, ['-r']],
  ] as const)('that is over %s when something before it in its wave ends all: %s', async (_, how, options, rest) => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const r = retry({
      execute: () => bench.log.push('r'),
      revert: () => void bench.log.push('-r'),
      onFailure: () => 'RETRY',
      backoff: fixed(50),
    })
    const last = bench.quick('last', () => {
      if (how === 'fail') throw new Error('last broke')
      watch.engine.cancel('enough')
    })
    const root = unordered('f', [linear('all', [busy(bench, ['h']), atom(last)]), waiting(bench, r)])
    const watch: Watched = watched(root, { clock, ...options })
    const ended = ending(watch.engine.run({}))
    await turn()
    expect([bench.underWay, clock.waits]).toEqual([['h'], [50]])
    await clock.pass(50)
    await bench.end('h')
    expect(await ended).toBe(how === 'fail' ? 'last broke' : "cancelled: flow 'f' was cancelled: enough")
    const end = bench.log.slice(bench.log.indexOf('last') + 1)
    expect(end.filter((word) => word.endsWith('r'))).toEqual(rest)
    expect(watch.engine.state).toBe('REVERTED')
  })

  it('ends when something else fails that reverts everything', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const root = unordered('f', [waiting(bench, times(2, { name: 'r', backoff: fixed(60) })), busy(bench, ['z'])])
    const watch = watched(root, { clock })
    const ended = ending(watch.engine.run({}))
    await turn()
    expect(clock.waits).toEqual([60])
    await bench.fail('z')
    expect(await ended).toBe('z broke')
    expect(clock.waits).toEqual([])
    expect(bench.log).toEqual(['a', 'x', 'b', '-x', 'c', 'z', '-z', '-c', '-b', '-a'])
    expect(watch.states).toBe('flow REVERTED, r REVERTED, a REVERTED, x PENDING, b REVERTED, c REVERTED, z REVERTED')
  })

  it('ends when the retry around it tries again, whose own wait counts then', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const children = [waiting(bench, times(2, { backoff: fixed(60) }), 1), busy(bench, ['z'])]
    const root = unordered('f', children, { retry: controller(times(2, { name: 'outer', backoff: fixed(5) })) })
    const watch = watched(root, { clock })
    const ended = ending(watch.engine.run({}))
    await turn()
    expect(clock.waits).toEqual([60])
    await bench.fail('z')
    expect(clock.waits).toEqual([5])
    expect(watch.states).toMatch(/^flow RUNNING, outer RETRYING, part_retry PENDING, (\w+ PENDING(, |$))+$/)
    await clock.pass(5)
    await bench.end('z')
    expect(await ended).toBeNull()
    expect(bench.log).toEqual(['a', 'x', 'b', '-x', 'c', 'z', '-z', '-c', '-b', '-a', 'a', 'x', 'b', 'c', 'z'])
    expect(clock.asked).toEqual([60, 5])
  })

  it.each([0, -5])('may be none: %i does not ask for time', async (wait) => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const watch = watched(waiting(bench, times(2, { backoff: () => wait }), 1), { clock })
    await watch.engine.run({})
    expect(clock.asked).toEqual([])
    expect(bench.log).toEqual(['x', '-x', 'x'])
    expect(watch.book.lines).toEqual([])
    expect(watch.trace.atoms.flatMap(({ wait: told }) => told ?? [])).toEqual([0])
  })

  it.each([
    [
      'throws',
      'no idea',
      (): number => {
        throw new Error('no idea')
      },
    ],
    ['gives no number', 'it gave NaN, not a number of milliseconds', () => Number.NaN],
    ['gives a text', 'it gave 5, not a number of milliseconds', () => '5' as unknown as number],
    ['gives for ever', 'it gave Infinity, not a number of milliseconds', () => Number.POSITIVE_INFINITY],
    ['gives more than a timer counts', 'it gave 2147483648, not a number of milliseconds', () => 2 ** 31],
  ])('that %s is logged, and nothing waits', async (_, cause, backoff) => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const watch = watched(waiting(bench, times(2, { name: 'r', backoff }), 1), { clock })
    expect(await ending(watch.engine.run({}))).toBeNull()
    expect(clock.asked).toEqual([])
    expect(watch.book.lines).toEqual(['warn: the backoff of a retry failed; it does not wait'])
    expect(watch.book.fields).toEqual([{ retry: 'r', cause }])
  })

  it('of forEach() and of one’s own retry counts too', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const own = retry({ execute: () => 1, onFailure: () => 'RETRY', backoff: fixed(2) })
    for (const by of [forEach([1, 2], { backoff: fixed(1) }), own]) {
      const ended = ending(new Engine(waiting(bench, by, 1), { clock }).run({}))
      await turn()
      await clock.pass(2)
      expect(await ended).toBeNull()
    }
    expect(clock.asked).toEqual([1, 2])
  })

  it('grows by a factor up to a longest, or stays fixed', () => {
    const first = (backoff: (failed: number) => number): number[] => [1, 2, 3, 4, 5].map(backoff)
    expect(first(fixed(7))).toEqual([7, 7, 7, 7, 7])
    expect(first(exponential({ first: 100 }))).toEqual([100, 200, 400, 800, 1_600])
    expect(first(exponential({ first: 100, factor: 3, longest: 1_000 }))).toEqual([100, 300, 900, 1_000, 1_000])
    expect(first(exponential({ first: 5, factor: 1 }))).toEqual([5, 5, 5, 5, 5])
    expect(exponential({ first: 1 })(40)).toBe(60_000)
    expect(exponential({ first: 1 })(5_000)).toBe(60_000)
    expect(exponential({ first: 0 })(5)).toBe(0)
  })

  it('leaves a part of it to chance', () => {
    const chances = [0, 0.5, 0.999]
    const waits = exponential({ first: 1_000, jitter: 0.5, random: () => chances.shift() ?? 0 })
    expect([1, 1, 2].map(waits)).toEqual([1_000, 750, 2_000 * (1 - 0.5 * 0.999)])
    const usual = exponential({ first: 1_000, jitter: 1 })
    for (let draw = 0; draw < 100; draw++) {
      expect(usual(1)).toBeGreaterThan(0)
      expect(usual(1)).toBeLessThanOrEqual(1_000)
    }
  })

  it.each([
    [() => fixed(-1), 'fixed() must be milliseconds from 0 to 2147483647, not -1'],
    [() => fixed(Number.NaN), 'fixed() must be milliseconds from 0 to 2147483647, not NaN'],
    [() => fixed(2 ** 31), 'fixed() must be milliseconds from 0 to 2147483647, not 2147483648'],
    [() => exponential({ first: -5 }), 'exponential() first must be milliseconds from 0 to 2147483647, not -5'],
    [() => exponential({ first: 1, longest: 2 ** 40 }), 'exponential() longest must be milliseconds from 0'],
    [() => exponential({ first: 1, factor: 0.5 }), 'exponential() factor must be at least 1, not 0.5'],
    [() => exponential({ first: 1, factor: Number.NaN }), 'exponential() factor must be at least 1, not NaN'],
    [() => exponential({ first: 1, jitter: 1.1 }), 'exponential() jitter must be from 0 to 1, not 1.1'],
    [() => exponential({ first: 1, jitter: Number.NaN }), 'exponential() jitter must be from 0 to 1, not NaN'],
  ])('that makes no sense is refused: %s', (make, message) => {
    expect(thrownBy(make)).toMatchObject({ code: 'invalid-flow', message: expect.stringContaining(message) })
  })
})
