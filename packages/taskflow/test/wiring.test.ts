import { describe, expect, it } from 'vitest'
import {
  type AtomOptions,
  atom,
  controller,
  Engine,
  type FlowNode,
  flow,
  graph,
  type Inputs,
  linear,
  MemoryBackend,
  mapTask,
  type PlainNode,
  reduceTask,
  run,
  type TaskFlowError,
  task,
  times,
  unordered,
  withDefaults,
} from '../src/index.ts'
import { ending, rejection, thrownBy, turn, Workbench, watched } from './workbench.ts'

/** A node that gives a value. */
function give(
  bench: Workbench,
  name: string,
  value: unknown,
  provides: NonNullable<AtomOptions['provides']>,
): PlainNode {
  return atom(
    bench.quick(name, () => value),
    { provides },
  )
}

/** What a task that is wired so is called with, where all of these symbols are there. */
async function called(options: AtomOptions, inputs: object = { a: 1, b: 2, c: 3 }): Promise<string> {
  const bench = new Workbench()
  await new Engine(linear('f', [atom(bench.taking('t'), options)])).run(inputs)
  return bench.log.join(' ')
}

/** Why a flow cannot run on these inputs. */
function lack(root: FlowNode, inputs: object = {}): TaskFlowError {
  return thrownBy(() => new Engine(root).validate(inputs)) as TaskFlowError
}

describe('the arguments of a task', () => {
  it.each<[string, AtomOptions, string]>([
    ['of their own name', { requires: ['b', 'a'] }, 't(b=2, a=1)'],
    ['none', {}, 't()'],
    ['one twice', { requires: ['a', 'a'] }, 't(a=1)'],
    ['of other names', { rebind: { x: 'a', y: 'b' } }, 't(x=1, y=2)'],
    ['some of other names', { requires: ['x', 'b'], rebind: { x: 'c' } }, 't(x=3, b=2)'],
    ['two of one symbol', { rebind: { x: 'a', y: 'a' } }, 't(x=1, y=1)'],
    ['by a list, in their order', { requires: ['x', 'y'], rebind: ['c', 'a'] }, 't(x=3, y=1)'],
    ['by a longer list, whose rest keeps its names', { requires: ['x'], rebind: ['c', 'a', 'b'] }, 't(x=3, a=1, b=2)'],
    ['by a list alone', { rebind: ['b', 'c'] }, 't(b=2, c=3)'],
    ['injected', { requires: ['a', 'k'], inject: { k: 'own', unused: 0 } }, 't(a=1, k="own")'],
    ['injected, before what the run is given', { requires: ['a'], inject: { a: 'own' } }, 't(a="own")'],
    ['injected by symbol, not by argument', { rebind: { a: 'b' }, inject: { a: 'no', b: 'yes' } }, 't(a="yes")'],
    [
      'injected under another name, which is none of its symbols',
      { rebind: { a: 'b' }, inject: { a: 'no' } },
      't(a=2)',
    ],
    ['injected with null', { requires: ['a'], inject: { a: null } }, 't(a=null)'],
    ['optional and there', { optional: ['a', 'nowhere'] }, 't(a=1)'],
    ['optional of another name', { optional: ['x'], rebind: { x: 'a' } }, 't(x=1)'],
    ['optional of another name and not there', { optional: ['x'], rebind: { x: 'nowhere' } }, 't()'],
    ['optional and injected', { optional: ['x'], inject: { x: 5 } }, 't(x=5)'],
  ])('may be %s', async (_, options, call) => {
    expect(await called(options)).toBe(call)
  })

  it('by a list that is too short are refused', () => {
    const bench = new Workbench()
    expect(thrownBy(() => atom(bench.taking('t'), { requires: ['x', 'y', 'z'], rebind: ['a', 'b'] }))).toMatchObject({
      code: 'invalid-flow',
      message: "'t' requires 3 arguments (x, y, z), but rebind lists 2",
    })
    expect(thrownBy(() => atom(bench.taking('t'), { revertRequires: ['x'], revertRebind: [] }))).toMatchObject({
      code: 'invalid-flow',
      message: "'t' requires 1 arguments (x), but rebind lists 0",
    })
    expect(thrownBy(() => controller(times(1, { name: 'r' }), { requires: ['x'], rebind: [] }))).toMatchObject({
      message: "'r' requires 1 arguments (x), but rebind lists 0",
    })
  })

  it('that a list names twice are one', () => {
    const bench = new Workbench()
    expect(atom(bench.taking('t'), { rebind: ['x', 'x'] }).needs.map(({ argument }) => argument)).toEqual(['x'])
  })

  it('that are undefined among the inputs are not there', async () => {
    expect(await called({ optional: ['a'] }, { a: undefined })).toBe('t()')
    expect(await called({ optional: ['a'] }, { a: null })).toBe('t(a=null)')
  })
})

