import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import {
  atom,
  controller,
  Engine,
  type Listener,
  linear,
  MemoryBackend,
  retry,
  type Task,
  type TaskContext,
  times,
  unordered,
} from '../src/index.ts'
import { ObservedBackend, statesOf } from './observed-backend.ts'
import { Trace } from './trace.ts'
import { rejection, tried, turn, Workbench, watched } from './workbench.ts'

const reason = new Error('the user said so')
const cancelled = { name: 'TaskFlowError', code: 'cancelled' }

/** A task that fails in the very moment in which it is aborted. */
function heeding(bench: Workbench, name: string): Task<Record<string, never>, unknown> {
  return {
    ...bench.held(name),
    execute: (_, context) => {
      context.signal.addEventListener('abort', () => void bench.fail(name))
      return bench.hold(name, context)
    },
  }
}

/** A task's work that ends as soon as it is told to. */
async function untilAborted({ signal }: TaskContext): Promise<never> {
  return await new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

describe('a run that is cancelled', () => {
  it('while an atom is under way aborts it, and reverts what was done', async () => {
    const bench = new Workbench()
    const backend = new MemoryBackend()
    const listening = bench.held('b')
    const root = linear('f', [
      atom(bench.quick('a')),
      atom({ ...listening, execute: (_, context) => untilAborted(context) }),
      atom(bench.quick('never')),
    ])
    const engine = new Engine(root, { backend, id: 'r' })
    const failed = rejection(engine.run({}))
    await turn()
    engine.cancel(reason)
    const error = await failed
    expect(error).toMatchObject({ ...cancelled, message: "flow 'f' was cancelled: the user said so", cause: reason })
    expect(bench.log).toEqual(['a', '-b', '-a'])
    expect(engine.state).toBe('REVERTED')
    expect(engine.failures.map(String)).toEqual(['b: Error: the user said so'])
    expect(statesOf(backend, 'r')).toBe('flow REVERTED, a REVERTED, b REVERTED')
  })

  it('waits for an atom that ignores the abort, and reverts it too', async () => {
    const bench = new Workbench()
    const root = linear('f', [atom(bench.held('a')), atom(bench.quick('never'))])
    const engine = new Engine(root)
    const failed = rejection(engine.run({}))
    await turn()
    const { signal } = bench.contextOf('a')
    engine.cancel(reason)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBe(reason)
    await turn()
    expect(engine.state).toBe('RUNNING')
    await bench.end('a')
    expect(await failed).toMatchObject(cancelled)
    expect(bench.log).toEqual(['a', '-a'])
    expect(engine.failures).toEqual([])
    expect(engine.state).toBe('REVERTED')
  })

  it('reverts idle branches at once, while others are still under way', async () => {
    const bench = new Workbench()
    const root = unordered('f', [atom(bench.held('slow')), atom(bench.quick('done'))])
    const engine = new Engine(root, { mode: 'parallel' })
    const failed = rejection(engine.run({}))
    await turn()
    engine.cancel()
    await turn()
    expect(bench.log).toEqual(['slow', 'done', '-done'])
    await bench.end('slow')
    expect(await failed).toMatchObject({ ...cancelled, message: "flow 'f' was cancelled: no reason was given" })
    expect(bench.log).toEqual(['slow', 'done', '-done', '-slow'])
  })

  it('by a task of its own stops after that task', async () => {
    const bench = new Workbench()
    const engines: Engine<object, unknown>[] = []
    const stop = bench.quick('stop', () => engines[0]?.cancel('enough'))
    engines.push(new Engine(linear('f', [atom(stop), atom(bench.quick('never'))])))
    expect(await rejection(engines[0]?.run({}) ?? Promise.resolve())).toMatchObject({
      ...cancelled,
      message: "flow 'f' was cancelled: enough",
    })
    expect(bench.log).toEqual(['stop', '-stop'])
  })

  it('by a listener begins no other atom', async () => {
    const bench = new Workbench()
    const engines: Engine<object, unknown>[] = []
    const stopper: Listener = {
      onAtom: ({ atom, state }) => {
        if (atom === 'a' && state === 'SUCCESS') engines[0]?.cancel()
      },
    }
    const root = linear('f', [atom(bench.quick('a')), atom(bench.quick('b')), atom(bench.quick('never'))])
    engines.push(new Engine(root, { listeners: [stopper] }))
    await rejection(engines[0]?.run({}) ?? Promise.resolve())
    expect(bench.log).toEqual(['a', 'b', '-b', '-a'])
  })

  it('while the beginning of an atom is being stored begins it aborted, and nothing after it', async () => {
    const bench = new Workbench()
    const gate = Promise.withResolvers<void>()
    const backend = new ObservedBackend((_, nth) => (nth === 1 ? gate.promise : undefined))
    const engine = new Engine(linear('f', [linear('g', []), atom(bench.held('a')), atom(bench.quick('b'))]), {
      backend,
    })
    const failed = rejection(engine.run({}))
    await turn()
    engine.cancel()
    gate.resolve()
    await turn()
    expect(bench.contextOf('a').signal.aborted).toBe(true)
    await bench.fail('a')
    expect(await failed).toMatchObject(cancelled)
    expect(bench.log).toEqual(['a', '-a'])
  })

  it('while something is being stored reverts what is done as soon as that is stored', async () => {
    const bench = new Workbench()
    const gate = Promise.withResolvers<void>()
    const backend = new ObservedBackend((_, nth) => (nth === 2 ? gate.promise : undefined))
    const line = linear('g', [atom(bench.quick('first')), atom(bench.held('later'))])
    const root = unordered('f', [atom(bench.held('slow')), atom(bench.quick('done')), line])
    const engine = new Engine(root, { backend, mode: 'parallel', maxWorkers: 3 })
    const failed = rejection(engine.run({}))
    await turn()
    engine.cancel()
    gate.resolve()
    await turn()
    expect(bench.underWay).toEqual(['slow', 'later'])
    expect(bench.log).toEqual(['slow', 'done', 'first', 'later', '-done'])
    await bench.end('slow')
    await bench.end('later')
    expect(await failed).toMatchObject(cancelled)
  })

  it('when an atom failed already, raises that failure: it reverts anyway', async () => {
    const bench = new Workbench()
    const broken = new Error('broke')
    const slowUndo = bench.failing('x', broken, { revert: (_, context) => bench.hold('undo', context) })
    const engine = new Engine(linear('f', [atom(slowUndo)]))
    const failed = rejection(engine.run({}))
    await turn()
    engine.cancel(reason)
    engine.cancel()
    expect(bench.contextOf('undo').signal.aborted).toBe(false)
    await bench.end('undo')
    expect(await failed).toBe(broken)
  })

  it('stores why, also when what is under way fails by it at once; no retry is asked any more', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend()
    const asked: string[] = []
    const r = retry({
      execute: () => 1,
      onFailure: () => {
        asked.push('r')
        return 'RETRY'
      },
    })
    const root = linear('f', [atom(bench.quick('a')), tried('part', r, [atom(heeding(bench, 'b'))])])
    const engine = new Engine(root, { backend, id: 'r' })
    const failed = rejection(engine.run({}))
    await turn()
    engine.cancel(reason)
    expect(await failed).toMatchObject(cancelled)
    expect(asked).toEqual([])
    expect(backend.batches.at(-4)).toEqual(['flow to REVERT', 'flow cancelled', 'b FAILURE', 'b REVERTING'])
    const { flow } = backend.load('r')!
    expect([flow.state, flow.intention, flow.cancelled]).toEqual(['REVERTED', 'REVERT', { reason: 'the user said so' }])
  })

  it('by a retry that is asked, and decides otherwise, reverts everything and stores why', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend()
    for (const decision of ['RETRY', 'REVERT_ALL'] as const) {
      const onFailure = () => {
        engine.cancel({ by: decision })
        return decision
      }
      const r = retry({ execute: () => 1, onFailure })
      const engine: Engine<object, unknown> = new Engine(tried('f', r, [atom(bench.failing('x'))]), {
        backend,
        id: decision,
      })
      expect(await rejection(engine.run({}))).toMatchObject(cancelled)
      expect(backend.load(decision)?.flow).toMatchObject({ state: 'REVERTED', cancelled: { reason: { by: decision } } })
    }
    expect(bench.log).toEqual(['x', '-x', 'x', '-x'])
  })

  it.each([undefined, null, 0, 'enough', { by: ['me'] }])('keeps a reason that can be stored: %j', async (why) => {
    const backend = new MemoryBackend()
    const engine = new Engine(linear('f', []), { backend, id: 'r' })
    engine.cancel(why)
    await rejection(engine.run({}))
    expect(backend.load('r')?.flow.cancelled).toEqual({ reason: why ?? null })
  })

  it.each(['at once', 'later'])(
    'with neverResolve is reverted all the same, when what is under way fails %s',
    async (how) => {
      const bench = new Workbench()
      const b = how === 'later' ? bench.held('b') : heeding(bench, 'b')
      const watch = watched(linear('f', [atom(bench.quick('a')), atom(b)]), { neverResolve: true })
      const failed = rejection(watch.engine.run({}))
      await turn()
      watch.engine.cancel()
      await turn()
      if (how === 'later') await bench.fail('b')
      expect(await failed).toMatchObject(cancelled)
      expect(bench.log.slice(-2)).toEqual(['-b', '-a'])
      expect(watch.states).toBe('flow REVERTED, a REVERTED, b REVERTED')
    },
  )

  it('with neverResolve is reverted all the same, when something had failed before', async () => {
    const bench = new Workbench()
    const root = unordered('f', [atom(bench.failing('x')), atom(bench.held('a'))])
    const watch = watched(root, { neverResolve: true })
    const failed = rejection(watch.engine.run({}))
    await turn()
    expect(bench.log).toEqual(['x', 'a'])
    watch.engine.cancel()
    await bench.end('a')
    expect(await failed).toMatchObject(cancelled)
    expect(bench.log).toEqual(['x', 'a', '-x', '-a'])
    expect(watch.states).toBe('flow REVERTED, x REVERTED, a REVERTED')
  })

  it('after a revert that failed undoes nothing more: that stops everything', async () => {
    const bench = new Workbench()
    const root = unordered('f', [
      linear(
        'part',
        [atom(bench.quick('b', undefined, { revert: () => Promise.reject(reason) })), atom(bench.failing('x'))],
        {
          retry: controller(times(2)),
        },
      ),
      atom(bench.held('a')),
    ])
    const watch = watched(root, { mode: 'parallel' })
    const failed = rejection(watch.engine.run({}))
    await turn()
    await turn()
    watch.engine.cancel()
    await bench.end('a')
    expect(await failed).toBe(reason)
    expect(bench.log).toEqual(['a', 'b', 'x', '-x', '-b'])
    expect(watch.engine.state).toBe('FAILURE')
  })

  it('twice gives the first reason', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.held('a'))]))
    const failed = rejection(engine.run({}))
    await turn()
    engine.cancel('first')
    engine.cancel('second')
    await bench.end('a')
    expect(await failed).toMatchObject({ message: "flow 'f' was cancelled: first" })
  })

  it('and cannot be undone raises what kept it from that', async () => {
    const bench = new Workbench()
    const undoError = new Error('cannot undo')
    const root = linear('f', [atom(bench.held('a', { revert: async () => await Promise.reject(undoError) }))])
    const engine = new Engine(root)
    const failed = rejection(engine.run({}))
    await turn()
    engine.cancel()
    await bench.end('a')
    expect(await failed).toBe(undoError)
    expect(engine.state).toBe('FAILURE')
  })

  it('before it began never begins', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]))
    engine.cancel(reason)
    engine.cancel('again')
    expect(await rejection(engine.run({}))).toMatchObject({ ...cancelled, cause: reason })
    expect(bench.log).toEqual([])
    expect(engine.state).toBe('REVERTED')
  })

  it('after it is over does not notice', async () => {
    const bench = new Workbench()
    const engine = new Engine(linear('f', [atom(bench.held('a'))]))
    const done = engine.run({})
    await turn()
    const { signal } = bench.contextOf('a')
    await bench.end('a')
    await done
    engine.cancel()
    expect(engine.state).toBe('SUCCESS')
    expect(signal.aborted).toBe(false)
  })
})

