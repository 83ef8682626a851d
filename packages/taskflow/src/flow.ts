/**
 * The typed layer: adding a task returns a typed handle of its result, and later tasks take handles. A missing or
 * mistyped input is a compile error on the argument. Lowers to the plain layer (patterns.ts).
 */
import { Draft, Reference } from './draft.ts'
import type { Depth, FlowNode, Provided } from './nodes.ts'
import type { AnyRetry, Retry } from './retry.ts'
import { refuseWaiting, Section } from './section.ts'
import type { Task } from './task.ts'

declare const of: unique symbol

/**
 * Stands for a value that will exist when the flow runs: an input of the flow, the result of a task, or what a retry
 * gives its flow for an attempt.
 *
 * @example
 * const pair = task({ name: 'pair', execute: () => ({ left: 1, right: [2, 3] as const }) })
 * const f = flow('f', (f) => {
 *   const made: Handle<{ left: number; right: readonly [2, 3] }> = f.add(pair, {})
 *   return made.at('right').at('1')
 * })
 * console.log(await run(f, {})) // 3
 */
export interface Handle<out T> {
  readonly [of]: T
  /** A part of the value, if it is an object or a tuple. */
  at<K extends Part<T>>(key: K): Handle<T[K & keyof T]>
}

/** The names of the parts that a value has when it comes out of storage: no methods of texts and lists. */
type Part<T> = [T] extends [readonly unknown[]]
  ? keyof T & `${number}`
  : [T] extends [object]
    ? keyof T & string
    : never

type AnyObject = { readonly [key: string]: unknown } | readonly unknown[]

/** T, but for `object`: that would let any handle pass, which is an object too and stands for something else. */
type Constant<T> = T extends object
  ? [keyof T, object] extends [never, T]
    ? string extends T
      ? T
      : AnyObject
    : T
  : T

/**
 * For each argument of a task: a constant, or a handle of a value of its type.
 *
 * @example
 * const wiring: Wiring<{ a: number; b?: string }> = { a: 1 }
 */
export type Wiring<I> = { readonly [K in keyof I]: Constant<I[K]> | Handle<I[K]> }

/**
 * A handle for each input of the flow.
 *
 * @example
 * const same = flow('same', (_, { x }: Inputs<{ x: number }>) => x)
 * console.log(await run(same, { x: 7 })) // 7
 */
export type Inputs<I> = { readonly [K in keyof I]-?: Handle<Exclude<I[K], undefined>> }

/**
 * How a task is added.
 *
 * @example
 * const options: AddOptions = { name: 'copy-to-b' }
 */
export interface AddOptions {
  /** The atom's name in this flow, where the task's own does not do. Unique over the whole flow. */
  readonly name?: string
}

/**
 * A retry and where its arguments come from; {@link controlled} makes it.
 *
 * @example
 * const twice: Controlled<number> = controlled(times(2), {})
 */
export interface Controlled<out V> {
  readonly retry: AnyRetry
  readonly wiring: object
  /** Never there: what the type of the value is read from. */
  readonly value?: V
}

/**
 * Wires a retry that takes arguments.
 *
 * @example
 * const probe = task({
 *   name: 'probe',
 *   execute: ({ mirror }: { mirror: string }) => { if (mirror === 'a') throw new Error('down'); return mirror },
 * })
 * const first = flow('first', (f, { mirrors }: Inputs<{ mirrors: readonly string[] }>) =>
 *   f.linear('try', (g, mirror) => g.add(probe, { mirror }),
 *     controlled(parameterizedForEach<string>(), { values: mirrors })))
 * console.log(await run(first, { mirrors: ['a', 'b'] })) // b
 */
export function controlled<I extends object, V>(retry: Retry<I, V>, wiring: Wiring<I>): Controlled<V> {
  return { retry, wiring }
}

/** What a part takes to be tried again: a retry without arguments, or one that is wired. */
type RetryOrControlled<V> = Retry<object, V> | Controlled<V>

/**
 * A flow while it is written. A part may have a retry that controls it: it is given the handle of what the retry makes
 * of each attempt.
 *
 * @example
 * const hello = task({ name: 'hello', execute: ({ n }: { n: number }) => `attempt ${n}` })
 * const f = flow('f', (f: Scope) => f.linear('part', (part, n) => part.add(hello, { n }), times(3)))
 * console.log(await run(f, {})) // attempt 1
 */
export interface Scope {
  add<I extends object, O>(task: Task<I, O>, wiring: Wiring<I>, options?: AddOptions): Handle<O>
  /** A part whose steps run one after another. */
  linear<R, V = undefined>(name: string, build: (scope: Scope, value: Handle<V>) => R, retry?: RetryOrControlled<V>): R
  /** A part whose steps run in any order, also at the same time; they do not see one another's results. */
  unordered<R, V = undefined>(
    name: string,
    build: (scope: Scope, value: Handle<V>) => R,
    retry?: RetryOrControlled<V>,
  ): R
  /** A part whose steps run as soon as what they take is there. */
  graph<R, V = undefined>(
    name: string,
    build: (scope: GraphScope, value: Handle<V>) => R,
    retry?: RetryOrControlled<V>,
  ): R
  /** A part that runs only if the value passes the test; nothing outside can take what it makes. */
  when<T>(name: string, value: Handle<T>, test: (value: NoInfer<T>) => boolean, build: (scope: Scope) => void): void
}

