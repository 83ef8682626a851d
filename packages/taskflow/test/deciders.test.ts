import { describe, expect, it } from 'vitest'
import {
  type AtomNode,
  atom,
  controller,
  type Decider,
  type Depth,
  Engine,
  type Flow,
  type FlowNode,
  flow,
  forEach,
  graph,
  type Handle,
  type Inputs,
  type Link,
  linear,
  type PlainNode,
  run,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { ObservedBackend, recordOf } from './observed-backend.ts'
import { ending, ManualClock, turn, Workbench, watched } from './workbench.ts'

const no: Decider = () => false

/** Links each to the next. */
function chain(...nodes: readonly PlainNode[]): readonly Link[] {
  return nodes.slice(1).map((to, at) => ({ from: nodes[at]!, to }))
}

/** Quick tasks of these names. */
function atoms<const N extends readonly string[]>(bench: Workbench, ...names: N): { [K in keyof N]: AtomNode } {
  return names.map((name) => atom(bench.quick(name))) as never
}

/** What a run of the flow left out, and what it did: `b c | a d`. */
async function fate(root: FlowNode, log: readonly string[]): Promise<string> {
  const watch = watched(root)
  await watch.engine.run({})
  const stored = watch.backend.load('r')?.atoms ?? []
  const ignored = stored.filter(({ state }) => state === 'IGNORE').map(({ name }) => name)
  return `${ignored.toSorted((a, b) => a.localeCompare(b)).join(' ')} | ${log.join(' ')}`
}

describe('a no', () => {
  /** The chain of TaskFlow's documentation: a ->x b -> c -> d -> subflow(n). */
  const documented = (bench: Workbench, depth?: Depth): FlowNode => {
    const [a, b, c, d, n] = atoms(bench, 'a', 'b', 'c', 'd', 'n')
    const sub = linear('sub', [n])
    const deciding = { from: a, to: b, decider: no }
    return graph('g', [a, b, c, d, sub], { links: [depth ? { ...deciding, depth } : deciding, ...chain(b, c, d, sub)] })
  }

  it.each<[Depth | undefined, string]>([
    [undefined, 'b c d n | a'],
    ['ALL', 'b c d n | a'],
    ['FLOW', 'b c d | a n'],
    ['NEIGHBORS', 'b c | a d n'],
    ['ATOM', 'b | a c d n'],
    ['PART', 'b | a c d n'],
  ])('of depth %s passes by what it reaches, and the rest runs', async (depth, expected) => {
    const bench = new Workbench()
    expect(await fate(documented(bench, depth), bench.log)).toBe(expected)
  })

  it.each<[Depth, string]>([
    ['ALL', 'b c n z | a'],
    ['FLOW', 'b c | a n z'],
    ['NEIGHBORS', 'b c | a n z'],
    ['ATOM', 'b | a c n z'],
  ])('of depth %s goes through parts and out of its flow only where it is of everything', async (depth, expected) => {
    const bench = new Workbench()
    const [a, b, c, n, z] = atoms(bench, 'a', 'b', 'c', 'n', 'z')
    const sub = linear('sub', [n])
    const links = [
      { from: a, to: b, decider: no, depth },
      { from: b, to: c },
      { from: b, to: sub },
    ]
    const root = linear('f', [graph('g', [a, b, c, sub], { links }), z])
    expect(await fate(root, bench.log)).toBe(expected)
  })

  it('of depth FLOW stops at a part, also for what is behind that', async () => {
    const bench = new Workbench()
    const [a, b, n, c] = atoms(bench, 'a', 'b', 'n', 'c')
    const sub = linear('sub', [n])
    const links = [{ from: a, to: b, decider: no, depth: 'FLOW' as const }, ...chain(b, sub, c)]
    expect(await fate(graph('g', [a, b, sub, c], { links }), bench.log)).toBe('b | a n c')
  })

  it('passes by nothing that is beside, before or on another way', async () => {
    const bench = new Workbench()
    const [a, b, c, beside, before] = atoms(bench, 'a', 'b', 'c', 'beside', 'before')
    const links = [
      { from: a, to: b, decider: no },
      { from: b, to: c },
      { from: a, to: beside },
      { from: before, to: c },
    ]
    expect(await fate(graph('g', [a, b, c, beside, before], { links }), bench.log)).toBe('b c | a before beside')
  })

  it('is what is not true: nothing, zero and an empty text too', async () => {
    for (const [answer, expected] of [
      [undefined, 'b | a'],
      [0, 'b | a'],
      ['', 'b | a'],
      [null, 'b | a'],
      ['no', ' | a b'],
      [1, ' | a b'],
      [true, ' | a b'],
    ] as const) {
      const bench = new Workbench()
      const [a, b] = atoms(bench, 'a', 'b')
      const links = [{ from: a, to: b, decider: () => answer as unknown as boolean }]
      expect(await fate(graph('g', [a, b], { links }), bench.log)).toBe(expected)
    }
  })

  it('leaves a flow a success, that tells and stores who was passed by', async () => {
    const bench = new Workbench()
    const watch = watched(documented(bench, 'NEIGHBORS'), { clock: new ManualClock() })
    await watch.engine.run({})
    expect(watch.trace.lines).toEqual([
      'flow PENDING>RUNNING',
      'a PENDING>RUNNING',
      'a RUNNING>SUCCESS',
      'b PENDING>IGNORE',
      'c PENDING>IGNORE',
      'd PENDING>RUNNING',
      'd RUNNING>SUCCESS',
      'n PENDING>RUNNING',
      'n RUNNING>SUCCESS',
      'flow RUNNING>SUCCESS',
    ])
    expect(watch.states).toBe('flow SUCCESS, a SUCCESS, b IGNORE, c IGNORE, d SUCCESS, n SUCCESS')
    expect(recordOf(watch.backend, 'r', 'b')).toEqual({
      name: 'b',
      kind: 'task',
      version: '1.0',
      state: 'IGNORE',
      intention: 'EXECUTE',
      attempts: 0,
      endedAt: 0,
      meta: { reach: 'NEIGHBORS' },
    })
    expect(recordOf(watch.backend, 'r', 'c')?.meta).toEqual({ reach: 'ATOM' })
  })

  it('is not stored with an atom of its part that has failed already', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend()
    const before = atom(bench.quick('before'))
    const empty = linear('empty', [])
    const x = atom(bench.quick('x'))
    const throws = (): boolean => {
      throw new Error('cannot decide')
    }
    const part = graph('part', [empty, x, atom(bench.quick('y'))], { links: [{ from: empty, to: x, decider: throws }] })
    const links: Link[] = [{ from: before, to: part, decider: () => false, depth: 'PART' }]
    const engine = new Engine(graph('g', [before, part], { links }), { backend, id: 'r' })
    expect(await ending(engine.run({}))).toBe('cannot decide')
    expect(backend.batches.slice(1, 3)).toEqual([
      ['before SUCCESS', 'x RUNNING', 'y IGNORE'],
      ['flow to REVERT', 'x FAILURE', 'x REVERTING'],
    ])
    expect(recordOf(backend, 'r', 'x')?.meta).toEqual({ unbegun: true })
  })

  it('is stored before what it lets run begins', async () => {
    const bench = new Workbench()
    const seen: string[] = []
    const [a, b] = atoms(bench, 'a', 'b')
    const c = atom(bench.quick('c', () => void seen.push(watch.states)))
    const links = [
      { from: a, to: b, decider: no, depth: 'ATOM' as const },
      { from: b, to: c },
    ]
    const watch = watched(graph('g', [a, b, c], { links }))
    await watch.engine.run({})
    expect(seen).toEqual(['flow RUNNING, a SUCCESS, b IGNORE, c RUNNING'])
  })

  it('may pass by everything that is left', async () => {
    const bench = new Workbench()
    const [a, b, c] = atoms(bench, 'a', 'b', 'c')
    const root = linear('f', [graph('g', [a, b], { links: [{ from: a, to: b, decider: no }] }), linear('h', [c])])
    const watch = watched(root)
    expect(await ending(watch.engine.run({}))).toBeNull()
    expect(watch.states).toBe('flow SUCCESS, a SUCCESS, b IGNORE, c IGNORE')
  })
})

