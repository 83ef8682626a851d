import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Colors, leftOutColors, plainColors, stateColors } from '../src/drawing/colors.ts'
import { drawDot } from '../src/drawing/dot.ts'
import { type Drawable, type States, statesOf } from '../src/drawing/drawable.ts'
import { drawMermaid } from '../src/drawing/mermaid.ts'
import { drawTree } from '../src/drawing/tree.ts'
import {
  type AtomOptions,
  type AtomState,
  atom,
  atomTransitions,
  compile,
  controller,
  type Depth,
  type FlowNode,
  flow,
  graph,
  type Inputs,
  type Link,
  linear,
  MemoryBackend,
  type PlainNode,
  run,
  task,
  times,
  unordered,
} from '../src/index.ts'

const work = task({ name: 'work', execute: () => 1 })
const yes = (): boolean => true

function step(name: string, options: AtomOptions = {}): PlainNode {
  return atom(work, { name, ...options })
}

function lines(text: string): readonly string[] {
  return text.split('\n')
}

/** The lines of a digraph but for its head and end, which are the same for all. */
function body(dot: string): readonly string[] {
  const all = lines(dot)
  return all.slice(
    all.findIndex((line) => line.includes('subgraph')),
    -1,
  )
}

const retried = linear('fetch', [step('load', { requires: ['uri'], provides: 'file' }), step('check')], {
  retry: controller(times(3), { provides: 'attempt' }),
})
const stores = unordered('stores', [step('a'), linear('deep', [step('b'), step('c')]), unordered('none', [])])

/** Every kind of edge: by a symbol, by hand, both with a decider, and one from a part. */
function decided(target = false): FlowNode {
  const make = step('make', { provides: 'x' })
  const use = step('use', { requires: ['x'] })
  const part = linear('part', [step('p1'), step('p2')])
  const end = step('end')
  const links: Link[] = [
    { from: make, to: part, decider: yes, depth: 'ATOM' },
    { from: part, to: end },
    { from: make, to: use, decider: yes },
  ]
  return graph('g', [make, use, part, end], { links, ...(target ? { target: use } : {}) })
}

/** Runs for a part, and leaves out another that has a retry. */
function aimed(): FlowNode {
  const part = linear('part', [step('p')])
  const other = linear('other', [step('o')], { retry: controller(times(2)) })
  return graph('g', [part, other], { target: part, retry: controller(times(3)) })
}

const hostileEdge = graph('"g"\\', [step('a', { provides: 'x"y\\' }), step('b', { requires: ['x"y\\'] })])

