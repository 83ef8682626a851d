import { describe, expect, it } from 'vitest'
import {
  type AnyRetry,
  alwaysRevert,
  alwaysRevertAll,
  atom,
  controlled,
  controller,
  type Decision,
  Engine,
  Failure,
  type Flow,
  type FlowNode,
  flow,
  forEach,
  graph,
  History,
  type Inputs,
  linear,
  type PlainNode,
  parameterizedForEach,
  type Retry,
  type RetryContext,
  retry,
  run,
  task,
  times,
  unordered,
  WrappedFailure,
} from '../src/index.ts'
import { recordOf } from './observed-backend.ts'
import { ending, rejection, thrownBy, tried, turn, Workbench, watched } from './workbench.ts'

/** A retry that logs what it is asked, and decides what it is told to, one decision after another. */
function deciding(bench: Workbench, name: string, ...decisions: readonly unknown[]): Retry<object, number> {
  const left = [...decisions]
  return retry({
    name,
    execute: (_: object, { history }) => {
      bench.log.push(`${name}:${history.length + 1}`)
      return history.length + 1
    },
    onFailure: (_, { failures }) => {
      bench.log.push(`${name}? ${[...failures.keys()].join(' ')}`)
      return (left.length > 1 ? left.shift() : left[0]) as Decision
    },
    revert: () => void bench.log.push(`-${name}`),
  })
}

/** The history that a retry is shown: `1{x: x#1} 2{}`. */
function inWords({ entries }: History<unknown>): string {
  return entries
    .map(({ value, failures }) => {
      const failed = [...failures].map(([atom, { message }]) => `${atom}: ${message}`)
      return `${JSON.stringify(value)}{${failed.join(', ')}}`
    })
    .join(' ')
}

/** Keeps what each call of the retry is told. */
function remembering(log: string[], attempts: number): Retry<object, number> {
  const tell = (what: string, { history, failures }: RetryContext<unknown>): void => {
    log.push(`${what} [${inWords(history)}] failures ${[...failures.keys()].join(' ') || 'none'}`)
  }
  return retry({
    execute: (_: object, context) => {
      tell('execute', context)
      return context.history.length + 1
    },
    onFailure: (_, context) => {
      tell('onFailure', context)
      return context.history.length < attempts ? 'RETRY' : 'REVERT'
    },
    revert: (_, context) => tell('revert', context),
  })
}

describe('times()', () => {
  it.each([
    [0, 1],
    [1, 1],
    [2, 2],
    [3, 3],
  ])('of %i runs its flow %i times in all', async (attempts, runs) => {
    const bench = new Workbench()
    const { engine, backend } = watched(tried('f', times(attempts), [atom(bench.unsteady('x', 9))]))
    expect(await ending(engine.run({}))).toBe(`x#${runs}`)
    expect(bench.log).toEqual(Array.from({ length: runs }).flatMap(() => ['x', '-x']))
    expect(engine.state).toBe('REVERTED')
    expect(recordOf(backend, 'r', 'x')?.attempts).toBe(runs)
    expect(recordOf(backend, 'r', 'f_retry')?.attempts).toBe(runs)
  })

  it('runs its flow no more once it succeeds, and nothing is raised', async () => {
    const bench = new Workbench()
    const root = tried('f', times(5), [atom(bench.quick('a')), atom(bench.unsteady('x', 2)), atom(bench.quick('b'))])
    const { engine, states } = watched(root)
    expect(await ending(engine.run({}))).toBeNull()
    expect(bench.log).toEqual(['a', 'x', '-x', '-a', 'a', 'x', '-x', '-a', 'a', 'x', 'b'])
    expect(engine.failures).toEqual([])
    expect(states).toBe('nothing')
  })

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '2' as unknown as number])('of %s is refused', (attempts) => {
    expect(thrownBy(() => times(attempts))).toMatchObject({
      code: 'invalid-flow',
      message: `times() takes a whole number of attempts, at least 0, not ${attempts}`,
    })
  })

  it('gives the number of the attempt to its flow and to what comes after it', async () => {
    const bench = new Workbench()
    const failTwice = bench.taking('x', ({ n }) => {
      if (Number(n) < 3) throw new Error('too early')
      return n
    })
    const root = linear('f', [
      tried('part', times(4), [linear('deep', [atom(failTwice, { requires: ['n'] })])], { provides: 'n' }),
      atom(bench.taking('after'), { requires: ['n'] }),
    ])
    await new Engine(root).run({})
    expect(bench.log).toEqual(['x(n=1)', '-x(n=1)', 'x(n=2)', '-x(n=2)', 'x(n=3)', 'after(n=3)'])
  })

  it('gives the number to nobody beside or before its flow', async () => {
    const bench = new Workbench()
    const part = tried('part', times(2), [], { provides: 'n' })
    const user = atom(bench.taking('user'), { requires: ['n'] })
    const beside = ending(new Engine(unordered('f', [part, user])).run({}))
    const before = ending(new Engine(linear('f', [user, part])).run({}))
    for (const message of [await beside, await before]) {
      expect(message).toContain("missing-dependencies: flow 'f' cannot run: nothing provides 'n' (needed by 'user'; ")
      expect(message).toContain("'part_retry' provides it, but is not before it)")
    }
  })

  it('counts the attempts of each atom, which are told apart by their idempotency key', async () => {
    const keys: string[] = []
    const x = task({
      name: 'x',
      execute: (_: object, { attempt, idempotencyKey }) => {
        keys.push(idempotencyKey)
        if (attempt < 3) throw new Error('again')
      },
      revert: (_args, _outcome, { idempotencyKey }) => void keys.push(`-${idempotencyKey}`),
    })
    await watched(tried('f', times(3), [atom(x)])).engine.run({})
    expect(keys).toEqual(['r/x/1', '-r/x/1/revert', 'r/x/2', '-r/x/2/revert', 'r/x/3'])
  })
})

