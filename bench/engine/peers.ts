/** The same work without us: a bare `await` loop, the floor, Effect and p-graph. */
import { Effect } from 'effect'
import { type DependencyList, PGraph, type PGraphNodeMap } from 'p-graph'
import { connect, runFloor } from './floor.ts'
import { type Contender, stopwatch } from './rounds.ts'
import { attempts, type Shape, slices, subflow, type Wire, wiring } from './shapes.ts'

const noop = async (): Promise<unknown> => 1
const flaky = async (attempt: number): Promise<unknown> => {
  if (attempt < attempts) throw new Error('not yet')
  return 1
}

/** One after another, whatever the shape; for the retry-heavy flow with the attempts that it needs. */
export function awaitLoop(name: string, shape: Shape, size: number): Contender {
  const once: Contender['once'] = async (laps) => {
    const tasks = wiring(shape, size).map(() => noop)
    const lap = stopwatch(laps)
    const values: unknown[] = []
    if (shape !== 'retry-heavy') for (const execute of tasks) values.push(await execute())
    else for (const part of slices(tasks, subflow)) await tryLoop(part, values)
    lap('run')
  }
  return { name, once }
}

async function tryLoop(part: readonly (() => Promise<unknown>)[], values: unknown[]): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      for (const execute of part.slice(0, -1)) values.push(await execute())
      values.push(await flaky(attempt))
    } catch {
      values.length -= part.length - 1
    }
  }
}

/** In a line each task takes the result before it: the floor knows no other reason to wait. */
export function floor(name: string, shape: Shape, size: number, capacity: number): Contender {
  const once: Contender['once'] = async (laps) => {
    const lap = stopwatch(laps)
    const tasks = inLine(shape, wiring(shape, size)).map((wire) => ({ ...wire, execute: noop }))
    lap('build')
    const graph = connect(tasks)
    lap('compile')
    await runFloor(graph, capacity)
    lap('run')
  }
  return { name, once }
}

function inLine(shape: Shape, wires: Wire[]): Wire[] {
  if (shape !== 'linear') return wires
  return wires.map((wire, at) => (at === 0 ? wire : { ...wire, rebind: { a: wires[at - 1]!.provides } }))
}

/** Layers as people would write them: all of a layer, then all of the next. Nothing is undone before a retry. */
export function effect(name: string, shape: Shape, size: number, concurrency: number): Contender {
  const once: Contender['once'] = async (laps) => {
    const lap = stopwatch(laps)
    const program = effectOf(shape, size, concurrency)
    lap('build')
    await Effect.runPromise(program)
    lap('run')
  }
  return { name, once }
}

function effectOf(shape: Shape, size: number, concurrency: number): Effect.Effect<unknown> {
  const steps = wiring(shape, size).map(() => Effect.promise(noop))
  if (shape === 'linear') return inTurn(steps)
  if (shape === 'unordered') return Effect.all(steps, { concurrency })
  if (shape === 'layered') return inTurn(slices(steps).map((layer) => Effect.all(layer, { concurrency })))
  return Effect.all(slices(steps, subflow).map(retried), { concurrency })
}

function retried(part: readonly Effect.Effect<unknown>[]): Effect.Effect<unknown> {
  let attempt = 0
  const last = Effect.tryPromise(() => flaky(++attempt))
  const whole = Effect.gen(function* () {
    for (const step of part.slice(0, -1)) yield* step
    return yield* last
  })
  return Effect.orDie(Effect.retry(whole, { times: attempts - 1 }))
}

function inTurn(steps: readonly Effect.Effect<unknown>[]): Effect.Effect<unknown> {
  return Effect.gen(function* () {
    const values: unknown[] = []
    for (const step of steps) values.push(yield* step)
    return values
  })
}

/** Edges without values: results stay with whoever wants them. */
export function pGraph(name: string, shape: Shape, size: number, concurrency: number): Contender {
  const once: Contender['once'] = async (laps) => {
    const lap = stopwatch(laps)
    const wires = inLine(shape, wiring(shape, size))
    const nodes: PGraphNodeMap = new Map(wires.map((wire) => [wire.provides, { run: noop }]))
    const edges: DependencyList = wires.flatMap((wire) =>
      Object.values(wire.rebind).map((symbol): [string, string] => [symbol, wire.provides]),
    )
    lap('build')
    const graph = new PGraph(nodes, edges)
    lap('compile')
    await graph.run({ concurrency })
    lap('run')
  }
  return { name, once }
}