describe('a tree', () => {
  it('has a line for each node, in the order of the document, the retry of a flow first', () => {
    expect(lines(drawTree(linear('get', [step('lock'), retried, stores])))).toEqual([
      "linear 'get'",
      '├─ lock',
      "├─ linear 'fetch'",
      '│  ├─ retry fetch_retry provides attempt',
      '│  ├─ load requires uri; provides file',
      '│  └─ check',
      "└─ unordered 'stores'",
      '   ├─ a',
      "   ├─ linear 'deep'",
      '   │  ├─ b',
      '   │  └─ c',
      "   └─ unordered 'none' (empty)",
    ])
  })

  it('says in a graph what waits for what, by which symbols, and how deep a decider goes', () => {
    expect(lines(drawTree(decided()))).toEqual([
      "graph 'g'",
      '├─ make provides x',
      '├─ use requires x; waits for make (x; decider ALL)',
      "├─ linear 'part' waits for make (decider ATOM)",
      '│  ├─ p1',
      '│  └─ p2',
      "└─ end waits for linear 'part'",
    ])
  })

  it('says what a graph runs for, and what it leaves out', () => {
    expect(lines(drawTree(decided(true), new Map([['make', 'SUCCESS']])))).toEqual([
      "graph 'g', target use",
      '├─ make [SUCCESS] provides x',
      '├─ use [PENDING] requires x; waits for make (x; decider ALL)',
      "├─ linear 'part' (left out) waits for make (decider ATOM)",
      '│  ├─ p1 (left out)',
      '│  └─ p2 (left out)',
      "└─ end (left out) waits for linear 'part'",
    ])
  })

  it('says what each atom is at when states are given, PENDING where they say nothing', () => {
    const states: States = new Map([
      ['fetch_retry', 'SUCCESS'],
      ['load', 'FAILURE'],
    ])
    expect(lines(drawTree(retried, states))).toEqual([
      "linear 'fetch'",
      '├─ retry fetch_retry [SUCCESS] provides attempt',
      '├─ load [FAILURE] requires uri; provides file',
      '└─ check [PENDING]',
    ])
  })

  it('names where an argument comes from if that is not its own name, and keeps injected ones to itself', () => {
    const options = {
      requires: ['image', 'size', 'secret'],
      optional: ['mode'],
      rebind: { size: 'bytes' },
      inject: { secret: 'hush' },
      revertRequires: ['token'],
      provides: ['x', 'y'],
    }
    expect(lines(drawTree(linear('f', [step('a', options)])))[1]).toBe(
      '└─ a requires image, size=bytes, mode?; revert requires token; provides x, y',
    )
  })

  it('names the part of a value that an argument is', () => {
    const typed = flow('f', (f, { disk }: Inputs<{ disk: { sizes: readonly [number, number] } }>) => {
      const size = f.add(task({ name: 'grow', execute: ({ by }: { by: number }) => ({ by }) }), {
        by: disk.at('sizes').at('1'),
      })
      f.add(task({ name: 'log', execute: ({ size, to }: { size: { by: number }; to: string }) => `${size.by}${to}` }), {
        size,
        to: 'file',
      })
    })
    expect(lines(drawTree(typed))).toEqual([
      "linear 'f'",
      '├─ grow requires by=disk.sizes.1',
      '└─ log requires size=grow',
    ])
  })

  it('does not say that a result is provided under the name of its atom, but for a part of it', () => {
    const drawn = lines(drawTree(linear('f', [step('a', { provides: 'a' }), step('b', { provides: new Set(['b']) })])))
    expect(drawn.slice(1)).toEqual(['├─ a', '└─ b provides b'])
  })

  it('of an empty flow is one line, and of one with only a retry two', () => {
    expect(drawTree(graph('g', []))).toBe("graph 'g' (empty)")
    expect(lines(drawTree(linear('f', [], { retry: controller(times(2)) })))).toEqual([
      "linear 'f'",
      '└─ retry f_retry',
    ])
  })

  it('quotes names that could be misread, and keeps each on its line', () => {
    const names = ['a [SUCCESS]', "it's", 'back\\slash', 'two\nlines', '\u202Eright', '\u0000\u007F', 'half\uD800']
    expect(
      lines(
        drawTree(
          linear(
            "f'\n",
            [...names, 'é', 'a-1.b:c', 'large?', '日本', '👩‍🚀'].map((name) => step(name)),
          ),
        ),
      ),
    ).toEqual([
      String.raw`linear 'f\'␊'`,
      "├─ 'a [SUCCESS]'",
      String.raw`├─ 'it\'s'`,
      String.raw`├─ 'back\\slash'`,
      "├─ 'two␊lines'",
      "├─ '\uFFFDright'",
      "├─ '␀␡'",
      "├─ 'half\uFFFD'",
      '├─ é',
      '├─ a-1.b:c',
      '├─ large?',
      '├─ 日本',
      "└─ '👩‍🚀'",
    ])
  })

  it('stops indenting after 64 levels, and says the depth instead', () => {
    let nested = linear('deepest', [step('a')])
    for (let depth = 99; depth >= 0; depth--) nested = linear(`f${depth}`, [nested])
    const drawn = lines(drawTree(nested))
    expect(drawn[64]).toBe(`${'   '.repeat(63)}└─ linear 'f64'`)
    expect(drawn[65]).toBe(`${'   '.repeat(64)}65: linear 'f65'`)
    expect(drawn[101]).toBe(`${'   '.repeat(64)}101: a`)
  })
})

const dark = 'color="#374151", fontcolor="#111827"'

