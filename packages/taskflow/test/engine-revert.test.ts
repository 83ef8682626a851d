import { describe, expect, it } from 'vitest'
import {
  atom,
  Engine,
  type Failure,
  flow,
  linear,
  MemoryBackend,
  type Outcome,
  run,
  type TaskFlowError,
  task,
  unordered,
  WrappedFailure,
} from '../src/index.ts'
import { recordOf, statesOf } from './observed-backend.ts'
import { LogBook } from './trace.ts'
import { ending, rejection, thrownBy, turn, Workbench, watched } from './workbench.ts'

const broken = new Error('broke')

function outcomeOf(name: string, told: unknown[]): (outcome: Outcome<unknown>) => void {
  return (outcome) => void told.push([name, outcome.ok ? outcome.result : outcome.failure.toError()])
}

describe('after a failure', () => {
  it('the failed atom is reverted first, then what was done, last first', async () => {
    const bench = new Workbench()
    const root = linear('f', [
      atom(bench.quick('a')),
      linear('g', [atom(bench.quick('b')), atom(bench.quick('c'))]),
      atom(bench.failing('x', broken)),
      atom(bench.quick('never')),
    ])
    const backend = new MemoryBackend()
    const engine = new Engine(root, { backend, id: 'r' })
    expect(await rejection(engine.run({}))).toBe(broken)
    expect(engine.state).toBe('REVERTED')
    expect(bench.log).toEqual(['a', 'b', 'c', 'x', '-x', '-c', '-b', '-a'])
    expect(statesOf(backend, 'r')).toBe('flow REVERTED, a REVERTED, b REVERTED, c REVERTED, x REVERTED')
  })

  it('the failed atom goes first, also before siblings that come later in the document', async () => {
    const bench = new Workbench()
    const root = unordered('f', [
      atom(bench.held('x')),
      atom(bench.quick('a')),
      linear('g', [atom(bench.quick('b')), atom(bench.quick('c'))]),
    ])
    const failed = rejection(new Engine(root, { mode: 'parallel' }).run({}))
    await turn()
    await bench.fail('x')
    await failed
    expect(bench.log).toEqual(['x', 'a', 'b', 'c', '-x', '-c', '-a', '-b'])
  })

  it('a revert gets the arguments of the execute again, and how it ended', async () => {
    const told: unknown[] = []
    const first = task({
      name: 'first',
      execute: ({ id }: { id: string }) => ({ id, size: 3 }),
      revert: (args, outcome) => void told.push(['first', args, outcome]),
    })
    const second = task({
      name: 'second',
      execute: ({ size, unit }: { size: number; unit: string }): string => {
        throw new Error(`${size} ${unit} are too many`)
      },
      revert: (args, outcome) => void told.push(['second', args, outcome]),
    })
    const written = flow('f', (f) => {
      const made = f.add(first, { id: 'x' })
      f.add(second, { size: made.at('size'), unit: 'GiB' })
    })
    await rejection(run(written, {}))
    expect(told).toEqual([
      ['second', { size: 3, unit: 'GiB' }, { ok: false, failure: expect.objectContaining({ atom: 'second' }) }],
      ['first', { id: 'x' }, { ok: true, result: { id: 'x', size: 3 } }],
    ])
  })

  it('a revert after an execute without a result is told null, as after a restart', async () => {
    const told: unknown[] = []
    const bench = new Workbench()
    const root = linear('f', [
      atom(bench.quick('a', () => undefined, { revert: outcomeOf('a', told) })),
      atom(bench.failing('x', broken, { revert: outcomeOf('x', told) })),
    ])
    await rejection(new Engine(root).run({}))
    expect(told).toEqual([
      ['x', broken],
      ['a', null],
    ])
  })

  it('atoms that never began are neither reverted nor recorded', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const root = linear('f', [atom(bench.failing('x')), unordered('g', [atom(bench.quick('a'))])])
    await rejection(new Engine(root, { backend, id: 'r' }).run({}))
    expect(bench.log).toEqual(['x', '-x'])
    expect(statesOf(backend, 'r')).toBe('flow REVERTED, x REVERTED')
  })

  it('atoms without a revert pass as reverted', async () => {
    const plain = task({ name: 'plain', execute: () => 1 })
    const fail = task({
      name: 'x',
      execute: () => {
        throw broken
      },
    })
    const backend = new MemoryBackend()
    const failed = new Engine(linear('f', [atom(plain), atom(fail)]), { backend, id: 'r' }).run({})
    expect(await rejection(failed)).toBe(broken)
    expect(statesOf(backend, 'r')).toBe('flow REVERTED, plain REVERTED, x REVERTED')
  })

  it('with failFast, siblings that are under way finish and are reverted then, and no other begins', async () => {
    const bench = new Workbench()
    const names = ['a', 'x', 'b', 'never']
    const root = linear('f', [
      atom(bench.quick('before')),
      unordered(
        'g',
        names.map((name) => atom(bench.held(name))),
      ),
    ])
    const engine = new Engine(root, { mode: 'parallel', maxWorkers: 3, failFast: true })
    const failed = rejection(engine.run({}))
    await turn()
    await bench.fail('x', broken)
    expect(bench.log).toEqual(['before', 'a', 'x', 'b', '-x'])
    expect(bench.contextOf('a').signal.aborted).toBe(false)
    await bench.end('a')
    expect(bench.log.slice(5)).toEqual(['-a'])
    await bench.end('b')
    expect(await failed).toBe(broken)
    expect(bench.log.slice(5)).toEqual(['-a', '-b', '-before'])
    expect(engine.state).toBe('REVERTED')
  })

  it('independent branches revert at the same time, and what is before them waits for all', async () => {
    const bench = new Workbench()
    const undo = (name: string): ReturnType<typeof atom> =>
      atom(bench.quick(name, undefined, { revert: (_, context) => bench.hold(`undo ${name}`, context) }))
    const root = linear('f', [
      undo('a'),
      unordered('g', [linear('h', [undo('b'), undo('c')]), undo('d')]),
      atom(bench.failing('x')),
    ])
    const failed = rejection(new Engine(root, { mode: 'parallel' }).run({}))
    await turn()
    expect(bench.underWay).toEqual(['undo d', 'undo c'])
    await bench.end('undo c')
    expect(bench.underWay).toEqual(['undo d', 'undo b'])
    await bench.end('undo b')
    expect(bench.underWay).toEqual(['undo d'])
    await bench.end('undo d')
    expect(bench.underWay).toEqual(['undo a'])
    await bench.end('undo a')
    await failed
  })

  it('a revert has a signal that never aborts, and the attempt of the execute', async () => {
    const bench = new Workbench()
    const seen: unknown[] = []
    const root = linear('f', [
      atom(
        bench.quick('a', undefined, {
          revert: (_, { signal, attempt, idempotencyKey }) =>
            void seen.push({ aborted: signal.aborted, attempt, idempotencyKey }),
        }),
      ),
      atom(bench.held('b')),
    ])
    const engine = new Engine(root, { id: 'r' })
    const failed = rejection(engine.run({}))
    await turn()
    engine.cancel()
    await bench.end('b')
    await failed
    expect(seen).toEqual([{ aborted: false, attempt: 1, idempotencyKey: 'r/a/1/revert' }])
  })
})