describe('an optional argument', () => {
  it('is left out where what provides it is beside, behind or elsewhere, not before', async () => {
    const bench = new Workbench()
    const user = (name: string): PlainNode => atom(bench.taking(name), { optional: ['x'] })
    const root = linear('f', [
      user('early'),
      unordered('wide', [give(bench, 'g', 1, 'x'), user('beside'), linear('in', [user('inside')])]),
      user('late'),
    ])
    await new Engine(root).run({})
    expect(bench.log).toEqual(['early()', 'g', 'beside()', 'inside()', 'late(x=1)'])
  })

  it('takes what the run is given also where nobody in sight provides it', async () => {
    const bench = new Workbench()
    const root = unordered('f', [give(bench, 'g', 1, 'x'), atom(bench.taking('t'), { optional: ['x'] })])
    await new Engine(root).run({ x: 2 })
    expect(bench.log).toEqual(['g', 't(x=2)'])
  })

  it('is the same for the revert', async () => {
    const bench = new Workbench()
    const root = unordered('f', [
      linear('line', [atom(bench.taking('t'), { optional: ['x', 'y'] }), atom(bench.failing('z'))]),
      give(bench, 'g', 1, 'x'),
    ])
    await rejection(new Engine(root).run({ y: 7 }))
    expect(bench.log).toEqual(['t(y=7)', 'g', 'z', '-z', '-g', '-t(y=7)'])
  })

  it('is no part of what is there: where that lacks the part, the task fails', async () => {
    const bench = new Workbench()
    const root = linear('f', [give(bench, 'pair', ['left'], ['l', 'r']), atom(bench.taking('t'), { optional: ['r'] })])
    expect(await ending(new Engine(root).run({}))).toMatch(
      /^missing-value: 't' takes a part of the result of 'pair', '1'/,
    )
  })
})

