import { describe, expect, it } from 'vitest'
import {
  type AtomEvent,
  type AtomView,
  atom,
  Engine,
  type FailureFormat,
  type FlowNode,
  formatFailure,
  graph,
  type Inspection,
  linear,
  loggingListener,
  MemoryBackend,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { LogBook } from './trace.ts'
import { rejection, thrownBy, tried, turn, Workbench } from './workbench.ts'

/** The picture when `x` fails, and nothing is undone yet. */
async function formatOf(flow: FlowNode, format?: FailureFormat, inputs: object = {}): Promise<readonly string[]> {
  const engine = new Engine(flow, { neverResolve: true })
  await rejection(engine.run(inputs))
  return formatFailure(engine, engine.failures[0]!, format).split('\n')
}

function chain(length: number): readonly FlowNode['children'][number][] {
  const bench = new Workbench()
  return Array.from({ length }, (_, at) => atom(bench.quick(`a${at}`, () => at)))
}

describe('what led to a failure is drawn', () => {
  it('with what each atom was given, from wherever it came, and what it gave', async () => {
    const bench = new Workbench()
    const flow = linear('f', [
      atom(
        bench.taking('load', () => ({ size: 3, tags: ['a', 'b'] })),
        {
          requires: ['url'],
          inject: { 'the limit': 9 },
          provides: 'image',
        },
      ),
      atom(bench.failing('x'), { requires: [], optional: ['nobody'], rebind: { bytes: 'image' } }),
    ])
    expect(await formatOf(flow, {}, { url: 'http://a' })).toEqual([
      'x [FAILURE] was given bytes={size: 3, tags: ["a", "b"]}',
      '└─ load [SUCCESS] was given url="http://a"; gave {size: 3, tags: ["a", "b"]}',
    ])
  })

  it('through flows and their joins, with retries, the nearest first', async () => {
    const bench = new Workbench()
    const flow = linear('f', [
      atom(bench.quick('first')),
      unordered('both', [atom(bench.quick('p')), linear('line', [atom(bench.quick('q')), atom(bench.quick('r'))])]),
      tried('try', times(2), [atom(bench.failing('x'))]),
    ])
    expect(await formatOf(flow)).toEqual([
      'x [FAILURE]',
      '└─ retry try_retry [SUCCESS] gave 1',
      '   ├─ p [SUCCESS] gave "p"',
      '   │  └─ first [SUCCESS] gave "first"',
      '   └─ r [SUCCESS] gave "r"',
      '      └─ q [SUCCESS] gave "q"',
    ])
  })

  it('with each atom once, where it is nearest', async () => {
    const give = (name: string, requires: readonly string[]): FlowNode['children'][number] =>
      atom(task({ name, execute: () => name }), { requires, provides: name })
    const x = atom(new Workbench().failing('x'), { requires: ['top', 'left', 'right'] })
    const lines = await formatOf(graph('g', [give('top', []), give('left', ['top']), give('right', ['top']), x]), {
      hideInputsOutputsOf: ['left', 'right', 'top', 'x'],
    })
    expect(lines).toEqual(['x [FAILURE]', '├─ top [SUCCESS]', '├─ left [SUCCESS]', '└─ right [SUCCESS]'])
  })

  it('with atoms that a decider passed by, and without those that do not come before it', async () => {
    const bench = new Workbench()
    const [a, b, x, z] = [
      atom(bench.quick('a')),
      atom(bench.quick('b')),
      atom(bench.failing('x')),
      atom(bench.quick('z')),
    ]
    const links = [
      { from: a, to: b, decider: () => false, depth: 'ATOM' },
      { from: b, to: x },
    ] as const
    const drawing = await formatOf(graph('g', [a, b, x, z], { links }))
    expect(drawing).toEqual(['x [FAILURE]', '└─ b [IGNORE]', '   └─ a [SUCCESS] gave "a"'])
  })

  it('with what is to become of atoms that are not undone yet, and in the state of the event', async () => {
    const bench = new Workbench()
    const heard: string[] = []
    const flow = linear('f', [atom(bench.quick('a')), tried('try', times(2), [atom(bench.unsteady('x', 2))])])
    const onAtom = (event: AtomEvent, engine?: Inspection): void => {
      if (event.state === 'FAILURE') heard.push(formatFailure(engine!, event))
    }
    await rejection(new Engine(flow, { listeners: [{ onAtom }] }).run({}))
    const drawing = (intention: string, attempt: number): string =>
      [
        'x [FAILURE, to REVERT]',
        `└─ retry try_retry [SUCCESS, to ${intention}] gave ${attempt}`,
        '   └─ a [SUCCESS] gave "a"',
      ].join('\n')
    expect(heard).toEqual([drawing('RETRY', 1), drawing('REVERT', 2)])
  })

  it('without the results of what is undone, but with what it was given', async () => {
    const bench = new Workbench()
    const engine = new Engine(
      linear('f', [
        atom(
          bench.quick('a', () => 1),
          { provides: 'n' },
        ),
        atom(bench.taking('b'), { requires: ['n'] }),
        atom(bench.failing('x')),
      ]),
    )
    await rejection(engine.run({}))
    expect(formatFailure(engine, 'x').split('\n')).toEqual([
      'x [REVERTED]',
      '└─ b [REVERTED] was given n=1',
      '   └─ a [REVERTED]',
    ])
  })

  it('before anything ran too, and as nothing where there is no such atom', () => {
    const engine = new Engine(linear('f', chain(2)))
    expect(formatFailure(engine, 'a1')).toBe('a1 [PENDING]\n└─ a0 [PENDING]')
    expect(formatFailure(engine, 'nobody')).toBe('')
  })
})

describe('what is secret is not drawn', () => {
  const login = { user: 'ann', password: 'p4ss', more: [{ token: 't0ken', n: 1 }] }
  const flow = (): FlowNode => {
    const bench = new Workbench()
    return linear('f', [
      atom(
        bench.quick('give', () => login),
        { provides: 'login' },
      ),
      atom(bench.taking('use'), {
        requires: ['login'],
        inject: { key: 'k3y' },
        provides: 'used',
        rebind: { key: 'key' },
      }),
      atom(bench.failing('x')),
    ])
  }

  it('of atoms of which nothing is to be shown', async () => {
    const lines = await formatOf(flow(), { hideInputsOutputsOf: ['give', 'use'] })
    expect(lines).toEqual(['x [FAILURE]', '└─ use [SUCCESS]', '   └─ give [SUCCESS]'])
  })

  it('by key, at any depth, of inputs and outputs apart', async () => {
    const inputs = await formatOf(flow(), { maskInputsKeys: ['password', 'token', 'key'] })
    const shown = '{user: "ann", password: "p4ss", more: [{token: "t0ken", n: 1}]}'
    const masked = '{user: "ann", password: ***, more: [{token: ***, n: 1}]}'
    expect(inputs.slice(1)).toEqual([
      `└─ use [SUCCESS] was given login=${masked}, key=***; gave "use"`,
      `   └─ give [SUCCESS] gave ${shown}`,
    ])
    const outputs = await formatOf(flow(), { maskOutputsKeys: ['password', 'token', 'used'] })
    expect(outputs.slice(1)).toEqual([
      `└─ use [SUCCESS] was given login=${shown}, key="k3y"; gave ***`,
      `   └─ give [SUCCESS] gave ${masked}`,
    ])
  })

  it('by symbol: what goes by it under another name, and the part of a result that it is', async () => {
    const bench = new Workbench()
    const parts = linear('f', [
      atom(
        bench.quick('give', () => ['ann', 'p4ss']),
        { provides: ['user', 'password'] },
      ),
      atom(bench.failing('x'), { rebind: { who: 'user', word: 'password' } }),
    ])
    expect(await formatOf(parts, { maskInputsKeys: ['password'], maskOutputsKeys: ['password'] })).toEqual([
      'x [FAILURE] was given who="ann", word=***',
      '└─ give [SUCCESS] gave ["ann", ***]',
    ])
  })
})

describe('the drawing is bounded', () => {
  it('to the nearest atoms, and counts the others', async () => {
    const x = atom(new Workbench().failing('x'))
    const line = await formatOf(linear('f', [...chain(50), x]), { maxAtoms: 2 })
    expect(line).toEqual([
      'x [FAILURE]',
      '├─ a49 [SUCCESS] gave 49',
      '│  └─ a48 [SUCCESS] gave 48',
      '└─ ... and 48 more',
    ])
    const wide = await formatOf(linear('f', [unordered('u', chain(50)), x]))
    expect(wide).toHaveLength(32)
    expect(wide.slice(-2)).toEqual(['├─ a29 [SUCCESS] gave 29', '└─ ... and 20 more'])
    expect(await formatOf(linear('f', [...chain(1), x]), { maxAtoms: 0 })).toEqual(['x [FAILURE]', '└─ ... and 1 more'])
  })

  it('and so is the time that it takes: of too many nobody counts all', () => {
    const engine = new Engine(linear('f', [unordered('u', chain(20_000)), atom(new Workbench().quick('x'))]))
    const [, ...lines] = formatFailure(engine, 'x', { maxAtoms: 1 }).split('\n')
    expect(lines[0]).toBe('├─ a0 [PENDING]')
    expect(lines[1]).toMatch(/^└─ \.\.\. and at least 9\d{3} more$/)
    expect(lines).toHaveLength(2)
  })

  it('to 64 levels that are indented', async () => {
    const lines = await formatOf(linear('f', [...chain(200), atom(new Workbench().failing('x'))]), { maxAtoms: 1_000 })
    expect(lines).toHaveLength(201)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(250)
    expect(lines[200]).toMatch(/^ +200: a0 \[SUCCESS\] gave 0$/)
  })

  it('in the length of each value, in its depth, and in the number of its entries and of arguments', async () => {
    const bench = new Workbench()
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`k${at}`, at]))
    const gives = {
      long: 'y'.repeat(10_000),
      deep: { a: { b: { c: { d: { e: 1 } } } } },
      many,
      list: Array.from('0123456789'),
    }
    const symbols = Object.keys(many)
    const flow = linear('f', [
      ...Object.entries(gives).map(([name, value]) => atom(bench.quick(name, () => value))),
      atom(bench.failing('x'), { requires: symbols }),
    ])
    const lines = await formatOf(flow, { maxValueLength: 90 }, many)
    expect(lines).toEqual([
      'x [FAILURE] was given k0=0, k1=1, k2=2, k3=3, k4=4, k5=5, k6=6, k7=7, ... and 4 more',
      '└─ list [SUCCESS] gave ["0", "1", "2", "3", "4", "5", "6", "7", ... and 2 more]',
      '   └─ many [SUCCESS] gave {k0: 0, k1: 1, k2: 2, k3: 3, k4: 4, k5: 5, k6: 6, k7: 7, ... and 4 more}',
      '      └─ deep [SUCCESS] gave {a: {b: {c: {d: {...}}}}}',
      `         └─ long [SUCCESS] gave "${'y'.repeat(89)}...`,
    ])
  })

  it('and stays a line an atom, whatever texts there are', async () => {
    const bench = new Workbench()
    const gives = atom(bench.quick('two\nlines', () => ({ 'a\nb': 'c\nd\u202E\u2028' })))
    expect(await formatOf(linear('f', [gives, atom(bench.failing('x'))]))).toEqual([
      'x [FAILURE]',
      String.raw`└─ 'two␊lines' [SUCCESS] gave {'a␊b': "c\nd` + '\uFFFD\uFFFD"}',
    ])
  })
})

