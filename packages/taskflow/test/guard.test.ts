import { describe, expect, it } from 'vitest'
import {
  type AnyTask,
  atom,
  controller,
  Engine,
  type EngineOptions,
  Failure,
  flow,
  type Hooks,
  linear,
  run,
  type TaskContext,
  TaskFlowError,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { recordOf } from './observed-backend.ts'
import { ending, ManualClock, rejection, thrownBy, turn, type Watched, Workbench, watched } from './workbench.ts'

interface Timed extends Watched {
  readonly bench: Workbench
  readonly clock: ManualClock
  /** What the run raised, once it is over. */
  readonly ended: Promise<string | null>
}

/** Runs what the test makes as far as it can, with time that stands still. */
async function timed(make: (bench: Workbench) => readonly AnyTask[], options: EngineOptions = {}): Promise<Timed> {
  const bench = new Workbench()
  const clock = new ManualClock()
  const root = linear(
    'f',
    make(bench).map((made) => atom(made)),
  )
  const watch = watched(root, { clock, grace: 1_000, ...options })
  const ended = ending(watch.engine.run({}))
  await turn()
  return {
    ...watch,
    bench,
    clock,
    ended,
    get states() {
      return watch.states
    },
  }
}

/** A task that has so long to end, and ends when the test says so. */
function limited(bench: Workbench, name: string, timeout: number, more: Partial<AnyTask> = {}): AnyTask {
  return { ...bench.held(name), timeout, ...more }
}

/** A revert that has so long to end. */
function undoing(bench: Workbench, name: string, revertTimeout: number): AnyTask {
  const undo = bench.quick(name, undefined, { revert: (_, context) => bench.hold(`undo ${name}`, context) })
  return { ...undo, revertTimeout }
}

const late = (name: string, limit: number): string => `timeout: '${name}' took longer than the ${limit} ms that it may`

describe('a task with a time limit', () => {
  it('that ends in time is not disturbed, and nothing waits for its time any more', async () => {
    const run = await timed((bench) => [limited(bench, 'a', 50), bench.quick('b')])
    expect(run.clock.waits).toEqual([50])
    await run.clock.pass(49)
    expect(run.bench.contextOf('a').signal.aborted).toBe(false)
    await run.bench.end('a')
    expect(await run.ended).toBeNull()
    expect(run.clock.waits).toEqual([])
    expect(run.clock.asked).toEqual([50])
    expect(run.bench.log).toEqual(['a', 'b'])
  })

  it('that fails in time fails with its own error', async () => {
    const run = await timed((bench) => [limited(bench, 'a', 50)])
    await run.bench.fail('a')
    expect(await run.ended).toBe('a broke')
    expect(run.clock.waits).toEqual([])
  })

  it('is told by its signal when the time is over, and has failed with that when it heeds it', async () => {
    const run = await timed((bench) => [bench.quick('before'), limited(bench, 'a', 50), bench.quick('never')])
    const { signal } = run.bench.contextOf('a')
    await run.clock.pass(50)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ name: 'TaskFlowError', code: 'timeout' })
    expect(run.clock.waits).toEqual([1_000])
    await run.bench.fail('a', signal.reason)
    expect(await run.ended).toBe(late('a', 50))
    expect(run.clock.waits).toEqual([])
    expect(run.bench.log).toEqual(['before', 'a', '-a', '-before'])
    expect(run.engine.failures.map(String)).toEqual(["a: TaskFlowError: 'a' took longer than the 50 ms that it may"])
    expect(run.book.lines).toEqual([])
  })

  it('that fails otherwise after its time failed because of the time', async () => {
    const run = await timed((bench) => [limited(bench, 'a', 50)])
    await run.clock.pass(50)
    await run.bench.fail('a', new Error('interrupted'))
    expect(await run.ended).toBe(late('a', 50))
  })

  it('that succeeds after its time has failed all the same, and is reverted', async () => {
    const run = await timed((bench) => [limited(bench, 'a', 50)])
    await run.clock.pass(50)
    await run.bench.end('a', 'late result')
    expect(await run.ended).toBe(late('a', 50))
    expect(run.bench.log).toEqual(['a', '-a'])
    expect(recordOf(run.backend, 'r', 'a')).toMatchObject({ state: 'REVERTED', failure: { code: 'timeout' } })
    expect(recordOf(run.backend, 'r', 'a')).not.toHaveProperty('result')
  })

  it('that does not heed its signal is gone on without after the grace', async () => {
    const run = await timed((bench) => [limited(bench, 'a', 50)])
    await run.clock.pass(50)
    await run.clock.pass(999)
    expect(run.states).toBe('flow RUNNING, a RUNNING')
    await run.clock.pass(1)
    expect(await run.ended).toBe(late('a', 50))
    expect(run.bench.log).toEqual(['a', '-a'])
    expect(run.book.lines).toEqual(["warn: 'a' does not heed that its time is over; the flow goes on without it"])
    expect(run.book.fields).toEqual([{ atom: 'a' }])
  })

  it.each(['end', 'fail'] as const)('that ends (%s) after all of that is heard no more', async (how) => {
    const run = await timed((bench) => [limited(bench, 'a', 50)])
    await run.clock.pass(50)
    await run.clock.pass(1_000)
    expect(await run.ended).toBe(late('a', 50))
    const lines = [...run.trace.lines]
    await run.bench[how]('a')
    expect(run.trace.lines).toEqual(lines)
    expect(run.states).toBe('flow REVERTED, a REVERTED')
    expect(run.engine.failures).toHaveLength(1)
  })

  it('that tells its progress after all of that is not heard either', async () => {
    const run = await timed((bench) => [limited(bench, 'a', 50), bench.quick('never')])
    const context = run.bench.contextOf('a')
    context.progress(0.5)
    await turn()
    await run.clock.pass(50)
    await run.clock.pass(1_000)
    context.progress(0.75)
    await run.ended
    context.progress(0.8)
    await turn()
    expect(run.trace.progress.map(({ fraction }) => fraction)).toEqual([0.5])
  })

  it('has its time anew at each attempt, and the old attempt is not taken for the new one', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const root = linear('f', [atom(limited(bench, 'a', 50))], { retry: controller(times(2)) })
    const watch = watched(root, { clock, grace: 10 })
    const ended = ending(watch.engine.run({}))
    await turn()
    const first = bench.contextOf('a')
    await clock.pass(50)
    await clock.pass(10)
    expect(watch.states).toBe('flow RUNNING, f_retry SUCCESS, a RUNNING')
    const second = bench.contextOf('a')
    expect([first.attempt, second.attempt]).toEqual([1, 2])
    expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false])
    expect(clock.waits).toEqual([50])
    first.progress(0.9)
    second.progress(0.1)
    await turn()
    first.progress(0.95)
    await turn()
    expect(watch.trace.progress.map(({ fraction }) => fraction)).toEqual([0.1])
    await bench.end('a')
    expect(await ended).toBeNull()
    expect(bench.log).toEqual(['a', '-a', 'a'])
  })

  it('is one failure of many: others go on with their own time', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const root = unordered('f', [atom(limited(bench, 'a', 50)), atom(limited(bench, 'b', 80))])
    const watch = watched(root, { clock, mode: 'parallel' })
    const ended = ending(watch.engine.run({}))
    await turn()
    await clock.pass(50)
    await bench.fail('a')
    expect(bench.log).toEqual(['a', 'b', '-a'])
    expect(bench.contextOf('b').signal.aborted).toBe(false)
    await bench.end('b')
    expect(await ended).toBe(late('a', 50))
    expect(bench.log).toEqual(['a', 'b', '-a', '-b'])
  })

  it('that is cancelled fails with the reason, and its time is not waited for', async () => {
    const run = await timed((bench) => [limited(bench, 'a', 50)])
    run.engine.cancel('enough')
    const { signal } = run.bench.contextOf('a')
    expect([signal.aborted, signal.reason]).toEqual([true, 'enough'])
    await run.bench.fail('a', new Error('stopped'))
    expect(await run.ended).toBe("cancelled: flow 'f' was cancelled: enough")
    expect(run.engine.failures.map(String)).toEqual(['a: Error: stopped'])
    expect(run.clock.waits).toEqual([])
  })

  it('that is cancelled and does not end still has only its time', async () => {
    const run = await timed((bench) => [limited(bench, 'a', 50)])
    run.engine.cancel('enough')
    await run.clock.pass(50)
    await run.clock.pass(1_000)
    expect(await run.ended).toBe("cancelled: flow 'f' was cancelled: enough")
    expect(run.bench.log).toEqual(['a', '-a'])
  })

  it('has one signal, however often it asks for it', async () => {
    const run = await timed((bench) => [limited(bench, 'a', 50)])
    const context = run.bench.contextOf('a')
    expect(context.signal).toBe(context.signal)
    await run.bench.end('a')
    await run.ended
  })

  it('that answers at once is within it, and that takes for ever is not', async () => {
    const quick = task({ name: 'quick', timeout: 1, execute: () => 7 })
    await expect(
      run(
        flow('f', (f) => f.add(quick, {})),
        {},
      ),
    ).resolves.toBe(7)
    // With the system's clock: a millisecond of time, and one of grace.
    const stuck = task({ name: 'stuck', timeout: 1, execute: async () => await new Promise<number>(() => {}) })
    const ended = run(
      flow('f', (f) => f.add(stuck, {})),
      {},
      { grace: 1 },
    )
    expect(await rejection(ended)).toMatchObject({ code: 'timeout' })
  })

  it('waits for five seconds of grace where nothing is said', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const ended = ending(new Engine(linear('f', [atom(limited(bench, 'a', 50))]), { clock }).run({}))
    await turn()
    await clock.pass(50)
    expect(clock.waits).toEqual([5_000])
    await clock.pass(5_000)
    expect(await ended).toBe(late('a', 50))
  })
})