describe('forEach()', () => {
  const probe = (bench: Workbench, good: unknown): PlainNode =>
    atom(
      bench.taking('probe', ({ value }) => {
        if (value !== good) throw new Error(`not ${JSON.stringify(value)}`)
        return value
      }),
      { requires: ['value'] },
    )

  it('tries one value after another until one does', async () => {
    const bench = new Workbench()
    const root = tried('f', forEach(['a', 'b', 'c']), [probe(bench, 'b')], { provides: 'value' })
    await new Engine(root).run({})
    expect(bench.log).toEqual(['probe(value="a")', '-probe(value="a")', 'probe(value="b")'])
  })

  it('tries a value as often as it is listed', async () => {
    const bench = new Workbench()
    const root = tried('f', forEach([1, 1, 2, 1]), [probe(bench, 9)], { provides: 'value' })
    expect(await ending(new Engine(root).run({}))).toBe('not 1')
    expect(bench.log.filter((line) => !line.startsWith('-'))).toEqual([
      'probe(value=1)',
      'probe(value=1)',
      'probe(value=2)',
      'probe(value=1)',
    ])
  })

  it('knows again what it tried by its content', async () => {
    const bench = new Workbench()
    const values = [{ host: 'a', ports: [1] }, null, { host: 'a', ports: [2] }]
    const root = tried('f', forEach(values), [probe(bench, 9)], { provides: 'value' })
    await rejection(new Engine(root).run({}))
    expect(bench.log.filter((line) => !line.startsWith('-'))).toEqual([
      'probe(value={"host":"a","ports":[1]})',
      'probe(value=null)',
      'probe(value={"host":"a","ports":[2]})',
    ])
  })

  it('of nothing fails itself, and nothing of its flow begins', async () => {
    const bench = new Workbench()
    const root = linear('f', [atom(bench.quick('a')), tried('part', forEach([]), [atom(bench.quick('x'))])])
    const watch = watched(root)
    expect(await ending(watch.engine.run({}))).toBe('no-more-values: there is no value left to try; there were 0')
    expect(bench.log).toEqual(['a', '-a'])
    expect(watch.states).toBe('flow REVERTED, a REVERTED, part_retry REVERTED')
    expect(watch.engine.failures.map(String)).toEqual([
      'part_retry: TaskFlowError: there is no value left to try; there were 0',
    ])
  })

  it('may take its values from the run: parameterizedForEach()', async () => {
    const bench = new Workbench()
    const root = linear('f', [
      atom(
        bench.quick('find', () => ['a', 'b', 'b']),
        { provides: 'mirrors' },
      ),
      tried('part', parameterizedForEach(), [probe(bench, 'z')], {
        name: 'each',
        rebind: { values: 'mirrors' },
        provides: 'value',
      }),
    ])
    const watch = watched(root)
    expect(await ending(watch.engine.run({}))).toBe('not "b"')
    expect(bench.log.filter((line) => line.startsWith('probe'))).toEqual([
      'probe(value="a")',
      'probe(value="b")',
      'probe(value="b")',
    ])
    // Its retry gave up, and no other was asked: what found the values is not undone.
    expect(watch.states).toBe('flow REVERTED, find SUCCESS, each REVERTED, probe REVERTED')
  })

  it.each<[string, object, string]>([
    ['a text', { values: 'abc' }, 'not "abc"'],
    ['null', { values: null }, 'not null'],
  ])('of %s instead of a list fails itself', async (_, inputs, said) => {
    const root = tried('f', parameterizedForEach(), [], { requires: ['values'] })
    expect(await ending(new Engine(root).run(inputs))).toBe(
      `invalid-flow: a retry for each value takes a list as 'values', ${said}`,
    )
  })

  it('whose values are not wired fails itself', async () => {
    expect(await ending(new Engine(tried('f', parameterizedForEach(), [])).run({}))).toBe(
      "invalid-flow: a retry for each value takes a list as 'values', not nothing: wire it",
    )
  })

  it('of values that the run does not have cannot run', async () => {
    const root = tried('f', parameterizedForEach(), [], { requires: ['values'] })
    expect(await ending(new Engine(root).run({}))).toContain("nothing provides 'values' (needed by 'f_retry')")
    expect(await ending(new Engine(root).run({ values: [] }))).toMatch(/^no-more-values: .* there were 0$/)
    expect(await ending(new Engine(root).run({ values: [7] }))).toBeNull()
  })
})