describe('a result', () => {
  const shown = (
    provides: NonNullable<AtomOptions['provides']>,
    value: unknown,
    ...taken: string[]
  ): Promise<string> => {
    const bench = new Workbench()
    const root = linear('f', [give(bench, 'g', value, provides), atom(bench.taking('t'), { requires: taken })])
    return new Engine(root).run({}).then(
      () => bench.log[1] ?? '',
      (error: unknown) => (error as TaskFlowError).message,
    )
  }

  it('is provided whole under one name', async () => {
    expect(await shown('x', ['l', 'r'], 'x')).toBe('t(x=["l","r"])')
    expect(await shown('x', undefined, 'x')).toBe('t(x=null)')
  })

  it('is provided by position under a list of names', async () => {
    expect(await shown(['l', 'r'], ['one', 'two', 'more'], 'r', 'l')).toBe('t(r="two", l="one")')
    expect(await shown(['l', 'r'], [null, 0], 'l', 'r')).toBe('t(l=null, r=0)')
  })

  it('is provided by key under a set of names', async () => {
    expect(await shown(new Set(['size', 'name']), { name: 'n', size: 3, more: 1 }, 'size', 'name')).toBe(
      't(size=3, name="n")',
    )
  })

  it.each<[string, NonNullable<AtomOptions['provides']>, unknown, string]>([
    ['too short', ['l', 'r'], ['one'], "'1', which is not there: it is a list of 1"],
    ['no list', ['l', 'r'], 7, "'1', which is not there: it is 7"],
    ['an object', ['l', 'r'], { l: 1 }, "'1', which is not there: it has l"],
    ['nothing', ['l', 'r'], undefined, "'1', which is not there: it is null"],
    ['a text', ['l', 'r'], 'ab', "'1', which is not there: it is ab"],
    ['without the key', new Set(['r']), { l: 1 }, "'r', which is not there: it has l"],
    ['without any key', new Set(['r']), {}, "'r', which is not there: it has nothing"],
    ['with a key that only its class has', new Set(['toString']), {}, "'toString', which is not there: it has nothing"],
  ])('that is %s fails who takes the missing part, not who gave it', async (_, provides, value, message) => {
    const bench = new Workbench()
    const user = atom(bench.taking('t'), { rebind: { x: provides instanceof Set ? [...provides][0]! : 'r' } })
    const watch = watched(linear('f', [give(bench, 'g', value, provides), user]))
    expect(await ending(watch.engine.run({}))).toBe(`missing-value: 't' takes a part of the result of 'g', ${message}`)
    expect(watch.trace.lines).toContain('g RUNNING>SUCCESS')
    expect(watch.trace.lines).toContain('t RUNNING>FAILURE')
    expect(bench.log).toEqual(['g', '-g'])
  })

  it('that lacks what nobody takes is no trouble', async () => {
    const bench = new Workbench()
    const root = linear('f', [give(bench, 'g', ['one'], ['l', 'r']), atom(bench.taking('t'), { requires: ['l'] })])
    const engine = new Engine(root)
    await engine.run({})
    expect(bench.log).toEqual(['g', 't(l="one")'])
    expect([engine.fetch('l'), engine.fetch('r')]).toEqual([['one'], []])
  })

  it('provides a name, a list or a set of names, nothing else', () => {
    const bench = new Workbench()
    for (const provides of [7, { x: 1 }, null]) {
      expect(thrownBy(() => atom(bench.quick('g'), { provides: provides as unknown as string }))).toMatchObject({
        code: 'invalid-flow',
        message: "'g' provides a name, a list or a set of names, nothing else",
      })
    }
  })
})