describe('a revert with a time limit', () => {
  it('that ends in time is a revert like any other', async () => {
    const run = await timed((bench) => [bench.quick('a'), undoing(bench, 'b', 70), bench.failing('x')])
    expect(run.clock.waits).toEqual([70])
    expect(run.bench.contextOf('undo b').signal.aborted).toBe(false)
    await run.bench.end('undo b')
    expect(await run.ended).toBe('x broke')
    expect(run.bench.log).toEqual(['a', 'b', 'x', '-x', '-b', '-a'])
    expect(run.clock.waits).toEqual([])
  })

  it.each(['heeds its signal', 'does not heed it'])('that takes longer and %s is a revert that failed', async (how) => {
    const run = await timed((bench) => [bench.quick('a'), undoing(bench, 'b', 70), bench.failing('x')])
    const { signal } = run.bench.contextOf('undo b')
    await run.clock.pass(70)
    expect(signal.reason).toMatchObject({ code: 'timeout' })
    if (how === 'heeds its signal') await run.bench.end('undo b')
    else await run.clock.pass(1_000)
    expect(await run.ended).toBe(late('b', 70))
    expect(run.states).toBe('flow FAILURE, a SUCCESS, b REVERT_FAILURE, x REVERTED')
    expect(run.engine.revertFailures.map(({ code }) => code)).toEqual(['timeout'])
  })

  it('that takes longer does not keep the others from reverting, where that is wanted', async () => {
    const run = await timed((bench) => [bench.quick('a'), undoing(bench, 'b', 70), bench.failing('x')], {
      onRevertFailure: 'continue',
    })
    await run.clock.pass(70)
    await run.clock.pass(1_000)
    expect(await run.ended).toBe(late('b', 70))
    expect(run.bench.log).toEqual(['a', 'b', 'x', '-x', '-b', '-a'])
    expect(run.states).toBe('flow FAILURE, a REVERTED, b REVERT_FAILURE, x REVERTED')
  })

  it('has a time of its own: that of the execute does not count for it, nor the other way round', async () => {
    const run = await timed((bench) => [{ ...undoing(bench, 'b', 70), timeout: 20 }, bench.failing('x')])
    expect(run.clock.asked).toEqual([20, 70])
    await run.bench.end('undo b')
    await run.ended
    const other = await timed((bench) => [limited(bench, 'a', 20), bench.failing('x')])
    await other.bench.end('a')
    expect(await other.ended).toBe('x broke')
    expect(other.clock.asked).toEqual([20])
  })

  it('is not cut short by a cancel', async () => {
    const run = await timed((bench) => [undoing(bench, 'b', 70), bench.failing('x')])
    run.engine.cancel()
    expect(run.bench.contextOf('undo b').signal.aborted).toBe(false)
    await run.bench.end('undo b')
    expect(await run.ended).toBe('x broke')
    expect(run.engine.state).toBe('REVERTED')
  })
})

