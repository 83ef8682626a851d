import { describe, expect, it } from 'vitest'
import {
  type AtomNode,
  type AtomOptions,
  atom,
  controller,
  type Decider,
  type Depth,
  Engine,
  type FlowNode,
  flow,
  forEach,
  type GraphOptions,
  type GraphScope,
  givenBy,
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
  wantedBy,
} from '../src/index.ts'
import { ending, thrownBy, turn, Workbench, watched } from './workbench.ts'

/** A node that takes and gives symbols, and logs its name. */
function node(bench: Workbench, name: string, requires: readonly string[] = [], provides?: string): AtomNode {
  const options: AtomOptions = { requires }
  return atom(bench.quick(name), provides === undefined ? options : { ...options, provides })
}

/** The edges of a graph, sorted: `a>b x,y`, with `?` and the depth where somebody decides. */
function edgesOf({ children, edges }: FlowNode): readonly string[] {
  const lines = edges.map(({ from, to, symbols, decider, depth }) => {
    const link = `${children[from]?.name}>${children[to]?.name}`
    return [link, symbols.join(), decider ? `? ${depth}` : ''].filter((part) => part !== '').join(' ')
  })
  return lines.toSorted((a, b) => a.localeCompare(b))
}

/** The atoms that ran, in order. */
async function order(bench: Workbench, root: FlowNode, inputs: object = {}): Promise<string> {
  await new Engine(root).run(inputs)
  return bench.log.join(' ')
}

const yes: Decider = () => true

