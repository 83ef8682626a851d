import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  atom,
  controller,
  Engine,
  type FlowNode,
  forEach,
  graph,
  linear,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { Trace } from './trace.ts'
import { rejection, turn } from './workbench.ts'

let collect: () => void = () => {}
beforeAll(() => {
  setFlagsFromString('--expose-gc')
  collect = runInNewContext('gc') as () => void
})

/** Retries, failures that they solve, one that they do not, reverts, deciders, and all patterns; every third succeeds. */
function smallFlow(nth: number): FlowNode {
  let calls = 0
  const work = (name: string): ReturnType<typeof task<object, string>> => {
    return task({ name, execute: async () => `${name} of ${nth}`, revert: async () => null })
  }
  const flaky = task({
    name: 'flaky',
    execute: () => {
      if (++calls % 2 === 1) throw new Error(`flaky ${nth}`)
      return calls
    },
    revert: () => null,
  })
  const last = task({
    name: 'last',
    execute: () => {
      if (nth % 3 !== 0) throw new Error(`last ${nth}`)
      return nth
    },
  })
  const [a, b] = [atom(work('a')), atom(work('b'))]
  return linear('small', [
    graph('asked', [a, b], { links: [{ from: a, to: b, decider: () => nth % 2 === 0, depth: 'ATOM' }] }),
    unordered('part', [atom(flaky), atom(work('beside'))], { retry: controller(times(3)) }),
    linear('each', [atom(last)], { retry: controller(forEach([1, 2])) }),
  ])
}

async function used(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await turn()
    collect()
  }
  return process.memoryUsage().heapUsed
}

describe('memory', () => {
  it('is at its level again after 10,000 runs under one signal that lives on', async () => {
    const { signal } = new AbortController()
    const ended = new Map<string, number>()
    const runMany = async (from: number, to: number): Promise<void> => {
      for (let nth = from; nth < to; nth++) {
        const engine = new Engine(smallFlow(nth), { mode: 'parallel', maxWorkers: 3, signal, listeners: [new Trace()] })
        await engine.run({}).catch(() => {})
        ended.set(engine.state, (ended.get(engine.state) ?? 0) + 1)
      }
    }
    await runMany(0, 2_000)
    const before = await used()
    await runMany(2_000, 10_000)
    const after = await used()
    expect(ended).toEqual(
      new Map([
        ['SUCCESS', 3_334],
        ['REVERTED', 6_666],
      ]),
    )
    // One that kept but its plan would have kept 10 KB a run, 80 MB in all.
    expect(after - before).toBeLessThan(2_000_000)
  }, 60_000)

  it.each([
    { nth: 0, state: 'SUCCESS' },
    { nth: 1, state: 'REVERTED' },
  ])('of an engine that ended in $state is given back, while its signal lives on', async ({ nth, state }) => {
    const { signal } = new AbortController()
    const engine = await (async () => {
      const ended = new Engine(smallFlow(nth), { signal })
      await ended.run({}).catch(() => {})
      expect(ended.state).toBe(state)
      return new WeakRef(ended)
    })()
    await used()
    expect(engine.deref()).toBeUndefined()
    expect(signal.aborted).toBe(false)
  })

  it('of an engine that rests is given back when nobody wants it to go on', async () => {
    const { signal } = new AbortController()
    const engine = await (async () => {
      const suspending: { engine?: Engine<object, unknown> } = {}
      const suspend = { onAtom: () => suspending.engine?.suspend() }
      suspending.engine = new Engine(smallFlow(0), { signal, listeners: [suspend] })
      await rejection(suspending.engine.run({}))
      expect(suspending.engine.state).toBe('SUSPENDED')
      return new WeakRef(suspending.engine)
    })()
    await used()
    expect(engine.deref()).toBeUndefined()
    expect(signal.aborted).toBe(false)
  })
})