describe('the option signal', () => {
  it('cancels the run when it aborts', async () => {
    const bench = new Workbench()
    const control = new AbortController()
    const engine = new Engine(linear('f', [atom(bench.held('a'))]), { signal: control.signal })
    const failed = rejection(engine.run({}))
    await turn()
    control.abort(reason)
    expect(bench.contextOf('a').signal.reason).toBe(reason)
    await bench.end('a')
    expect(await failed).toMatchObject({ ...cancelled, cause: reason })
  })

  it('that is aborted already lets nothing begin, and the run is stored as reverted', async () => {
    const bench = new Workbench()
    const trace = new Trace()
    const backend = new MemoryBackend()
    const signal = AbortSignal.abort(reason)
    const engine = new Engine(linear('f', [atom(bench.quick('a'))]), { signal, backend, id: 'r', listeners: [trace] })
    expect(await rejection(engine.run({}))).toMatchObject(cancelled)
    expect(bench.log).toEqual([])
    expect(trace.lines).toEqual(['flow PENDING>RUNNING', 'flow RUNNING>REVERTED'])
    expect(statesOf(backend, 'r')).toBe('flow REVERTED')
  })

  it('is let go of when the run is over', async () => {
    const bench = new Workbench()
    const control = new AbortController()
    const engine = new Engine(linear('f', [atom(bench.held('a'))]), { signal: control.signal })
    const done = engine.run({})
    await turn()
    const { signal } = bench.contextOf('a')
    await bench.end('a')
    await done
    expect(getEventListeners(control.signal, 'abort')).toEqual([])
    control.abort()
    expect(signal.aborted).toBe(false)
    expect(engine.state).toBe('SUCCESS')
  })
})