describe('the arguments of a revert', () => {
  const reverted = async (options: AtomOptions, inputs: object): Promise<string> => {
    const bench = new Workbench()
    const root = linear('f', [
      give(bench, 'first', 'made', 'made'),
      atom(bench.taking('t'), options),
      give(bench, 'second', 'later', 'made'),
      atom(bench.failing('x')),
    ])
    await rejection(new Engine(root).run(inputs))
    return bench.log.find((line) => line.startsWith('-t')) ?? ''
  }

  it.each<[string, AtomOptions, string]>([
    ['those of execute', { requires: ['a', 'made'] }, '-t(a=1, made="made")'],
    ['of its own', { requires: ['a'], revertRequires: ['b', 'made'] }, '-t(b=2, made="made")'],
    ['none', { requires: ['a'], revertRequires: [] }, '-t()'],
    ['of other names', { requires: ['a'], revertRebind: { why: 'b' } }, '-t(why=2)'],
    ['by a list', { requires: ['a'], revertRequires: ['x', 'y'], revertRebind: ['b', 'a'] }, '-t(x=2, y=1)'],
    ['injected', { requires: ['a'], revertRequires: ['k'], inject: { k: 'own' } }, '-t(k="own")'],
    ['rebound as execute is', { rebind: { x: 'a' } }, '-t(x=1)'],
  ])('may be %s', async (_, options, call) => {
    expect(await reverted(options, { a: 1, b: 2 })).toBe(call)
  })

  it('must be there before the flow begins, and the message says that it is the revert', () => {
    const bench = new Workbench()
    const root = linear('f', [
      atom(bench.taking('t'), { requires: ['a'], revertRequires: ['a', 'why'], revertRebind: { how: 'way' } }),
      give(bench, 'late', 1, 'why'),
    ])
    const error = lack(root, { a: 1 })
    expect(error.message).toBe(
      "flow 'f' cannot run: nothing provides 'why' (needed by the revert of 't'; 'late' provides it, but is not " +
        "before it) or 'way' (needed by the revert of 't'). Given: a. Give it to the run, or place a provider before " +
        'what needs it',
    )
    expect(error.missing).toEqual([
      { atom: 't', method: 'revert', argument: 'why', symbol: 'why' },
      { atom: 't', method: 'revert', argument: 'how', symbol: 'way' },
    ])
  })

  it('of a retry, too', async () => {
    const bench = new Workbench()
    const root = linear('f', [atom(bench.quick('a'))], {
      retry: controller(times(1), { requires: ['x'], revertRequires: ['y'] }),
    })
    expect(lack(root, { x: 1 }).missing).toEqual([{ atom: 'f_retry', method: 'revert', argument: 'y', symbol: 'y' }])
    expect(lack(root, { y: 1 }).missing).toEqual([{ atom: 'f_retry', method: 'execute', argument: 'x', symbol: 'x' }])
    expect(await ending(new Engine(root).run({ x: 1, y: 1 }))).toBeNull()
  })
})

describe('a flow that lacks something', () => {
  it('is told everything that is missing, once a symbol, and what it was given', () => {
    const bench = new Workbench()
    const root = linear('f', [
      atom(bench.taking('t'), { requires: ['a'], rebind: { x: 'b' } }),
      unordered('g', [atom(bench.taking('u'), { requires: ['b', 'c'], inject: { c: 1 }, optional: ['o'] })]),
    ])
    const error = lack(root, { c: 1, d: 2 })
    expect(error).toMatchObject({ name: 'TaskFlowError', code: 'missing-dependencies' })
    expect(error.message).toBe(
      "flow 'f' cannot run: nothing provides 'a' (needed by 't') or 'b' (needed by 't', 'u'). Given: c, d. " +
        'Give it to the run, or place a provider before what needs it',
    )
    expect(error.missing).toEqual([
      { atom: 't', method: 'execute', argument: 'a', symbol: 'a' },
      { atom: 't', method: 'execute', argument: 'x', symbol: 'b' },
      { atom: 'u', method: 'execute', argument: 'b', symbol: 'b' },
    ])
  })

  it('has begun nothing and recorded nothing', async () => {
    const bench = new Workbench()
    const watch = watched(linear('f', [atom(bench.quick('a')), atom(bench.taking('t'), { requires: ['x'] })]))
    expect(await ending(watch.engine.run({}))).toContain('missing-dependencies')
    expect(bench.log).toEqual([])
    expect(watch.states).toBe('nothing')
    expect(watch.engine.state).toBe('PENDING')
  })

  it('lacks nothing where validate() does not throw', () => {
    const bench = new Workbench()
    const root = linear('f', [give(bench, 'g', 1, 'x'), atom(bench.taking('t'), { requires: ['x', 'y'] })])
    new Engine(root).validate({ y: 1 })
    expect(bench.log).toEqual([])
  })

  it('in a graph is told who stands in the wrong place', () => {
    const bench = new Workbench()
    const [a, b] = [give(bench, 'a', 1, 'x'), atom(bench.taking('b'), { requires: ['y'] })]
    const inner = linear('inner', [atom(bench.taking('u'), { requires: ['z'] }), give(bench, 'late', 1, 'z')])
    expect(lack(graph('g', [a, b, inner])).missing.map(({ atom, symbol }) => `${atom} ${symbol}`)).toEqual([
      'b y',
      'u z',
    ])
    expect(lack(graph('g', [inner])).message).toContain("'late' provides it, but is not before it")
  })
})