describe('a child of a graph', () => {
  it('has the symbols that it takes on its arrow, and not those of another child', () => {
    const bench = new Workbench()
    const give = atom(bench.quick('give'), { provides: ['x', 'y', 'z'] })
    const takes = [['x'], ['x', 'y'], ['x', 'y', 'z'], ['x']]
    const takers = takes.map((requires, at) => node(bench, `t${at}`, requires))
    const arrows = ['give>t0 x', 'give>t1 x,y', 'give>t2 x,y,z', 'give>t3 x']
    expect(edgesOf(graph('after', [give, ...takers]))).toEqual(arrows)
    expect(edgesOf(graph('before', [...takers, give]))).toEqual(arrows)
  })

  it('waits for what it takes, wherever that stands in the list', async () => {
    const bench = new Workbench()
    const root = graph('g', [
      node(bench, 'last', ['x', 'y']),
      node(bench, 'second', ['x'], 'y'),
      node(bench, 'first', [], 'x'),
    ])
    expect(edgesOf(root)).toEqual(['first>last x', 'first>second x', 'second>last y'])
    expect(await order(bench, root)).toBe('first second last')
  })

  it('is given what it waited for', async () => {
    const bench = new Workbench()
    const root = graph('g', [
      atom(bench.taking('sum'), { requires: ['a', 'b'] }),
      atom(
        bench.taking('b', ({ a }) => Number(a) * 10),
        { requires: ['a'], provides: 'b' },
      ),
      atom(
        bench.taking('a', () => 4),
        { provides: 'a' },
      ),
    ])
    expect(await order(bench, root)).toBe('a() b(a=4) sum(a=4, b=40)')
  })

  it('waits for those it is linked to by hand', async () => {
    const bench = new Workbench()
    const [a, b, c] = [node(bench, 'a'), node(bench, 'b'), node(bench, 'c')]
    const links: readonly Link[] = [
      { from: c, to: b },
      { from: b, to: a },
    ]
    const root = graph('g', [a, b, c], { links })
    expect(edgesOf(root)).toEqual(['b>a', 'c>b'])
    expect(await order(bench, root)).toBe('c b a')
  })

  it('waits for nobody else: what nothing orders runs in the order of the list, or at the same time', async () => {
    const bench = new Workbench()
    const names = ['d', 'b', 'a', 'c']
    expect(
      await order(
        bench,
        graph(
          'g',
          names.map((name) => node(bench, name)),
        ),
      ),
    ).toBe('d b a c')
    const wide = new Workbench()
    const all = graph(
      'g',
      names.map((name) => atom(wide.held(name))),
    )
    const done = new Engine(all, { mode: 'parallel' }).run({})
    await turn()
    expect(wide.underWay).toEqual(names)
    for (const name of names) await wide.end(name)
    await done
  })

  it('begins when its own predecessors are done, not when all before it are', async () => {
    const bench = new Workbench()
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => atom(bench.held(name))) as [
      AtomNode,
      AtomNode,
      AtomNode,
      AtomNode,
    ]
    const links = [
      { from: a, to: c },
      { from: b, to: d },
    ]
    const done = new Engine(graph('g', [a, b, c, d], { links }), { mode: 'parallel' }).run({})
    await turn()
    expect(bench.underWay).toEqual(['a', 'b'])
    await bench.end('b')
    expect(bench.underWay).toEqual(['a', 'd'])
    for (const name of ['d', 'a', 'c']) await bench.end(name)
    await done
  })

  it('runs in one and the same order, however the links are listed', async () => {
    const links: readonly [number, number][] = [
      [4, 1],
      [4, 3],
      [0, 2],
      [3, 2],
    ]
    const orders = [links, links.toReversed()].map(async (listed) => {
      const bench = new Workbench()
      const children = ['a', 'b', 'c', 'd', 'e'].map((name) => node(bench, name))
      return await order(
        bench,
        graph('g', children, { links: listed.map(([from, to]) => ({ from: children[from]!, to: children[to]! })) }),
      )
    })
    expect(await Promise.all(orders)).toEqual(['a e b d c', 'a e b d c'])
  })

  it('reverts in the reverse of the order that the links demand', async () => {
    const bench = new Workbench()
    const root = graph('g', [
      atom(bench.failing('x'), { requires: ['b'] }),
      node(bench, 'b', ['a'], 'b'),
      node(bench, 'a', [], 'a'),
      node(bench, 'alone'),
    ])
    expect(await ending(new Engine(root).run({}))).toBe('x broke')
    expect(bench.log).toEqual(['a', 'alone', 'b', 'x', '-x', '-alone', '-b', '-a'])
  })

  it('takes what the run is given where no other child provides it', async () => {
    const bench = new Workbench()
    const root = graph('g', [node(bench, 'a', ['x', 'given'], 'y'), node(bench, 'b', ['y', 'given'], 'z')])
    expect([...wantedBy(root)].toSorted()).toEqual(['given', 'x'])
    expect([...givenBy(root)]).toEqual(['y', 'z'])
    expect(await order(bench, root, { x: 1, given: 2 })).toBe('a b')
    expect(await ending(new Engine(root).run({ x: 1 }))).toContain("nothing provides 'given' (needed by 'a', 'b')")
  })

  it('may take a symbol that it provides itself: that comes from elsewhere', async () => {
    const bench = new Workbench()
    const grow = atom(
      bench.taking('grow', ({ x }) => Number(x) + 1),
      { requires: ['x'], provides: 'x' },
    )
    expect(edgesOf(graph('g', [grow]))).toEqual([])
    const first = atom(
      bench.quick('one', () => 1),
      { provides: 'x' },
    )
    const root = linear('f', [first, graph('g', [grow]), atom(bench.taking('show'), { requires: ['x'] })])
    expect(await order(bench, root)).toBe('one grow(x=1) show(x=2)')
    expect(await ending(new Engine(graph('g', [grow])).run({}))).toContain("nothing provides 'x' (needed by 'grow'")
  })

  it('needs no edge for what is injected, and gets one for what its revert alone takes', () => {
    const bench = new Workbench()
    const root = graph('g', [
      node(bench, 'a', [], 'x'),
      atom(bench.quick('b'), { requires: ['x'], inject: { x: 1 } }),
      atom(bench.quick('c'), { revertRequires: ['x'] }),
    ])
    expect(edgesOf(root)).toEqual(['a>c x'])
  })

  it('waits for a provider of an optional argument', async () => {
    const bench = new Workbench()
    const root = graph('g', [
      atom(bench.taking('b'), { optional: ['x', 'y'] }),
      atom(
        bench.taking('a', () => 1),
        { provides: 'x' },
      ),
    ])
    expect(edgesOf(root)).toEqual(['a>b x'])
    expect(await order(bench, root)).toBe('a() b(x=1)')
  })
})

