import { describe, expect, it } from 'vitest'
import { atom, Engine, type FlowNode, flow, linear, type PlainNode, run, task, unordered } from '../src/index.ts'
import { rejection, turn, Workbench } from './workbench.ts'

/** Atoms of held tasks with these names. */
function held(bench: Workbench, names: readonly string[]): PlainNode[] {
  return names.map((name) => atom(bench.held(name)))
}

function quick(bench: Workbench, names: readonly string[]): PlainNode[] {
  return names.map((name) => atom(bench.quick(name)))
}

function deep(levels: number, pattern: (name: string, children: PlainNode[]) => FlowNode, leaf: PlainNode): FlowNode {
  let node = pattern('level 0', [leaf])
  for (let level = 1; level < levels; level++) node = pattern(`level ${level}`, [node])
  return node
}

type Settle = (value: unknown) => void

/** Something that can be waited for, but is no promise. */
function makeThenable(settle: (resolve: Settle, reject: Settle) => void): PromiseLike<string> {
  const made: Partial<PromiseLike<string>> = {}
  Reflect.set(made, 'then', settle)
  return made as PromiseLike<string>
}

function answerAgainAndAgain(resolve: Settle, reject: Settle): never {
  resolve('first')
  reject(new Error('second'))
  resolve('third')
  throw new Error('fourth')
}

describe('the order of atoms', () => {
  it('of a linear flow is that of the document, in every mode', async () => {
    for (const mode of ['serial', 'parallel'] as const) {
      const bench = new Workbench()
      const engine = new Engine(linear('f', held(bench, ['a', 'b', 'c'])), { mode })
      const done = engine.run({})
      for (const name of ['a', 'b', 'c']) {
        await turn()
        expect(bench.underWay).toEqual([name])
        await bench.end(name)
      }
      await done
      expect(engine.state).toBe('SUCCESS')
    }
  })

  it('of an unordered flow is that of the document in a serial engine', async () => {
    const bench = new Workbench()
    await new Engine(unordered('f', quick(bench, ['c', 'a', 'b']))).run({})
    expect(bench.log).toEqual(['c', 'a', 'b'])
  })

  it('lets everything of an unordered flow begin at once in a parallel engine', async () => {
    const bench = new Workbench()
    const inner = linear('inner', held(bench, ['b', 'c']))
    const root = unordered('f', [...held(bench, ['a']), inner, unordered('wide', held(bench, ['d', 'e']))])
    const done = new Engine(linear('root', [root, ...held(bench, ['last'])]), { mode: 'parallel' }).run({})
    await turn()
    expect(bench.underWay).toEqual(['a', 'b', 'd', 'e'])
    for (const name of ['e', 'd', 'a', 'b']) await bench.end(name)
    expect(bench.underWay).toEqual(['c'])
    await bench.end('c')
    expect(bench.underWay).toEqual(['last'])
    await bench.end('last')
    await done
  })

  it('puts what became ready first first, and what comes first in the document first among what became ready together', async () => {
    const bench = new Workbench()
    const root = unordered('f', [
      linear('left', [...held(bench, ['x']), ...quick(bench, ['early'])]),
      linear('right', quick(bench, ['late 1', 'late 2'])),
    ])
    const done = new Engine(root, { mode: 'parallel', maxWorkers: 2 }).run({})
    await turn()
    await bench.end('x')
    await done
    const serial = new Workbench()
    await new Engine(
      unordered('f', [linear('left', quick(serial, ['a', 'b'])), linear('right', quick(serial, ['c', 'd']))]),
    ).run({})
    expect(bench.log).toEqual(['x', 'late 1', 'late 2', 'early'])
    expect(serial.log).toEqual(['a', 'c', 'b', 'd'])
  })

  it('puts the higher priority first among what is ready', async () => {
    const bench = new Workbench()
    const names = ['a 0', 'b 5', 'c -1', 'd 5', 'e 7']
    const root = unordered(
      'f',
      names.map((name) => atom(bench.held(name, { priority: Number(name.split(' ')[1]) }))),
    )
    const done = new Engine(root).run({})
    await turn()
    for (const name of ['e 7', 'b 5', 'd 5', 'a 0', 'c -1']) await bench.end(name)
    await done
    expect(bench.log).toEqual(['e 7', 'b 5', 'd 5', 'a 0', 'c -1'])
  })

  it('counts what is inside of parts as ready too when it compares priorities', async () => {
    const bench = new Workbench()
    const high = atom(bench.quick('high', undefined, { priority: 10 }))
    const root = unordered('f', [
      ...quick(bench, ['low']),
      linear('part', [linear('inner', [high])]),
      unordered('empty', []),
    ])
    await new Engine(root).run({})
    expect(bench.log).toEqual(['high', 'low'])
  })

  it('never lets a priority overtake what is before it', async () => {
    const bench = new Workbench()
    const second = atom(bench.quick('second', undefined, { priority: 100 }))
    await new Engine(linear('f', [...quick(bench, ['first']), second])).run({})
    expect(bench.log).toEqual(['first', 'second'])
  })

  it('puts the higher priority first when reverting too', async () => {
    const bench = new Workbench()
    const at = (name: string, priority: number): PlainNode => atom(bench.quick(name, undefined, { priority }))
    const root = linear('f', [
      unordered('g', [at('a', 0), at('b', 5), linear('h', [at('c', 1)]), at('d', 5)]),
      atom(bench.failing('x')),
    ])
    await rejection(new Engine(root).run({}))
    expect(bench.log).toEqual(['b', 'd', 'c', 'a', 'x', '-x', '-d', '-b', '-c', '-a'])
  })
})