describe('mapTask()', () => {
  const squares = mapTask({ name: 'squares', each: (x: number) => x * x })

  it('gives what it makes of each argument, in their order', async () => {
    await expect(
      run(
        flow('f', (f) => f.add(squares, [3, 1, 2])),
        {},
      ),
    ).resolves.toEqual([9, 1, 4])
    await expect(
      run(
        flow('f', (f) => f.add(squares, [])),
        {},
      ),
    ).resolves.toEqual([])
  })

  it('takes handles and constants side by side, and more than ten', async () => {
    const one = task({ name: 'one', execute: () => 11 })
    const written = flow('f', (f, { n }: Inputs<{ n: number }>) => f.add(squares, [f.add(one, {}), 2, n]))
    await expect(run(written, { n: 5 })).resolves.toEqual([121, 4, 25])
    const many = Array.from({ length: 12 }, (_, at) => at)
    await expect(
      run(
        flow('f', (f) => f.add(squares, many)),
        {},
      ),
    ).resolves.toEqual(many.map((x) => x * x))
  })

  it('is given no more than the value', async () => {
    const parse = mapTask({ name: 'parse', each: Number.parseInt })
    await expect(
      run(
        flow('f', (f) => f.add(parse, ['10', '10', '10'])),
        {},
      ),
    ).resolves.toEqual([10, 10, 10])
  })

  it('takes symbols in the order in which they are required', async () => {
    const watch = watched(linear('f', [atom(squares, { requires: ['b', 'c', 'a'], provides: ['p', 'q', 'r'] })]))
    await watch.engine.run({ a: 1, b: 2, c: 3 })
    expect(['p', 'q', 'r'].map((symbol) => watch.engine.fetch(symbol))).toEqual([[4], [9], [1]])
  })

  it('fails where one of them does', async () => {
    const picky = mapTask({
      name: 'picky',
      each: (x: number) => {
        if (x === 2) throw new Error('not two')
        return x
      },
    })
    await expect(
      run(
        flow('f', (f) => f.add(picky, [1, 2])),
        {},
      ),
    ).rejects.toThrow('not two')
  })

  it('may have a priority, hooks and a time limit like any task', () => {
    const made = mapTask({ name: 'm', each: (x: number) => x, priority: 3, timeout: 5, version: '2.0' })
    expect(made).toMatchObject({ name: 'm', priority: 3, timeout: 5, version: '2.0' })
  })
})

describe('reduceTask()', () => {
  const join = reduceTask({ name: 'join', fold: (a: string, b: string) => `(${a}${b})` })

  it('folds its arguments from the first on, in their order', async () => {
    await expect(
      run(
        flow('f', (f) => f.add(join, ['a', 'b', 'c'])),
        {},
      ),
    ).resolves.toBe('((ab)c)')
    await expect(
      run(
        flow('f', (f) => f.add(join, ['a', 'b'])),
        {},
      ),
    ).resolves.toBe('(ab)')
  })

  it('takes symbols in the order in which they are required', async () => {
    const watch = watched(linear('f', [atom(join, { requires: ['y', 'z', 'x'], provides: 'all' })]))
    await watch.engine.run({ x: 'X', y: 'Y', z: 'Z' })
    expect(watch.engine.fetch('all')).toEqual(['((YZ)X)'])
  })

  it('takes two at least', async () => {
    // @ts-expect-error one is too few
    const few = flow('f', (f) => f.add(join, ['a']))
    await expect(run(few, {})).rejects.toMatchObject({
      code: 'invalid-flow',
      message: "'join' folds at least two arguments, not 1",
    })
    expect(await ending(new Engine(linear('f', [atom(join)])).run({}))).toBe(
      "invalid-flow: 'join' folds at least two arguments, not 0",
    )
  })

  it('and mapTask() type what they take and give', async () => {
    const lengths = mapTask({ name: 'lengths', each: (text: string) => text.length })
    const sum = reduceTask({ name: 'sum', fold: (a: number, b: number) => a + b })
    const written = flow('f', (f, { a, b }: Inputs<{ a: string; b: string }>) => {
      const found = f.add(lengths, [a, b])
      // @ts-expect-error a list of numbers has no part that is surely there
      expect(() => found.at('0')).not.toThrow()
      return f.add(sum, [1, 2, 3])
    })
    await expect(run(written, { a: 'x', b: 'yy' })).resolves.toBe(6)
    // @ts-expect-error a number is not a text
    flow('f', (f) => f.add(lengths, [1]))
    // @ts-expect-error a text is not a number
    flow('f', (f) => f.add(sum, ['a', 'b']))
  })
})