describe('an edge', () => {
  it('is one for a pair, with every symbol because of which it is there', () => {
    const bench = new Workbench()
    const both = atom(bench.quick('both'), { provides: ['x', 'y'] })
    const user = node(bench, 'user', ['y', 'x'])
    expect(edgesOf(graph('g', [both, user]))).toEqual(['both>user y,x'])
    expect(edgesOf(graph('g', [user, both]))).toEqual(['both>user x,y'])
    expect(edgesOf(graph('g', [both, user], { links: [{ from: both, to: user, decider: yes }] }))).toEqual([
      'both>user y,x ? ALL',
    ])
  })

  it.each<[string, readonly Omit<Link, 'from' | 'to'>[], string]>([
    ['twice without a decider', [{}, {}], 'a>b'],
    ['first without, then with a decider', [{}, { decider: yes, depth: 'ATOM' }], 'a>b ? ATOM'],
    ['first with, then without a decider', [{ decider: yes, depth: 'FLOW' }, {}], 'a>b ? FLOW'],
    [
      'with two depths',
      [
        { decider: yes, depth: 'FLOW' },
        { decider: yes, depth: 'NEIGHBORS' },
      ],
      'a>b ? NEIGHBORS',
    ],
    ['with a depth, then without', [{ decider: yes, depth: 'FLOW' }, { decider: yes }], 'a>b ? ALL'],
  ])('that is linked %s is one', (_, listed, edge) => {
    const bench = new Workbench()
    const [a, b] = [node(bench, 'a'), node(bench, 'b')]
    const links = listed.map((link) => ({ from: a, to: b, ...link }))
    expect(edgesOf(graph('g', [a, b], { links }))).toEqual([edge])
  })

  it('that is linked again asks the later decider', async () => {
    for (const [answers, ran] of [
      [[false, true], 'a b'],
      [[true, false], 'a'],
    ] as const) {
      const bench = new Workbench()
      const [a, b] = [node(bench, 'a'), node(bench, 'b')]
      const links = answers.map((answer) => ({ from: a, to: b, decider: () => answer }))
      expect(await order(bench, graph('g', [a, b], { links }))).toBe(ran)
    }
  })
})

describe('a graph with two providers of a symbol', () => {
  it('is refused where a child after them needs it, naming all', () => {
    const bench = new Workbench()
    const make = (): FlowNode =>
      graph('g', [
        node(bench, 'a', [], 'x'),
        linear('part', [node(bench, 'b', [], 'x')]),
        node(bench, 'c', [], 'x'),
        node(bench, 'user', ['x']),
      ])
    expect(thrownBy(make)).toMatchObject({
      name: 'TaskFlowError',
      code: 'ambiguous-dependency',
      message:
        "in graph 'g' 'user' needs 'x', which 'a' and 'part' and 'c' provide: " +
        "rebind 'user' to a symbol that only one provides, or place it before the others",
    })
  })

  it('gives the first of them to a child before them', async () => {
    const bench = new Workbench()
    const give = (name: string): PlainNode => atom(bench.quick(name), { provides: 'x' })
    const root = graph('g', [atom(bench.taking('user'), { requires: ['x'] }), give('a'), give('b')])
    expect(edgesOf(root)).toEqual(['a>user x'])
    expect(await order(bench, root)).toBe('a b user(x="a")')
  })

  it('gives the one between them to a child that stands between them', async () => {
    const bench = new Workbench()
    const give = (name: string): PlainNode => atom(bench.quick(name), { provides: 'x' })
    const root = graph('g', [give('a'), atom(bench.taking('user'), { requires: ['x'] }), give('b')])
    expect(edgesOf(root)).toEqual(['a>user x'])
    expect(await order(bench, root)).toBe('a b user(x="a")')
  })

  it('is no trouble where nobody needs it, or it is injected', () => {
    const bench = new Workbench()
    const user = atom(bench.quick('user'), { requires: ['x'], inject: { x: 1 } })
    expect(edgesOf(graph('g', [node(bench, 'a', [], 'x'), node(bench, 'b', [], 'x'), user]))).toEqual([])
  })
})