describe('what a run raises', () => {
  it.each([
    ['an error', broken],
    ['a text', 'just words'],
    ['null', null],
    ['a number', 0],
  ])('is the very thing that its one atom threw: %s', async (_, thrown) => {
    const bench = new Workbench()
    expect(await rejection(new Engine(linear('f', [atom(bench.failing('x', thrown))])).run({}))).toBe(thrown)
    const later = atom(bench.quick('x', async () => await Promise.reject(thrown)))
    expect(await rejection(new Engine(linear('f', [later])).run({}))).toBe(thrown)
  })

  it('for undefined is an error that says so', async () => {
    const nothing: unknown = undefined
    const fail = task({
      name: 'x',
      execute: () => {
        throw nothing
      },
    })
    expect(await rejection(new Engine(linear('f', [atom(fail)])).run({}))).toMatchObject({ message: 'undefined' })
  })

  it('of several atoms is one failure with all of them, in the order of the document', async () => {
    const bench = new Workbench()
    const [one, two] = [new Error('one'), new Error('two')]
    const root = unordered(
      'f',
      ['a', 'b', 'c'].map((name) => atom(bench.held(name))),
    )
    const engine = new Engine(root, { mode: 'parallel' })
    const failed = rejection(engine.run({}))
    await turn()
    await bench.fail('c', two)
    await bench.fail('a', one)
    await bench.end('b')
    const error = (await failed) as WrappedFailure
    expect(error).toBeInstanceOf(WrappedFailure)
    expect(error.name).toBe('WrappedFailure')
    expect(error.message).toBe('a: one; c: two')
    expect(error.errors).toEqual([one, two])
    expect(error.errors[0]).toBe(one)
    expect(error.failures.map((failure) => failure.atom)).toEqual(['a', 'c'])
    expect(engine.failures).toEqual(error.failures)
    expect(bench.log.slice(3)).toEqual(['-c', '-a', '-b'])
  })

  it('counts a second failure that comes while the first one is reverted', async () => {
    const bench = new Workbench()
    const slowUndo = bench.held('a', { revert: (_, context) => bench.hold('undo a', context) })
    const root = unordered('f', [atom(slowUndo), atom(bench.held('b'))])
    const failed = rejection(new Engine(root, { mode: 'parallel' }).run({}))
    await turn()
    await bench.fail('a')
    await bench.fail('b')
    await bench.end('undo a')
    expect(await failed).toMatchObject({ message: 'a: a broke; b: b broke' })
  })
})