describe('the inputs of a typed flow', () => {
  const show = task({ name: 'show', execute: (args: { a: number; b: number }) => JSON.stringify(args) })
  const plain = flow('f', (f, { a, b }: Inputs<{ a: number; b: number }>) => f.add(show, { a, b }))
  const withDefault = withDefaults(plain, { b: 7 })

  it('that are not given have their defaults', async () => {
    await expect(run(withDefault, { a: 1 })).resolves.toBe('{"a":1,"b":7}')
    await expect(run(withDefault, { a: 1, b: 2 })).resolves.toBe('{"a":1,"b":2}')
    expect([withDefault.defaults, plain.defaults]).toEqual([{ b: 7 }, {}])
  })

  it('that are given as undefined have their defaults, too', async () => {
    const undefinedB = { a: 1, b: undefined } as unknown as { a: number }
    await expect(new Engine(withDefault).run(undefinedB)).resolves.toBe('{"a":1,"b":7}')
  })

  it('may get further defaults, and others', async () => {
    await expect(run(withDefaults(withDefault, { a: 5 }), {})).resolves.toBe('{"a":5,"b":7}')
    await expect(run(withDefaults(withDefault, { b: 8 }), { a: 5 })).resolves.toBe('{"a":5,"b":8}')
  })

  it('that have none must be given', async () => {
    // @ts-expect-error a has no default
    expect(await ending(run(withDefault, {}))).toContain("nothing provides 'a' (needed by 'show'). Given: b.")
  })

  it('are checked and recorded with their defaults', async () => {
    const odd = withDefaults(plain, { b: Number.NaN })
    expect(await ending(run(odd, { a: 1 }))).toMatch(/^not-json: input 'b' of flow 'f': b is NaN/)
    const backend = new MemoryBackend()
    await run(withDefault, { a: 1 }, { backend, id: 'r' })
    expect(backend.load('r')?.flow.inputs).toEqual({ b: 7, a: 1 })
  })
})