describe('a circle', () => {
  const circles: readonly [string, (bench: Workbench) => FlowNode, string][] = [
    [
      'of symbols',
      (bench) => graph('g', [node(bench, 'a', ['y'], 'x'), node(bench, 'b', ['x'], 'y'), node(bench, 'free')]),
      "'a', 'b'",
    ],
    [
      'of links',
      (bench) => {
        const [a, b, c] = [node(bench, 'a'), node(bench, 'b'), node(bench, 'c')]
        const links = [
          { from: a, to: b },
          { from: b, to: c },
          { from: c, to: a },
        ]
        return graph('g', [node(bench, 'free'), a, b, c], { links })
      },
      "'a', 'b', 'c'",
    ],
    [
      'of a symbol and a link',
      (bench) => {
        const [a, b] = [node(bench, 'a', [], 'x'), node(bench, 'b', ['x'])]
        return graph('g', [a, b], { links: [{ from: b, to: a }] })
      },
      "'a', 'b'",
    ],
    [
      'of one link to itself',
      (bench) => {
        const a = node(bench, 'a')
        return graph('g', [a, node(bench, 'free')], { links: [{ from: a, to: a }] })
      },
      "'a'",
    ],
    [
      'through a flow',
      (bench) => graph('g', [node(bench, 'a', ['y'], 'x'), linear('part', [node(bench, 'b', ['x'], 'y')])]),
      "'a', 'part'",
    ],
  ]

  it.each(circles)('%s is refused, naming who is in it', (_, make, names) => {
    expect(thrownBy(() => make(new Workbench()))).toMatchObject({
      code: 'dependency-cycle',
      message: `graph 'g' has no order: some of these wait for one another: ${names}`,
    })
  })

  it('names what waits for it too, and nothing that does not', () => {
    const bench = new Workbench()
    const make = (): FlowNode =>
      graph('g', [
        node(bench, 'before', [], 'z'),
        node(bench, 'a', ['y', 'z'], 'x'),
        node(bench, 'b', ['x'], 'y'),
        node(bench, 'after', ['y']),
      ])
    expect(thrownBy(make)).toMatchObject({ message: expect.stringMatching(/: 'a', 'b', 'after'$/) })
  })
})

describe('a link that makes no sense', () => {
  const bench = new Workbench()
  const [a, b, stranger] = [node(bench, 'a'), node(bench, 'b'), node(bench, 'stranger')]
  const inner = node(bench, 'inner')
  const part = linear('part', [inner])

  it.each<[string, Link, string]>([
    ['from a stranger', { from: stranger, to: a }, "cannot link 'stranger' to 'a': 'stranger' is not in it"],
    ['to a stranger', { from: a, to: stranger }, "cannot link 'a' to 'stranger': 'stranger' is not in it"],
    ['to what is inside a part', { from: a, to: inner }, "cannot link 'a' to 'inner': 'inner' is not in it"],
    ['to a copy of a child', { from: a, to: { ...b } }, "cannot link 'a' to 'b': 'b' is not in it"],
    [
      'with a depth alone',
      { from: a, to: b, depth: 'ATOM' },
      "cannot link 'a' to 'b': a depth ('ATOM') needs a decider",
    ],
    [
      'with a decider that is none',
      { from: a, to: b, decider: 'no' as unknown as Decider },
      "cannot link 'a' to 'b': a decider must be a function",
    ],
    [
      'with a depth that is none',
      { from: a, to: b, decider: yes, depth: 'atom' as Depth },
      'a depth is one of ALL, FLOW, NEIGHBORS, ATOM, PART, not "atom"',
    ],
  ])('%s is refused', (_, link, message) => {
    const error = thrownBy(() => graph('g', [a, b, part], { links: [link] }))
    expect(error).toMatchObject({ code: 'invalid-flow', message: expect.stringContaining(message) })
    expect(error).toMatchObject({ message: expect.stringMatching(/^graph 'g' cannot link/) })
  })
})

