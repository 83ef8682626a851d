/** What runs that are stored already cost those that are running. */
import { join } from 'node:path'
import { type Backend, Engine } from '@glimpse/taskflow'
import { SqliteStore } from '@glimpse/taskflow-sqlite'
import { flowOf } from '../engine/ours.ts'

/** Microseconds, each the best of its rounds. */
export interface StoredFigures {
  /** A task of a linear flow. */
  readonly task: number
  /** To list the 100 unfinished runs. */
  readonly list: number
}

const rounds = 5
const together = 2_000

/** The two stores take turns, so that whatever else the machine does meets both. */
export async function besideStored(folder: string, flows: number): Promise<Record<'empty' | 'filled', StoredFigures>> {
  const [empty, filled] = [await openStore(folder, 'empty'), await openStore(folder, 'filled')]
  await fill(filled, flows)
  for (const backend of [empty, filled]) await Promise.all(Array.from({ length: 100 }, () => prepare(backend)))
  const best = { empty: { task: Infinity, list: Infinity }, filled: { task: Infinity, list: Infinity } }
  for (let round = 0; round < rounds; round++) {
    for (const [name, backend] of [
      ['empty', empty],
      ['filled', filled],
    ] as const) {
      best[name].task = Math.min(best[name].task, await taskTime(backend))
      best[name].list = Math.min(best[name].list, await listTime(backend))
    }
  }
  await empty.close()
  await filled.close()
  return best
}

async function openStore(folder: string, name: string): Promise<Backend> {
  return (await SqliteStore.open({ file: join(folder, `${name}.sqlite`) })).backend
}

/** With runs that succeeded, of two atoms each. */
async function fill(backend: Backend, flows: number): Promise<void> {
  const empty = { book: null, cancelled: null, inputs: {}, meta: {}, plan: null, fence: 0, createdAt: 1, updatedAt: 1 }
  const atoms = ['a', 'b'].map((name) => ({ name, state: 'SUCCESS', attempts: 1, result: 1 }) as const)
  for (let from = 0; from < flows; from += together) {
    const calls = Array.from({ length: Math.min(together, flows - from) }, async (_, index) => {
      const id = `stored-${from + index}`
      const created = backend.create({ id, name: 'f', state: 'PENDING', intention: 'EXECUTE', ...empty })
      await Promise.all([created, backend.commit({ flow: id, fence: 0, at: 2, change: { state: 'SUCCESS' }, atoms })])
    })
    await Promise.all(calls)
  }
}

async function prepare(backend: Backend): Promise<void> {
  await new Engine(flowOf('linear', 1), { backend }).prepare({})
}

async function taskTime(backend: Backend): Promise<number> {
  const tasks = 1_000
  const engine = new Engine(flowOf('linear', tasks), { backend })
  await engine.prepare({})
  const began = performance.now()
  await engine.run()
  return ((performance.now() - began) * 1_000) / tasks
}

async function listTime(backend: Backend): Promise<number> {
  const times = 20
  const began = performance.now()
  for (let time = 0; time < times; time++) {
    const found = await backend.list({ states: ['PENDING', 'RUNNING', 'SUSPENDED'], limit: 100 })
    if (found.length !== 100) throw new Error(`${found.length} runs were listed, not 100`)
  }
  return ((performance.now() - began) * 1_000) / times
}