describe('nothing makes the drawing fail', () => {
  it('no injected value: what is not plain is named, what cannot be read is said to be so', async () => {
    const loop: Record<string, unknown> = {}
    loop['self'] = loop
    const inject = {
      loop,
      when: new Date(0),
      call: () => 1,
      sign: Symbol('s'),
      big: 7n,
      none: undefined,
      trap: Object.defineProperty({}, 'get', { enumerable: true, get: () => thrownBy(() => {}) }),
    }
    const x = atom(new Workbench().failing('x'), { requires: Object.keys(inject), inject })
    expect(await formatOf(linear('f', [x]))).toEqual([
      'x [FAILURE] was given loop={self: {self: {self: {self: {...}}}}}, when=[Date], call=[function], ' +
        'sign=[symbol], big=7n, none=undefined, trap=[unreadable]',
    ])
  })

  it('no engine that cannot be asked', () => {
    const broken: Pick<Inspection, 'compile' | 'atom'> = {
      compile: () => {
        throw new Error('no plan')
      },
      atom: () => null,
    }
    expect(formatFailure(broken, 'x')).toBe('')
    const engine = new Engine(linear('f', chain(2)))
    const forgetful: Pick<Inspection, 'compile' | 'atom'> = { compile: () => engine.compile(), atom: () => null }
    expect(formatFailure(forgetful, 'a1')).toBe('a1\n└─ a0')
  })

  it('no atom whose arguments cannot be found', async () => {
    const bench = new Workbench()
    const flow = linear('f', [
      atom(
        bench.quick('give', () => ['only one']),
        { provides: ['one', 'two'] },
      ),
      atom(bench.quick('x'), { requires: ['two'] }),
    ])
    expect(await formatOf(flow)).toEqual(['x [FAILURE]', '└─ give [SUCCESS] gave ["only one"]'])
  })
})

