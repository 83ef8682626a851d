import { describe, expect, it } from 'vitest'
import {
  type AtomChange,
  atom,
  controller,
  Engine,
  type Listener,
  linear,
  type TaskContext,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { ObservedBackend, recordOf } from './observed-backend.ts'
import { LogBook, Trace } from './trace.ts'
import { rejection, turn, Workbench } from './workbench.ts'

/** Whether a batch holds nothing but what atoms tell of their progress. */
function isProgress(atoms: readonly AtomChange[]): boolean {
  return atoms.length > 0 && atoms.every(({ progress, state }) => progress && state === undefined)
}

describe('a listener', () => {
  it('hears every change with its old state, in order', async () => {
    const bench = new Workbench()
    const trace = new Trace()
    await new Engine(linear('f', [atom(bench.quick('a')), atom(bench.quick('b'))]), { listeners: [trace] }).run({})
    expect(trace.lines).toEqual([
      'flow PENDING>RUNNING',
      'a PENDING>RUNNING',
      'a RUNNING>SUCCESS',
      'b PENDING>RUNNING',
      'b RUNNING>SUCCESS',
      'flow RUNNING>SUCCESS',
    ])
  })

  it('hears of reverts, last first', async () => {
    const bench = new Workbench()
    const trace = new Trace()
    const root = linear('f', [atom(bench.quick('a')), atom(bench.failing('x'))])
    await rejection(new Engine(root, { listeners: [trace] }).run({}))
    expect(trace.lines.slice(3)).toEqual([
      'x PENDING>RUNNING',
      'x RUNNING>FAILURE',
      'x FAILURE>REVERTING',
      'x REVERTING>REVERTED',
      'a SUCCESS>REVERTING',
      'a REVERTING>REVERTED',
      'flow RUNNING>REVERTED',
    ])
  })

  it('is told the run, the attempt, results and failures', async () => {
    const bench = new Workbench()
    const trace = new Trace()
    const broken = new Error('broke')
    const undo = new Error('cannot undo')
    const fail = (): never => {
      throw undo
    }
    const root = linear('f', [
      atom(bench.quick('a', () => ({ size: 1 }))),
      atom(bench.quick('nothing', () => {})),
      atom(bench.failing('x', broken, { revert: fail })),
    ])
    await rejection(new Engine(root, { listeners: [trace], id: 'r' }).run({}))
    expect(trace.flows[0]).toEqual({ flow: 'r', name: 'f', state: 'RUNNING', oldState: 'PENDING' })
    const told = trace.atoms.filter(({ state }) => state !== 'RUNNING' && state !== 'REVERTING')
    const one = { flow: 'r', kind: 'task', attempt: 1 }
    expect(told).toEqual([
      { ...one, atom: 'a', state: 'SUCCESS', oldState: 'RUNNING', result: { size: 1 } },
      { ...one, atom: 'nothing', state: 'SUCCESS', oldState: 'RUNNING', result: null },
      {
        ...one,
        atom: 'x',
        state: 'FAILURE',
        oldState: 'RUNNING',
        failure: expect.objectContaining({ message: 'broke' }),
      },
      {
        ...one,
        atom: 'x',
        state: 'REVERT_FAILURE',
        oldState: 'REVERTING',
        failure: expect.objectContaining({ message: 'cannot undo' }),
      },
    ])
    expect(told[2]?.failure?.toError()).toBe(broken)
    expect(Object.keys(trace.atoms[0] ?? {})).not.toContain('result')
  })

  it('is told what is stored already', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend()
    const wrong: string[] = []
    const check: Listener = {
      onAtom: ({ flow, atom, state }) => {
        const stored = recordOf(backend, flow, atom)
        if (stored === undefined || (stored.state !== state && state !== 'FAILURE')) wrong.push(`${atom} ${state}`)
      },
    }
    const root = linear('f', [atom(bench.quick('a')), atom(bench.failing('x'))])
    await rejection(new Engine(root, { backend, listeners: [check] }).run({}))
    expect(wrong).toEqual([])
  })

  it('that throws harms neither the run nor other listeners, and is logged', async () => {
    const bench = new Workbench()
    const log = new LogBook()
    const trace = new Trace()
    const broken = new Error('listener broke')
    const fail = (): never => {
      throw broken
    }
    const listeners = [{ onAtom: fail, onFlow: fail, onProgress: fail }, trace]
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]), { listeners, logger: log })
    await engine.run({})
    expect(trace.lines).toHaveLength(4)
    expect(log.lines).toEqual(Array.from({ length: 4 }, () => 'error: a listener of a flow failed; the flow goes on'))
    expect(log.fields[0]).toEqual({ err: broken })
  })

  it('that fails later harms nothing either, and is logged', async () => {
    const log = new LogBook()
    const broken = new Error('listener broke later')
    const onFlow = async (): Promise<void> => {
      await turn()
      throw broken
    }
    await new Engine(linear('f', []), { listeners: [Object.assign({}, { onFlow })], logger: log }).run({})
    await turn()
    await turn()
    expect(log.lines).toEqual(Array.from({ length: 2 }, () => 'error: a listener of a flow failed; the flow goes on'))
    expect(log.fields[0]).toEqual({ err: broken })
  })

  it('may hear of some things only, and there may be many', async () => {
    const bench = new Workbench()
    const heard: string[] = []
    const listeners: Listener[] = [
      {},
      { onFlow: ({ state }) => void heard.push(`1 ${state}`) },
      { onAtom: ({ state }) => void heard.push(`2 ${state}`) },
      { onFlow: ({ state }) => void heard.push(`3 ${state}`) },
    ]
    await new Engine(linear('f', [atom(bench.quick('a'))]), { listeners }).run({})
    expect(heard).toEqual(['1 RUNNING', '3 RUNNING', '2 RUNNING', '2 SUCCESS', '1 SUCCESS', '3 SUCCESS'])
  })
})