describe('what an engine gives', () => {
  it('is nothing before it runs', () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [give(bench, 'g', 1, 'x')]))
    expect(engine.fetch('x')).toEqual([])
    expect(engine.fetchAll()).toEqual(new Map())
  })

  it('is everything by a name: what the run was given first, then what atoms made, in the order of the flow', async () => {
    const bench = new Workbench()
    const root = linear('f', [
      unordered('g', [give(bench, 'first', 1, 'x'), give(bench, 'second', [2, 'y'], ['x', 'y'])]),
      give(bench, 'third', { x: 3 }, new Set(['x'])),
      atom(bench.quick('none')),
    ])
    const engine = new Engine(root, { mode: 'parallel' })
    await engine.run({ x: 0, z: 'given' })
    expect(engine.fetch('x')).toEqual([0, 1, 2, 3])
    expect(engine.fetch('y')).toEqual(['y'])
    expect(engine.fetch('nobody')).toEqual([])
    expect(engine.fetchAll()).toEqual(
      new Map<string, readonly unknown[]>([
        ['x', [0, 1, 2, 3]],
        ['z', ['given']],
        ['y', ['y']],
      ]),
    )
  })

  it('grows while it runs', async () => {
    const bench = new Workbench()
    const root = linear('f', [give(bench, 'g', 1, 'x'), atom(bench.held('h'), { provides: 'y' })])
    const engine = new Engine(root)
    const done = engine.run({})
    await turn()
    expect(engine.fetchAll()).toEqual(new Map([['x', [1]]]))
    await bench.end('h', 2)
    await done
    expect(engine.fetchAll()).toEqual(
      new Map([
        ['x', [1]],
        ['y', [2]],
      ]),
    )
  })

  it('is not what was undone, nor what failed', async () => {
    const bench = new Workbench()
    const part = linear('part', [give(bench, 'g', 1, 'x'), atom(bench.failing('z'), { provides: 'z' })], {
      retry: controller(times(1), { provides: 'n' }),
    })
    const engine = new Engine(linear('f', [give(bench, 'kept', 2, 'x'), part]))
    await rejection(engine.run({ given: true }))
    expect(engine.fetchAll()).toEqual(
      new Map<string, readonly unknown[]>([
        ['given', [true]],
        ['x', [2]],
      ]),
    )
  })

  it('is what the last attempt made', async () => {
    const bench = new Workbench()
    let made = 0
    const part = linear('part', [give(bench, 'g', 'same', 'y'), atom(bench.unsteady('x', 2))], {
      retry: controller(times(3), { provides: 'n' }),
    })
    const count = atom(
      bench.quick('count', () => ++made),
      { provides: 'made' },
    )
    const engine = new Engine(linear('f', [part, count]))
    await engine.run({})
    expect([...engine.fetchAll()]).toEqual([
      ['n', [3]],
      ['y', ['same']],
      ['made', [1]],
    ])
  })
})

