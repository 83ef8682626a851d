import { TaskFlowError } from '../errors.ts'
import type { Flow } from '../flow.ts'
import type { Safe } from '../json.ts'
import type { FlowNode } from '../nodes.ts'
import type { JobPosting } from './job.ts'

/**
 * A flow and what it is to run on; {@link withInputs} makes it.
 *
 * @example
 * const same = flow('same', (_, { x }: Inputs<{ x: number }>) => x)
 * const work: Prepared = withInputs(same, { x: 7 })
 * console.log(await new Engine(work.flow).run(work.inputs as never)) // 7
 */
export interface Prepared {
  readonly flow: Flow<never, unknown> | FlowNode
  readonly inputs: Readonly<Record<string, unknown>>
}

/**
 * Builds a flow. It must depend on its parameters only, and do nothing else: the flow is built again on another day, on
 * another host, to go on with what was begun. A flow that needs inputs comes with them.
 *
 * @example
 * const hello = task({ name: 'hello', execute: ({ name }: { name: string }) => `hello ${name}` })
 * const greet: FlowFactory = ({ name }: { name: string }) => flow('greet', (f) => f.add(hello, { name }))
 */
export type FlowFactory = (parameters: never) => Flow<object, unknown> | FlowNode | Prepared

/**
 * Factories by their names: with the parameters of a job, what there is to run.
 *
 * @example
 * const factories: FlowFactories = flowFactories({ nothing: () => flow('nothing', () => {}) })
 * console.log(factories.names.join()) // nothing
 */
export interface FlowFactories {
  readonly names: readonly string[]
  /** @throws TaskFlowError `not-found`, naming what there is; and what the factory throws */
  build(name: string, parameters: Readonly<Record<string, unknown>>): Prepared
}

type FactoryTable = Readonly<Record<string, FlowFactory>>

/**
 * Factories that post what they can build.
 *
 * @example
 * const hello = task({ name: 'hello', execute: ({ name }: { name: string }) => console.log(`hello ${name}`) })
 * const table = { greet: ({ name }: { name: string }) => flow('greet', (f) => f.add(hello, { name })) }
 * const factories: PostingFactories<typeof table> = flowFactories(table)
 * console.log(factories.posting('greet', { name: 'Ada' }).factory) // greet
 */
export interface PostingFactories<T> extends FlowFactories {
  /** A job for one of them, with the parameters that it takes. */
  posting<N extends keyof T & string>(
    factory: N,
    parameters: ParametersOf<T[N]> & Safe<ParametersOf<T[N]>, 'parameters'>,
    options?: Omit<JobPosting, 'factory' | 'parameters'>,
  ): JobPosting
}

type ParametersOf<F> = F extends (parameters: infer P) => unknown ? (unknown extends P ? object : P) : never

/**
 * Factories by their names.
 *
 * @example
 * const hello = task({ name: 'hello', execute: ({ name }: { name: string }) => console.log(`hello ${name}`) })
 * const factories = flowFactories({
 *   greet: ({ name }: { name: string }) => flow('greet', (f) => f.add(hello, { name })),
 * })
 * const board = new MemoryJobboard()
 * board.post([factories.posting('greet', { name: 'Ada' }, { priority: 'HIGH' })])
 * const conductor = new Conductor({ name: 'host-1', jobboard: board, backend: new MemoryBackend(), factories })
 * conductor.start()
 * await conductor.idle() // hello Ada
 * await conductor.stop()
 */
export function flowFactories<const T extends FactoryTable>(table: T): PostingFactories<T> {
  const factories = new Map<string, FlowFactory>(Object.entries(table))
  const names = [...factories.keys()]
  return {
    names,
    build: (name, parameters) => {
      const factory = factories.get(name)
      if (!factory) {
        const known = names.length > 0 ? `there are: ${names.join(', ')}` : 'there is none at all'
        throw new TaskFlowError('not-found', `there is no factory with the name '${name}'; ${known}`)
      }
      const built = factory(parameters as never)
      return 'flow' in built ? built : { flow: built, inputs: {} }
    },
    posting: (factory, parameters, options) => ({ ...options, factory, parameters: asRecord(parameters) }),
  }
}

/**
 * A flow, and inputs of the types that it takes.
 *
 * @example
 * const add = task({ name: 'add', execute: ({ a, b }: { a: number; b: number }) => a + b })
 * const sum = flow('sum', (f, { a, b }: Inputs<{ a: number; b: number }>) => f.add(add, { a, b }))
 * const factories = flowFactories({ sum: (inputs: { a: number; b: number }) => withInputs(sum, inputs) })
 * console.log(factories.build('sum', { a: 1, b: 2 }).inputs.b) // 2
 */
export function withInputs<I extends object>(flow: Flow<I, unknown> | FlowNode, inputs: NoInfer<I>): Prepared {
  return { flow, inputs: asRecord(inputs) }
}

function asRecord(values: object): Readonly<Record<string, unknown>> {
  return { ...values }
}
