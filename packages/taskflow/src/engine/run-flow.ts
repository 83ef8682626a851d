import type { Flow } from '../flow.ts'
import { Engine } from './engine.ts'
import type { EngineOptions } from './options.ts'

/**
 * Runs a flow and gives its result; short for an {@link Engine} of its own.
 *
 * @example
 * const total = reduceTask({ name: 'total', fold: (a: number, b: number) => a + b })
 * const sum = flow('sum', (f) => f.add(total, [1, 2, 3]))
 * console.log(await run(sum, {}, { mode: 'parallel', maxWorkers: 4 })) // 6
 */
export async function run<I extends object, R>(
  flow: Flow<I, R>,
  inputs: NoInfer<I>,
  options?: EngineOptions,
): Promise<R> {
  return await new Engine(flow, options).run(inputs)
}