describe('a decider', () => {
  it('is asked when all that its target waits for is done, and not before', async () => {
    const bench = new Workbench()
    const [a, slow, b] = [atom(bench.quick('a')), atom(bench.held('slow')), atom(bench.quick('b'))]
    const ask: Decider = () => bench.log.push('asked') > 0
    const links = [
      { from: a, to: b, decider: ask },
      { from: slow, to: b },
    ]
    const done = new Engine(graph('g', [a, slow, b], { links }), { mode: 'parallel' }).run({})
    await turn()
    expect(bench.log).toEqual(['a', 'slow'])
    await bench.end('slow')
    expect(bench.log).toEqual(['a', 'slow', 'asked', 'b'])
    await done
  })

  it('is given the results of all atoms that have a deciding link to the target, and of no others', async () => {
    const bench = new Workbench()
    const asked: unknown[] = []
    const ask: Decider = (history) => asked.push(history) > 0
    const [a, b, c] = ['a', 'b', 'c'].map((name) => atom(bench.quick(name, () => ({ of: name }))))
    const [target] = atoms(bench, 'target')
    const links = [
      { from: a!, to: target, decider: ask },
      { from: b!, to: target },
      { from: c!, to: target, decider: ask },
    ]
    await new Engine(graph('g', [a!, b!, c!, target], { links })).run({})
    expect(asked).toEqual([
      { a: { of: 'a' }, c: { of: 'c' } },
      { a: { of: 'a' }, c: { of: 'c' } },
    ])
  })

  it('is not asked about an atom that never becomes ready', async () => {
    const bench = new Workbench()
    const [a, x, b] = [atom(bench.quick('a')), atom(bench.failing('x')), atom(bench.quick('b'))]
    const ask: Decider = () => bench.log.push('asked') > 0
    const root = graph('g', [a, x, b], {
      links: [
        { from: a, to: b, decider: ask },
        { from: x, to: b },
      ],
    })
    expect(await ending(new Engine(root).run({}))).toBe('x broke')
    expect(bench.log).toEqual(['a', 'x', '-x', '-a'])
  })

  it.each<[string, readonly (readonly [boolean, Depth])[], string]>([
    [
      'all yes: it runs',
      [
        [true, 'ALL'],
        [true, 'ATOM'],
      ],
      ' | a1 a2 b c d',
    ],
    [
      'one no is enough',
      [
        [true, 'ALL'],
        [false, 'ATOM'],
      ],
      'b | a1 a2 c d',
    ],
    [
      'the widest no counts, not the widest of all',
      [
        [true, 'ALL'],
        [false, 'NEIGHBORS'],
      ],
      'b c | a1 a2 d',
    ],
    [
      'the widest of two, first',
      [
        [false, 'ALL'],
        [false, 'ATOM'],
      ],
      'b c d | a1 a2',
    ],
    [
      'the widest of two, last',
      [
        [false, 'ATOM'],
        [false, 'NEIGHBORS'],
      ],
      'b c | a1 a2 d',
    ],
    [
      'flow is wider than neighbors',
      [
        [false, 'FLOW'],
        [false, 'NEIGHBORS'],
      ],
      'b c d | a1 a2',
    ],
  ])('is one of several: %s', async (_, votes, expected) => {
    const bench = new Workbench()
    const [a1, a2, b, c, d] = atoms(bench, 'a1', 'a2', 'b', 'c', 'd')
    const deciding = votes.map(([answer, depth], at) => ({ from: [a1, a2][at]!, to: b, decider: () => answer, depth }))
    const root = graph('g', [a1, a2, b, c, d], { links: [...deciding, ...chain(b, c, d)] })
    expect(await fate(root, bench.log)).toBe(expected)
  })

  it('of a link from an atom that was passed by is not asked', async () => {
    const bench = new Workbench()
    const [a, b, c] = atoms(bench, 'a', 'b', 'c')
    const ask: Decider = () => bench.log.push('asked') < 0
    const links = [
      { from: a, to: b, decider: no, depth: 'ATOM' as const },
      { from: b, to: c, decider: ask },
    ]
    expect(await fate(graph('g', [a, b, c], { links }), bench.log)).toBe('b | a c')
  })

  it('of another link still is, without what was passed by in its history', async () => {
    const bench = new Workbench()
    const asked: unknown[] = []
    const [a, b, c] = atoms(bench, 'a', 'b', 'c')
    const links: readonly Link[] = [
      { from: a, to: b, decider: no, depth: 'ATOM' },
      { from: b, to: c, decider: () => true },
      { from: a, to: c, decider: (history) => asked.push(history) < 0 },
    ]
    expect(await fate(graph('g', [a, b, c], { links }), bench.log)).toBe('b c | a')
    expect(asked).toEqual([{ a: 'a' }])
  })

  it('of a link from a flow is asked, and is told nothing of it', async () => {
    const bench = new Workbench()
    const asked: unknown[] = []
    const [a, b, c] = atoms(bench, 'a', 'b', 'c')
    const sub = linear('sub', [a])
    const links: readonly Link[] = [
      { from: sub, to: c, decider: (history) => asked.push(history) < 0 },
      { from: b, to: c, decider: () => true },
    ]
    expect(await fate(graph('g', [sub, b, c], { links }), bench.log)).toBe('c | a b')
    expect(asked).toEqual([{ b: 'b' }])
  })

  it('may sit on a link that is there for a symbol', async () => {
    const bench = new Workbench()
    const a = atom(
      bench.quick('a', () => 5),
      { provides: 'x' },
    )
    const b = atom(bench.taking('b'), { requires: ['x'] })
    const larger = (than: number): FlowNode =>
      graph('g', [a, b], { links: [{ from: a, to: b, decider: ({ a: x }) => Number(x) > than }] })
    expect(await fate(larger(4), bench.log)).toBe(' | a b(x=5)')
    expect(await fate(larger(5), bench.log)).toBe('b | a b(x=5) a')
  })
})