describe('DOT', () => {
  it('is a whole digraph', () => {
    expect(lines(drawDot(linear('f', [step('a')])))).toEqual([
      'digraph {',
      '  compound=true',
      '  graph [fontname="Helvetica,Arial,sans-serif"]',
      '  node [fontname="Helvetica,Arial,sans-serif", shape=box, style="rounded,filled", fillcolor="#ffffff", ' +
        'color="#374151", fontcolor="#111827"]',
      '  edge [fontname="Helvetica,Arial,sans-serif", fontsize=10]',
      '  subgraph cluster_n0 {',
      `    graph [label="linear 'f'", style=rounded, ${dark}, penwidth=1]`,
      '    n1 [label="a"]',
      '  }',
      '}',
    ])
  })

  it('joins flows border to border, from the last atom of the longest way to the first', () => {
    expect(body(drawDot(linear('get', [step('lock'), retried, stores, step('done')])))).toEqual([
      '  subgraph cluster_n0 {',
      `    graph [label="linear 'get'", style=rounded, ${dark}, penwidth=1]`,
      '    n1 [label="lock"]',
      '    subgraph cluster_n2 {',
      `      graph [label="linear 'fetch'", style=rounded, ${dark}, penwidth=1]`,
      '      n3 [label="fetch_retry", shape=hexagon, style="filled"]',
      '      n4 [label="load"]',
      '      n5 [label="check"]',
      '    }',
      '    subgraph cluster_n6 {',
      `      graph [label="unordered 'stores'", style=rounded, ${dark}, penwidth=1]`,
      '      n7 [label="a"]',
      '      subgraph cluster_n8 {',
      `        graph [label="linear 'deep'", style=rounded, ${dark}, penwidth=1]`,
      '        n9 [label="b"]',
      '        n10 [label="c"]',
      '      }',
      '      subgraph cluster_n11 {',
      `        graph [label="unordered 'none'", style=rounded, ${dark}, penwidth=1]`,
      '        n12 [label="(empty)", shape=plaintext, style=""]',
      '      }',
      '    }',
      '    n13 [label="done"]',
      '  }',
      '  n3 -> n4',
      '  n4 -> n5',
      '  n9 -> n10',
      '  n1 -> n3 [lhead=cluster_n2]',
      '  n5 -> n9 [ltail=cluster_n2, lhead=cluster_n6]',
      '  n10 -> n13 [ltail=cluster_n6]',
    ])
  })

  it('shows symbols, deciders and the target of a graph, and what that leaves out', () => {
    const grey = 'fillcolor="#ffffff", color="#6b7280", fontcolor="#4b5563"'
    expect(body(drawDot(decided(true)))).toEqual([
      '  subgraph cluster_n0 {',
      `    graph [label="graph 'g', target use", style=rounded, ${dark}, penwidth=1]`,
      '    n1 [label="make"]',
      '    n2 [label="use", penwidth=3]',
      '    subgraph cluster_n3 {',
      `      graph [label="linear 'part' (left out)", style="rounded,dashed", color="#374151", fontcolor="#4b5563", penwidth=1]`,
      String.raw`      n4 [label="p1\n(left out)", style="rounded,filled,dashed", ${grey}]`,
      String.raw`      n5 [label="p2\n(left out)", style="rounded,filled,dashed", ${grey}]`,
      '    }',
      String.raw`    n6 [label="end\n(left out)", style="rounded,filled,dashed", ${grey}]`,
      '  }',
      '  n4 -> n5',
      String.raw`  n1 -> n2 [label="x\ndecider ALL", style=dashed]`,
      '  n1 -> n4 [label="decider ATOM", style=dashed, lhead=cluster_n3]',
      '  n5 -> n6 [ltail=cluster_n3]',
    ])
  })

  it('gives the target of a graph a thick border, also a flow, and what it leaves out a dashed one, also a retry', () => {
    const drawn = drawDot(aimed())
    expect(drawn).toContain(`graph [label="linear 'part'", style=rounded, ${dark}, penwidth=3]`)
    expect(drawn).toContain(String.raw`[label="other_retry\n(left out)", shape=hexagon, style="filled,dashed",`)
  })

  it('has no arrow from a retry to what its graph leaves out', () => {
    expect(body(drawDot(aimed())).slice(-2)).toEqual(['  n5 -> n6', '  n1 -> n3 [lhead=cluster_n2]'])
  })

  it('colours atoms by state, and writes it', () => {
    expect(drawDot(retried, new Map([['load', 'FAILURE']]))).toContain(
      String.raw`n2 [label="load\nFAILURE", fillcolor="#fecaca", color="#b91c1c", fontcolor="#111827"]`,
    )
    expect(drawDot(retried, new Map())).toContain(
      String.raw`n1 [label="fetch_retry\nPENDING", shape=hexagon, style="filled", fillcolor="#f3f4f6"`,
    )
  })

  it('escapes what Graphviz would read as more than text', () => {
    const drawnEdge = lines(drawDot(hostileEdge))
    expect(drawnEdge).toContainEqual(expect.stringContaining(String.raw`label="graph '\"g\"\\\\'"`))
    expect(drawnEdge).toContain(String.raw`  n1 -> n2 [label="'x\"y\\\\'"]`)
    const names = ['a"b', 'back\\', '\\N\\l', 'two\nlines', '&amp;', '日本', '<b>']
    const drawn = lines(
      drawDot(
        linear(
          'f',
          names.map((name) => step(name)),
        ),
      ),
    )
    expect(drawn.filter((line) => /n\d+ \[/.test(line)).map((line) => line.trim())).toEqual([
      String.raw`n1 [label="a\"b"]`,
      String.raw`n2 [label="back\\"]`,
      String.raw`n3 [label="\\N\\l"]`,
      'n4 [label="two␊lines"]',
      'n5 [label="&amp;amp;"]',
      'n6 [label="日本"]',
      'n7 [label="<b>"]',
    ])
  })
})

describe('Mermaid', () => {
  it('draws every pattern, retries, and arrows between flows', () => {
    expect(lines(drawMermaid(linear('get', [step('lock'), retried, stores, step('done')])))).toEqual([
      'flowchart TD',
      `  subgraph n0["linear 'get'"]`,
      '    direction TB',
      '    n1("lock")',
      `    subgraph n2["linear 'fetch'"]`,
      '      direction TB',
      '      n3{{"fetch_retry"}}',
      '      n4("load")',
      '      n5("check")',
      '    end',
      `    subgraph n6["unordered 'stores'"]`,
      '      direction TB',
      '      n7("a")',
      `      subgraph n8["linear 'deep'"]`,
      '        direction TB',
      '        n9("b")',
      '        n10("c")',
      '      end',
      `      subgraph n11["unordered 'none'"]`,
      '        direction TB',
      '        n12["(empty)"]',
      '      end',
      '    end',
      '    n13("done")',
      '  end',
      '  n3 --> n4',
      '  n4 --> n5',
      '  n9 --> n10',
      '  n1 --> n2',
      '  n2 --> n6',
      '  n6 --> n13',
    ])
  })

  it('shows symbols, deciders and the target of a graph, what that leaves out, and states', () => {
    const states: States = new Map([
      ['make', 'SUCCESS'],
      ['use', 'RUNNING'],
    ])
    expect(lines(drawMermaid(decided(true), states))).toEqual([
      'flowchart TD',
      `  subgraph n0["graph 'g', target use"]`,
      '    direction TB',
      '    n1("make<br>SUCCESS")',
      '    n2("use<br>RUNNING")',
      `    subgraph n3["linear 'part' (left out)"]`,
      '      direction TB',
      '      n4("p1<br>(left out)")',
      '      n5("p2<br>(left out)")',
      '    end',
      '    n6("end<br>(left out)")',
      '  end',
      '  n4 --> n5',
      '  n1 -.->|"x<br>decider ALL"| n2',
      '  n1 -.->|"decider ATOM"| n3',
      '  n3 --> n6',
      '  classDef RUNNING fill:#bfdbfe,stroke:#1d4ed8,color:#111827',
      '  class n2 RUNNING',
      '  classDef SUCCESS fill:#bbf7d0,stroke:#15803d,color:#111827',
      '  class n1 SUCCESS',
      '  classDef leftOut fill:#ffffff,stroke:#6b7280,color:#4b5563,stroke-dasharray:4 4',
      '  class n3,n4,n5,n6 leftOut',
      '  classDef target stroke-width:3px',
      '  class n2 target',
    ])
  })

  it('marks a flow that is the target', () => {
    expect(lines(drawMermaid(aimed())).slice(-4)).toEqual([
      '  classDef leftOut fill:#ffffff,stroke:#6b7280,color:#4b5563,stroke-dasharray:4 4',
      '  class n4,n5,n6 leftOut',
      '  classDef target stroke-width:3px',
      '  class n2 target',
    ])
  })

  it('escapes what Mermaid would read as more than text', () => {
    expect(lines(drawMermaid(hostileEdge))).toEqual(
      expect.arrayContaining([`  subgraph n0["graph '#quot;g#quot;#92;#92;'"]`, `  n1 -->|"'x#quot;y#92;#92;'"| n2`]),
    )
    const written = {
      'a"b': 'a#quot;b',
      '#quot;': '#35;quot#59;',
      'two\nlines': 'two#9226;lines',
      '`**b**`': '#96;#42;#42;b#42;#42;#96;',
      '1. list': '1#46; list',
      '- list': '#45; list',
      'style:#a;': 'style#58;#35;a#59;',
      '%%{init}%%': '#37;#37;#123;init#125;#37;#37;',
      '<b>': '#60;b#62;',
      _it_: '#95;it#95;',
      ' a  b ': '#160;a#160;#160;b#160;',
      'snake_case-name/x': 'snake_case-name/x',
      '日本 é': '日本 é',
      '😀': '#128512;',
      end: 'end',
    }
    const drawn = lines(
      drawMermaid(
        linear(
          'f',
          Object.keys(written).map((name) => step(name)),
        ),
      ),
    )
    expect(drawn.filter((line) => /n\d+\("/.test(line)).map((line) => line.trim())).toEqual(
      Object.values(written).map((label, at) => `n${at + 1}("${label}")`),
    )
  })
})

const drawings: readonly [string, (drawable: Drawable, states?: States) => string][] = [
  ['drawTree', drawTree],
  ['drawDot', drawDot],
  ['drawMermaid', drawMermaid],
]

describe.each(drawings)('%s', (_, draw) => {
  it('draws a typed flow as the plain one that it stands for', () => {
    const typed = flow('f', (f) => void f.unordered('u', (g) => g.add(work, {}), times(2)))
    expect(draw(typed)).toBe(draw(typed.root))
  })

  it('draws a run that was stored', async () => {
    const backend = new MemoryBackend()
    const f = flow('f', (f) => f.linear('part', (g) => g.add(work, {}), times(2)))
    await run(f, {}, { backend, id: 'r' })
    const done: States = new Map([
      ['part_retry', 'SUCCESS'],
      ['work', 'SUCCESS'],
    ])
    expect(statesOf(backend.load('r')!)).toEqual(done)
    expect(draw(f, statesOf(backend.load('r')!))).toBe(draw(f, done))
    expect(draw(f, done)).not.toBe(draw(f))
  })

  it('grows with the number of atoms and no faster, wide or deep', () => {
    const wide = (size: number): FlowNode => {
      const children = Array.from({ length: size }, (_, at) => step(`a${at}`))
      return linear('f', [unordered('u', children), unordered('v', children)])
    }
    const deep = (size: number): FlowNode => {
      let nested = linear('f', [step('a')])
      for (let at = 0; at < size; at++) nested = linear('f', [step(`a${at}`), nested])
      return nested
    }
    for (const make of [wide, deep]) {
      expect(draw(make(10_000)).length / draw(make(1_000)).length).toBeLessThan(13)
    }
  })
})

describe('colours', () => {
  const all: readonly [string, Colors][] = Object.entries({ ...stateColors, plainColors, leftOutColors })

  it('are there for every state, each its own', () => {
    expect(Object.keys(stateColors).toSorted()).toEqual(Object.keys(atomTransitions).toSorted())
    expect(new Set(Object.values(stateColors).map(({ fill }) => fill)).size).toBe(Object.keys(stateColors).length)
  })

  it.each(all)('of %s can be told apart: text from ground, border from white', (_, { fill, border, text }) => {
    expect(contrast(fill, text)).toBeGreaterThanOrEqual(7)
    expect(contrast(border, '#ffffff')).toBeGreaterThanOrEqual(3)
  })
})

/** Source: WCAG 2.2, relative luminance and contrast ratio. */
function contrast(one: string, other: string): number {
  const luminance = (color: string): number => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const channel = Number.parseInt(color.slice(at, at + 2), 16) / 255
      return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
  }
  const [dark, light] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (light! + 0.05) / (dark! + 0.05)
}

describe('any name at all', () => {
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })
  /** Whether what is read is the name, but for signs in the place of what cannot be seen. */
  const shows = (read: string, name: string): boolean => {
    const signs = Array.from(read)
    const hidden = /^[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]$/u
    const alike = Array.from(name).map((sign, at) => sign === signs[at] || hidden.test(sign))
    return alike.length === signs.length && alike.every(Boolean)
  }

  it('stays one line of a tree', () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(drawTree(linear(one, [step(other, { requires: [one] })])).split(/[\r\n\u2028\u2029]/)).toHaveLength(2)
      }),
    )
  })

  it('is the label that Graphviz reads', () => {
    fc.assert(
      fc.property(name, (name) => {
        const [, label = ''] = /^ {4}n1 \[label="((?:[^"\\]|\\.)*)"\]$/m.exec(drawDot(linear('f', [step(name)]))) ?? []
        expect(shows(label.replaceAll(/\\(.)/g, '$1').replaceAll('&amp;', '&'), name)).toBe(true)
        expect(label.replaceAll(/\\["\\]/g, '')).not.toMatch(/["\\]|&(?!amp;)/)
      }),
    )
  })

  it('is the label that Mermaid reads', () => {
    fc.assert(
      fc.property(name, (name) => {
        const [, label = ''] = /^ {4}n1\("([^"]*)"\)$/m.exec(drawMermaid(linear('f', [step(name)]))) ?? []
        const read = label
          .replaceAll('#quot;', '"')
          .replaceAll(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
        expect(shows(read.replaceAll('\u00A0', ' '), name.replaceAll('\u00A0', ' '))).toBe(true)
        expect(label.replaceAll(/#\w+;/g, '')).toMatch(/^[\p{L}\p{M}\p{N}' ,_/-]*$/u)
      }),
    )
  })
})

