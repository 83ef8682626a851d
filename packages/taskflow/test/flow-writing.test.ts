import { describe, expect, it } from 'vitest'
import {
  atom,
  compile,
  controller,
  Engine,
  type FlowNode,
  flow,
  type Handle,
  type Inputs,
  linear,
  type PlainNode,
  run,
  type TaskFlowError,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { Workbench } from './workbench.ts'

const one = task({ name: 'one', execute: () => 1 })
const add = task({ name: 'add', execute: ({ a, b }: { a: number; b: number }) => a + b })
const describeImage = task({
  name: 'describe',
  execute: ({ id }: { id: string }) => ({ id, disk: { format: 'qcow2', sizes: [3, 4] }, owner: null }),
})
const join = task({ name: 'join', execute: ({ parts }: { parts: readonly string[] }) => parts.join('+') })

/** The tree, an atom a line: its name, its task, what each argument takes, and what it provides. */
function outline(node: PlainNode): unknown {
  if (node.kind === 'flow') return { [`${node.pattern} ${node.name}`]: node.children.map(outline) }
  const { name, task, needs, provides } = node
  const taken = needs.map(({ argument, symbol, path, injected }) =>
    injected ? `${argument}=${JSON.stringify(injected.value)}` : `${argument}<-${[symbol, ...path].join('.')}`,
  )
  return `${name} = ${task.name}(${taken.join(', ')}) ${provides.map(({ symbol }) => symbol).join(', ')}`
}

function thrownBy(call: () => unknown): TaskFlowError {
  try {
    call()
  } catch (error) {
    return error as TaskFlowError
  }
  throw new Error('nothing was thrown')
}

/** Provides `x`: its own name. */
function give(name: string): PlainNode {
  return atom(task({ name, execute: () => name }), { provides: 'x' })
}

/** A handle that outlives the flow it belongs to. */
function handleOf(name: string): Handle<number> {
  const taken: Handle<number>[] = []
  flow(name, (f) => taken.push(f.add(one, {})))
  const [first] = taken
  if (!first) throw new Error('no handle was given')
  return first
}

function nested(): unknown {
  return flow('f', (f) => {
    f.add(one, {})
    f.unordered('part', (g) => g.add(one, {}))
  })
}

function atomFirst(): unknown {
  return flow('f', (f, inputs: Inputs<{ one: number }>) => {
    f.add(one, {})
    f.add(add, { a: inputs.one, b: 1 })
  })
}

function inputFirst(): unknown {
  return flow('f', (f, inputs: Inputs<{ one: number }>) => {
    f.add(add, { a: inputs.one, b: 1 })
    f.add(one, {})
  })
}

function waitingPart(): unknown {
  return flow('f', (f) => {
    void f.linear('part', async (g) => {
      await Promise.resolve()
      g.add(one, {})
    })
  })
}

function code(call: () => unknown): string {
  return thrownBy(call).code
}

async function failure(root: FlowNode, inputs: object): Promise<TaskFlowError> {
  return await new Engine(root).run(inputs).then(
    () => expect.fail('the run should have been refused'),
    (error: unknown) => error as TaskFlowError,
  )
}

describe('a handle', () => {
  it('brings a result to the argument that takes it', async () => {
    const sum = flow('sum', (f) => f.add(add, { a: f.add(one, {}), b: 41 }))
    await expect(run(sum, {})).resolves.toBe(42)
  })

  it('brings an input of the flow to the argument that takes it', async () => {
    const sum = flow('sum', (f, { a, b }: Inputs<{ a: number; b: number }>) => f.add(add, { a, b }))
    await expect(run(sum, { a: 1, b: 2 })).resolves.toBe(3)
  })

  it('may be taken many times, and by two arguments of one task', async () => {
    const sum = flow('sum', (f) => {
      const first = f.add(one, {})
      const two = f.add(add, { a: first, b: first }, { name: 'two' })
      return f.add(add, { a: two, b: first })
    })
    await expect(run(sum, {})).resolves.toBe(3)
  })

  it('leads with at() to a part of a result, as deep as it goes', async () => {
    const read = flow('read', (f, { id }: Inputs<{ id: string }>) =>
      f.add(describeImage, { id }).at('disk').at('format'),
    )
    await expect(run(read, { id: 'x' })).resolves.toBe('qcow2')
  })

  it('leads with at() to a part of an input', async () => {
    const read = flow('read', (f, { image }: Inputs<{ image: { size: { bytes: number } } }>) =>
      f.add(add, { a: image.at('size').at('bytes'), b: 0 }),
    )
    await expect(run(read, { image: { size: { bytes: 7 } } })).resolves.toBe(7)
  })

  it('leads with at() to null, which is a value', async () => {
    const read = flow('read', (f) => f.add(describeImage, { id: 'x' }).at('owner'))
    await expect(run(read, {})).resolves.toBeNull()
  })
})

describe('a constant', () => {
  it('of any JSON kind is an argument as it is', async () => {
    const seen = task({ name: 'seen', execute: (args: { x: unknown; y: unknown; z: unknown }) => args })
    const constants = { x: { list: [1, null] }, y: '', z: 0 }
    await expect(
      run(
        flow('f', (f) => f.add(seen, constants)),
        {},
      ),
    ).resolves.toEqual(constants)
  })

  it('of undefined leaves an optional argument out', async () => {
    const keys = task({ name: 'keys', execute: (args: { a?: string | undefined }) => Object.keys(args) })
    await expect(
      run(
        flow('f', (f) => f.add(keys, { a: undefined })),
        {},
      ),
    ).resolves.toEqual([])
  })

  it('is seen by its own atom alone, whatever other atoms and inputs are named', async () => {
    const pair = task({ name: 'pair', execute: ({ a, b }: { a: string; b: string }) => [a, b] })
    const say = task({ name: 'say', execute: ({ word }: { word: string }) => word })
    const written = flow('f', (f, { word }: Inputs<{ word: string }>) => {
      const a = f.add(say, { word: 'constant' }, { name: 'a' })
      const b = f.add(say, { word }, { name: 'b' })
      return f.add(pair, { a: b, b: a })
    })
    await expect(run(written, { word: 'input' })).resolves.toEqual(['input', 'constant'])
  })

  it.each(['a', '=a', '==a'])('does not take the place of a provider named %s', async (name) => {
    const pair = task({ name: 'pair', execute: ({ a, b }: { a: number; b: number }) => [a, b] })
    const written = flow('f', (f) => {
      const b = f.add(one, {}, { name })
      return f.add(pair, { a: 5, b })
    })
    await expect(run(written, {})).resolves.toEqual([5, 1])
  })

  it('does not take the place of an input named like its symbol', async () => {
    const pair = task({ name: 'pair', execute: ({ a, b }: { a: number; b: number }) => [a, b] })
    const written = flow('f', (f, inputs: Inputs<{ '=a': number }>) => f.add(pair, { a: 5, b: inputs['=a'] }))
    await expect(run(written, { '=a': 6 })).resolves.toEqual([5, 6])
  })
})

describe('a flow', () => {
  it('gives what its build returns: the result of an atom, of a part, an input, or nothing', async () => {
    const ofPart = flow('part', (f) => f.linear('inner', (g) => g.add(one, {})))
    const ofInput = flow('input', (_, { name }: Inputs<{ name: string }>) => name)
    const ofNothing = flow('nothing', (f) => {
      f.add(one, {})
    })
    const ofOther = flow('other', () => 'no handle')
    await expect(run(ofPart, {})).resolves.toBe(1)
    await expect(run(ofInput, { name: 'x' })).resolves.toBe('x')
    await expect(run(ofNothing, {})).resolves.toBeUndefined()
    await expect(run(ofOther, {})).resolves.toBeUndefined()
  })

  it('hands results out of unordered parts to what comes after them', async () => {
    const sum = flow('sum', (f) => {
      const [a, b] = f.unordered('both', (g) => {
        const left = g.linear('left', (h) => h.add(add, { a: h.add(one, {}), b: 10 }, { name: 'left sum' }))
        const right = g.add(one, {}, { name: 'right' })
        return [left, right] as const
      })
      return f.add(add, { a, b })
    })
    await expect(run(sum, {}, { mode: 'parallel' })).resolves.toBe(12)
  })

  it('may be written with loops', async () => {
    const chain = flow('chain', (f, { start }: Inputs<{ start: number }>) => {
      let sum: Handle<number> = start
      for (let round = 0; round < 50; round++) sum = f.add(add, { a: sum, b: round }, { name: `round ${round}` })
      return sum
    })
    await expect(run(chain, { start: 0 })).resolves.toBe((49 * 50) / 2)
  })

  it('takes constants that are lists', async () => {
    await expect(
      run(
        flow('f', (f) => f.add(join, { parts: ['a', 'b'] })),
        {},
      ),
    ).resolves.toBe('a+b')
  })

  it('knows the inputs that it uses', () => {
    const written = flow('f', (f, { a }: Inputs<{ a: number; b: number }>) => f.add(add, { a, b: 1 }))
    expect(written.inputs).toEqual(['a'])
  })

  it('is built once, without a side effect, and runs any number of times', async () => {
    let executed = 0
    const count = task({ name: 'count', execute: () => ++executed })
    const written = flow('f', (f) => f.add(count, {}))
    expect(executed).toBe(0)
    await expect(run(written, {})).resolves.toBe(1)
    await expect(run(written, {})).resolves.toBe(2)
  })

  it('cannot be added to when it is written', () => {
    const late: (() => unknown)[] = []
    flow('f', (f) => {
      f.unordered('part', (g) => {
        late.push(() => g.add(one, {}, { name: 'late in a part' }))
      })
      late.push(() => f.add(one, {}, { name: 'late' }))
      late.push(() => f.linear('late part', () => {}))
    })
    for (const call of late) expect(thrownBy(call).code).toBe('invalid-flow')
  })

  it('lowers to the plain layer', () => {
    const written = flow('import', (f, { image, uri }: Inputs<{ image: string; uri: { host: string } }>) => {
      const seen = f.add(describeImage, { id: image })
      f.unordered('stores', (g) => {
        for (const store of ['a', 'b']) {
          g.add(join, { parts: [store] }, { name: `to-${store}` })
          g.linear(`then-${store}`, (h) => h.add(add, { a: 1, b: 2 }, { name: `add-${store}` }))
        }
      })
      f.linear('empty', () => {})
      return f.add(describeImage, { id: uri.at('host') }, { name: 'last' }).at('id') ?? seen
    })
    expect(written.name).toBe('import')
    expect(written.result).toEqual({ symbol: 'last', path: ['id'] })
    expect(outline(written.root)).toMatchInlineSnapshot(`
      {
        "linear import": [
          "describe = describe(id<-image) describe",
          {
            "unordered stores": [
              "to-a = join(parts=["a"]) to-a",
              {
                "linear then-a": [
                  "add-a = add(a=1, b=2) add-a",
                ],
              },
              "to-b = join(parts=["b"]) to-b",
              {
                "linear then-b": [
                  "add-b = add(a=1, b=2) add-b",
                ],
              },
            ],
          },
          {
            "linear empty": [],
          },
          "last = describe(id<-uri.host) last",
        ],
      }
    `)
  })
})

describe('the plain layer', () => {
  it('wires by names: requires, rebind, inject, one name or one per element', async () => {
    const seen: object[] = []
    const see = task({ name: 'see', execute: (args: Record<string, unknown>) => void seen.push(args) })
    const split = task({ name: 'split', execute: () => ['left', 'right'] })
    const root = linear('root', [
      atom(split, { provides: ['l', 'r'] }),
      atom(split, { name: 'whole', provides: 'both' }),
      atom(see, { requires: ['l', 'both'], rebind: { other: 'r', given: 'start' }, inject: {} }),
      atom(see, { name: 'see again', requires: ['l', 'start'], inject: { l: 'mine' } }),
    ])
    await new Engine(root).run({ start: 0 })
    expect(seen).toEqual([
      { l: 'left', both: ['left', 'right'], other: 'right', given: 0 },
      { l: 'mine', start: 0 },
    ])
  })

  it('takes the last earlier provider, the nearer one first, and never a sibling of an unordered flow', async () => {
    const seen: unknown[] = []
    const see = (name: string): PlainNode =>
      atom(task({ name, execute: ({ x }: { x: string }) => void seen.push(`${name}: ${x}`) }), { requires: ['x'] })
    await new Engine(
      linear('root', [
        give('first'),
        give('second'),
        see('after two'),
        unordered('side by side', [
          linear('left', [give('inner'), see('in left')]),
          linear('right', [see('in right')]),
        ]),
        see('after both'),
      ]),
    ).run({})
    expect(seen).toEqual(['after two: second', 'in right: second', 'in left: inner', 'after both: inner'])
  })

  it('takes the last provider of an unordered flow after it, in the order of the document', async () => {
    const seen: unknown[] = []
    const see = task({ name: 'see', execute: ({ x }: { x: string }) => void seen.push(x) })
    const two = linear('two', [give('first'), give('second')])
    await new Engine(linear('root', [unordered('g', [two, linear('none', [])]), atom(see, { requires: ['x'] })])).run(
      {},
    )
    const root = unordered('g', [give('a'), unordered('h', [give('b'), linear('two', [give('c'), give('d')])])])
    await new Engine(linear('root', [root, atom(see, { requires: ['x'] })]), { mode: 'parallel' }).run({})
    expect(seen).toEqual(['second', 'd'])
  })

  it('lets what the run was started with win over a provider, and what is injected win over both', async () => {
    const seen: unknown[] = []
    const see = task({ name: 'see', execute: ({ x }: { x: string }) => void seen.push(x) })
    const root = linear('root', [
      give('provider'),
      atom(see, { requires: ['x'] }),
      atom(see, { name: 'again', requires: ['x'], inject: { x: 'injected' } }),
    ])
    await new Engine(root).run({ x: 'store' })
    await new Engine(root).run({})
    await new Engine(root).run({ x: undefined })
    expect(seen).toEqual(['store', 'injected', 'provider', 'injected', 'provider', 'injected'])
  })

  it('compiles a wide part of many atoms without running out of stack', () => {
    const many = Array.from({ length: 150_000 }, (_, index) => atom(one, { name: `a${index}`, provides: `s${index}` }))
    const plan = compile(unordered('root', [linear('inner', many)]))
    expect(plan.size).toBe(150_004)
  })
})

describe('a flow is refused', () => {
  it('with two atoms of one name, wherever they are', () => {
    expect(code(() => flow('f', (f) => [f.add(one, {}), f.add(one, {})]))).toBe('duplicate-name')
    expect(thrownBy(nested)).toMatchObject({ name: 'TaskFlowError', code: 'duplicate-name' })
    expect(thrownBy(nested).message).toMatch(/flow 'f'.*'one'.*name/)
    expect(code(() => new Engine(linear('f', [atom(one), unordered('g', [atom(one)])])).compile())).toBe(
      'duplicate-name',
    )
  })

  it('with a handle of another flow', () => {
    const stranger = handleOf('mine')
    const error = thrownBy(() => flow('yours', (f) => f.add(add, { a: stranger, b: 1 })))
    expect(error.code).toBe('foreign-handle')
    expect(error.message).toMatch(/'add'.*'one'.*flow 'mine'.*flow 'yours'/)
    expect(code(() => flow('result', () => stranger))).toBe('foreign-handle')
  })

  it('with an input and an atom of one name, whichever comes first', () => {
    for (const call of [atomFirst, inputFirst]) {
      expect(thrownBy(call)).toMatchObject({ code: 'duplicate-name' })
      expect(thrownBy(call).message).toMatch(/'f'.*input and an atom.*'one'/)
    }
  })

  it('when it is run with an input named like an atom', async () => {
    const written = flow('f', (f) => f.add(one, {}))
    await expect(run(written, { one: 2 })).rejects.toMatchObject({ code: 'duplicate-name' })
    await expect(run(written, { one: undefined })).resolves.toBe(1)
  })

  it('when an atom takes the result of an unordered sibling', async () => {
    const written = flow('f', (f) => {
      f.unordered('part', (g) => g.add(add, { a: g.add(one, {}), b: 1 }))
    })
    const error = await failure(written.root, {})
    expect(error.code).toBe('missing-dependencies')
    expect(error.message).toBe(
      "flow 'f' cannot run: nothing provides 'one' (needed by 'add'; 'one' provides it, but is not before it). Given: nothing. Give it to the run, or place a provider before what needs it",
    )
  })

  it('when it is run without an input that it uses, naming every one', async () => {
    const written = flow('f', (f, { a, b }: Inputs<{ a: number; b: number }>) => {
      f.add(add, { a, b })
      f.add(add, { a, b: 1 }, { name: 'again' })
    })
    const error = await failure(written.root, { c: 1, b: undefined })
    expect(error.code).toBe('missing-dependencies')
    expect(error.message).toBe(
      "flow 'f' cannot run: nothing provides 'a' (needed by 'add', 'again') or 'b' (needed by 'add'). Given: c. Give it to the run, or place a provider before what needs it",
    )
  })

  it.each(['toString', 'constructor', '__proto__'])('when an input named %s is missing', async (symbol) => {
    const root = linear('f', [atom(one, { rebind: { a: symbol } })])
    expect((await failure(root, {})).code).toBe('missing-dependencies')
  })

  it.each([
    ['a date', new Date(0), 'at.x[0] is a Date'],
    ['a big integer', 1n, 'at.x[0] is a bigint'],
    ['a function', () => 1, 'at.x[0] is a function'],
    ['not a number', Number.NaN, 'at.x[0] is NaN'],
    ['a map', new Map(), 'at.x[0] is a Map'],
    ['an object of a class', new Workbench(), 'at.x[0] is a Workbench'],
    [
      'an object of no class',
      Object.create(Object.create(null) as object),
      'at.x[0] is an object of a class without a name',
    ],
  ])('when an input holds %s', async (_, value, where) => {
    const error = await failure(linear('f', []), { at: { x: [value] } })
    expect(error.code).toBe('not-json')
    expect(error.message).toContain(`input 'at' of flow 'f': ${where}`)
  })

  it('when an input contains itself', async () => {
    const ring: { self?: object } = {}
    ring.self = ring
    expect((await failure(linear('f', []), { ring })).message).toContain('ring.self contains itself')
  })

  it.each([[null], ['text'], [7]])('when its inputs are %s', async (inputs) => {
    const error = await failure(linear('f', []), inputs as unknown as object)
    expect(error.code).toBe('invalid-flow')
    expect(error.message).toContain(`not ${String(inputs)}`)
  })

  it('with an empty name, of a task, a flow or a part', () => {
    expect(code(() => task({ name: '', execute: () => 1 }))).toBe('invalid-flow')
    expect(code(() => linear('', []))).toBe('invalid-flow')
    expect(code(() => unordered('', []))).toBe('invalid-flow')
    expect(code(() => flow('', () => {}))).toBe('invalid-flow')
    expect(code(() => flow('f', (f) => f.linear('', () => {})))).toBe('invalid-flow')
    expect(code(() => flow('f', (f) => f.unordered('', () => {})))).toBe('invalid-flow')
    expect(code(() => flow('f', (f) => f.add(one, {}, { name: '' })))).toBe('invalid-flow')
    expect(code(() => atom(one, { name: '' }))).toBe('invalid-flow')
    expect(code(() => task({ name: 7 as unknown as string, execute: () => 1 }))).toBe('invalid-flow')
  })

  it('when a function that writes it waits', () => {
    expect(code(() => flow('f', async (f) => f.add(one, {})))).toBe('invalid-flow')
    expect(thrownBy(waitingPart).message).toMatch(/'f'.*must not be async/)
  })

  it('with something that is neither an atom nor a flow', () => {
    const stray = { kind: 'retry', name: 'r' } as unknown as PlainNode
    expect(code(() => new Engine(linear('f', [stray])).compile())).toBe('invalid-flow')
    expect(code(() => new Engine(linear('f', [controller(times(2))] as unknown as PlainNode[])).compile())).toBe(
      'invalid-flow',
    )
  })
})