describe('a link to a flow', () => {
  it.each<[string, (bench: Workbench) => PlainNode, Depth, string]>([
    ['first atom of a linear one', (bench) => linear('s', atoms(bench, 'm', 'n')), 'ATOM', 'm | a n z'],
    ['every atom of an unordered one', (bench) => unordered('s', atoms(bench, 'm', 'n')), 'ATOM', 'm n | a z'],
    [
      'every atom of a graph that waits for none',
      (bench) => {
        const [m, n, o] = atoms(bench, 'm', 'n', 'o')
        return graph('s', [m, n, o], { links: chain(m, n) })
      },
      'ATOM',
      'm o | a n z',
    ],
    [
      'first atoms of flows in flows',
      (bench) => {
        const [m, n, o] = atoms(bench, 'm', 'n', 'o')
        return linear('s', [unordered('t', [linear('u', [m, n]), o])])
      },
      'ATOM',
      'm o | a n z',
    ],
    ['first atom and its neighbor', (bench) => linear('s', atoms(bench, 'm', 'n', 'o')), 'NEIGHBORS', 'm n | a o z'],
    [
      'tasks of the flow, not those of flows in it',
      (bench) => {
        const [m, n, o] = atoms(bench, 'm', 'n', 'o')
        return linear('s', [m, n, linear('t', [o])])
      },
      'FLOW',
      'm n | a o z',
    ],
    ['whole of it and what comes after', (bench) => linear('s', atoms(bench, 'm', 'n')), 'ALL', 'm n z | a'],
    [
      'whole of it alone',
      (bench) => linear('s', [...atoms(bench, 'm', 'n'), unordered('t', atoms(bench, 'o', 'p'))]),
      'PART',
      'm n o p | a z',
    ],
    [
      'whole of an unordered one alone',
      (bench) => unordered('s', [linear('t', atoms(bench, 'm', 'n')), ...atoms(bench, 'o')]),
      'PART',
      'm n o | a z',
    ],
  ])('decides about the %s', async (_, make, depth, expected) => {
    const bench = new Workbench()
    const [a, z] = atoms(bench, 'a', 'z')
    const sub = make(bench)
    const links: readonly Link[] = [
      { from: a, to: sub, decider: no, depth },
      { from: sub, to: z },
    ]
    expect(await fate(graph('g', [a, sub, z], { links }), bench.log)).toBe(expected)
  })

  it.each<[string, (bench: Workbench) => PlainNode]>([
    [
      'linear',
      (bench) => linear('s', [linear('empty', []), unordered('hollow', [linear('e', [])]), ...atoms(bench, 'm', 'n')]),
    ],
    [
      'graph',
      (bench) => {
        const [m, n] = atoms(bench, 'm', 'n')
        const empty = linear('empty', [])
        return graph('s', [empty, m, n], { links: chain(empty, m, n) })
      },
    ],
  ])('that begins with an empty flow is decided about as a whole all the same: %s', async (_, make) => {
    const bench = new Workbench()
    const [a, z] = atoms(bench, 'a', 'z')
    const sub = make(bench)
    const links: readonly Link[] = [{ from: a, to: sub, decider: no, depth: 'PART' }, ...chain(sub, z)]
    expect(await fate(graph('g', [a, sub, z], { links }), bench.log)).toBe('m n | a z')
  })

  it('that begins with an empty flow is nothing that TaskFlow’s own depths are asked about', async () => {
    const bench = new Workbench()
    const [a, m] = atoms(bench, 'a', 'm')
    const sub = linear('s', [linear('empty', []), m])
    expect(await fate(graph('g', [a, sub], { links: [{ from: a, to: sub, decider: no }] }), bench.log)).toBe(' | a m')
  })

  it.each<[Depth, string]>([
    ['ATOM', 'r | a n z'],
    ['FLOW', 'n r | a z'],
    ['PART', 'n r | a z'],
    ['ALL', 'n r z | a'],
  ])('that has a retry decides about that first: %s', async (depth, expected) => {
    const bench = new Workbench()
    const [a, n, z] = atoms(bench, 'a', 'n', 'z')
    const sub = linear('sub', [n], { retry: controller(times(2, { name: 'r' })) })
    const links: readonly Link[] = [
      { from: a, to: sub, decider: no, depth },
      { from: sub, to: z },
    ]
    expect(await fate(graph('g', [a, sub, z], { links }), bench.log)).toBe(expected)
  })

  it('whose retry was passed by has none: the one around is asked', async () => {
    const bench = new Workbench()
    const [a, x] = [atom(bench.quick('a')), atom(bench.unsteady('x', 1))]
    const sub = linear('sub', [x], { retry: controller(times(9, { name: 'inner' })) })
    const root = graph('g', [a, sub], {
      links: [{ from: a, to: sub, decider: no, depth: 'ATOM' }],
      retry: controller(times(2, { name: 'outer' })),
    })
    const watch = watched(root)
    await watch.engine.run({})
    expect(bench.log).toEqual(['a', 'x', '-x', '-a', 'a', 'x'])
    expect(watch.states).toBe('flow SUCCESS, outer SUCCESS, a SUCCESS, inner IGNORE, x SUCCESS')
  })

  it('is asked about once a retry, however often that tries again', async () => {
    const bench = new Workbench()
    const [a, x] = [atom(bench.quick('a')), atom(bench.unsteady('x', 2))]
    const sub = linear('sub', [x], { retry: controller(times(3)) })
    const ask: Decider = () => bench.log.push('asked') > 0
    await new Engine(graph('g', [a, sub], { links: [{ from: a, to: sub, decider: ask }] })).run({})
    expect(bench.log).toEqual(['a', 'asked', 'x', '-x', 'x', '-x', 'x'])
  })

  it('of depth PART and another no of ALL pass by all of it and what comes after', async () => {
    const bench = new Workbench()
    const [a1, a2, m, n, z] = atoms(bench, 'a1', 'a2', 'm', 'n', 'z')
    const sub = linear('sub', [m, n])
    const links: readonly Link[] = [
      { from: a1, to: sub, decider: no, depth: 'PART' },
      { from: a2, to: sub, decider: no, depth: 'ALL' },
      { from: sub, to: z },
    ]
    expect(await fate(graph('g', [a1, a2, sub, z], { links }), bench.log)).toBe('m n z | a1 a2')
  })

  it('of depth PART holds for deciders inside: they are not asked', async () => {
    const bench = new Workbench()
    const [a, m, n, z] = atoms(bench, 'a', 'm', 'n', 'z')
    const ask: Decider = () => bench.log.push('asked') < 0
    const sub = graph('sub', [m, n], { links: [{ from: m, to: n, decider: ask }] })
    const links: readonly Link[] = [
      { from: a, to: sub, decider: no, depth: 'PART' },
      { from: sub, to: z },
    ]
    expect(await fate(graph('g', [a, sub, z], { links }), bench.log)).toBe('m n | a z')
  })
})