describe('what gives up', () => {
  const givingUp: readonly [string, AnyRetry][] = [
    ['alwaysRevert()', alwaysRevert({ name: 'inner' })],
    ['times(1)', times(1, { name: 'inner' })],
    ['forEach() of one', forEach([1], { name: 'inner' })],
  ]
  const givingUpAll: readonly [string, AnyRetry][] = [
    ['alwaysRevertAll()', alwaysRevertAll({ name: 'inner' })],
    ['times(1) with revertAll', times(1, { name: 'inner', revertAll: true })],
    ['forEach() of one with revertAll', forEach([1], { name: 'inner', revertAll: true })],
  ]
  const inside = (bench: Workbench, inner: AnyRetry, outer: AnyRetry | null): FlowNode =>
    linear(
      'f',
      [atom(bench.quick('a')), tried('part', inner, [atom(bench.quick('b')), atom(bench.unsteady('x', 9))])],
      { retry: outer && controller(outer) },
    )

  it.each(givingUp)('reverts its own flow alone: %s', async (_, inner) => {
    const bench = new Workbench()
    const watch = watched(inside(bench, inner, null))
    expect(await ending(watch.engine.run({}))).toBe('x#1')
    expect(bench.log).toEqual(['a', 'b', 'x', '-x', '-b'])
    expect(watch.states).toBe('flow REVERTED, a SUCCESS, inner REVERTED, b REVERTED, x REVERTED')
  })

  it.each(givingUp)('asks the retry around it, which may try everything again: %s', async (_, inner) => {
    const bench = new Workbench()
    const watch = watched(inside(bench, inner, times(2, { name: 'outer' })))
    expect(await ending(watch.engine.run({}))).toBe('x#2')
    expect(bench.log).toEqual(['a', 'b', 'x', '-x', '-b', '-a', 'a', 'b', 'x', '-x', '-b'])
    expect(watch.states).toBe('flow REVERTED, outer SUCCESS, a SUCCESS, inner REVERTED, b REVERTED, x REVERTED')
  })

  it.each(givingUpAll)('may revert everything, and the retry around it is not asked: %s', async (_, inner) => {
    const bench = new Workbench()
    const watch = watched(inside(bench, inner, deciding(bench, 'outer', 'RETRY')))
    expect(await ending(watch.engine.run({}))).toBe('x#1')
    expect(bench.log).toEqual(['outer:1', 'a', 'b', 'x', '-x', '-b', '-a', '-outer'])
    expect(watch.states).toBe('flow REVERTED, outer REVERTED, a REVERTED, inner REVERTED, b REVERTED, x REVERTED')
  })

  it('parameterizedForEach() may revert everything, too', async () => {
    const bench = new Workbench()
    const part = tried('part', parameterizedForEach({ revertAll: true }), [atom(bench.failing('x'))], {
      requires: ['values'],
    })
    await rejection(new Engine(linear('f', [atom(bench.quick('a')), part])).run({ values: [1] }))
    expect(bench.log).toEqual(['a', 'x', '-x', '-a'])
  })
})

describe('the history of a retry', () => {
  it('is told with each call: what it gave, and who failed then', async () => {
    const bench = new Workbench()
    const log: string[] = []
    const root = linear('f', [tried('part', remembering(log, 2), [atom(bench.unsteady('x', 9))])])
    await rejection(new Engine(root).run({}))
    expect(log).toEqual([
      'execute [] failures none',
      'onFailure [1{x: x#1}] failures x',
      'execute [1{x: x#1}] failures none',
      'onFailure [1{x: x#1} 2{x: x#2}] failures x',
      'revert [1{x: x#1} 2{x: x#2}] failures x',
    ])
  })

  it('has every atom that failed in an attempt', async () => {
    const bench = new Workbench()
    const log: string[] = []
    const both = unordered('both', [atom(bench.unsteady('x', 1)), atom(bench.unsteady('y', 1))])
    await new Engine(tried('f', remembering(log, 2), [both])).run({})
    expect(log).toEqual([
      'execute [] failures none',
      'onFailure [1{x: x#1}] failures x',
      'onFailure [1{x: x#1, y: y#1}] failures x y',
      'execute [1{x: x#1, y: y#1}] failures none',
    ])
  })

  it('has a retry inside that gave up in the place of what failed in its flow, and only its first failure', async () => {
    const bench = new Workbench()
    const log: string[] = []
    const inner = tried('inner', alwaysRevert(), [atom(bench.unsteady('x', 2))])
    const engine = new Engine(tried('f', remembering(log, 1), [inner]))
    expect(await ending(engine.run({}))).toBe('x#1')
    expect(await ending(engine.run())).toBe('x#2')
    expect(log).toEqual([
      'execute [] failures none',
      'onFailure [1{inner_retry: x#1}] failures x',
      'onFailure [1{inner_retry: x#1}] failures x',
    ])
  })

  it('is stored with the retry, and kept while it tries again', async () => {
    const bench = new Workbench()
    const { engine, backend, trace } = watched(
      tried('f', times(2), [atom(bench.unsteady('x', 1)), atom(bench.held('y'))]),
    )
    const done = engine.run({})
    await turn()
    expect(trace.lines.slice(-3)).toEqual(['x PENDING>RUNNING', 'x RUNNING>SUCCESS', 'y PENDING>RUNNING'])
    expect(recordOf(backend, 'r', 'f_retry')).toMatchObject({
      state: 'SUCCESS',
      attempts: 2,
      result: 2,
      history: [
        { value: 1, failures: { x: { atom: 'x', message: 'x#1', names: ['Error'] } } },
        { value: 2, failures: {} },
      ],
    })
    await bench.end('y')
    await done
  })

  it('is emptied when the retry is reverted, and begins anew with the next run', async () => {
    const bench = new Workbench()
    const log: string[] = []
    const { engine, backend } = watched(tried('f', remembering(log, 2), [atom(bench.unsteady('x', 3))]))
    await rejection(engine.run({}))
    expect(recordOf(backend, 'r', 'f_retry')).toMatchObject({ state: 'REVERTED', history: [] })
    log.length = 0
    await engine.run()
    expect(log).toEqual([
      'execute [] failures none',
      'onFailure [1{x: x#3}] failures x',
      'execute [1{x: x#3}] failures none',
    ])
  })

  it('as it is told is a copy: what happens later does not change it', async () => {
    const bench = new Workbench()
    const seen: History<unknown>[] = []
    const keep = retry({
      execute: (_: object, { history }) => seen.push(history),
      onFailure: () => 'RETRY',
    })
    await new Engine(tried('f', keep, [atom(bench.unsteady('x', 2))])).run({})
    expect(seen.map(({ length }) => length)).toEqual([0, 1, 2])
  })

  it('knows whether an attempt failed because of something', () => {
    const entry = (value: string, error: Error): History<string>['entries'][number] => ({
      value,
      failures: new Map([['x', Failure.from(error, 'x')]]),
    })
    const history = new History([
      entry('a', new TypeError('one')),
      entry('b', new RangeError('two')),
      { value: 'c', failures: new Map() },
    ])
    expect(history.length).toBe(3)
    expect(history.values).toEqual(['a', 'b', 'c'])
    expect(history.causedBy([TypeError])).toBe(true)
    expect(history.causedBy(['TypeError'], 0)).toBe(true)
    expect(history.causedBy(['TypeError'], 1)).toBe(false)
    expect(history.causedBy(['TypeError', 'RangeError'], -2)).toBe(true)
    expect(history.causedBy([Error], -1)).toBe(false)
    expect(history.causedBy([Error], 7)).toBe(false)
    expect(history.causedBy([])).toBe(false)
  })

  it('lets a retry decide by the cause', async () => {
    const bench = new Workbench()
    const errors = [new TypeError('passing'), new RangeError('for good')]
    const x = bench.quick('x', () => {
      throw errors.shift() ?? new Error('never')
    })
    const careful = retry({
      execute: (_: object, { history }) => history.length + 1,
      onFailure: (_, { history }) => (history.causedBy([RangeError], -1) ? 'REVERT_ALL' : 'RETRY'),
    })
    const root = linear('f', [atom(bench.quick('a')), tried('part', careful, [atom(x)])])
    expect(await ending(new Engine(root).run({}))).toBe('for good')
    expect(bench.log).toEqual(['a', 'x', '-x', 'x', '-x', '-a'])
  })
})