describe('an atom of an engine can be looked at', () => {
  it('before, while and after it runs', async () => {
    const bench = new Workbench()
    const engine = new Engine(
      linear('f', [
        atom(
          bench.quick('a', () => 1),
          { provides: 'n' },
        ),
        atom(bench.held('b'), { requires: ['n'] }),
      ]),
    )
    const untouched: AtomView = {
      name: 'b',
      kind: 'task',
      state: 'PENDING',
      intention: 'EXECUTE',
      attempt: 0,
      inputs: null,
      failure: null,
    }
    expect(engine.atom('b')).toEqual(untouched)
    expect(engine.atom('nobody')).toBeNull()
    await engine.prepare({})
    expect(engine.atom('b')).toEqual(untouched)
    const run = engine.run()
    await turn()
    expect(engine.atom('b')).toEqual({ ...untouched, state: 'RUNNING', attempt: 1, inputs: { n: 1 } })
    await bench.end('b', 'done')
    await run
    expect(engine.atom('b')).toEqual({ ...untouched, state: 'SUCCESS', attempt: 1, inputs: { n: 1 }, output: 'done' })
  })

  it('after a restart too, but what it was given is not made up where the flow has changed', async () => {
    const backend = new MemoryBackend()
    const bench = new Workbench()
    const flow = (provider: string): FlowNode =>
      linear('f', [
        atom(bench.quick(provider), { provides: 'n' }),
        atom(bench.taking('b'), { requires: ['n'] }),
        atom(bench.failing('x')),
      ])
    const options = { backend, id: 'r', neverResolve: true } as const
    await rejection(new Engine(flow('a'), options).run({}))
    const same = await Engine.resume(flow('a'), options)
    expect(same.atom('b')).toMatchObject({ state: 'SUCCESS', inputs: { n: 'a' }, output: 'b' })
    const changed = await Engine.resume(flow('other'), { ...options, onPlanChange: 'accept' })
    expect(changed.atom('b')).toMatchObject({ state: 'SUCCESS', inputs: null, output: 'b' })
  })
})