interface Setting {
  readonly bench: Workbench
  readonly trace: Trace
  readonly backend: ObservedBackend
  readonly log: LogBook
  readonly done: Promise<unknown>
}

async function begin(backend: ObservedBackend = new ObservedBackend()): Promise<Setting> {
  const bench = new Workbench()
  const trace = new Trace()
  const log = new LogBook()
  const root = unordered('f', [atom(bench.held('a')), atom(bench.held('b'))])
  const engine = new Engine(root, { backend, id: 'r', mode: 'parallel', listeners: [trace], logger: log })
  const done = engine.run({}).then(
    () => 'done',
    (error: unknown) => error,
  )
  await turn()
  return { bench, trace, backend, log, done }
}

describe('progress', () => {
  it('is stored, and then announced with its details', async () => {
    const { bench, trace, backend } = await begin()
    bench.contextOf('a').progress(0.5, { bytes: 10 })
    expect(trace.progress).toEqual([])
    await turn()
    expect(trace.progress).toEqual([{ flow: 'r', atom: 'a', attempt: 1, fraction: 0.5, details: { bytes: 10 } }])
    expect(recordOf(backend, 'r', 'a')?.progress).toEqual({ fraction: 0.5, details: { bytes: 10 } })
    bench.contextOf('a').progress(0.6)
    await turn()
    expect(recordOf(backend, 'r', 'a')?.progress).toEqual({ fraction: 0.6, details: null })
  })

  it('is told with the attempt, so that nobody takes it for that of another', async () => {
    const x = task({
      name: 'x',
      execute: async (_: object, context) => {
        context.progress(context.attempt / 4)
        await turn()
        if (context.attempt < 2) throw new Error('again')
      },
    })
    const trace = new Trace()
    const root = linear('f', [atom(x)], { retry: controller(times(2)) })
    await new Engine(root, { listeners: [trace] }).run({})
    expect(trace.progress.map(({ attempt, fraction }) => [attempt, fraction])).toEqual([
      [1, 0.25],
      [2, 0.5],
    ])
  })

  it('of one turn is one batch, with the last word of each atom', async () => {
    const { bench, trace, backend } = await begin()
    for (const fraction of [0.1, 0.2, 0.3]) bench.contextOf('a').progress(fraction)
    bench.contextOf('b').progress(0.7)
    await turn()
    bench.contextOf('a').progress(0.4)
    await turn()
    expect(backend.batches.slice(1)).toEqual([['a 0.3', 'b 0.7'], ['a 0.4']])
    expect(trace.progress.map(({ fraction }) => fraction)).toEqual([0.3, 0.7, 0.4])
  })

  it.each([
    [-1, 0],
    [2, 1],
    [Number.POSITIVE_INFINITY, 1],
    [Number.NEGATIVE_INFINITY, 0],
    [0, 0],
    [1, 1],
  ])('of %d is %d', async (told, heard) => {
    const { bench, trace } = await begin()
    bench.contextOf('a').progress(told)
    await turn()
    expect(trace.progress.map(({ fraction }) => fraction)).toEqual([heard])
  })

  it('that cannot be stored as JSON is dropped and logged, and the last good word stands', async () => {
    const { bench, trace, log } = await begin()
    const { progress } = { progress: bench.contextOf('a').progress.bind(bench.contextOf('a')) }
    progress(0.5)
    progress(Number.NaN)
    progress(0.9, { at: new Date() })
    await turn()
    expect(trace.progress.map(({ fraction }) => fraction)).toEqual([0.5])
    const warning = 'warn: progress that cannot be stored is dropped'
    expect(log.lines).toEqual([warning, warning])
    expect(log.fields[1]).toMatchObject({ atom: 'a', loss: 'details.at is a Date' })
  })

  it('told before the end of the atom but not yet stored is overtaken by the end', async () => {
    const { bench, trace, backend } = await begin()
    bench.contextOf('a').progress(0.9)
    const ended = bench.end('a')
    await ended
    await turn()
    expect(trace.lines.slice(3)).toEqual(['a RUNNING>SUCCESS'])
    expect(recordOf(backend, 'r', 'a')?.progress).toEqual({ fraction: 1, details: null })
  })

  it('told after the end of the atom, or of the run, is dropped', async () => {
    const { bench, trace, backend, done } = await begin()
    const [a, b] = [bench.contextOf('a'), bench.contextOf('b')]
    await bench.end('a')
    a.progress(0.1)
    await turn()
    await bench.end('b')
    expect(await done).toBe('done')
    b.progress(0.2)
    await turn()
    expect(trace.progress).toEqual([])
    expect(backend.batches.flat().filter((line) => line.includes('.'))).toEqual([])
  })

  it('of an execute is not taken for that of its revert', async () => {
    const bench = new Workbench()
    const trace = new Trace()
    const contexts: TaskContext[] = []
    const x = task({
      name: 'x',
      execute: (_: object, context) => {
        contexts.push(context)
        context.progress(0.9)
        throw new Error('broke')
      },
      revert: async (_, __, context) => {
        await bench.hold('undo', context)
      },
    })
    const failed = rejection(new Engine(linear('f', [atom(x)]), { listeners: [trace] }).run({}))
    await turn()
    contexts[0]?.progress(0.95)
    await turn()
    expect(trace.progress).toEqual([])
    bench.contextOf('undo').progress(0.25)
    contexts[0]?.progress(0.96)
    await turn()
    expect(trace.progress.map(({ fraction }) => fraction)).toEqual([0.25])
    await bench.end('undo')
    await failed
  })

  it('that cannot be stored is logged, and the run goes on', async () => {
    for (const wait of [false, true]) {
      const failing = new ObservedBackend(({ atoms }) => {
        if (!isProgress(atoms)) return undefined
        if (!wait) throw new Error('disk full')
        return Promise.reject(new Error('disk full'))
      })
      const { bench, trace, log, done } = await begin(failing)
      bench.contextOf('a').progress(0.5)
      await turn()
      await bench.end('a')
      await bench.end('b')
      expect(await done).toBe('done')
      expect(trace.progress).toEqual([])
      expect(log.lines).toEqual(['warn: the progress of a flow could not be stored; the flow goes on'])
    }
  })

  it('that is still being stored when the atom ends is not announced after the end, and the run waits for it', async () => {
    const gate = Promise.withResolvers<void>()
    const slow = new ObservedBackend(({ atoms }) => (isProgress(atoms) ? gate.promise : undefined))
    const { bench, trace, done } = await begin(slow)
    bench.contextOf('a').progress(0.5)
    await turn()
    await bench.end('a')
    await bench.end('b')
    const ended: unknown[] = []
    void done.then((outcome) => ended.push(outcome))
    await turn()
    expect(ended).toEqual([])
    gate.resolve()
    expect(await done).toBe('done')
    expect(trace.progress).toEqual([])
    expect(trace.lines.at(-1)).toBe('flow RUNNING>SUCCESS')
  })

  it('is stored in the order in which it was told, however long storing takes', async () => {
    const gates: PromiseWithResolvers<void>[] = []
    const slow = new ObservedBackend(({ atoms }) => {
      if (!isProgress(atoms)) return undefined
      const gate = Promise.withResolvers<void>()
      gates.push(gate)
      return gate.promise
    })
    const { bench, trace, backend, done } = await begin(slow)
    for (const fraction of [0.1, 0.2, 0.3]) {
      bench.contextOf('a').progress(fraction)
      await turn()
    }
    for (let open = 0; open < 3; open++) {
      for (const gate of gates.toReversed()) gate.resolve()
      await turn()
    }
    expect(recordOf(backend, 'r', 'a')?.progress?.fraction).toBe(0.3)
    expect(trace.progress.map(({ fraction }) => fraction)).toEqual([0.1, 0.3])
    await bench.end('a')
    await bench.end('b')
    await done
  })
})