describe('of several errors the first is raised', () => {
  const bench = new Workbench()
  const [a, b, stranger] = [node(bench, 'a'), node(bench, 'b'), node(bench, 'stranger')]
  const circle = [node(bench, 'x', ['q'], 'p'), node(bench, 'y', ['p'], 'q')]
  const ambiguous = [node(bench, 'm', [], 's'), node(bench, 'n', [], 's'), node(bench, 'user', ['s'])]
  const cases: readonly [string, readonly PlainNode[], GraphOptions, string][] = [
    ['a circle of the children, then two providers', [...circle, ...ambiguous], {}, 'dependency-cycle'],
    ['two providers, then a circle', [...ambiguous, ...circle], {}, 'ambiguous-dependency'],
    ['two providers, then a stranger', ambiguous, { links: [{ from: stranger, to: a }] }, 'ambiguous-dependency'],
    [
      'a circle of links, then a stranger',
      [a, b],
      {
        links: [
          { from: a, to: b },
          { from: b, to: a },
          { from: stranger, to: a },
        ],
      },
      'dependency-cycle',
    ],
    [
      'a stranger, then a circle of links',
      [a, b],
      {
        links: [
          { from: stranger, to: a },
          { from: a, to: b },
          { from: b, to: a },
        ],
      },
      'invalid-flow',
    ],
    ['a stranger, then a target that is none', [a], { links: [{ from: stranger, to: a }], target: b }, 'invalid-flow'],
  ]

  it.each(cases)('%s', (_, children, options, code) => {
    expect(thrownBy(() => graph('g', children, options))).toMatchObject({ code })
  })
})

describe('a flow in a graph', () => {
  it('is linked by what anything in it takes and gives', async () => {
    const bench = new Workbench()
    const root = graph('g', [
      linear('user', [node(bench, 'own', [], 'z'), unordered('deep', [node(bench, 'u', ['x', 'z'])])]),
      linear('giver', [unordered('wide', [node(bench, 'v', [], 'x')]), node(bench, 'w')]),
    ])
    expect(edgesOf(root)).toEqual(['giver>user x'])
    expect(await order(bench, root)).toBe('v w own u')
  })

  it('wants what comes too late in it from outside', () => {
    const bench = new Workbench()
    const late = linear('late', [node(bench, 'u', ['x']), node(bench, 'v', [], 'x')])
    expect([...wantedBy(late)]).toEqual(['x'])
    expect(edgesOf(graph('g', [late, node(bench, 'w', [], 'x')]))).toEqual(['w>late x'])
    const beside = unordered('beside', [node(bench, 'u', ['x']), node(bench, 'v', [], 'x')])
    expect(edgesOf(graph('g', [beside, node(bench, 'w', [], 'x')]))).toEqual(['w>beside x'])
  })

  it('is linked by what its retry takes and gives', () => {
    const bench = new Workbench()
    const retried = linear('retried', [node(bench, 'a')], {
      retry: controller(forEach([1]), { requires: ['seed'], provides: 'n' }),
    })
    const root = graph('g', [node(bench, 'user', ['n']), retried, node(bench, 'giver', [], 'seed')])
    expect(edgesOf(root)).toEqual(['giver>retried seed', 'retried>user n'])
  })

  it('may be a graph, and be linked by hand as a whole', async () => {
    const bench = new Workbench()
    const inner = graph('inner', [node(bench, 'b', ['x']), node(bench, 'a', [], 'x')])
    const after = node(bench, 'after')
    const before = node(bench, 'before')
    const root = graph('g', [after, inner, before], {
      links: [
        { from: inner, to: after },
        { from: before, to: inner },
      ],
    })
    expect(await order(bench, root)).toBe('before a b after')
  })

  it('that is empty still holds the order', async () => {
    const bench = new Workbench()
    const empty = linear('empty', [])
    const [a, b] = [node(bench, 'a'), node(bench, 'b')]
    const links = [
      { from: b, to: empty },
      { from: empty, to: a },
    ]
    expect(await order(bench, graph('g', [a, empty, b], { links }))).toBe('b a')
  })

  it('sees what the graph around it waits for, the nearer provider first', async () => {
    const bench = new Workbench()
    const give = (name: string): AtomNode => atom(bench.quick(name), { provides: 'x' })
    const show = atom(bench.taking('show'), { requires: ['x'] })
    const [far, near] = [give('far'), give('near')]
    const part = linear('part', [show])
    const root = linear('f', [far, graph('g', [part, near])])
    expect(await order(bench, root)).toBe('far near show(x="near")')
  })
})