describe('what needs a value of an atom that was passed by', () => {
  /** `other` (or nobody), then `a`, which passes by `b`, which provides x; then `user`. */
  const wanting = (bench: Workbench, other: boolean, depth: Depth): FlowNode => {
    const give = (name: string): AtomNode => atom(bench.quick(name), { provides: 'x' })
    const [a, b] = [atom(bench.quick('a')), give('b')]
    const inner = graph('g', [a, b], { links: [{ from: a, to: b, decider: no, depth }] })
    const user = atom(bench.taking('user'), { requires: ['x'] })
    return linear('f', [...(other ? [give('other')] : []), linear('h', [inner, user])])
  }

  it('takes the next provider in sight', async () => {
    const bench = new Workbench()
    expect(await fate(wanting(bench, true, 'ATOM'), bench.log)).toBe('b | other a user(x="other")')
  })

  it('takes the next of one level before one further out', async () => {
    const bench = new Workbench()
    const give = (name: string): AtomNode => atom(bench.quick(name), { provides: 'x' })
    const [a] = atoms(bench, 'a')
    const [far, near, passed] = [give('far'), give('near'), give('passed')]
    const inner = graph('g', [a, passed], { links: [{ from: a, to: passed, decider: no, depth: 'ATOM' }] })
    const user = atom(bench.taking('user'), { requires: ['x'] })
    expect(await fate(linear('f', [far, linear('h', [near, inner, user])]), bench.log)).toBe(
      'passed | far near a user(x="near")',
    )
  })

  it('fails where there is none, is told why, and is not reverted: it never began', async () => {
    const bench = new Workbench()
    const watch = watched(wanting(bench, false, 'ATOM'))
    expect(await ending(watch.engine.run({}))).toBe(
      "missing-value: 'user' needs 'x' for its argument 'x', but 'b', which provides it, was passed by a decider; " +
        "let the decider pass by 'user' too",
    )
    expect(bench.log).toEqual(['a', '-a'])
    expect(watch.states).toBe('flow REVERTED, a REVERTED, b IGNORE, user REVERTED')
  })

  it('is asked of its retry like any failure', async () => {
    const bench = new Workbench()
    const answers = [false, true]
    const [a] = atoms(bench, 'a')
    const b = atom(bench.quick('b'), { provides: 'x' })
    const inner = graph('g', [a, b], {
      links: [{ from: a, to: b, decider: () => answers.shift() ?? false, depth: 'ATOM' }],
    })
    const user = atom(bench.taking('user'), { requires: ['x'] })
    await new Engine(linear('f', [inner, user], { retry: controller(times(2)) })).run({})
    expect(bench.log).toEqual(['a', '-a', 'a', 'b', 'user(x="b")'])
  })

  it('does without, where it can: the argument is left out', async () => {
    const bench = new Workbench()
    const [a] = atoms(bench, 'a')
    const b = atom(bench.quick('b'), { provides: 'x' })
    const inner = graph('g', [a, b], { links: [{ from: a, to: b, decider: no, depth: 'ATOM' }] })
    const user = atom(bench.taking('user'), { optional: ['x'] })
    expect(await fate(linear('f', [inner, user]), bench.log)).toBe('b | a user()')
  })

  it('is passed by with it where the no reaches so far', async () => {
    const bench = new Workbench()
    expect(await fate(wanting(bench, false, 'ALL'), bench.log)).toBe('b user | a')
  })

  it('fails a revert that needs it: that revert failed', async () => {
    const bench = new Workbench()
    const [a] = atoms(bench, 'a')
    const b = atom(bench.quick('b'), { provides: 'x' })
    const inner = graph('g', [a, b], { links: [{ from: a, to: b, decider: no, depth: 'ATOM' }] })
    const user = atom(bench.taking('user'), { revertRequires: ['x'] })
    const watch = watched(linear('f', [inner, user, atom(bench.failing('z'))]))
    expect(await ending(watch.engine.run({}))).toMatch(/^missing-value: 'user' needs 'x' for its argument 'x', but 'b'/)
    expect(bench.log).toEqual(['a', 'user()', 'z', '-z'])
    expect(watch.states).toBe('flow FAILURE, a SUCCESS, b IGNORE, user REVERT_FAILURE, z REVERTED')
  })

  it('is not among what the engine gives', async () => {
    const bench = new Workbench()
    const watch = watched(wanting(bench, true, 'ATOM'))
    await watch.engine.run({})
    expect(watch.engine.fetch('x')).toEqual(['other'])
  })
})