describe('atoms that are ready at the same moment', () => {
  const names = ['a', 'x', 'b', 'c']
  const siblings = (bench: Workbench): FlowNode =>
    unordered(
      'f',
      names.map((name) => atom(name === 'x' ? bench.failing('x') : bench.quick(name))),
    )

  it('all execute, though one of them fails, and are reverted then', async () => {
    for (const maxWorkers of [1, 2, 10]) {
      const bench = new Workbench()
      const watch = watched(siblings(bench), { mode: 'parallel', maxWorkers })
      expect(await ending(watch.engine.run({}))).toBe('x broke')
      expect(bench.log.filter((line) => !line.startsWith('-')).toSorted((a, b) => a.localeCompare(b))).toEqual(
        names.toSorted((a, b) => a.localeCompare(b)),
      )
      for (const name of names) expect(bench.log.indexOf(`-${name}`)).toBeGreaterThan(bench.log.indexOf(name))
    }
    const serial = new Workbench()
    expect(await ending(new Engine(siblings(serial)).run({}))).toBe('x broke')
    expect(serial.log).toEqual(['a', 'x', 'b', 'c', '-x', '-c', '-b', '-a'])
  })

  it('do not begin any more with failFast: what was done is reverted at once', async () => {
    for (const mode of ['serial', 'parallel'] as const) {
      const bench = new Workbench()
      const watch = watched(siblings(bench), { failFast: true, mode, maxWorkers: 1 })
      expect(await ending(watch.engine.run({}))).toBe('x broke')
      expect(bench.log).toEqual(['a', 'x', '-x', '-a'])
      expect(watch.states).toBe('flow REVERTED, a REVERTED, x REVERTED')
    }
  })

  it('do not begin any more with failFast in a part that is tried again, and do at the next attempt', async () => {
    const bench = new Workbench()
    const part = unordered('part', [atom(bench.unsteady('x', 1)), atom(bench.quick('b')), atom(bench.quick('c'))], {
      retry: controller(times(2)),
    })
    const watch = watched(linear('f', [part, atom(bench.quick('after'))]), { failFast: true })
    expect(await ending(watch.engine.run({}))).toBeNull()
    expect(bench.log).toEqual(['x', '-x', 'x', 'b', 'c', 'after'])
  })

  it('do with failFast where the failure is none of theirs', async () => {
    const bench = new Workbench()
    const part = linear('part', [atom(bench.failing('x'))], { retry: controller(times(1)) })
    const root = unordered('f', [part, linear('line', [atom(bench.quick('a')), atom(bench.quick('b'))])])
    const watch = watched(root, { failFast: true })
    expect(await ending(watch.engine.run({}))).toBe('x broke')
    expect(watch.states).toBe('flow REVERTED, part_retry REVERTED, a SUCCESS, x REVERTED, b SUCCESS')
  })

  it('do not begin any more when the flow is cancelled, and all that was done is reverted', async () => {
    for (const options of [{ mode: 'serial' }, { mode: 'parallel', maxWorkers: 1 }] as const) {
      const bench = new Workbench()
      const root = linear('f', [
        atom(bench.quick('before')),
        unordered('g', [atom(bench.held('a')), atom(bench.quick('b')), atom(bench.quick('c'))]),
      ])
      const watch = watched(root, options)
      const ended = ending(watch.engine.run({}))
      await turn()
      watch.engine.cancel()
      await bench.end('a')
      expect(await ended).toContain('cancelled')
      expect(bench.log).toEqual(['before', 'a', '-a', '-before'])
      expect(watch.states).toBe('flow REVERTED, before REVERTED, a REVERTED')
    }
  })

  it('go by priority, each wave for itself', async () => {
    const bench = new Workbench()
    const root = unordered('f', [
      linear('line', [
        atom(bench.quick('a', undefined, { priority: 1 })),
        atom(bench.quick('urgent', undefined, { priority: 9 })),
      ]),
      atom(bench.quick('b')),
      atom(bench.quick('first', undefined, { priority: 2 })),
      atom(bench.quick('last', undefined, { priority: -1 })),
    ])
    await new Engine(root).run({})
    // What becomes ready later does not overtake what was ready before it, however urgent it is.
    expect(bench.log).toEqual(['first', 'a', 'b', 'last', 'urgent'])
  })

  it('are reverted by priority, too, but the failed one first', async () => {
    const bench = new Workbench()
    const root = linear('f', [
      unordered('g', [
        atom(bench.quick('low', undefined, { priority: -1 })),
        atom(bench.quick('high', undefined, { priority: 5 })),
        atom(bench.quick('a')),
        atom(bench.quick('b')),
      ]),
      unordered('h', [atom(bench.quick('z', undefined, { priority: 7 })), atom(bench.failing('x'))]),
    ])
    await rejection(new Engine(root).run({}))
    expect(bench.log).toEqual(['high', 'a', 'b', 'low', 'z', 'x', '-x', '-z', '-high', '-b', '-a', '-low'])
  })

  it('with a priority that is no whole number are refused', () => {
    for (const priority of [0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(thrownBy(() => task({ name: 'a', priority, execute: () => 1 }))).toMatchObject({
        code: 'invalid-flow',
        message: `the priority of task 'a' must be a whole number, not ${priority}`,
      })
    }
  })

  it('may be parts: their retries go by the order of the flow', async () => {
    const bench = new Workbench()
    const part = (name: string): FlowNode =>
      linear(name, [atom(bench.quick(`in ${name}`))], { retry: controller(times(1)) })
    const watch = watched(unordered('f', [part('p'), atom(bench.quick('a', undefined, { priority: 1 })), part('q')]))
    await watch.engine.run({})
    expect(watch.trace.lines.filter((line) => line.endsWith('>RUNNING'))).toEqual([
      'flow PENDING>RUNNING',
      'a PENDING>RUNNING',
      'p_retry PENDING>RUNNING',
      'q_retry PENDING>RUNNING',
      'in p PENDING>RUNNING',
      'in q PENDING>RUNNING',
    ])
  })
})