describe('the retry of a graph', () => {
  it('gives its value to all children, which then do not wait for another that provides it', async () => {
    const bench = new Workbench()
    const root = graph(
      'g',
      [
        atom(bench.taking('user'), { requires: ['n'] }),
        atom(bench.quick('other'), { provides: 'n' }),
        atom(bench.taking('again'), { requires: ['n'] }),
      ],
      { retry: controller(times(2), { provides: 'n' }) },
    )
    expect(edgesOf(root)).toEqual([])
    expect([...wantedBy(root)]).toEqual([])
    expect(await order(bench, root)).toBe('user(n=1) other again(n=1)')
  })

  it('tries the whole graph again, in the same order', async () => {
    const bench = new Workbench()
    const root = graph('g', [atom(bench.unsteady('last', 1), { requires: ['x'] }), node(bench, 'first', [], 'x')], {
      retry: controller(times(2)),
    })
    expect(await order(bench, root)).toBe('first last -last -first first last')
  })
})

describe('a graph with a target', () => {
  const children = (bench: Workbench): readonly AtomNode[] => [
    node(bench, 'after', ['t']),
    node(bench, 'target', ['x'], 't'),
    node(bench, 'before', ['w'], 'x'),
    node(bench, 'beside', ['given']),
    node(bench, 'first', [], 'w'),
  ]

  it('runs it and what it waits for, near and far, and nothing else', async () => {
    const bench = new Workbench()
    const all = children(bench)
    const watch = watched(graph('g', all, { target: all[1]! }))
    await watch.engine.run({})
    expect(bench.log).toEqual(['first', 'before', 'target'])
    expect(watch.states).toBe('flow SUCCESS, first SUCCESS, before SUCCESS, target SUCCESS')
    expect(watch.engine.compile().atoms.flatMap((found) => found?.name ?? [])).toEqual(['first', 'before', 'target'])
  })

  it('needs no input of what does not run', () => {
    const bench = new Workbench()
    const all = children(bench)
    expect(thrownBy(() => new Engine(graph('g', all)).validate({}))).toMatchObject({ code: 'missing-dependencies' })
    new Engine(graph('g', all, { target: all[1]! })).validate({})
  })

  it('counts links by hand, too', async () => {
    const bench = new Workbench()
    const all = children(bench)
    const links = [{ from: all[3]!, to: all[4]! }]
    expect(await order(bench, graph('g', all, { target: all[1]!, links }), { given: 1 })).toBe(
      'beside first before target',
    )
  })

  it('lets nobody after it see what does not run', async () => {
    const bench = new Workbench()
    const [a, b] = [node(bench, 'a', [], 'x'), node(bench, 'b', [], 'y')]
    const root = linear('f', [graph('g', [a, b], { target: a }), node(bench, 'user', ['y'])])
    expect(await ending(new Engine(root).run({}))).toContain("nothing provides 'y' (needed by 'user')")
  })

  it('is asked nothing by deciders of what does not run', async () => {
    const bench = new Workbench()
    const [a, b, c] = [node(bench, 'a'), node(bench, 'b'), node(bench, 'c')]
    const links: readonly Link[] = [
      { from: a, to: b },
      { from: a, to: c, decider: () => bench.log.push('asked') > 0 },
    ]
    expect(await order(bench, graph('g', [a, b, c], { links, target: b }))).toBe('a b')
  })

  it('may be targeted at a flow', async () => {
    const bench = new Workbench()
    const part = linear('part', [node(bench, 'a', ['x']), node(bench, 'b')])
    const root = graph('g', [node(bench, 'beside'), part, node(bench, 'first', [], 'x')], { target: part })
    expect(await order(bench, root)).toBe('first a b')
  })

  it('is refused when the target is not in it', () => {
    const bench = new Workbench()
    const inner = node(bench, 'inner')
    for (const target of [node(bench, 'stranger'), inner]) {
      expect(thrownBy(() => graph('g', [linear('part', [inner])], { target }))).toMatchObject({
        code: 'invalid-flow',
        message: `the target of graph 'g', '${target.name}', is not in it`,
      })
    }
  })
})