describe('what is heard of a retried flow', () => {
  it('is what TaskFlow tells, in its order', async () => {
    const bench = new Workbench()
    const root = tried('F', times(2, { name: 'r' }), [atom(bench.quick('a')), atom(bench.failing('x'))])
    const { engine, trace } = watched(root)
    await rejection(engine.run({}))
    const attempt = ['r RUNNING>SUCCESS', 'a PENDING>RUNNING', 'a RUNNING>SUCCESS', 'x PENDING>RUNNING']
    const undone = [
      'x RUNNING>FAILURE',
      'x FAILURE>REVERTING',
      'x REVERTING>REVERTED',
      'a SUCCESS>REVERTING',
      'a REVERTING>REVERTED',
    ]
    expect(trace.lines).toEqual([
      'flow PENDING>RUNNING',
      'r PENDING>RUNNING',
      ...attempt,
      ...undone,
      'r SUCCESS>RETRYING',
      'a REVERTED>PENDING',
      'x REVERTED>PENDING',
      'r RETRYING>RUNNING',
      ...attempt,
      ...undone,
      'r SUCCESS>REVERTING',
      'r REVERTING>REVERTED',
      'flow RUNNING>REVERTED',
    ])
  })

  it('says that a retry is one, which attempt it is at, and why there is another', async () => {
    const bench = new Workbench()
    const { engine, trace } = watched(tried('f', times(2), [atom(bench.unsteady('x', 1))]))
    await engine.run({})
    const told = trace.atoms.map(({ atom, kind, state, attempt, result }) => [atom, kind, state, attempt, result])
    const retrying = trace.atoms.filter(({ state }) => state === 'RETRYING')
    expect(retrying.map(({ failure, wait }) => [failure?.atom, failure?.message, wait])).toEqual([['x', 'x#1', 0]])
    expect(told.filter(([atom]) => atom === 'f_retry')).toEqual([
      ['f_retry', 'retry', 'RUNNING', 1, undefined],
      ['f_retry', 'retry', 'SUCCESS', 1, 1],
      ['f_retry', 'retry', 'RETRYING', 1, undefined],
      ['f_retry', 'retry', 'RUNNING', 2, undefined],
      ['f_retry', 'retry', 'SUCCESS', 2, 2],
    ])
  })
})