describe('a time limit that makes no sense is refused', () => {
  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5' as unknown as number])('%s', (limit) => {
    const make = (more: object): unknown => task({ name: 'a', execute: () => 1, ...more })
    const allowed = `must be milliseconds above 0 and up to ${2 ** 31 - 1}, not ${limit}`
    expect(thrownBy(() => make({ timeout: limit }))).toMatchObject({
      code: 'invalid-flow',
      message: `the timeout of task 'a' ${allowed}`,
    })
    expect(thrownBy(() => make({ revertTimeout: limit }))).toMatchObject({
      code: 'invalid-flow',
      message: `the revertTimeout of task 'a' ${allowed}`,
    })
    expect(thrownBy(() => new Engine(linear('f', []), { grace: limit }))).toMatchObject({
      code: 'invalid-flow',
      message: `grace ${allowed}`,
    })
  })
})

describe('the hooks of a task', () => {
  /** Hooks that log who calls them, and fail where the test says so. */
  const hooks = (log: string[], failing: readonly (keyof Hooks)[] = []): Hooks => {
    const hook = (name: keyof Hooks) => {
      return async ({ atom, attempt }: TaskContext): Promise<void> => {
        log.push(`${name} ${atom} ${attempt}`)
        await Promise.resolve()
        if (failing.includes(name)) throw new Error(`${name} broke`)
      }
    }
    return {
      preExecute: hook('preExecute'),
      postExecute: hook('postExecute'),
      preRevert: hook('preRevert'),
      postRevert: hook('postRevert'),
    }
  }

  it('are called before and after execute and revert, and waited for', async () => {
    const bench = new Workbench()
    const a = { ...bench.quick('a'), ...hooks(bench.log) }
    const root = linear('f', [atom(a, { name: 'mine' }), atom(bench.failing('x'))])
    expect(await ending(new Engine(root).run({}))).toBe('x broke')
    expect(bench.log).toEqual([
      'preExecute mine 1',
      'a',
      'postExecute mine 1',
      'x',
      '-x',
      'preRevert mine 1',
      '-a',
      'postRevert mine 1',
    ])
  })

  it('are called at each attempt, and after a failure too', async () => {
    const bench = new Workbench()
    const x = { ...bench.unsteady('x', 1), ...hooks(bench.log) }
    await new Engine(linear('f', [atom(x)], { retry: controller(times(2)) })).run({})
    expect(bench.log).toEqual([
      'preExecute x 1',
      'x',
      'postExecute x 1',
      'preRevert x 1',
      '-x',
      'postRevert x 1',
      'preExecute x 2',
      'x',
      'postExecute x 2',
    ])
  })

  it('are given the context of the call', async () => {
    const seen: unknown[] = []
    const look = (context: TaskContext): void => {
      seen.push([context.flow, context.atom, context.idempotencyKey, context.signal.aborted])
      context.progress(0.5)
    }
    const contexts: TaskContext[] = []
    const a = task({
      name: 'a',
      preExecute: (context) => {
        contexts.push(context)
        look(context)
      },
      execute: (_: object, context) => void contexts.push(context),
      postExecute: look,
    })
    const watch = watched(linear('f', [atom(a)]))
    await watch.engine.run({})
    expect(seen).toEqual([
      ['r', 'a', 'r/a/1', false],
      ['r', 'a', 'r/a/1', false],
    ])
    expect(contexts[1]).toBe(contexts[0])
  })

  it('may be functions that do not wait', async () => {
    const log: string[] = []
    const a = task({
      name: 'a',
      execute: () => log.push('a'),
      preExecute: () => log.push('pre'),
      postExecute: () => log.push('post'),
    })
    await expect(
      run(
        flow('f', (f) => f.add(a, {})),
        {},
      ),
    ).resolves.toBe(2)
    expect(log).toEqual(['pre', 'a', 'post'])
  })

  it('before execute that fail are the failure of the task, whose execute is not called', async () => {
    const bench = new Workbench()
    const a = { ...bench.quick('a'), ...hooks(bench.log, ['preExecute']) }
    const watch = watched(linear('f', [atom(a)]))
    expect(await ending(watch.engine.run({}))).toBe('preExecute broke')
    expect(watch.engine.failures.map(String)).toEqual(['a: Error: preExecute broke'])
    expect(bench.log).toEqual([
      'preExecute a 1',
      // TaskFlow: what comes after is called whatever came of what is before.
      'postExecute a 1',
      'preRevert a 1',
      '-a',
      'postRevert a 1',
    ])
    expect(watch.states).toBe('flow REVERTED, a REVERTED')
  })

  it('before execute are within its time: what is late then is not called', async () => {
    const bench = new Workbench()
    const preExecute = async (context: TaskContext): Promise<void> => void (await bench.hold('hook', context))
    const make = (): AnyTask => ({ ...bench.quick('a'), timeout: 50, preExecute })
    const run = await timed(() => [make()])
    await run.clock.pass(50)
    await bench.end('hook')
    expect(await run.ended).toBe(late('a', 50))
    expect(bench.log).toEqual(['-a'])
    const impatient = await timed(() => [make()])
    await impatient.clock.pass(50)
    await impatient.clock.pass(1_000)
    expect(await impatient.ended).toBe(late('a', 50))
    await bench.end('hook')
    expect(bench.log).toEqual(['-a', '-a'])
  })

  it('before execute leave the rest of its time to it', async () => {
    const bench = new Workbench()
    const preExecute = async (context: TaskContext): Promise<void> => void (await bench.hold('hook', context))
    const run = await timed(() => [limited(bench, 'a', 50, { preExecute })])
    await run.clock.pass(30)
    await bench.end('hook')
    expect(bench.log).toEqual(['a'])
    expect(run.clock.waits).toEqual([20])
    await run.clock.pass(20)
    expect(bench.contextOf('a').signal.aborted).toBe(true)
    await bench.end('a')
    expect(await run.ended).toBe(late('a', 50))
  })

  it('before and after revert are called where there is no revert, too', async () => {
    const bench = new Workbench()
    const a = task({ name: 'a', execute: () => void bench.log.push('a'), ...hooks(bench.log) })
    const watch = watched(linear('f', [atom(a), atom(bench.failing('x'))]))
    expect(await ending(watch.engine.run({}))).toBe('x broke')
    expect(bench.log.slice(5)).toEqual(['preRevert a 1', 'postRevert a 1'])
    expect(watch.states).toBe('flow REVERTED, a REVERTED, x REVERTED')
  })

  it('before a revert that is none, when they fail, are a revert that failed all the same', async () => {
    const a = task({ name: 'a', execute: () => {}, ...hooks([], ['preRevert']) })
    const watch = watched(linear('f', [atom(a), atom(new Workbench().failing('x'))]))
    expect(await ending(watch.engine.run({}))).toBe('preRevert broke')
    expect(watch.states).toBe('flow FAILURE, a REVERT_FAILURE, x REVERTED')
  })

  it('before revert that fail are a revert that failed', async () => {
    const bench = new Workbench()
    const b = { ...bench.quick('b'), ...hooks([], ['preRevert']) }
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(b), atom(bench.failing('x'))]))
    expect(await ending(watch.engine.run({}))).toBe('preRevert broke')
    expect(bench.log).toEqual(['a', 'b', 'x', '-x'])
    expect(watch.states).toBe('flow FAILURE, a SUCCESS, b REVERT_FAILURE, x REVERTED')
  })

  it('after the work that fail are logged, and change nothing', async () => {
    const bench = new Workbench()
    const a = { ...bench.quick('a'), ...hooks([], ['postExecute', 'postRevert']) }
    const watch = watched(linear('f', [atom(a), atom(bench.unsteady('x', 1))]))
    expect(await ending(watch.engine.run({}))).toBe('x#1')
    expect(watch.states).toBe('flow REVERTED, a REVERTED, x REVERTED')
    expect(watch.book.lines).toEqual([
      "error: a hook of 'a' failed after its work: postExecute broke; the flow goes on",
      "error: a hook of 'a' failed after its work: postRevert broke; the flow goes on",
    ])
    expect(watch.book.fields[0]).toEqual({ atom: 'a', err: new Error('postExecute broke') })
    expect(await ending(watch.engine.run())).toBeNull()
    expect(recordOf(watch.backend, 'r', 'a')).toMatchObject({ state: 'SUCCESS', result: 'a' })
  })

  it('after an execute that failed, when they fail too, do not hide why', async () => {
    const bench = new Workbench()
    const x = { ...bench.failing('x'), ...hooks([], ['postExecute']) }
    expect(await ending(new Engine(linear('f', [atom(x)])).run({}))).toBe('x broke')
  })

  it('after the work come also when its time was over', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const log: string[] = []
    const root = linear('f', [atom({ ...limited(bench, 'a', 50), ...hooks(log) })])
    const ended = ending(new Engine(root, { clock, grace: 5 }).run({}))
    await turn()
    await clock.pass(50)
    expect(log).toEqual(['preExecute a 1'])
    await clock.pass(5)
    expect(await ended).toBe(late('a', 50))
    expect(log).toEqual(['preExecute a 1', 'postExecute a 1', 'preRevert a 1', 'postRevert a 1'])
  })

  it('are not called where the arguments are missing: it never began', async () => {
    const bench = new Workbench()
    const give = atom(
      bench.quick('give', () => ['one']),
      { provides: ['l', 'r'] },
    )
    const a = { ...bench.taking('a'), ...hooks(bench.log) }
    expect(await ending(new Engine(linear('f', [give, atom(a, { requires: ['r'] })])).run({}))).toContain(
      'missing-value',
    )
    expect(bench.log).toEqual(['give', '-give'])
  })

  it('are nothing that a retry has', async () => {
    const bench = new Workbench()
    const hooked = { ...times(2), ...hooks(bench.log) }
    await new Engine(linear('f', [atom(bench.unsteady('x', 1))], { retry: controller(hooked) })).run({})
    expect(bench.log).toEqual(['x', '-x', 'x'])
  })
})

