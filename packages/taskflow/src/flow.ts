/**
 * The typed layer: adding a task returns a typed handle of its result, and later tasks take handles. A missing or
 * mistyped input is a compile error on the argument. Lowers to the plain layer (patterns.ts).
 */
import { TaskFlowError } from './errors.ts'
import { checkName } from './names.ts'
import type { AtomNode, FlowNode, Need, Path, Pattern, PlainNode } from './patterns.ts'
import type { Task } from './task.ts'

declare const of: unique symbol

/** Stands for a value that will exist when the flow runs: an input of the flow or the result of a task. */
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

/** For each argument of a task: a constant, or a handle of a value of its type. */
export type Wiring<I> = { readonly [K in keyof I]: Constant<I[K]> | Handle<I[K]> }

/** A handle for each input of the flow. */
export type Inputs<I> = { readonly [K in keyof I]-?: Handle<I[K]> }

export interface AddOptions {
  /** The atom's name in this flow, where the task's own does not do. Unique over the whole flow. */
  readonly name?: string
}

/** A flow while it is written. */
export interface Scope {
  add<I extends object, O>(task: Task<I, O>, wiring: Wiring<I>, options?: AddOptions): Handle<O>
  /** A part whose steps run one after another. */
  linear<R>(name: string, build: (scope: Scope) => R): R
  /** A part whose steps run in any order, also at the same time; they do not see one another's results. */
  unordered<R>(name: string, build: (scope: Scope) => R): R
}

declare const takes: unique symbol
declare const gives: unique symbol

/** A flow that takes I and gives R: immutable, and free of side effects until an engine runs it. */
export interface Flow<in I extends object, out R> {
  readonly [takes]?: (inputs: I) => void
  readonly [gives]?: R
  readonly name: string
  readonly root: FlowNode
  /** Names of the inputs that the flow uses. */
  readonly inputs: readonly string[]
  /** Where the flow's own result is found; null when it has none. */
  readonly result: Need | null
}

type Value<R> = R extends Handle<infer T> ? T : undefined

/**
 * Writes a flow: a linear one, in which any part may be unordered. `build` must depend on nothing but its parameters,
 * so that the flow can be built again to resume. What it returns, if it is a handle, is the flow's result; that result
 * is typed where the inputs are declared on the parameter instead of as a type argument.
 *
 * @example
 * const greet = flow('greet', (f, { name }: Inputs<{ name: string }>) => f.add(sayHello, { name }))
 * const greeting = await run(greet, { name: 'Ada' })
 * @throws TaskFlowError `duplicate-name`, `foreign-handle`, `invalid-flow`
 */
export function flow<I extends object, R>(
  name: string,
  build: (scope: Scope, inputs: Inputs<I>) => R,
): Flow<I, Value<R>>
export function flow<I extends object>(
  name: string,
  build: (scope: Scope, inputs: Inputs<I>) => unknown,
): Flow<I, unknown>
export function flow(name: string, build: (scope: Scope, inputs: never) => unknown): Flow<never, unknown> {
  const draft = new Draft(name)
  const part = new Section(draft, name, 'linear')
  const returned = refuseWaiting(build(part, draft.inputs as never), name)
  const result = returned instanceof Reference ? draft.need(returned, `the result of flow '${name}'`) : null
  return Object.freeze({ name, root: part.finish(), inputs: [...draft.used], result })
}

/** What all parts of one flow share while it is written. */
class Draft {
  readonly name: string
  readonly atoms: Set<string> = new Set()
  readonly used: Set<string> = new Set()
  readonly inputs: object

  constructor(name: string) {
    this.name = name
    this.inputs = new Proxy({}, { get: (_, key) => (typeof key === 'string' ? this.input(key) : undefined) })
  }

  input(key: string): Reference {
    if (this.atoms.has(key)) throw this.clash(key)
    this.used.add(key)
    return new Reference(this, key, [])
  }

  claim(name: string): void {
    if (this.used.has(name)) throw this.clash(name)
    if (this.atoms.has(name)) {
      throw new TaskFlowError(
        'duplicate-name',
        `flow '${this.name}' has two atoms named '${name}'; give one another name: f.add(task, {...}, { name: '...' })`,
      )
    }
    this.atoms.add(name)
  }

