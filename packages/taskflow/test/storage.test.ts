import { describe, expect, it } from 'vitest'
import {
  atom,
  controller,
  Engine,
  type FlowNode,
  flow,
  type Inputs,
  linear,
  MemoryBackend,
  type PlainNode,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { ObservedBackend, recordOf, statesOf } from './observed-backend.ts'
import { LogBook, Trace } from './trace.ts'
import { ManualClock, rejection, turn, Workbench } from './workbench.ts'

function quick(bench: Workbench, names: readonly string[]): PlainNode[] {
  return names.map((name) => atom(bench.quick(name)))
}

describe('a run commits', () => {
  it('the end of one atom and the beginning of the next in one batch', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend()
    await new Engine(linear('f', quick(bench, ['a', 'b', 'c'])), { backend }).run({})
    expect(backend.batches).toEqual([
      ['flow RUNNING', 'a RUNNING'],
      ['a SUCCESS', 'b RUNNING'],
      ['b SUCCESS', 'c RUNNING'],
      ['flow SUCCESS', 'c SUCCESS'],
    ])
  })

  it('everything that begins or ends at one moment in one batch', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend()
    const root = linear('f', [unordered('g', quick(bench, ['a', 'b', 'c'])), ...quick(bench, ['d'])])
    await new Engine(root, { backend, mode: 'parallel' }).run({})
    expect(backend.batches).toEqual([
      ['flow RUNNING', 'a RUNNING', 'b RUNNING', 'c RUNNING'],
      ['a SUCCESS', 'b SUCCESS', 'c SUCCESS', 'd RUNNING'],
      ['flow SUCCESS', 'd SUCCESS'],
    ])
  })

  it('a failure and the first revert in one batch', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend()
    const root = linear('f', [...quick(bench, ['a']), atom(bench.failing('x'))])
    await rejection(new Engine(root, { backend }).run({}))
    expect(backend.batches.slice(2)).toEqual([
      ['flow to REVERT', 'x FAILURE', 'x REVERTING'],
      ['x REVERTED', 'a REVERTING'],
      ['flow REVERTED', 'a REVERTED'],
    ])
  })

  it('an empty flow in one batch', async () => {
    const backend = new ObservedBackend()
    await new Engine(linear('f', []), { backend }).run({})
    expect(backend.batches).toEqual([['flow SUCCESS']])
  })

  it('what a retry has been through and what it decided, until that is done', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend()
    const root = linear('f', [atom(bench.unsteady('x', 9))], { retry: controller(times(2, { name: 'r' })) })
    await rejection(new Engine(root, { backend, id: 'r' }).run({}))
    expect(backend.batches.slice(1)).toEqual([
      ['r SUCCESS', 'x RUNNING'],
      ['x FAILURE', 'r notes x', 'r to RETRY', 'x REVERTING'],
      ['x REVERTED', 'r RETRYING', 'x PENDING', 'r RUNNING'],
      ['r SUCCESS', 'x RUNNING'],
      ['x FAILURE', 'r notes x', 'r to REVERT', 'x REVERTING'],
      ['x REVERTED', 'r REVERTING'],
      ['flow REVERTED', 'r REVERTED'],
    ])
    expect(recordOf(backend, 'r', 'r')).toMatchObject({ intention: 'REVERT', history: [] })
    expect(backend.load('r')?.flow.intention).toBe('EXECUTE')
  })

  it('that it tries again no longer once it does', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend()
    const root = linear('f', [atom(bench.unsteady('x', 1))], { retry: controller(times(2, { name: 'r' })) })
    await new Engine(root, { backend, id: 'r' }).run({})
    expect(recordOf(backend, 'r', 'r')).toMatchObject({
      intention: 'EXECUTE',
      history: [
        { value: 1, failures: { x: { atom: 'x', message: 'x#1' } } },
        { value: 2, failures: {} },
      ],
    })
  })

  it('when each atom began and ended, by the clock of the engine', async () => {
    const bench = new Workbench()
    const clock = new ManualClock()
    const backend = new MemoryBackend()
    const root = linear('f', [atom(bench.held('a')), atom(bench.held('b'))])
    const failed = rejection(new Engine(root, { backend, clock, id: 'r' }).run({}))
    await turn()
    await clock.pass(10)
    await bench.end('a')
    expect(recordOf(backend, 'r', 'a')).toMatchObject({ state: 'SUCCESS', beganAt: 0, endedAt: 10 })
    await clock.pass(5)
    await bench.fail('b')
    await failed
    expect(recordOf(backend, 'r', 'a')).toMatchObject({ state: 'REVERTED', beganAt: 15, endedAt: 15 })
    expect(backend.load('r')?.flow).toMatchObject({ createdAt: 0, updatedAt: 15 })
  })

  it('what it was started with, and of each atom its version, attempts and result', async () => {
    const backend = new MemoryBackend()
    backend.saveBook({ id: 'imports', name: 'imports', meta: {} })
    const sized = task({
      name: 'sized',
      version: '2.0',
      execute: ({ id }: { id: string }) => ({ id, size: 1 }),
    })
    const none = task({ name: 'none', execute: () => {} })
    const written = flow('f', (f, { id }: Inputs<{ id: string }>) => {
      f.add(sized, { id })
      f.add(none, {})
    })
    const options = { backend, id: 'r', book: 'imports', meta: { by: 'me' }, fence: 3, clock: new ManualClock() }
    await new Engine(written, options).run({ id: 'x' })
    const done = { kind: 'task', state: 'SUCCESS', intention: 'EXECUTE', attempts: 1, beganAt: 0, endedAt: 0 }
    expect(backend.load('r')).toEqual({
      flow: {
        id: 'r',
        book: 'imports',
        name: 'f',
        state: 'SUCCESS',
        intention: 'EXECUTE',
        cancelled: null,
        inputs: { id: 'x' },
        meta: { by: 'me' },
        plan: [
          { name: 'sized', kind: 'task', version: '2.0' },
          { name: 'none', kind: 'task', version: '1.0' },
        ],
        fence: 3,
        createdAt: 0,
        updatedAt: 0,
      },
      atoms: [
        { ...done, name: 'sized', version: '2.0', result: { id: 'x', size: 1 } },
        { ...done, name: 'none', version: '1.0', result: null },
      ],
    })
  })

  it('a failure with its causes, so that it can be read after a restart', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const broken = new TypeError('broke', { cause: new Error('deeper') })
    await rejection(new Engine(linear('f', [atom(bench.failing('x', broken))]), { backend, id: 'r' }).run({}))
    expect(recordOf(backend, 'r', 'x')).toMatchObject({
      state: 'REVERTED',
      failure: { atom: 'x', names: ['TypeError', 'Error'], message: 'broke', causes: [{ message: 'deeper' }] },
    })
  })
})