describe('a revert that fails', () => {
  const undoError = new Error('cannot undo')
  const fail = (): never => {
    throw undoError
  }
  const makeFlow = (bench: Workbench): ReturnType<typeof linear> =>
    linear('f', [
      atom(bench.quick('a')),
      atom(bench.quick('b', undefined, { revert: fail })),
      atom(bench.quick('c')),
      atom(bench.failing('x', broken)),
    ])

  it('stops: what is before it stays as it is, and its error is raised', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const engine = new Engine(makeFlow(bench), { backend, id: 'r' })
    expect(await rejection(engine.run({}))).toBe(undoError)
    expect(engine.state).toBe('FAILURE')
    expect(bench.log).toEqual(['a', 'b', 'c', 'x', '-x', '-c', '-b'])
    expect(statesOf(backend, 'r')).toBe('flow FAILURE, a SUCCESS, b REVERT_FAILURE, c REVERTED, x REVERTED')
    expect(recordOf(backend, 'r', 'b')?.revertFailure).toMatchObject({ atom: 'b', message: 'cannot undo' })
    expect(recordOf(backend, 'r', 'x')?.failure).toMatchObject({ atom: 'x', message: 'broke' })
    expect(engine.failures.map(String)).toEqual(['x: Error: broke'])
    expect(engine.revertFailures.map(String)).toEqual(['b: Error: cannot undo'])
  })

  it('goes on when it is told to: everything before it is reverted all the same', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const engine = new Engine(makeFlow(bench), { backend, id: 'r', onRevertFailure: 'continue' })
    expect(await rejection(engine.run({}))).toBe(undoError)
    expect(engine.state).toBe('FAILURE')
    expect(bench.log).toEqual(['a', 'b', 'c', 'x', '-x', '-c', '-b', '-a'])
    expect(statesOf(backend, 'r')).toBe('flow FAILURE, a REVERTED, b REVERT_FAILURE, c REVERTED, x REVERTED')
  })

  it('later is as bad as one that fails at once', async () => {
    const bench = new Workbench()
    const root = linear('f', [
      atom(bench.quick('a')),
      atom(bench.failing('x', broken, { revert: async () => await Promise.reject(undoError) })),
    ])
    const engine = new Engine(root)
    expect(await rejection(engine.run({}))).toBe(undoError)
    expect(bench.log).toEqual(['a', 'x', '-x'])
  })

  it('stops no revert and no execute that is under way', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const held = (name: string): ReturnType<typeof atom> =>
      atom(bench.held(name, { revert: (_, context) => bench.hold(`undo ${name}`, context) }))
    const root = linear('f', [atom(bench.quick('first')), unordered('g', ['a', 'b', 'c'].map(held))])
    const engine = new Engine(root, { mode: 'parallel', backend, id: 'r' })
    const failed = rejection(engine.run({}))
    await turn()
    await bench.end('b')
    await bench.fail('a')
    expect(bench.underWay).toEqual(['c', 'undo a', 'undo b'])
    await bench.fail('undo a', undoError)
    await bench.end('undo b')
    await bench.end('c')
    expect(await failed).toBe(undoError)
    expect(statesOf(backend, 'r')).toBe('flow FAILURE, first SUCCESS, a REVERT_FAILURE, b REVERTED, c SUCCESS')
  })

  it('with another is raised as one failure of both', async () => {
    const bench = new Workbench()
    const root = linear('f', [
      unordered(
        'g',
        ['a', 'b'].map((name) => atom(bench.quick(name, undefined, { revert: fail }))),
      ),
      atom(bench.failing('x')),
    ])
    const error = await rejection(new Engine(root, { onRevertFailure: 'continue' }).run({}))
    expect(error).toMatchObject({ name: 'WrappedFailure', message: 'a: cannot undo; b: cannot undo' })
  })
})