  need(reference: Reference, owner: string): Need {
    if (reference.draft !== this) {
      throw new TaskFlowError(
        'foreign-handle',
        `${owner} takes '${reference.symbol}' of flow '${reference.draft.name}', but it is part of flow '${this.name}'; ` +
          'a flow takes values of other flows as inputs',
      )
    }
    return { symbol: reference.symbol, path: reference.path }
  }

  clash(name: string): TaskFlowError {
    return new TaskFlowError('duplicate-name', `in flow '${this.name}' an input and an atom are both named '${name}'`)
  }
}

/** The one real handle: a symbol of a flow that is being written, and the part of its value. */
class Reference {
  readonly draft: Draft
  readonly symbol: string
  readonly path: Path

  constructor(draft: Draft, symbol: string, path: Path) {
    this.draft = draft
    this.symbol = symbol
    this.path = path
  }

  at(key: string): Reference {
    return new Reference(this.draft, this.symbol, [...this.path, key])
  }
}

class Section implements Scope {
  readonly #draft: Draft
  readonly #name: string
  readonly #pattern: Pattern
  readonly #children: PlainNode[] = []
  #finished = false

  constructor(draft: Draft, name: string, pattern: Pattern) {
    this.#draft = draft
    this.#name = checkName('a flow', name)
    this.#pattern = pattern
  }

  add<I extends object, O>(task: Task<I, O>, wiring: Wiring<I>, { name = task.name }: AddOptions = {}): Handle<O> {
    this.#draft.claim(checkName('an atom', name))
    this.#append(lower(this.#draft, task, name, wiring))
    return new Reference(this.#draft, name, []) as unknown as Handle<O>
  }

  linear<R>(name: string, build: (scope: Scope) => R): R {
    return this.#nested(new Section(this.#draft, name, 'linear'), build)
  }

  unordered<R>(name: string, build: (scope: Scope) => R): R {
    return this.#nested(new Section(this.#draft, name, 'unordered'), build)
  }

  /** From here on nothing is added: a flow that an engine has is not one that is still written. */
  finish(): FlowNode {
    this.#finished = true
    return Object.freeze({ kind: 'flow', name: this.#name, pattern: this.#pattern, children: this.#children })
  }

  #nested<R>(part: Section, build: (scope: Scope) => R): R {
    const returned = refuseWaiting(build(part), this.#draft.name)
    this.#append(part.finish())
    return returned
  }

  #append(child: PlainNode): void {
    if (this.#finished) {
      const what = `'${child.name}' cannot be added to '${this.#name}' of flow '${this.#draft.name}'`
      throw new TaskFlowError('invalid-flow', `${what}: it is finished when the function that writes it returns`)
    }
    this.#children.push(child)
  }
}

/** What is added after a wait would come when the flow is finished. */
function refuseWaiting<R>(returned: R, name: string): R {
  if (!(returned instanceof Promise)) return returned
  returned.catch(() => {})
  throw new TaskFlowError('invalid-flow', `flow '${name}' is written by a function that waits; it must not be async`)
}

/** Handles become needs, constants are injected; an atom's result is known by the atom's name. */
function lower(draft: Draft, task: Task<never, unknown>, name: string, wiring: object): AtomNode {
  const needs: Record<string, Need> = {}
  const inject: Record<string, unknown> = {}
  const wired = Object.entries(wiring) as [string, unknown][]
  const taken = new Set(wired.map(([, value]) => (value instanceof Reference ? value.symbol : undefined)))
  for (const [argument, value] of wired) {
    if (value instanceof Reference) {
      needs[argument] = draft.need(value, `'${name}'`)
    } else if (value !== undefined) {
      const symbol = symbolOf(argument, taken)
      needs[argument] = { symbol, path: [] }
      inject[symbol] = value
    }
  }
  return { kind: 'task', name, task, needs, provides: { [name]: [] }, inject }
}

/** What a constant is known by; names of atoms and inputs are free, so it keeps clear of those that the atom takes. */
function symbolOf(argument: string, taken: Set<string | undefined>): string {
  let symbol = `=${argument}`
  while (taken.has(symbol)) symbol = `=${symbol}`
  taken.add(symbol)
  return symbol
}