describe('the children of any flow', () => {
  it('say what they give and want', () => {
    const bench = new Workbench()
    const a = atom(bench.quick('a'), {
      requires: ['w', 'mine'],
      optional: ['o'],
      inject: { mine: 1 },
      revertRequires: ['r'],
      provides: new Set(['x', 'y']),
    })
    expect([...wantedBy(a)].toSorted()).toEqual(['o', 'r', 'w'])
    expect([...givenBy(a)]).toEqual(['x', 'y'])
    const line = linear('line', [a, node(bench, 'b', ['x', 'z'], 'v')])
    expect([...wantedBy(line)].toSorted()).toEqual(['o', 'r', 'w', 'z'])
    expect([...givenBy(line)]).toEqual(['x', 'y', 'v'])
    const wide = unordered('wide', [a, node(bench, 'b', ['x', 'n'])], {
      retry: controller(times(1), { requires: ['q'], provides: 'n' }),
    })
    expect([...wantedBy(wide)].toSorted()).toEqual(['o', 'q', 'r', 'w', 'x'])
    expect([...givenBy(wide)]).toEqual(['n', 'x', 'y'])
  })

  it('of a graph want what only comes from those that they do not wait for', () => {
    const bench = new Workbench()
    // `early` takes the x of `first`; `second` has one too, but nobody waits for it.
    const root = graph('g', [
      node(bench, 'early', ['x']),
      node(bench, 'first', [], 'x'),
      node(bench, 'second', [], 'x'),
    ])
    expect([...wantedBy(root)]).toEqual([])
    const [giver, taker] = [node(bench, 'giver', ['t'], 'x'), node(bench, 'taker', [], 't')]
    expect([...wantedBy(graph('g', [giver, taker]))]).toEqual([])
    expect([...wantedBy(graph('g', [node(bench, 'self', ['x'], 'x')]))]).toEqual(['x'])
  })
})