describe('a result that cannot be stored', () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['a date', { image: { at: new Date(0) } }, 'result.image.at is a Date'],
    ['a map in a list', [1, new Map()], 'result[1] is a Map'],
    ['a function', { undo: () => 1 }, 'result.undo is a function'],
    ['infinity', { size: Number.POSITIVE_INFINITY }, 'result.size is Infinity'],
    ['a big integer', 10n, 'result is a bigint'],
    ['an object of a class', new LogBook(), 'result is a LogBook'],
    [
      'an object of no class',
      Object.create(Object.create(null) as object),
      'result is an object of a class without a name',
    ],
    ['a hole in a list', [1, undefined], 'result[1] is undefined'],
  ]

  it.each(cases)('fails its atom, naming it and the path: %s', async (_, result, where) => {
    const bench = new Workbench()
    const told: unknown[] = []
    const revert = outcomeOf('a', told)
    const engine = new Engine(
      linear('f', [atom(bench.quick('before')), atom(bench.quick('a', () => result, { revert }))]),
    )
    const error = (await rejection(engine.run({}))) as TaskFlowError
    expect(error).toMatchObject({ name: 'TaskFlowError', code: 'not-json' })
    expect(error.message).toContain(`the result of 'a': ${where}`)
    expect(engine.state).toBe('REVERTED')
    expect(bench.log).toEqual(['before', 'a', '-a', '-before'])
    expect(told).toEqual([['a', error]])
  })

  it('because it contains itself fails its atom', async () => {
    const ring: { list: object[] } = { list: [] }
    ring.list.push(ring)
    const bench = new Workbench()
    const error = await rejection(new Engine(linear('f', [atom(bench.quick('a', () => ring))])).run({}))
    expect(error).toMatchObject({
      code: 'not-json',
      message: expect.stringContaining('result.list[0] contains itself'),
    })
  })

  it('because it is nested without end fails its atom', async () => {
    let nested: unknown = 0
    for (let level = 0; level < 100_000; level++) nested = [nested]
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a', () => nested))]))
    await expect(engine.run({})).rejects.toMatchObject({ code: 'not-json' })
    expect(engine.state).toBe('REVERTED')
  })

  it('because it is larger than a value may be fails its atom, and may be as large as that', async () => {
    const bench = new Workbench()
    const give = (length: number) => atom(bench.quick(`give ${length}`, () => 'x'.repeat(length)))
    const watch = watched(linear('f', [give(100), give(101)]), { maxValueBytes: 100 })
    expect(await ending(watch.engine.run({}))).toMatch(
      /^too-large: the result of 'give 101' is larger than the 100 bytes that a value may have/,
    )
    expect(bench.log).toEqual(['give 100', 'give 101', '-give 101', '-give 100'])
    const usual = new Engine(linear('f', [give(1_048_576), give(1_048_577)]))
    expect(await ending(usual.run({}))).toMatch(/^too-large: the result of 'give 1048577' is larger than the 1048576/)
  })

  it('because it is too large is dropped where a revert gave it', async () => {
    const bench = new Workbench()
    const a = bench.quick('a', undefined, { revert: () => 'x'.repeat(101) })
    const b = bench.quick('b', undefined, { revert: () => 'x'.repeat(100) })
    const root = linear('f', [atom(a), atom(b), atom(bench.failing('x', broken))])
    const watch = watched(root, { maxValueBytes: 100 })
    expect(await rejection(watch.engine.run({}))).toBe(broken)
    expect(watch.states).toBe('flow REVERTED, a REVERTED, b REVERTED, x REVERTED')
    const given = ['a', 'b'].map((name) => recordOf(watch.backend, 'r', name)?.revertResult)
    expect(given).toEqual([null, 'x'.repeat(100)])
    expect(watch.book.fields).toContainEqual({ atom: 'a', loss: 'it is too large' })
  })

  it.each<[string, object, object, string]>([
    ['an input', { image: 'x'.repeat(101) }, {}, "input 'image' of flow 'f' is larger than the 100 bytes"],
    ['its meta', {}, { image: 'x'.repeat(101) }, "the meta of flow 'f' is larger than the 100 bytes"],
  ])('because it is too large lets no run begin where it is %s', async (_, inputs, meta, said) => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.quick('a'))]), { maxValueBytes: 100, meta: { ...meta } })
    const error = await ending(watch.engine.run(inputs))
    expect(error).toMatch(/^too-large: /)
    expect(error).toContain(said)
    expect(bench.log).toEqual([])
    expect(watch.states).toBe('nothing')
  })

  it.each([0, -1, 1.5, Number.NaN])('is not said by a largest size of %d, which is refused', (maxValueBytes) => {
    expect(thrownBy(() => new Engine(linear('f', []), { maxValueBytes }))).toMatchObject({
      code: 'invalid-flow',
      message: `maxValueBytes must be a whole number of at least 1, not ${maxValueBytes}`,
    })
  })

  it('is none when an object merely comes twice, or a property is undefined', async () => {
    const twice = { a: 1 }
    const give = task({ name: 'give', execute: () => ({ x: twice, y: [twice], z: undefined }) })
    await expect(
      run(
        flow('f', (f) => f.add(give, {})),
        {},
      ),
    ).resolves.toEqual({ x: twice, y: [twice] })
  })
})