describe('a logging listener that explains', () => {
  async function logOf(explain: (event: AtomEvent, engine: Inspection) => string): Promise<LogBook> {
    const bench = new Workbench()
    const book = new LogBook()
    const stuck = (): never => {
      throw new Error('stuck')
    }
    const flow = linear('f', [atom(bench.quick('a')), atom(bench.failing('x', new Error('broke'), { revert: stuck }))])
    await rejection(new Engine(flow, { listeners: [loggingListener(book, { explain })] }).run({}))
    return book
  }
  const loud = ({ lines }: LogBook): readonly string[] => lines.filter((line) => !/^(?:debug|info)/.test(line))

  it('says under the sentence what led to a failure, of an execute or a revert, and nothing elsewhere', async () => {
    const book = await logOf((event, engine) => formatFailure(engine, event))
    const before = '└─ a [SUCCESS, to REVERT] gave "a"'
    expect(loud(book)).toEqual([
      `warn: task 'x' failed: broke\nx [FAILURE, to REVERT]\n${before}`,
      `error: task 'x' could not be reverted: stuck\nx [REVERT_FAILURE]\n${before}`,
      "error: flow 'f' failed, because 'x' could not be reverted: stuck",
    ])
    expect(book.lines.filter((line) => line.includes('\n'))).toHaveLength(2)
  })

  it('tells of the failure also where the explanation fails, or is empty', async () => {
    const fail = (): never => {
      throw new Error('no idea')
    }
    for (const explain of [fail, () => '']) expect(loud(await logOf(explain))[0]).toBe("warn: task 'x' failed: broke")
  })

  it('does not ask for what nobody will read, nor where there is no engine to look at', async () => {
    let asked = 0
    const explain = (): string => String(++asked)
    const book = new LogBook()
    const listener = loggingListener(book, { explain, atomLevels: { FAILURE: 'off' } })
    await rejection(new Engine(linear('f', [atom(new Workbench().failing('x'))]), { listeners: [listener] }).run({}))
    loggingListener(book, { explain }).onAtom?.({
      flow: 'r',
      atom: 'x',
      kind: 'task',
      state: 'FAILURE',
      oldState: 'RUNNING',
      attempt: 1,
    })
    expect(asked).toBe(0)
    expect(book.lines.at(-1)).toBe("warn: task 'x' failed")
  })
})