interface Shape {
  readonly pattern: 'atom' | 'linear' | 'unordered' | 'graph'
  readonly children: readonly Shape[]
  readonly retry: boolean
  readonly target: number | null
  readonly links: readonly { readonly from: number; readonly to: number; readonly depth: Depth | null }[]
}

const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.record({
    pattern: fc.constantFrom('atom', 'atom', 'linear', 'unordered', 'graph'),
    children: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constant([]),
      fc.array(tie('shape'), { minLength: 1, maxLength: 4 }),
    ),
    retry: fc.boolean(),
    target: fc.option(fc.nat({ max: 3 })),
    links: fc.array(
      fc.record({ from: fc.nat({ max: 3 }), to: fc.nat({ max: 3 }), depth: fc.constantFrom(null, 'ALL', 'PART') }),
    ),
  }),
}))

/** Atoms and flows are named by a count, in the order of the document. */
function flowOf(root: Shape): FlowNode {
  let count = 0
  const build = ({ pattern, children, retry, target, links }: Shape): PlainNode => {
    const name = `x${count++}`
    if (pattern === 'atom') return step(name)
    const nodes = children.map(build)
    const options = { retry: retry ? controller(times(2)) : null }
    if (pattern === 'linear') return linear(name, nodes, options)
    if (pattern === 'unordered') return unordered(name, nodes, options)
    const wanted = target === null ? undefined : nodes[target]
    const made = links
      .filter(({ from, to }) => from < to && to < nodes.length)
      .map(({ from, to, depth }): Link => {
        const link = { from: nodes[from]!, to: nodes[to]! }
        return depth ? { ...link, decider: yes, depth } : link
      })
    return graph(name, nodes, { ...options, links: made, ...(wanted ? { target: wanted } : {}) })
  }
  return linear('root', [build(root)])
}