describe('how many atoms are under way', () => {
  it('is one in a serial engine, whatever waits', async () => {
    const bench = new Workbench()
    const done = new Engine(unordered('f', held(bench, ['a', 'b', 'c'])), { maxWorkers: 5 }).run({})
    for (const name of ['a', 'b', 'c']) {
      await turn()
      expect(bench.underWay).toEqual([name])
      await bench.end(name)
    }
    await done
  })

  it.each([1, 2, 3, 10])('reaches %i and no more in a parallel engine', async (maxWorkers) => {
    const bench = new Workbench()
    const names = Array.from({ length: 12 }, (_, index) => `t${index}`)
    const done = new Engine(unordered('f', held(bench, names)), { mode: 'parallel', maxWorkers }).run({})
    await turn()
    for (let ended = 0; ended < names.length; ended++) {
      expect(bench.underWay).toHaveLength(Math.min(maxWorkers, names.length - ended))
      await bench.end(bench.underWay[ended % bench.underWay.length] ?? '')
    }
    await done
  })

  it('is at most ten where nothing is said', async () => {
    const bench = new Workbench()
    const names = Array.from({ length: 12 }, (_, index) => `t${index}`)
    const done = new Engine(unordered('f', held(bench, names)), { mode: 'parallel' }).run({})
    await turn()
    expect(bench.underWay).toHaveLength(10)
    for (const name of names) await bench.end(name)
    await done
  })

  it('holds for reverts too', async () => {
    const bench = new Workbench()
    const names = ['a', 'b', 'c', 'd']
    const reverts = names.map((name) =>
      atom(bench.quick(name, undefined, { revert: (_, context) => bench.hold(`undo ${name}`, context) })),
    )
    const root = linear('f', [unordered('g', reverts), atom(bench.failing('x'))])
    const failed = rejection(new Engine(root, { mode: 'parallel', maxWorkers: 3 }).run({}))
    await turn()
    expect(bench.underWay).toEqual(['undo d', 'undo c', 'undo b'])
    await bench.end('undo c')
    expect(bench.underWay).toEqual(['undo d', 'undo b', 'undo a'])
    for (const name of ['undo d', 'undo b', 'undo a']) await bench.end(name)
    await failed
  })
})

describe('tasks', () => {
  it('may answer at once, later, or with anything that can be waited for', async () => {
    const written = flow('f', (f) => {
      const a = f.add(task({ name: 'a', execute: () => 'a' }), {})
      const b = f.add(task({ name: 'b', execute: async () => 'b' }), {})
      const c = f.add(
        task({ name: 'c', execute: async () => await makeThenable((resolve) => setImmediate(() => resolve('c'))) }),
        {},
      )
      const all = task({ name: 'all', execute: (args: { a: string; b: string; c: string }) => Object.values(args) })
      return f.add(all, { a, b, c })
    })
    await expect(run(written, {})).resolves.toEqual(['a', 'b', 'c'])
  })

  it('that answer twice are heard once', async () => {
    const bench = new Workbench()
    const engine = new Engine(
      unordered('f', [atom(bench.quick('a', () => makeThenable(answerAgainAndAgain))), ...held(bench, ['b'])]),
      {
        mode: 'parallel',
      },
    )
    const done = engine.run({})
    await turn()
    await bench.end('b')
    await done
    expect(engine.state).toBe('SUCCESS')
    expect(bench.log).toEqual(['a', 'b'])
  })

  it('without a result give null to what takes it', async () => {
    const nothing = task({ name: 'nothing', execute: () => {} })
    const seen: unknown[] = []
    const see = task({ name: 'see', execute: (args: { x: unknown }) => void seen.push(args) })
    await run(
      flow('f', (f) => f.add(see, { x: f.add(nothing, {}) })),
      {},
    )
    expect(seen).toEqual([{ x: null }])
  })

  it('are told which run, atom and attempt they are', async () => {
    const seen: unknown[] = []
    const tell = task({
      name: 'tell',
      execute: (_: object, { flow, atom, attempt, idempotencyKey, signal }) =>
        void seen.push({ flow, atom, attempt, idempotencyKey, aborted: signal.aborted }),
    })
    const written = flow('f', (f) => {
      f.add(tell, {})
      f.add(tell, {}, { name: 'again' })
    })
    await run(written, {}, { id: 'run-1' })
    expect(seen).toEqual([
      { flow: 'run-1', atom: 'tell', attempt: 1, idempotencyKey: 'run-1/tell/1', aborted: false },
      { flow: 'run-1', atom: 'again', attempt: 1, idempotencyKey: 'run-1/again/1', aborted: false },
    ])
  })
})