describe('a part of a result that is not there', () => {
  const give = task({ name: 'give', execute: (): { disk: { size?: number | undefined } | null } => ({ disk: {} }) })
  const reverted: string[] = []
  const use = task({
    name: 'use',
    execute: ({ size }: { size: unknown }) => void size,
    revert: () => void reverted.push('use'),
  })

  it('fails the atom that asks for it, and says what is there; it has nothing to undo', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const root = linear('f', [
      atom(
        bench.quick('pair', () => ['only one']),
        { provides: ['l', 'r'] },
      ),
      atom(use, { rebind: { size: 'r' } }),
    ])
    const engine = new Engine(root, { backend, id: 'r' })
    const error = await rejection(engine.run({}))
    expect(error).toMatchObject({
      code: 'missing-value',
      message: "'use' takes a part of the result of 'pair', '1', which is not there: it is a list of 1",
    })
    expect(bench.log).toEqual(['pair', '-pair'])
    expect(reverted).toEqual([])
    expect(statesOf(backend, 'r')).toBe('flow REVERTED, pair REVERTED, use REVERTED')
  })

  it.each([
    [{ disk: {} }, "'size', which is not there: it has nothing"],
    [{ disk: null }, "'size', which is not there: it is null"],
    [null, "'disk', which is not there: it is null"],
    [{ disk: 'text' }, "'size', which is not there: it is text"],
  ])('is told of an input: %j', async (image, message) => {
    const read = linear('f', [
      {
        ...atom(use, {}),
        needs: [{ argument: 'size', symbol: 'image', path: ['disk', 'size'], optional: false, injected: null }],
      },
    ])
    await expect(new Engine(read).run({ image })).rejects.toMatchObject({
      code: 'missing-value',
      message: expect.stringContaining(message),
    })
  })

  it('is told of the result of a flow', async () => {
    const written = flow('f', (f) => f.add(give, {}).at('disk' as never))
    const missing = flow('g', (f) => (f.add(give, {}).at('disk') as { at(key: string): unknown }).at('size'))
    await expect(run(written, {})).resolves.toEqual({})
    await expect(run(missing, {})).rejects.toMatchObject({
      code: 'missing-value',
      message: "the result of flow 'g' is a part of 'give', 'size', which is not there: it has nothing",
    })
  })
})

describe('the failures of an engine', () => {
  it('are none before and after a run that succeeds', async () => {
    const engine = new Engine(linear('f', []))
    const none: readonly Failure[] = []
    expect(engine.failures).toEqual(none)
    await engine.run({})
    expect(engine.failures).toEqual(none)
    expect(engine.revertFailures).toEqual(none)
  })
})
