/** Our engine, in the plain layer: the typed one is lowered to it. */
import {
  atom,
  controller,
  Engine,
  type EngineOptions,
  type FlowNode,
  graph,
  type Listener,
  linear,
  type TaskContext,
  task,
  times,
  unordered,
} from '@glimpse/taskflow'
import { type Contender, type Laps, stopwatch } from './rounds.ts'
import { attempts, type Shape, slices, subflow, type Wire, wiring } from './shapes.ts'

const noop = task({ name: 'noop', execute: async () => 1, revert: async () => null })
const flaky = task({
  name: 'flaky',
  execute: async (_: object, { attempt }: TaskContext) => {
    if (attempt < attempts) throw new Error('not yet')
    return 1
  },
  revert: async () => null,
})
const doomed = task({
  name: 'doomed',
  execute: async (): Promise<number> => {
    throw new Error('the end')
  },
})

/** @param end what the last task does; `fail` makes everything revert. */
export function flowOf(shape: Shape, size: number, end: 'succeed' | 'fail' = 'succeed'): FlowNode {
  const wires = wiring(shape, size)
  if (shape === 'retry-heavy') return retryHeavy(wires)
  const children = wires.map((wire, at) => atom(end === 'fail' && at === size - 1 ? doomed : noop, wire))
  if (shape === 'linear') return linear('bench', children)
  return shape === 'unordered' ? unordered('bench', children) : graph('bench', children)
}

function retryHeavy(wires: readonly Wire[]): FlowNode {
  const parts = slices(wires, subflow).map((part, index) => {
    const tasks = part.map((wire, at) => atom(at === part.length - 1 ? flaky : noop, wire))
    return linear(`part${index}`, tasks, { retry: controller(times(attempts)) })
  })
  return unordered('bench', parts)
}

export function ours(name: string, shape: Shape, size: number, options: EngineOptions): Contender {
  return { name, once: (laps) => runOnce(laps, () => flowOf(shape, size), options) }
}

/** Runs a flow whose last task fails; what it executes and reverts is one lap. */
export function reverting(name: string, shape: Shape, size: number, options: EngineOptions): Contender {
  const once = async (laps: Laps): Promise<void> => {
    await runOnce(laps, () => flowOf(shape, size, 'fail'), options, 'REVERTED')
  }
  return { name, once }
}

/** Hears everything, and does next to nothing about it. */
export function hearing(): Listener {
  let heard = 0
  return { onFlow: () => void heard++, onAtom: () => void heard++ }
}

async function runOnce(laps: Laps, build: () => FlowNode, options: EngineOptions, end = 'SUCCESS'): Promise<void> {
  const lap = stopwatch(laps)
  const flow = build()
  lap('build')
  const engine = new Engine(flow, options)
  engine.compile()
  lap('compile')
  await (end === 'SUCCESS' ? engine.run({}) : engine.run({}).catch(() => {}))
  lap('run')
  if (engine.state !== end) throw new Error(`the flow ended in ${engine.state}, not in ${end}`)
}