/**
 * A graph while it is written.
 *
 * @example
 * const say = (name: string) => task({ name, execute: () => console.log(name) })
 * const f = flow('f', (f) => f.graph('g', (g: GraphScope) => {
 *   const second = g.add(say('second'), {})
 *   g.link(g.add(say('first'), {}), second)
 * }))
 * await run(f, {})
 */
export interface GraphScope extends Scope {
  /** The step, or the part, that makes `to` waits for the one that makes `from`. */
  link(from: Handle<unknown>, to: Handle<unknown>): void
  /** The same, and it is passed by when the value of `from`, a step of this very graph, does not pass the test. */
  decide<T>(from: Handle<T>, to: Handle<unknown>, test: (value: NoInfer<T>) => boolean, depth?: Depth): void
}

declare const takes: unique symbol
declare const gives: unique symbol

/**
 * A flow that takes I and gives R: immutable, and free of side effects until an engine runs it.
 *
 * @example
 * const f: Flow<{ x: number }, number> = flow('f', (_, { x }: Inputs<{ x: number }>) => x)
 * console.log(f.inputs.join()) // x
 */
export interface Flow<in I extends object, out R> {
  readonly [takes]?: (inputs: I) => void
  readonly [gives]?: R
  readonly name: string
  readonly root: FlowNode
  /** Names of the inputs that the flow uses. */
  readonly inputs: readonly string[]
  /** What stands for inputs that a run is not given. */
  readonly defaults: Readonly<Record<string, unknown>>
  /** Where the flow's own result is found; null when it has none. */
  readonly result: Provided | null
}

type Value<R> = R extends Handle<infer T> ? T : undefined

/**
 * What a flow may have besides its steps.
 *
 * @example
 * const settings: FlowSettings = { retry: times(2) }
 */
export interface FlowSettings {
  /** Controls the whole flow. */
  readonly retry?: Retry<object, unknown>
}

/**
 * Writes a flow: a linear one, in which any part may be unordered or a graph. `build` must depend on nothing but its
 * parameters, so that the flow can be built again to resume. What it returns, if it is a handle, is the flow's result;
 * that result is typed where the inputs are declared on the parameter instead of as a type argument. Every input is
 * required; {@link withDefaults} makes some optional.
 *
 * @example
 * const sayHello = task({ name: 'say', execute: ({ name }: { name: string }) => `hello ${name}` })
 * const greet = flow('greet', (f, { name }: Inputs<{ name: string }>) => f.add(sayHello, { name }))
 * console.log(await run(greet, { name: 'Ada' })) // hello Ada
 * @throws TaskFlowError `duplicate-name`, `foreign-handle`, `dependency-cycle`, `invalid-flow`
 */
export function flow<I extends object, R>(
  name: string,
  build: (scope: Scope, inputs: Inputs<I>) => R,
  settings?: FlowSettings,
): Flow<Required<I>, Value<R>>
export function flow<I extends object>(
  name: string,
  build: (scope: Scope, inputs: Inputs<I>) => unknown,
  settings?: FlowSettings,
): Flow<Required<I>, unknown>
export function flow(
  name: string,
  build: (scope: Scope, inputs: never) => unknown,
  settings: FlowSettings = {},
): Flow<never, unknown> {
  const draft = new Draft(name)
  const part = new Section(draft, name, 'linear', settings.retry)
  const returned = refuseWaiting(build(part, draft.inputs as never), name)
  const result = returned instanceof Reference ? draft.need(returned, `the result of flow '${name}'`) : null
  return Object.freeze({ name, root: part.finish(), inputs: [...draft.used], defaults: {}, result })
}

/**
 * The same flow, with values that stand for inputs which a run is not given.
 *
 * @example
 * const add = task({ name: 'add', execute: ({ a, b }: { a: number; b: number }) => a + b })
 * const sum = flow('sum', (f, { a, b }: Inputs<{ a: number; b: number }>) => f.add(add, { a, b }))
 * const next = withDefaults(sum, { b: 1 })
 * console.log(await run(next, { a: 1 }), await run(next, { a: 1, b: 5 })) // 2 6
 */
export function withDefaults<I extends object, R, const D extends Partial<I>>(
  flow: Flow<I, R>,
  defaults: D,
): Flow<Omit<I, keyof D> & Partial<Pick<I, keyof D & keyof I>>, R> {
  return Object.freeze({ ...flow, defaults: { ...flow.defaults, ...defaults } }) as never
}