describe('nothing', () => {
  it('is started or announced before it is stored', async () => {
    const bench = new Workbench()
    const trace = new Trace()
    const gates: PromiseWithResolvers<void>[] = []
    const backend = new ObservedBackend(() => {
      const gate = Promise.withResolvers<void>()
      gates.push(gate)
      return gate.promise
    })
    const root = linear('f', [...quick(bench, ['a']), atom(bench.failing('x'))])
    const failed = rejection(new Engine(root, { backend, listeners: [trace], mode: 'parallel' }).run({}))
    const told: [string[], string[]][] = []
    for (let commit = 0; commit < 5; commit++) {
      await turn()
      expect(gates).toHaveLength(commit + 1)
      told.push([[...bench.log], [...trace.lines]])
      gates[commit]?.resolve()
    }
    await failed
    const lines = trace.lines
    expect(told).toEqual([
      [[], []],
      [['a'], lines.slice(0, 2)],
      [['a', 'x'], lines.slice(0, 4)],
      [['a', 'x', '-x'], lines.slice(0, 6)],
      [['a', 'x', '-x', '-a'], lines.slice(0, 8)],
    ])
    expect(lines).toHaveLength(10)
  })

  it('more is begun while what is under way is being stored', async () => {
    const bench = new Workbench()
    const gate = Promise.withResolvers<void>()
    const backend = new ObservedBackend((_, nth) => (nth === 2 ? gate.promise : undefined))
    const root = unordered('f', [
      linear('left', [atom(bench.held('a')), ...quick(bench, ['a2'])]),
      linear('right', [atom(bench.held('b')), ...quick(bench, ['b2'])]),
    ])
    const done = new Engine(root, { backend, mode: 'parallel' }).run({})
    await turn()
    await bench.end('a')
    await bench.end('b')
    expect(bench.log).toEqual(['a', 'b'])
    gate.resolve()
    await done
    expect(backend.batches.slice(1)).toEqual([
      ['a SUCCESS', 'a2 RUNNING'],
      ['b SUCCESS', 'a2 SUCCESS', 'b2 RUNNING'],
      ['flow SUCCESS', 'b2 SUCCESS'],
    ])
  })
})

const lost = new Error('disk full')