/** Pairs of atoms of which the second waits for the first, directly or not. */
function pairsOf(
  size: number,
  edges: readonly (readonly [number, number])[],
  names: readonly (string | null)[],
): string[] {
  const after = Array.from({ length: size }, (): number[] => [])
  for (const [from, to] of edges) after[from]!.push(to)
  const pairs: string[] = []
  for (const [start, first] of names.entries()) {
    if (first === null) continue
    const found = new Set<number>()
    const next = [start]
    for (let at = next.pop(); at !== undefined; at = next.pop()) {
      for (const to of after[at]!) {
        if (!found.has(to)) next.push(to)
        found.add(to)
      }
    }
    for (const end of found) if (names[end]) pairs.push(`${first} ${names[end]}`)
  }
  return pairs.toSorted()
}

/** What the compiler makes of the flow. */
function compiledOrder(root: FlowNode): string[] {
  const { size, successors, atoms } = compile(root)
  const edges: [number, number][] = []
  for (let node = 0; node < size; node++) {
    for (let at = successors.offsets[node]!; at < successors.offsets[node + 1]!; at++) {
      edges.push([node, successors.targets[at]!])
    }
  }
  return pairsOf(
    size,
    edges,
    atoms.map((atom) => atom?.name ?? null),
  )
}

/** What a chart says: an arrow at a flow stands for one at each thing inside; what is left out does not count. */
function drawnOrder(chart: string): string[] {
  const names: (string | null)[] = []
  const inside: number[][] = []
  const around: number[] = []
  const edges: [number, number][] = []
  for (const line of lines(chart).map((text) => text.trim())) {
    const [, id, label = ''] = /^n(\d+)[[({]+"(.*?)"/.exec(line) ?? []
    const [, from, to] = /^n(\d+) -.*> ?(?:\|.*\| )?n(\d+)$/.exec(line) ?? []
    if (from && to) {
      for (const one of inside[Number(from)]!) for (const other of inside[Number(to)]!) edges.push([one, other])
    } else if (line.startsWith('subgraph ')) {
      const flow = Number(/\d+/.exec(line)![0])
      around.push(flow)
      inside[flow] = []
      names[flow] = null
    } else if (line === 'end') around.pop()
    else if (id) {
      inside[Number(id)] = [Number(id)]
      for (const part of around) inside[part]!.push(Number(id))
      names[Number(id)] = label.startsWith('(') || label.includes('left out') ? null : label
    }
  }
  return pairsOf(names.length, edges, names)
}

describe('the arrows of a drawing', () => {
  it('say the order that the compiler keeps to', () => {
    fc.assert(
      fc.property(shape, (shape) => {
        const root = flowOf(shape)
        expect(drawnOrder(drawMermaid(root))).toEqual(compiledOrder(root))
      }),
      { numRuns: 300 },
    )
  })

  it('are the same in DOT and Mermaid', () => {
    fc.assert(
      fc.property(shape, (shape) => {
        const root = flowOf(shape)
        const dotted = lines(drawDot(root)).flatMap((line) => {
          const [, from, to] = /^ {2}n(\d+) -> n(\d+)/.exec(line) ?? []
          if (!from || !to) return []
          const tail = /ltail=cluster_n(\d+)/.exec(line)?.[1]
          const head = /lhead=cluster_n(\d+)/.exec(line)?.[1]
          return [`${tail ?? from} ${head ?? to}`]
        })
        const charted = lines(drawMermaid(root)).flatMap((line) => {
          const [, from, to] = /^ {2}n(\d+) -.*> ?(?:\|.*\| )?n(\d+)$/.exec(line) ?? []
          return from ? [`${from} ${to}`] : []
        })
        expect(dotted).toEqual(charted)
      }),
    )
  })
})

describe('states', () => {
  it('of a stored run are those of its atoms', () => {
    const atoms: readonly { readonly name: string; readonly state: AtomState }[] = [
      { name: 'a', state: 'SUCCESS' },
      { name: '__proto__', state: 'REVERTED' },
    ]
    expect([...statesOf({ atoms })]).toEqual([
      ['a', 'SUCCESS'],
      ['__proto__', 'REVERTED'],
    ])
  })
})