describe('a task that gives a Failure', () => {
  const broken = new RangeError('out of range')
  const giving = (how: 'at once' | 'later' | 'within its time'): AnyTask => {
    const failure = Failure.from(broken, 'somebody')
    return task({
      name: 'x',
      ...(how === 'within its time' ? { timeout: 50 } : {}),
      execute: () => (how === 'at once' ? failure : Promise.resolve(failure)) as never,
    })
  }

  it.each(['at once', 'later', 'within its time'] as const)('%s has failed with it, in its own name', async (how) => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(giving(how))]))
    expect(await rejection(watch.engine.run({}))).toBe(broken)
    expect(watch.states).toBe('flow REVERTED, a REVERTED, x REVERTED')
    expect(watch.engine.failures.map(String)).toEqual(['x: RangeError: out of range'])
    expect(recordOf(watch.backend, 'r', 'x')).toMatchObject({ failure: { atom: 'x', names: ['RangeError', 'Error'] } })
  })

  it('that was stored before fails with an error that reads like it', async () => {
    const stored = Failure.fromStored(
      JSON.parse(JSON.stringify(Failure.from(new TaskFlowError('timeout', 'too slow'), 'then'))) as never,
    )
    const x = task({ name: 'x', execute: () => stored as never })
    const error = await rejection(new Engine(linear('f', [atom(x)])).run({}))
    expect(error).toMatchObject({ name: 'TaskFlowError', code: 'timeout', message: 'too slow' })
  })

  it('may be tried again by a retry', async () => {
    let calls = 0
    const x = task({
      name: 'x',
      execute: () => (++calls < 2 ? Failure.from(broken, 'x') : 'good') as never,
    })
    const written = flow('f', (f) => f.linear('part', (g) => g.add(x, {}), times(2)))
    await expect(run(written, {})).resolves.toBe('good')
  })

  it('as what its revert came to is a revert that failed', async () => {
    const bench = new Workbench()
    const b = bench.quick('b', undefined, { revert: () => Failure.from(broken, 'b') })
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(b), atom(bench.failing('x'))]))
    expect(await rejection(watch.engine.run({}))).toBe(broken)
    expect(watch.states).toBe('flow FAILURE, a SUCCESS, b REVERT_FAILURE, x REVERTED')
  })
})