describe('a decider that cannot decide', () => {
  const confused = (bench: Workbench, decider: Decider): FlowNode => {
    const [a, b, c] = atoms(bench, 'a', 'b', 'c')
    return graph('g', [a, b, c], { links: [{ from: a, to: b, decider }, ...chain(b, c)] })
  }

  it.each<[string, Decider, string]>([
    [
      'throws',
      () => {
        throw new Error('who knows')
      },
      'who knows',
    ],
    [
      'waits',
      (async () => await Promise.resolve(true)) as unknown as Decider,
      "invalid-decision: the decider of the link from 'a' to 'b' waits; a decider must answer at once",
    ],
    [
      'waits in vain',
      (async () => await Promise.reject(new Error('late'))) as unknown as Decider,
      "invalid-decision: the decider of the link from 'a' to 'b' waits; a decider must answer at once",
    ],
  ])(
    'as it %s fails the atom, which has nothing to undo, and everything else is reverted',
    async (_, decider, said) => {
      const bench = new Workbench()
      const watch = watched(confused(bench, decider))
      expect(await ending(watch.engine.run({}))).toBe(said)
      expect(bench.log).toEqual(['a', '-a'])
      expect(watch.states).toBe('flow REVERTED, a REVERTED, b REVERTED')
      expect(watch.trace.lines.filter((line) => line.startsWith('b '))).toEqual([
        'b PENDING>RUNNING',
        'b RUNNING>FAILURE',
        'b FAILURE>REVERTING',
        'b REVERTING>REVERTED',
      ])
      expect(watch.engine.failures.map(({ atom }) => atom)).toEqual(['b'])
    },
  )

  it('is named with the flow that its link comes from', async () => {
    const bench = new Workbench()
    const [a, b] = atoms(bench, 'a', 'b')
    const sub = linear('sub', [a])
    const links = [{ from: sub, to: b, decider: (async () => await Promise.resolve(true)) as unknown as Decider }]
    expect(await ending(new Engine(graph('g', [sub, b], { links })).run({}))).toContain(
      "the decider of the link from a flow to 'b' waits",
    )
  })

  it('is a failure that a retry may solve', async () => {
    const bench = new Workbench()
    let asked = 0
    const [a, b] = atoms(bench, 'a', 'b')
    const decider: Decider = () => {
      if (++asked < 2) throw new Error('not yet')
      return true
    }
    const root = graph('g', [a, b], { links: [{ from: a, to: b, decider }], retry: controller(times(2)) })
    const watch = watched(root)
    expect(await ending(watch.engine.run({}))).toBeNull()
    expect(bench.log).toEqual(['a', '-a', 'a', 'b'])
    expect(watch.states).toBe('flow SUCCESS, g_retry SUCCESS, a SUCCESS, b SUCCESS')
  })

  it('about a retry is asked of the retry around that', async () => {
    const bench = new Workbench()
    const [a, n] = atoms(bench, 'a', 'n')
    const sub = linear('sub', [n], { retry: controller(times(9, { name: 'inner' })) })
    const decider: Decider = () => {
      throw new Error('never')
    }
    const root = graph('g', [a, sub], { links: [{ from: a, to: sub, decider }], retry: controller(times(2)) })
    expect(await ending(new Engine(root).run({}))).toBe('never')
    expect(bench.log).toEqual(['a', '-a', 'a', '-a'])
  })

  it('lets what is under way finish, and undoes that too', async () => {
    const bench = new Workbench()
    const [a, slow, b] = [atom(bench.quick('a')), atom(bench.held('slow')), atom(bench.quick('b'))]
    const decider: Decider = () => {
      throw new Error('who knows')
    }
    const root = graph('g', [a, slow, b], { links: [{ from: a, to: b, decider }] })
    const ended = ending(new Engine(root, { mode: 'parallel' }).run({}))
    await turn()
    expect(bench.log).toEqual(['a', 'slow', '-a'])
    await bench.end('slow')
    expect(await ended).toBe('who knows')
    expect(bench.log).toEqual(['a', 'slow', '-a', '-slow'])
  })

  it('is no reason to give up a flow that rests: it is asked, and fails, when that goes on', async () => {
    const bench = new Workbench()
    const [a, b] = [atom(bench.held('a')), atom(bench.quick('b'))]
    const decider: Decider = () => {
      throw new Error('who knows')
    }
    const watch = watched(graph('g', [a, b], { links: [{ from: a, to: b, decider }] }))
    const ended = ending(watch.engine.run({}))
    await turn()
    watch.engine.suspend()
    await bench.end('a')
    expect(await ended).toMatch(/^suspended: /)
    expect(watch.states).toMatch(/^flow SUSPENDED, a SUCCESS/)
    expect(await ending(watch.engine.run())).toBe('who knows')
    expect(bench.log).toEqual(['a', '-a'])
    expect(watch.states).toBe('flow REVERTED, a REVERTED, b REVERTED')
  })
})