describe('a retry of one’s own', () => {
  it.each([
    ['a word that is none', 'MAYBE', 'MAYBE'],
    ['nothing', undefined, 'undefined'],
    ['a decision later', Promise.resolve('RETRY'), '[object Promise]'],
    ['a word in other letters', 'retry', 'retry'],
  ])('that decides %s has failed itself: everything reverts, and both failures are raised', async (_, word, said) => {
    const bench = new Workbench()
    const root = linear('f', [
      atom(bench.quick('a')),
      tried('p', deciding(bench, 'r', word), [atom(bench.failing('x'))]),
    ])
    const watch = watched(root)
    expect(await ending(watch.engine.run({}))).toBe(
      `invalid-decision: retry 'r' must decide RETRY, REVERT or REVERT_ALL, at once, not ${said} & x broke`,
    )
    expect(bench.log).toEqual(['a', 'r:1', 'x', 'r? x', '-x', '-r', '-a'])
    expect(watch.states).toBe('flow REVERTED, a REVERTED, r REVERTED, x REVERTED')
  })

  it('that is asked and throws has failed itself, and no other retry is asked', async () => {
    const bench = new Workbench()
    const confused = retry({
      execute: () => 1,
      onFailure: () => {
        throw new Error('cannot decide')
      },
    })
    const root = tried('f', deciding(bench, 'outer', 'RETRY'), [tried('p', confused, [atom(bench.failing('x'))])])
    const { engine, backend } = watched(root)
    const error = await rejection(engine.run({}))
    expect(error).toBeInstanceOf(WrappedFailure)
    expect((error as WrappedFailure).failures.map(String)).toEqual([
      'p_retry: Error: cannot decide',
      'x: Error: x broke',
    ])
    expect(bench.log).toEqual(['outer:1', 'x', '-x', '-outer'])
    expect(recordOf(backend, 'r', 'p_retry')).toMatchObject({
      state: 'REVERTED',
      failure: { atom: 'p_retry', message: 'cannot decide' },
    })
  })

  it('that decides later and fails then leaves no rejection that nobody handles', async () => {
    const bench = new Workbench()
    const unheard: unknown[] = []
    const hear = (reason: unknown): void => void unheard.push(reason)
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', hear)
    try {
      const late = deciding(bench, 'r', Promise.reject(new Error('late')))
      expect(await ending(new Engine(tried('f', late, [atom(bench.failing('x'))])).run({}))).toContain(
        'invalid-decision',
      )
      await turn()
      expect(unheard).toEqual([])
    } finally {
      process.off('unhandledRejection', hear)
      for (const other of others) process.on('unhandledRejection', other)
    }
  })

  it('gets the arguments of its execute when it is asked, and its own when it is reverted', async () => {
    const told: unknown[] = []
    const bench = new Workbench()
    const curious: Retry<{ readonly limit: number }, number> = retry<{ readonly limit: number }, number>({
      execute: (args) => told.push(['execute', args]),
      onFailure: (args, { history }) => {
        told.push(['onFailure', args])
        return history.length < args.limit ? 'RETRY' : 'REVERT'
      },
      revert: (args) => told.push(['revert', args]),
    })
    const root = tried('f', curious, [atom(bench.failing('x'))], {
      rebind: { limit: 'most' },
      revertRequires: ['why'],
    })
    await rejection(new Engine(root).run({ most: 2, why: 'tired' }))
    expect(told).toEqual([
      ['execute', { limit: 2 }],
      ['onFailure', { limit: 2 }],
      ['execute', { limit: 2 }],
      ['onFailure', { limit: 2 }],
      ['revert', { why: 'tired' }],
    ])
  })

  it('may make its value later', async () => {
    const bench = new Workbench()
    const slow = retry({
      execute: async (_: object, { history }) => await Promise.resolve({ round: history.length + 1 }),
      onFailure: () => 'RETRY',
    })
    const x = bench.taking('x', ({ value }) => {
      if ((value as { round: number }).round < 2) throw new Error('again')
    })
    await new Engine(tried('f', slow, [atom(x, { requires: ['value'] })], { provides: 'value' })).run({})
    expect(bench.log).toEqual(['x(value={"round":1})', '-x(value={"round":1})', 'x(value={"round":2})'])
  })

  it('whose value cannot be stored has failed', async () => {
    const bench = new Workbench()
    const odd = retry({ execute: () => new Date(0) as unknown as string, onFailure: () => 'RETRY' })
    const watch = watched(tried('f', odd, [atom(bench.quick('x'))]))
    expect(await ending(watch.engine.run({}))).toMatch(/^not-json: the result of 'f_retry': result is a Date/)
    expect(bench.log).toEqual([])
    expect(watch.states).toBe('flow REVERTED, f_retry REVERTED')
  })

  it('that cannot begin asks the retry around it, not itself', async () => {
    const bench = new Workbench()
    let calls = 0
    const shy = retry({
      name: 'inner',
      execute: () => {
        if (++calls < 3) throw new Error(`inner#${calls}`)
        return calls
      },
      onFailure: () => {
        bench.log.push('inner?')
        return 'REVERT_ALL'
      },
      revert: (_, { history }) => void bench.log.push(`-inner ${history.failure?.message} ${history.length}`),
    })
    const root = tried('f', deciding(bench, 'outer', 'RETRY'), [atom(bench.quick('a')), tried('p', shy, [])])
    expect(await ending(new Engine(root).run({}))).toBeNull()
    expect(bench.log).toEqual([
      'outer:1',
      'a',
      'outer? inner',
      '-inner inner#1 0',
      '-a',
      'outer:2',
      'a',
      'outer? inner',
      '-inner inner#2 0',
      '-a',
      'outer:3',
      'a',
    ])
  })

  it('that fails at a later attempt still has its history when it is reverted', async () => {
    const bench = new Workbench()
    const once = retry({
      execute: (_: object, { history }) => {
        if (history.length > 0) throw new Error('enough')
        return 'only'
      },
      onFailure: () => 'RETRY',
      revert: (_, { history }) => void bench.log.push(`${inWords(history)} ${history.failure?.message}`),
    })
    expect(await ending(new Engine(tried('f', once, [atom(bench.unsteady('x', 9))])).run({}))).toBe('enough')
    expect(bench.log).toEqual(['x', '-x', '"only"{x: x#1} enough'])
  })

  it('whose revert fails leaves what is before it undone, and the flow in FAILURE', async () => {
    const bench = new Workbench()
    const stuck = retry({
      name: 'stuck',
      execute: () => 1,
      onFailure: () => 'REVERT_ALL',
      revert: async () => await Promise.reject(new Error('cannot let go')),
    })
    const watch = watched(linear('f', [atom(bench.quick('a')), tried('p', stuck, [atom(bench.failing('x'))])]))
    expect(await ending(watch.engine.run({}))).toBe('cannot let go')
    expect(watch.states).toBe('flow FAILURE, a SUCCESS, stuck REVERT_FAILURE, x REVERTED')
    expect(watch.engine.revertFailures.map(String)).toEqual(['stuck: Error: cannot let go'])
  })

  it('is neither reverted nor forgets anything when it tries again', async () => {
    const bench = new Workbench()
    await new Engine(tried('f', deciding(bench, 'r', 'RETRY'), [atom(bench.unsteady('x', 2))])).run({})
    expect(bench.log).toEqual(['r:1', 'x', 'r? x', '-x', 'r:2', 'x', 'r? x', '-x', 'r:3', 'x'])
  })
})