describe('flows of every size and shape', () => {
  it('with nothing in them succeed', async () => {
    for (const root of [
      linear('f', []),
      unordered('f', []),
      linear('f', [unordered('g', []), linear('h', [])]),
      unordered('f', [unordered('g', [linear('h', [])]), linear('i', [])]),
    ]) {
      const engine = new Engine(root, { mode: 'parallel' })
      await expect(engine.run({})).resolves.toBeUndefined()
      expect(engine.state).toBe('SUCCESS')
    }
  })

  it('keep their order through empty parts', async () => {
    const bench = new Workbench()
    const parts = [...quick(bench, ['a']), linear('h', []), ...quick(bench, ['b'])]
    await new Engine(linear('f', [unordered('g', []), ...parts, unordered('i', [])])).run({})
    expect(bench.log).toEqual(['a', 'b'])
  })

  it.each([
    ['linear', linear],
    ['unordered', unordered],
  ] as const)('of 1,000 %s levels run and revert', async (_, pattern) => {
    const bench = new Workbench()
    const leaf = atom(bench.quick('leaf'))
    await new Engine(deep(1_000, pattern, leaf)).run({})
    expect(bench.log).toEqual(['leaf'])
    const root = linear('root', [deep(1_000, pattern, leaf), deep(1_000, pattern, atom(bench.failing('x')))])
    await rejection(new Engine(root).run({}))
    expect(bench.log).toEqual(['leaf', 'leaf', 'x', '-x', '-leaf'])
  })

  it.each(['serial', 'parallel'] as const)('of 10,000 siblings run and revert in a %s engine', async (mode) => {
    const names = Array.from({ length: 10_000 }, (_, index) => `t${index}`)
    const bench = new Workbench()
    const engine = new Engine(linear('f', [unordered('g', quick(bench, names)), atom(bench.failing('x'))]), { mode })
    await rejection(engine.run({}))
    expect(engine.state).toBe('REVERTED')
    expect(bench.log).toHaveLength(2 * names.length + 2)
    expect(bench.log.slice(0, names.length)).toEqual(names)
    expect(bench.log.slice(names.length + 2)).toEqual(names.map((name) => `-${name}`).toReversed())
  })

  it('let the rest of the process have its turn while tasks never wait', async () => {
    const bench = new Workbench()
    const names = Array.from({ length: 5_000 }, (_, index) => `t${index}`)
    let turns = 0
    let over = false
    const count = (): void => {
      turns++
      if (!over) setImmediate(count)
    }
    setImmediate(count)
    await new Engine(linear('f', quick(bench, names))).run({})
    over = true
    expect(turns).toBeGreaterThan(0)
  })
})

describe('an engine', () => {
  const empty = linear('f', [])

  it('runs once', async () => {
    const engine = new Engine(empty)
    expect(engine.state).toBe('PENDING')
    const first = engine.run({})
    const error = await rejection(engine.run({}))
    expect(error).toMatchObject({ code: 'invalid-state', message: expect.stringContaining("'f'") })
    await first
    await expect(engine.run({})).rejects.toMatchObject({ code: 'invalid-state' })
  })

  it('that refused its inputs may be given right ones', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a'), { requires: ['x'] })]))
    await expect(engine.run({})).rejects.toMatchObject({ code: 'missing-dependencies' })
    expect(engine.state).toBe('PENDING')
    await engine.run({ x: 1 })
    expect(engine.state).toBe('SUCCESS')
  })

  it('has an id of its own, or the one it is given', () => {
    expect(new Engine(empty, { id: 'mine' }).id).toBe('mine')
    expect(new Engine(empty).id).not.toBe(new Engine(empty).id)
  })

  it.each([
    [{ mode: 'fast' }, /mode must be one of serial, parallel, threads, not "fast"/],
    [{ maxWorkers: 0 }, /maxWorkers must be a whole number of at least 1, not 0/],
    [{ maxWorkers: -1 }, /not -1/],
    [{ maxWorkers: 1.5 }, /not 1.5/],
    [{ maxWorkers: Number.NaN }, /not NaN/],
    [{ maxWorkers: Number.POSITIVE_INFINITY }, /not Infinity/],
    [{ maxWorkers: '3' }, /not 3/],
    [{ onRevertFailure: 'ignore' }, /onRevertFailure must be 'stop' or 'continue', not "ignore"/],
    [{ id: '' }, /id must be a text that is not empty, not ""/],
  ])('refuses the options %o', (options, message) => {
    const make = (): unknown => new Engine(empty, options as object)
    expect(make).toThrow(expect.objectContaining({ code: 'invalid-flow' }))
    expect(make).toThrow(message)
  })
})