describe('what was passed by', () => {
  it('is not reverted, and stays passed by', async () => {
    const bench = new Workbench()
    const [a, b, x] = [atom(bench.quick('a')), atom(bench.quick('b')), atom(bench.failing('x'))]
    const links: readonly Link[] = [
      { from: a, to: b, decider: no, depth: 'ATOM' },
      { from: b, to: x },
    ]
    const watch = watched(graph('g', [a, b, x], { links }))
    expect(await ending(watch.engine.run({}))).toBe('x broke')
    expect(bench.log).toEqual(['a', 'x', '-x', '-a'])
    expect(watch.states).toBe('flow REVERTED, a REVERTED, b IGNORE, x REVERTED')
  })

  it('is decided about again when its flow is tried again', async () => {
    const bench = new Workbench()
    const a = atom(
      bench.taking('a', ({ n }) => n),
      { requires: ['n'] },
    )
    const [b] = atoms(bench, 'b')
    const x = atom(bench.unsteady('x', 2))
    const links: readonly Link[] = [
      { from: a, to: b, decider: (history) => history['a'] === 2, depth: 'ATOM' },
      { from: b, to: x },
    ]
    const watch = watched(graph('g', [a, b, x], { links, retry: controller(times(3), { provides: 'n' }) }))
    await watch.engine.run({})
    expect(bench.log).toEqual([
      'a(n=1)',
      'x',
      '-x',
      '-a(n=1)',
      'a(n=2)',
      'b',
      'x',
      '-x',
      '-b',
      '-a(n=2)',
      'a(n=3)',
      'x',
    ])
    expect(watch.trace.lines.filter((line) => line.startsWith('b '))).toEqual([
      'b PENDING>IGNORE',
      'b IGNORE>PENDING',
      'b PENDING>RUNNING',
      'b RUNNING>SUCCESS',
      'b SUCCESS>REVERTING',
      'b REVERTING>REVERTED',
      'b REVERTED>PENDING',
      'b PENDING>IGNORE',
    ])
  })

  it('stays so where a retry beside it tries again', async () => {
    const bench = new Workbench()
    let asked = 0
    const [a, b, c] = atoms(bench, 'a', 'b', 'c')
    const decider: Decider = () => ++asked > 1
    const deciding = graph('g', [a, b, c], { links: [{ from: a, to: b, decider }, ...chain(b, c)] })
    const part = linear('part', [atom(bench.unsteady('x', 2))], { retry: controller(times(3)) })
    expect(await fate(unordered('f', [deciding, part]), bench.log)).toBe('b c | a x -x x -x x')
    expect(asked).toBe(1)
  })

  it('in a part that is tried again, because of what is before that part, stays so', async () => {
    const bench = new Workbench()
    let asked = 0
    const [a, b] = atoms(bench, 'a', 'b')
    const part = linear('part', [atom(bench.unsteady('x', 1))], { retry: controller(times(2)) })
    const links: readonly Link[] = [{ from: a, to: b, decider: () => ++asked > 1, depth: 'ATOM' }, ...chain(b, part)]
    expect(await fate(graph('g', [a, b, part], { links }), bench.log)).toBe('b | a x -x x')
    expect(asked).toBe(1)
  })

  it.each<Depth>(['ALL', 'FLOW', 'NEIGHBORS'])(
    'by a no of depth %s that reached it stays so, when a part before it is tried again',
    async (depth) => {
      const bench = new Workbench()
      const [a, b, z] = atoms(bench, 'a', 'b', 'z')
      const part = linear('part', atoms(bench, 'm', 'n').toSpliced(2, 0, atom(bench.unsteady('x', 1))), {
        retry: controller(times(2)),
      })
      const links: readonly Link[] = [{ from: a, to: b, decider: no, depth }, ...chain(b, z), ...chain(part, z)]
      const watch = watched(graph('g', [a, b, part, z], { links }))
      await watch.engine.run({})
      expect(bench.log).toEqual(['a', 'm', 'n', 'x', '-x', '-n', '-m', 'm', 'n', 'x'])
      expect(watch.trace.lines.filter((line) => line.startsWith('z '))).toEqual(['z PENDING>IGNORE'])
    },
  )

  it('is decided about again after a reset', async () => {
    const bench = new Workbench()
    const answers = [false, true]
    const [a, b] = atoms(bench, 'a', 'b')
    const root = graph('g', [a, b], { links: [{ from: a, to: b, decider: () => answers.shift() ?? false }] })
    const watch = watched(root)
    await watch.engine.run({})
    expect(watch.states).toBe('flow SUCCESS, a SUCCESS, b IGNORE')
    await watch.engine.reset()
    expect(watch.states).toBe('flow PENDING, a PENDING, b PENDING')
    await watch.engine.run()
    expect(watch.states).toBe('flow SUCCESS, a SUCCESS, b SUCCESS')
    expect(bench.log).toEqual(['a', 'a', 'b'])
  })

  it('is decided about again when a reverted flow is run again', async () => {
    const bench = new Workbench()
    const answers = [false, true]
    const [a, b] = atoms(bench, 'a', 'b')
    const x = atom(bench.unsteady('x', 1))
    const decider: Decider = () => answers.shift() ?? false
    const links: readonly Link[] = [
      { from: a, to: b, decider, depth: 'ATOM' },
      { from: b, to: x },
    ]
    const engine = new Engine(graph('g', [a, b, x], { links }))
    expect(await ending(engine.run({}))).toBe('x#1')
    await engine.run()
    expect(bench.log).toEqual(['a', 'x', '-x', '-a', 'a', 'b', 'x'])
  })
})