describe('retries inside of retries', () => {
  const nested = (bench: Workbench, inner: AnyRetry, outer: AnyRetry): FlowNode =>
    tried('f', outer, [
      atom(bench.quick('a')),
      tried('part', inner, [atom(bench.quick('b')), atom(bench.unsteady('x', 9))]),
      atom(bench.quick('never')),
    ])

  it('begin anew at each attempt of the outer one', async () => {
    const bench = new Workbench()
    const watch = watched(nested(bench, times(2, { name: 'in' }), times(2, { name: 'out' })), { deferReverts: true })
    expect(await ending(watch.engine.run({}))).toBe('x#4')
    const inner = ['b', 'x', '-x', '-b', 'b', 'x', '-x', '-b']
    expect(bench.log).toEqual(['a', ...inner, '-a', 'a', ...inner, '-a'])
    const values = watch.trace.atoms.filter(({ atom, state }) => atom === 'in' && state === 'SUCCESS')
    expect(values.map(({ result }) => result)).toEqual([1, 2, 1, 2])
    expect(watch.trace.lines.filter((line) => line.startsWith('in ') && !line.includes('RUNNING'))).toEqual([
      'in SUCCESS>RETRYING',
      'in SUCCESS>REVERTING',
      'in REVERTING>REVERTED',
      'in REVERTED>PENDING',
      'in SUCCESS>RETRYING',
      'in SUCCESS>REVERTING',
      'in REVERTING>REVERTED',
    ])
  })

  it('are asked from the inside out, and each only when the one inside gives up', async () => {
    const bench = new Workbench()
    const inner = deciding(bench, 'in', 'RETRY', 'REVERT')
    const outer = deciding(bench, 'out', 'REVERT_ALL')
    await rejection(new Engine(nested(bench, inner, outer)).run({}))
    const first = ['out:1', 'a', 'in:1', 'b', 'x', 'in? x', '-x', '-b']
    expect(bench.log).toEqual([...first, 'in:2', 'b', 'x', 'in? x', 'out? x', '-x', '-b', '-in', '-a', '-out'])
  })

  it('that all say REVERT undo the innermost flow alone; the flow is REVERTED and raises all the same', async () => {
    const bench = new Workbench()
    const watch = watched(nested(bench, deciding(bench, 'in', 'REVERT'), deciding(bench, 'out', 'REVERT')))
    expect(await ending(watch.engine.run({}))).toBe('x#1')
    expect(bench.log).toEqual(['out:1', 'a', 'in:1', 'b', 'x', 'in? x', 'out? x', '-x', '-b', '-in'])
    expect(watch.states).toBe('flow REVERTED, out SUCCESS, a SUCCESS, in REVERTED, b REVERTED, x REVERTED')
  })

  it('that all say REVERT undo everything with deferReverts', async () => {
    const bench = new Workbench()
    const root = linear('root', [
      atom(bench.quick('before')),
      nested(bench, deciding(bench, 'in', 'REVERT'), deciding(bench, 'out', 'REVERT')),
    ])
    const watch = watched(root, { deferReverts: true })
    await rejection(watch.engine.run({}))
    expect(bench.log.slice(-6)).toEqual(['-x', '-b', '-in', '-a', '-out', '-before'])
    expect(watch.states).toBe(
      'flow REVERTED, before REVERTED, out REVERTED, a REVERTED, in REVERTED, b REVERTED, x REVERTED',
    )
  })

  it('with deferReverts a single retry that gives up has everything undone', async () => {
    const bench = new Workbench()
    const root = linear('f', [atom(bench.quick('a')), tried('p', alwaysRevert(), [atom(bench.failing('x'))])])
    const watch = watched(root, { deferReverts: true })
    expect(await ending(watch.engine.run({}))).toBe('x broke')
    expect(bench.log).toEqual(['a', 'x', '-x', '-a'])
  })

  it('leave the last word to the outermost that does not give up, with deferReverts and without', async () => {
    for (const deferReverts of [false, true]) {
      const bench = new Workbench()
      const middle = tried('mid', alwaysRevert(), [tried('in', alwaysRevert(), [atom(bench.unsteady('x', 1))])])
      const root = tried('out', times(2), [atom(bench.quick('a')), middle])
      expect(await ending(new Engine(root, { deferReverts }).run({}))).toBeNull()
      expect(bench.log).toEqual(['a', 'x', '-x', '-a', 'a', 'x'])
    }
  })

  it('are not asked about what comes after their flow', async () => {
    const bench = new Workbench()
    const root = linear('f', [
      tried('part', deciding(bench, 'r', 'RETRY'), [atom(bench.quick('a'))]),
      atom(bench.failing('x')),
    ])
    expect(await ending(new Engine(root).run({}))).toBe('x broke')
    expect(bench.log).toEqual(['r:1', 'a', 'x', '-x', '-a', '-r'])
  })

  it('that wait for what is under way take the widest word: a RETRY does not undo a REVERT', async () => {
    const bench = new Workbench()
    const both = unordered('both', [atom(bench.held('x')), atom(bench.held('y'))])
    const root = tried('f', deciding(bench, 'r', 'REVERT', 'RETRY'), [both])
    const watch = watched(root, { mode: 'parallel' })
    const ended = ending(watch.engine.run({}))
    await turn()
    await bench.fail('x')
    await bench.fail('y')
    expect(await ended).toBe('x broke & y broke')
    expect(bench.log).toEqual(['r:1', 'x', 'y', 'r? x', '-x', 'r? x y', '-y', '-r'])
  })

  it('are not asked any more once everything reverts, whatever fails then', async () => {
    const bench = new Workbench()
    const part = tried('part', deciding(bench, 'r', 'RETRY'), [atom(bench.held('x'))])
    const watch = watched(unordered('f', [part, atom(bench.held('z'))]), { mode: 'parallel' })
    const ended = ending(watch.engine.run({}))
    await turn()
    await bench.fail('z')
    await bench.fail('x')
    expect(await ended).toBe('x broke & z broke')
    expect(bench.log).toEqual(['r:1', 'z', 'x', '-z', '-x', '-r'])
    expect(watch.states).toBe('flow REVERTED, r REVERTED, z REVERTED, x REVERTED')
    expect(recordOf(watch.backend, 'r', 'r')?.history).toEqual([])
  })

  it('a REVERT overrides a RETRY whose flow is still being undone', async () => {
    const bench = new Workbench()
    const both = unordered('both', [atom(bench.held('x')), atom(bench.held('y'))])
    const root = tried('f', deciding(bench, 'r', 'RETRY', 'REVERT'), [both])
    const watch = watched(root, { mode: 'parallel' })
    const ended = ending(watch.engine.run({}))
    await turn()
    await bench.fail('x')
    await bench.fail('y')
    expect(await ended).toBe('x broke & y broke')
    expect(bench.log).toEqual(['r:1', 'x', 'y', 'r? x', '-x', 'r? x y', '-y', '-r'])
    expect(watch.engine.state).toBe('REVERTED')
  })
})