/** In the end it fails, and on the way some atoms are under way while others end. */
function makeFlow(bench: Workbench): FlowNode {
  return linear('f', [
    ...quick(bench, ['a']),
    unordered('g', [atom(bench.held('b')), linear('h', quick(bench, ['c', 'd'])), atom(bench.held('e'))]),
    atom(bench.failing('x')),
  ])
}

interface Ended {
  readonly bench: Workbench
  readonly backend: ObservedBackend
  readonly trace: Trace
  readonly engine: Engine<object, unknown>
  readonly error: unknown
}

/** Runs on a backend whose n-th commit fails, at once or later, and ends what is under way an atom a turn. */
async function runUntilLost(nth: number, later: boolean): Promise<Ended> {
  const bench = new Workbench()
  const trace = new Trace()
  const backend = new ObservedBackend((_, commit) => {
    if (later) return turn().then(() => (commit === nth ? Promise.reject(lost) : undefined))
    if (commit === nth) throw lost
    return undefined
  })
  const engine = new Engine(makeFlow(bench), { backend, mode: 'parallel', id: 'r', listeners: [trace] })
  const ended: unknown[] = []
  const failed = rejection(engine.run({})).then((error) => ended.push(error))
  while (ended.length === 0) {
    await turn()
    const [next] = bench.underWay
    if (next) {
      expect(ended, 'a run must not end before what is under way').toEqual([])
      await bench.end(next)
    }
  }
  await failed
  return { bench, backend, trace, engine, error: ended[0] }
}

describe('a backend that fails', () => {
  it.each([
    ['at once', false],
    ['later', true],
  ])('%s, at any commit, ends the run with nothing under way and nothing told that is not stored', async (_, later) => {
    for (let nth = 1; ; nth++) {
      const { bench, backend, trace, engine, error } = await runUntilLost(nth, later)
      expect(bench.underWay).toEqual([])
      const states = backend.batches.flat().filter((line) => line !== 'flow to REVERT')
      expect(trace.lines).toHaveLength(states.length)
      const heard = trace.atoms.map(({ atom, state }) => `${atom} ${state}`)
      const stored = states.filter((line) => !line.startsWith('flow '))
      expect(heard.toSorted()).toEqual(stored.toSorted())
      const told = statesOf(backend, 'r')
      expect(told).toContain(`flow ${engine.state}`)
      const begun = bench.log.length
      await turn()
      expect(bench.log).toHaveLength(begun)
      expect(statesOf(backend, 'r')).toBe(told)
      if (backend.begun < nth) {
        expect(error).toMatchObject({ message: 'x broke' })
        expect(nth).toBeGreaterThan(9)
        break
      }
      expect(backend.begun).toBe(nth)
      expect(error).toMatchObject({
        name: 'TaskFlowError',
        code: 'storage',
        message: 'what the flow did could not be stored: disk full',
        cause: lost,
      })
    }
  })

  it('aborts what is under way, so that it ends soon', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend((_, nth) => {
      if (nth === 2) throw lost
    })
    const root = unordered('f', [atom(bench.held('a')), atom(bench.held('b'))])
    let over = false
    const failed = rejection(new Engine(root, { backend, mode: 'parallel' }).run({})).finally(() => {
      over = true
    })
    await turn()
    await bench.end('a')
    expect(bench.contextOf('b').signal.aborted).toBe(true)
    expect(over).toBe(false)
    await bench.fail('b')
    expect(await failed).toMatchObject({ code: 'storage' })
    expect(bench.log).toEqual(['a', 'b'])
  })

  it('to create the run lets nothing begin', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend()
    backend.create = () => {
      throw lost
    }
    const error = await rejection(new Engine(linear('f', quick(bench, ['a'])), { backend }).run({}))
    expect(error).toMatchObject({ name: 'TaskFlowError', code: 'storage', cause: lost })
    expect(bench.log).toEqual([])
  })

  it('because the run exists already lets nothing begin', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    await new Engine(linear('f', []), { backend, id: 'r' }).run({})
    const again = new Engine(linear('f', quick(bench, ['a'])), { backend, id: 'r' }).run({})
    expect(await rejection(again)).toMatchObject({ code: 'storage', message: expect.stringContaining("'r' exists") })
    expect(bench.log).toEqual([])
    expect(statesOf(backend, 'r')).toBe('flow SUCCESS')
  })

  it('with something that is no error is quoted', async () => {
    const backend = new ObservedBackend(() => {
      throw 'full' as unknown as Error
    })
    const error = await rejection(new Engine(linear('f', []), { backend, logger: new LogBook() }).run({}))
    expect(error).toMatchObject({ code: 'storage', message: 'what the flow did could not be stored: full' })
  })
})
