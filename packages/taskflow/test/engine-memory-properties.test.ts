import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeAll, describe, expect, it } from 'vitest'
import { atom, controller, Engine, type FlowNode, graph, linear, task, times, unordered } from '../src/index.ts'
import { rejection, turn } from './workbench.ts'

let collect: () => void = () => {}
beforeAll(() => {
  setFlagsFromString('--expose-gc')
  collect = runInNewContext('gc') as () => void
})

/** One error for all: what costs time is its stack, and that is read once. */
const broken = new Error('broken')

/** A retry that solves a failure, one that does not, a decider, reverts; of three runs one succeeds. */
function smallFlow(nth: number): FlowNode {
  let calls = 0
  const first = atom(task({ name: 'first', execute: async () => `first of ${nth}`, revert: async () => null }))
  const flaky = task({
    name: 'flaky',
    execute: () => {
      if (++calls === 1) throw broken
      return calls
    },
    revert: () => null,
  })
  const last = task({
    name: 'last',
    execute: () => {
      if (nth % 3 !== 0) throw broken
      return nth
    },
  })
  const part = unordered('part', [atom(flaky)], { retry: controller(times(2)) })
  const links = [{ from: first, to: part, decider: () => nth % 2 === 0, depth: 'PART' as const }]
  return linear('small', [graph('asked', [first, part], { links }), atom(last)])
}

async function used(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await turn()
    collect()
  }
  return process.memoryUsage().heapUsed
}

describe('memory', { timeout: 60_000 }, () => {
  it('is at its level again after 10,000 runs under one signal that lives on', async () => {
    const { signal } = new AbortController()
    const ended = new Map<string, number>()
    let heard = 0
    const listeners = [{ onAtom: () => void heard++ }]
    const runMany = async (from: number, to: number): Promise<void> => {
      for (let nth = from; nth < to; nth++) {
        const engine = new Engine(smallFlow(nth), { mode: 'parallel', maxWorkers: 3, signal, listeners })
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
    expect(heard).toBeGreaterThan(10_000)
    // If an engine stayed with its plan, 8,000 of them would be more than 50 MB.
    expect(after - before).toBeLessThan(2_000_000)
  })

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