describe('what is beside or after a retried flow', () => {
  it('executes once, however often that is tried again', async () => {
    const bench = new Workbench()
    const root = unordered('f', [
      tried('part', times(3), [atom(bench.unsteady('x', 2))]),
      linear('line', [atom(bench.quick('a')), atom(bench.quick('b'))]),
    ])
    expect(await ending(new Engine(root).run({}))).toBeNull()
    expect(bench.log.filter((line) => /[ab]/.test(line))).toEqual(['a', 'b'])
    expect(bench.log.filter((line) => line.includes('x'))).toEqual(['x', '-x', 'x', '-x', 'x'])
  })

  it('goes on while that is undone', async () => {
    const bench = new Workbench()
    const x = bench.failing('x', undefined, { revert: (_, context) => bench.hold('undo x', context) })
    const root = unordered('f', [
      tried('part', alwaysRevert(), [atom(x)]),
      linear('line', [atom(bench.held('a')), atom(bench.quick('b'))]),
    ])
    const watch = watched(root, { mode: 'parallel' })
    const ended = ending(watch.engine.run({}))
    await turn()
    await bench.end('a')
    expect(bench.log).toEqual(['a', 'x', '-x', 'b'])
    await bench.end('undo x')
    expect(await ended).toBe('x broke')
    expect(watch.states).toBe('flow REVERTED, part_retry REVERTED, a SUCCESS, x REVERTED, b SUCCESS')
  })

  it('begins only when the retried flow succeeded', async () => {
    const bench = new Workbench()
    const root = linear('f', [tried('part', times(2), [atom(bench.unsteady('x', 1))]), atom(bench.quick('after'))])
    await new Engine(root).run({})
    expect(bench.log).toEqual(['x', '-x', 'x', 'after'])
  })

  it('is asked about again, if a decider inside passed it by', async () => {
    const bench = new Workbench()
    const answers = [false, true]
    const [a, b] = [atom(bench.quick('a')), atom(bench.quick('b'))]
    const inside = graph('inside', [a, b], { links: [{ from: a, to: b, decider: () => answers.shift() ?? false }] })
    const root = linear('f', [
      unordered('part', [inside, linear('line', [atom(bench.quick('x1')), atom(bench.unsteady('x', 1))])], {
        retry: controller(times(2)),
      }),
      atom(bench.quick('after')),
    ])
    const watch = watched(root)
    await watch.engine.run({})
    expect(bench.log).toEqual(['a', 'x1', 'x', '-x', '-a', '-x1', 'a', 'x1', 'b', 'x', 'after'])
    expect(watch.trace.lines.filter((line) => line.startsWith('after'))).toEqual([
      'after PENDING>IGNORE',
      'after IGNORE>PENDING',
      'after PENDING>RUNNING',
      'after RUNNING>SUCCESS',
    ])
  })
})

describe('a failure that a retry solved', () => {
  it('is not raised with a later one elsewhere, nor told to reverts', async () => {
    const bench = new Workbench()
    const told: string[] = []
    const a = task({
      name: 'a',
      execute: () => 1,
      revert: (_args, _outcome, { failures }) => void told.push([...failures.keys()].join(' ')),
    })
    const late = new Error('late')
    const root = linear('f', [
      atom(a),
      tried('part', times(2), [atom(bench.unsteady('x', 1))]),
      atom(bench.failing('z', late)),
    ])
    const engine = new Engine(root)
    expect(await rejection(engine.run({}))).toBe(late)
    expect(engine.failures.map(String)).toEqual(['z: Error: late'])
    expect(told).toEqual(['z'])
  })

  it('is told to the reverts of its own attempt, and to no execute of the next', async () => {
    const told: string[] = []
    const bench = new Workbench()
    const a = task({
      name: 'a',
      execute: () => 1,
      revert: (_args, _outcome, { failures }) =>
        void told.push([...failures].map(([atom, { message }]) => `${atom}: ${message}`).join()),
    })
    await rejection(new Engine(tried('f', times(2), [atom(a), atom(bench.unsteady('x', 9))])).run({}))
    expect(told).toEqual(['x: x#1', 'x: x#2'])
  })

  it('of a retry that began late is not raised either', async () => {
    const bench = new Workbench()
    let calls = 0
    const shy = retry({
      execute: () => {
        if (++calls === 1) throw new Error('not yet')
        return calls
      },
      onFailure: () => 'REVERT',
    })
    const root = tried('f', times(2), [tried('p', shy, []), atom(bench.unsteady('z', 9))])
    expect(await ending(new Engine(root).run({}))).toBe('z#1')
  })
})

describe('neverResolve', () => {
  it('ends the flow at a failure: no retry is asked and nothing is reverted', async () => {
    const bench = new Workbench()
    const root = linear('f', [
      atom(bench.quick('a')),
      tried('p', deciding(bench, 'r', 'RETRY'), [atom(bench.failing('x')), atom(bench.quick('never'))]),
    ])
    const watch = watched(root, { neverResolve: true })
    expect(await ending(watch.engine.run({}))).toBe('x broke')
    expect(bench.log).toEqual(['a', 'r:1', 'x'])
    expect(watch.states).toBe('flow FAILURE, a SUCCESS, r SUCCESS, x FAILURE')
  })

  it('lets finish what is under way', async () => {
    const bench = new Workbench()
    const root = unordered('f', [
      atom(bench.held('x')),
      linear('line', [atom(bench.held('a')), atom(bench.quick('never'))]),
    ])
    const watch = watched(root, { neverResolve: true, mode: 'parallel' })
    const ended = ending(watch.engine.run({}))
    await turn()
    await bench.fail('x')
    await bench.end('a')
    expect(await ended).toBe('x broke')
    expect(bench.log).toEqual(['x', 'a'])
    expect(watch.states).toBe('flow FAILURE, x FAILURE, a SUCCESS')
  })
})