describe('when() in a typed flow', () => {
  const give = task({ name: 'give', execute: ({ value }: { value: number }) => ({ size: value }) })
  const large = (size: number): boolean => size > 10

  /** A flow that has a part for large values. */
  const choosing = (bench: Workbench): Flow<{ value: number }, undefined> =>
    flow('f', (f, { value }: Inputs<{ value: number }>) => {
      const given = f.add(give, { value })
      f.when('large', given.at('size'), large, (g) => {
        g.add(bench.taking('shrink'), { size: given.at('size') })
        g.unordered('beside', (h) => {
          h.add(bench.quick('warn'), {})
          h.add(bench.quick('count'), {})
        })
      })
      f.add(bench.quick('after'), {})
    })

  it('runs the part where the value passes the test', async () => {
    const bench = new Workbench()
    await run(choosing(bench), { value: 11 })
    expect(bench.log).toEqual(['shrink(size=11)', 'warn', 'count', 'after'])
  })

  it('passes by the whole part where it does not, and goes on after it', async () => {
    const bench = new Workbench()
    const watch = watched(choosing(bench).root)
    await watch.engine.run({ value: 10 })
    expect(bench.log).toEqual(['after'])
    expect(watch.states).toBe(
      'flow SUCCESS, give SUCCESS, large? SUCCESS, shrink IGNORE, warn IGNORE, count IGNORE, after SUCCESS',
    )
    expect(recordOf(watch.backend, 'r', 'large?')?.result).toBe(false)
  })

  it('takes inputs, too', async () => {
    const bench = new Workbench()
    const written = flow('f', (f, { on }: Inputs<{ on: boolean }>) => {
      f.when(
        'on',
        on,
        (value) => value,
        (g) => void g.add(bench.quick('a'), {}),
      )
    })
    await run(written, { on: false })
    await run(written, { on: true })
    expect(bench.log).toEqual(['a'])
  })

  it('beside others passes by its own part alone', async () => {
    for (const mode of ['serial', 'parallel'] as const) {
      const bench = new Workbench()
      const written = flow('f', (f, { n }: Inputs<{ n: number }>) => {
        f.unordered('all', (g) => {
          g.when(
            'one',
            n,
            (value) => value === 1,
            (h) => void h.add(bench.quick('a'), {}),
          )
          g.when(
            'two',
            n,
            (value) => value === 2,
            (h) => void h.add(bench.quick('b'), {}),
          )
          g.add(bench.quick('c'), {})
        })
        f.add(bench.quick('after'), {})
      })
      await run(written, { n: 2 }, { mode })
      expect(bench.log.toSorted((a, b) => a.localeCompare(b))).toEqual(['after', 'b', 'c'])
      expect(bench.log.at(-1)).toBe('after')
    }
  })

  it('in a part that is tried again is tested again', async () => {
    const bench = new Workbench()
    const written = flow('f', (f) => {
      f.linear(
        'part',
        (g, n: Handle<number>) => {
          g.when(
            'second',
            n,
            (value) => value === 2,
            (h) => void h.add(bench.quick('extra'), {}),
          )
          g.add(bench.unsteady('x', 2), {})
        },
        times(3),
      )
    })
    await run(written, {})
    expect(bench.log).toEqual(['x', '-x', 'extra', 'x', '-x', '-extra', 'x'])
  })

  it('may have a part that is tried again, or another when() in it', async () => {
    const bench = new Workbench()
    const written = flow('f', (f, { n }: Inputs<{ n: number }>) => {
      f.when(
        'some',
        n,
        (value) => value > 0,
        (g) => {
          g.linear('part', (h) => h.add(bench.unsteady('x', 1), {}), times(2))
          g.when(
            'many',
            n,
            (value) => value > 1,
            (h) => void h.add(bench.quick('y'), {}),
          )
        },
      )
      f.add(bench.quick('z'), {})
    })
    await run(written, { n: 0 })
    expect(bench.log).toEqual(['z'])
    await run(written, { n: 1 })
    expect(bench.log.slice(1)).toEqual(['x', '-x', 'x', 'z'])
    await run(written, { n: 2 })
    expect(bench.log.slice(5)).toEqual(['x', 'y', 'z'])
  })

  it('is reverted like anything else', async () => {
    const bench = new Workbench()
    const written = flow('f', (f, { on }: Inputs<{ on: boolean }>) => {
      f.when(
        'on',
        on,
        (value) => value,
        (g) => void g.add(bench.quick('a'), {}),
      )
      f.add(bench.failing('x'), {})
    })
    expect(await ending(run(written, { on: true }))).toBe('x broke')
    expect(bench.log).toEqual(['a', 'x', '-x', '-a'])
  })

  it('whose test throws fails there', async () => {
    const bench = new Workbench()
    const written = flow('f', (f, { on }: Inputs<{ on: boolean }>) => {
      f.add(bench.quick('before'), {})
      const test = (): boolean => {
        throw new Error('no test')
      }
      f.when('on', on, test, (g) => void g.add(bench.quick('a'), {}))
    })
    const engine = new Engine(written)
    expect(await ending(engine.run({ on: true }))).toBe('no test')
    expect(engine.failures.map(({ atom }) => atom)).toEqual(['on?'])
    expect(bench.log).toEqual(['before', '-before'])
  })

  it('may begin with an empty part, and is passed by all the same', async () => {
    const bench = new Workbench()
    const written = flow('f', (f, { on }: Inputs<{ on: boolean }>) => {
      f.when(
        'on',
        on,
        (value) => value,
        (g) => {
          g.unordered('nobody', () => {})
          g.add(bench.quick('a'), {})
        },
      )
    })
    await run(written, { on: false })
    expect(bench.log).toEqual([])
    await run(written, { on: true })
    expect(bench.log).toEqual(['a'])
  })

  it('may be empty', async () => {
    const written = flow('f', (f, { n }: Inputs<{ n: number }>) => {
      f.when(
        'none',
        n,
        () => false,
        () => {},
      )
      return f.add(give, { value: n })
    })
    await expect(run(written, { n: 4 })).resolves.toEqual({ size: 4 })
  })

  it('names its test among the names of the flow', () => {
    const twice = (): unknown =>
      flow('f', (f, { on }: Inputs<{ on: boolean }>) => {
        f.when(
          'on',
          on,
          (value) => value,
          () => {},
        )
        f.when(
          'on',
          on,
          (value) => !value,
          () => {},
        )
      })
    expect(twice).toThrow("flow 'f' has two atoms named 'on?'")
  })

  it('types the value that is tested', () => {
    const isEmpty = (value: string): boolean => value === ''
    flow('f', (f, { n }: Inputs<{ n: number }>) => {
      // @ts-expect-error a number is not a text
      f.when('text', n, isEmpty, () => {})
    })
  })

  it('works in a forEach, which gives each attempt another value', async () => {
    const bench = new Workbench()
    const written = flow('f', (f) => {
      f.graph(
        'part',
        (g, mirror) => {
          g.when(
            'secure',
            mirror,
            (value) => value.startsWith('s'),
            (h) => void h.add(bench.quick('certify'), {}),
          )
          g.add(
            bench.taking('get', ({ from }) => {
              if (from === 'plain') throw new Error('down')
              return from
            }),
            { from: mirror },
          )
        },
        forEach(['plain', 'secret']),
      )
    })
    await run(written, {})
    expect(bench.log).toEqual(['get(from="plain")', '-get(from="plain")', 'get(from="secret")', 'certify'])
  })
})
