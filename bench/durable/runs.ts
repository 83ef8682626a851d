/** Flows of tasks that do nothing, run by the engine over a store. */
import { join } from 'node:path'
import { Engine } from '@glimpse/taskflow'
import { SqliteStore } from '@glimpse/taskflow-sqlite'
import { flowOf } from '../engine/ours.ts'

export type Synchronous = 'normal' | 'full'

export interface Load {
  readonly shape: 'linear' | 'unordered'
  /** In each flow. */
  readonly tasks: number
  readonly flows: number
  readonly synchronous: Synchronous
}

export interface Persisted {
  /** Microseconds a task. */
  readonly task: number
  readonly tasksPerTransaction: number
}

/** Run twice, of which the second counts: by then the thread of the store has seen it all. */
export async function runLoad(folder: string, load: Load): Promise<Persisted> {
  const { shape, flows, synchronous } = load
  const store = await SqliteStore.open({ file: join(folder, `${shape}-${flows}-${synchronous}.sqlite`), synchronous })
  await runOnce(store, load)
  const persisted = await runOnce(store, load)
  await store.close()
  return persisted
}

/** Flows are prepared before the time begins, and run all at once. */
async function runOnce(store: SqliteStore, { shape, tasks, flows }: Load): Promise<Persisted> {
  const mode = shape === 'linear' ? 'serial' : 'parallel'
  const { backend } = store
  const engines = Array.from({ length: flows }, () => new Engine(flowOf(shape, tasks), { backend, mode }))
  await Promise.all(engines.map(async (engine) => await engine.prepare({})))
  const before = store.statistics.transactions
  const began = performance.now()
  await Promise.all(engines.map(async (engine) => await engine.run()))
  const took = (performance.now() - began) * 1_000
  const transactions = store.statistics.transactions - before
  return { task: took / (tasks * flows), tasksPerTransaction: (tasks * flows) / transactions }
}

/** Milliseconds until a run of so many finished atoms is taken up again, by a store that was just opened: every time. */
export async function resumeTimes(folder: string, tasks: number, times: number): Promise<readonly number[]> {
  const file = join(folder, 'resumed.sqlite')
  const first = await SqliteStore.open({ file })
  await new Engine(flowOf('unordered', tasks), { backend: first.backend, id: 'r', mode: 'parallel' }).run({})
  await first.close()
  const took: number[] = []
  for (let time = 0; time < times; time++) {
    const { backend } = await SqliteStore.open({ file })
    const flow = flowOf('unordered', tasks)
    const began = performance.now()
    const engine = await Engine.resume(flow, { backend, id: 'r' })
    took.push(performance.now() - began)
    if (engine.state !== 'SUCCESS') throw new Error(`the run was taken up in ${engine.state}`)
    await backend.close()
  }
  return took
}