describe('the name of a retry', () => {
  it('is its own, the one it is placed with, or made of its flow’s', () => {
    expect(tried('f', times(1), []).retry?.name).toBe('f_retry')
    expect(tried('f', times(1, { name: 'own' }), []).retry?.name).toBe('own')
    expect(tried('f', times(1, { name: 'own' }), [], { name: 'placed' }).retry?.name).toBe('placed')
    expect(times(1).name).toBeNull()
  })

  it('is one among the names of all atoms', () => {
    const bench = new Workbench()
    const twice = linear('f', [tried('p', times(1), []), tried('p', times(1), [])])
    expect(thrownBy(() => new Engine(twice).compile())).toMatchObject({
      code: 'duplicate-name',
      message: "flow 'f' has two atoms named 'p_retry': give one of them another name",
    })
    const like = tried('p', times(1, { name: 'a' }), [atom(bench.quick('a'))])
    expect(thrownBy(() => new Engine(like).compile())).toMatchObject({ code: 'duplicate-name' })
  })

  it('must not be empty', () => {
    const make = (): unknown => retry({ name: '', execute: () => 1, onFailure: () => 'REVERT' })
    expect(thrownBy(make)).toMatchObject({ code: 'invalid-flow' })
  })
})

describe('a part of a typed flow', () => {
  const square = task({
    name: 'square',
    execute: ({ n }: { n: number }) => {
      if (n < 3) throw new Error(`${n} is too small`)
      return n * n
    },
  })

  it('may be retried, and is given the value of the attempt', async () => {
    const written = flow('f', (f) => f.linear('part', (g, n) => g.add(square, { n }), times(3)))
    await expect(run(written, {})).resolves.toBe(9)
  })

  it.each(['linear', 'unordered', 'graph'] as const)('may be %s', async (pattern) => {
    const written = flow('f', (f) => f[pattern]('part', (g, n) => g.add(square, { n }), forEach([1, 2, 4])))
    await expect(run(written, {})).resolves.toBe(16)
  })

  it('is given values typed as they are, parts included', async () => {
    const dial = task({
      name: 'dial',
      execute: ({ host, port }: { host: string; port: number }) => {
        if (port < 2) throw new Error('closed')
        return `${host}:${port}`
      },
    })
    const doors = [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ]
    const written = flow('f', (f) =>
      f.linear('part', (g, door) => g.add(dial, { host: door.at('host'), port: door.at('port') }), forEach(doors)),
    )
    await expect(run(written, {})).resolves.toBe('b:2')
    // @ts-expect-error a text is not a number
    flow('f', (f) => f.linear('part', (g, n) => g.add(square, { n }), forEach(['a'])))
    // @ts-expect-error the value of alwaysRevert() is null
    flow('f', (f) => f.linear('part', (g, n) => g.add(square, { n }), alwaysRevert()))
  })

  it('hands the value of the last attempt on to what comes after it', async () => {
    const show = task({ name: 'show', execute: ({ n }: { n: number }) => `attempt ${n}` })
    const written = flow('f', (f) => {
      const n = f.linear(
        'part',
        (g, attempt) => {
          g.add(square, { n: attempt })
          return attempt
        },
        times(5),
      )
      return f.add(show, { n })
    })
    await expect(run(written, {})).resolves.toBe('attempt 3')
  })

  it('may be controlled by a retry that takes values of the flow', async () => {
    const parse = task({ name: 'parse', execute: ({ text }: { text: string }) => text.split(',').map(Number) })
    const written = flow('f', (f, { text }: Inputs<{ text: string }>) => {
      const values = f.add(parse, { text })
      return f.linear('part', (g, n) => g.add(square, { n }), controlled(parameterizedForEach<number>(), { values }))
    })
    await expect(run(written, { text: '1,2,5,6' })).resolves.toBe(25)
    await expect(run(written, { text: '1,2' })).rejects.toThrow('2 is too small')
  })

  it('may be controlled by a retry that takes constants', async () => {
    const upTo = retry<{ readonly limit: number }, number>({
      execute: (_, { history }) => history.length + 1,
      onFailure: ({ limit }, { history }) => (history.length < limit ? 'RETRY' : 'REVERT'),
    })
    const written = (limit: number): Flow<object, number> =>
      flow('f', (f) => f.linear('part', (g, n) => g.add(square, { n }), controlled(upTo, { limit })))
    await expect(run(written(3), {})).resolves.toBe(9)
    await expect(run(written(2), {})).rejects.toThrow('2 is too small')
    // @ts-expect-error a limit is needed
    controlled(upTo, {})
    // @ts-expect-error one that takes arguments must be wired
    flow('f', (f) => f.linear('part', () => {}, upTo))
  })

  it('names its retry among the names of the flow', () => {
    const clash = (): unknown =>
      flow('f', (f) => {
        f.linear('part', (g) => g.add(square, { n: 1 }), times(2))
        f.linear('part', () => {}, times(2))
      })
    expect(thrownBy(clash)).toMatchObject({ code: 'duplicate-name' })
  })

  it('may be the whole flow', async () => {
    const bench = new Workbench()
    const written = flow(
      'f',
      (f) => {
        f.add(bench.quick('a'), {})
        return f.add(bench.unsteady('x', 1), {})
      },
      { retry: times(2) },
    )
    await expect(run(written, {})).resolves.toBe('x')
    expect(bench.log).toEqual(['a', 'x', '-x', '-a', 'a', 'x'])
  })
})