describe('a graph of a typed flow', () => {
  const add = task({ name: 'add', execute: ({ a, b }: { a: number; b: number }) => a + b })
  const one = task({ name: 'one', execute: () => 1 })

  it('runs its steps as soon as what they take is there', async () => {
    const bench = new Workbench()
    const written = flow('f', (f) =>
      f.graph('g', (g) => {
        const first = g.add(bench.held('first'), {})
        g.add(bench.held('beside'), {})
        g.add(bench.taking('second'), { x: first })
        return first
      }),
    )
    const done = run(written, {}, { mode: 'parallel' })
    await turn()
    expect(bench.underWay).toEqual(['first', 'beside'])
    await bench.end('first', 7)
    expect(bench.log).toEqual(['first', 'beside', 'second(x=7)'])
    await bench.end('beside')
    await expect(done).resolves.toBe(7)
  })

  it('links steps by hand, and parts by what is made in them', async () => {
    const bench = new Workbench()
    const written = flow('f', (f) => {
      f.graph('g', (g) => {
        const last = g.linear('last part', (h) => h.add(bench.quick('c'), {}))
        const middle = g.add(bench.quick('b'), {})
        const first = g.unordered('first part', (h) => h.linear('deep', (i) => i.add(bench.quick('a'), {})))
        g.link(first, middle)
        g.link(middle, last)
      })
    })
    await run(written, {})
    expect(bench.log).toEqual(['a', 'b', 'c'])
  })

  it('waits with a step for a part that makes what it takes', async () => {
    const written = flow('f', (f, { n }: Inputs<{ n: number }>) =>
      f.graph('g', (g) => {
        const made = g.linear('part', (h) => h.add(add, { a: n, b: 1 }, { name: 'inside' }))
        return g.add(add, { a: made, b: g.add(one, {}) })
      }),
    )
    await expect(run(written, { n: 5 })).resolves.toBe(7)
    expect(edgesOf(written.root.children[0] as FlowNode)).toEqual(['one>add one', 'part>add inside'])
  })

  it('decides by the value of a step, or a part of it, whether another runs', async () => {
    const size = task({ name: 'size', execute: ({ bytes }: { bytes: number }) => ({ in: { bytes } }) })
    const measure = (bytes: number, bench: Workbench): Promise<unknown> =>
      run(
        flow('f', (f) => {
          f.graph('g', (g) => {
            const measured = g.add(size, { bytes })
            const compress = g.add(bench.quick('compress'), {})
            g.decide(measured.at('in').at('bytes'), compress, (value) => value > 100)
            g.link(compress, g.add(bench.quick('after'), {}))
          })
        }),
        {},
      )
    const [large, small] = [new Workbench(), new Workbench()]
    await measure(200, large)
    await measure(50, small)
    expect(large.log).toEqual(['compress', 'after'])
    expect(small.log).toEqual([])
  })

  it('decides with a depth', async () => {
    const bench = new Workbench()
    const written = flow('f', (f) => {
      f.graph('g', (g) => {
        const first = g.add(one, {})
        const step = g.add(bench.quick('step'), {})
        g.decide(first, step, (value) => value > 1, 'ATOM')
        g.link(step, g.add(bench.quick('after'), {}))
      })
    })
    await run(written, {})
    expect(bench.log).toEqual(['after'])
  })

  const stranger = (): Handle<number> => {
    const kept: Handle<number>[] = []
    flow('other', (f) => void kept.push(f.add(one, {})))
    return kept[0]!
  }
  const wrongs: readonly [string, (g: GraphScope, outside: Handle<number>) => void, string, string][] = [
    [
      'link from a value of another flow',
      (g) => g.link(stranger(), g.add(add, { a: 1, b: 1 })),
      'foreign-handle',
      "a link in graph 'g' takes 'one' of flow 'other', but it is part of flow 'f'",
    ],
    [
      'link to a value of another flow',
      (g) => g.link(g.add(add, { a: 1, b: 1 }), stranger()),
      'foreign-handle',
      "a link in graph 'g' takes 'one' of flow 'other'",
    ],
    [
      'link to a step outside of it',
      (g, outside) => g.link(g.add(add, { a: 1, b: 1 }), outside),
      'invalid-flow',
      "graph 'g' cannot link 'before', which is not made in it; it has 'add'",
    ],
    [
      'link where it is empty',
      (g, outside) => g.link(outside, outside),
      'invalid-flow',
      "graph 'g' cannot link 'before', which is not made in it; it has nothing",
    ],
    [
      'decide by what is made inside of a part',
      (g) => {
        const inside = g.linear('part', (h) => h.add(one, {}))
        g.decide(inside, g.add(add, { a: 1, b: 1 }), () => true)
      },
      'invalid-flow',
      "graph 'g' cannot decide about 'one': it is made inside of 'part'; a decider can ask only about a step of the graph itself",
    ],
    [
      'decide by a value of another flow',
      (g) => g.decide(stranger(), g.add(add, { a: 1, b: 1 }), () => true),
      'foreign-handle',
      "takes 'one' of flow 'other'",
    ],
    [
      'link in a circle',
      (g) => {
        const first = g.add(one, {})
        g.link(g.add(add, { a: first, b: 1 }), first)
      },
      'dependency-cycle',
      "graph 'g' has no order: some of these wait for one another: 'one', 'add'",
    ],
  ]

  it.each(wrongs)('does not %s', (_, write, code, message) => {
    const make = (): unknown =>
      flow('f', (f) => {
        const before = f.add(one, {}, { name: 'before' })
        f.graph('g', (g) => write(g, before))
      })
    expect(thrownBy(make)).toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it('types the value that is tested', () => {
    flow('f', (f) => {
      f.graph('g', (g) => {
        const first = g.add(one, {})
        const sum = g.add(add, { a: first, b: 1 })
        // @ts-expect-error a number is not a text
        g.decide(first, sum, (value: string) => value === '')
        // @ts-expect-error a constant is made by no step
        const wrong = (): void => g.link(1, sum)
        expect(wrong).toThrow()
      })
    })
  })

  it('is not written any more when the function that writes it has returned', () => {
    const kept: GraphScope[] = []
    flow('f', (f) => f.graph('g', (g) => void kept.push(g)))
    expect(thrownBy(() => kept[0]!.add(one, {}))).toMatchObject({ code: 'invalid-flow' })
    expect(
      thrownBy(() =>
        kept[0]!.when(
          'w',
          stranger(),
          () => true,
          () => {},
        ),
      ),
    ).toMatchObject({ name: 'TaskFlowError' })
  })
})
