/** What is measured in a process of its own: the heap that a run retains, and the first flow that a process runs. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Engine, MemoryBackend } from '@glimpse/taskflow'
import { flowOf } from './ours.ts'
import type { Shape } from './shapes.ts'

/** Bytes a task, of what is still held when a run is over. */
export interface MemoryRow {
  readonly shape: Shape
  readonly tasks: number
  readonly flow: number
  readonly plan: number
  /** The engine's run, and its record in the memory backend. */
  readonly run: number
  readonly all: number
}

const call = promisify(execFile)

export async function measureMemory(shape: Shape, tasks: number): Promise<MemoryRow> {
  return { shape, tasks, ...(await inChild<Omit<MemoryRow, 'shape' | 'tasks'>>('memory', shape, tasks)) }
}

/** Milliseconds that the first flow of a process takes, built, compiled and run. */
export async function measureFirst(shape: Shape, tasks: number): Promise<number> {
  return await inChild<number>('first', shape, tasks)
}

async function inChild<T>(question: string, shape: Shape, tasks: number): Promise<T> {
  const file = fileURLToPath(import.meta.url)
  const { stdout } = await call(process.execPath, [
    ...process.execArgv,
    '--expose-gc',
    file,
    question,
    shape,
    String(tasks),
  ])
  return JSON.parse(stdout) as T
}

async function retained(shape: Shape, tasks: number): Promise<Omit<MemoryRow, 'shape' | 'tasks'>> {
  for (let count = 0; count < 20; count++) await new Engine(flowOf(shape, 1_000)).run({})
  const backend = new MemoryBackend()
  const marks = [held()]
  const flow = flowOf(shape, tasks)
  marks.push(held())
  const engine = new Engine(flow, { backend })
  engine.compile()
  marks.push(held())
  await engine.run({})
  marks.push(held())
  const [flowBytes, plan, run] = marks.slice(1).map((mark, at) => Math.round((mark - marks[at]!) / tasks))
  const all = Math.round((marks.at(-1)! - marks[0]!) / tasks)
  if (engine.state !== 'SUCCESS' || flow.children.length === 0) throw new Error('the run did not succeed')
  if (backend.load(engine.id)?.flow.state !== 'SUCCESS') throw new Error('the run was not recorded')
  return { flow: flowBytes!, plan: plan!, run: run!, all }
}

/** Bytes that live after a collection, typed arrays included. */
function held(): number {
  for (let count = 0; count < 3; count++) globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function first(shape: Shape, tasks: number): Promise<number> {
  const began = performance.now()
  await new Engine(flowOf(shape, tasks)).run({})
  return performance.now() - began
}

if (import.meta.main) {
  const [question, shape, tasks] = process.argv.slice(2)
  const measure = question === 'memory' ? retained : first
  console.log(JSON.stringify(await measure(shape as Shape, Number(tasks))))
}
