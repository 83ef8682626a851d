/** How the typed layer is lowered to the plain one: a section of a flow becomes a flow node. */
import { type Draft, Reference } from './draft.ts'
import { TaskFlowError } from './errors.ts'
import type { AddOptions, Controlled, GraphScope, Handle, Scope, Wiring } from './flow.ts'
import { checkName } from './names.ts'
import type { Decider, Depth, FlowNode, Need, Pattern, PlainNode, RetryNode } from './nodes.ts'
import { valueAt } from './paths.ts'
import { atom, controller, graph, type Link, linear, unordered } from './patterns.ts'
import type { AnyRetry, Retry } from './retry.ts'
import { givenBy } from './symbols.ts'
import { type Task, task } from './task.ts'

type Build<S, R, V> = (scope: S, value: Handle<V>) => R
type RetryOrControlled<V> = Retry<object, V> | Controlled<V>

/** One part of a flow while it is written. */
export class Section implements GraphScope {
  readonly #draft: Draft
  readonly #name: string
  readonly #pattern: Pattern
  readonly #retry: RetryNode | null
  readonly #children: PlainNode[] = []
  /** Who makes a value: a child of this section, or the part that it is in. Only a graph asks. */
  readonly #makers = new Map<string, PlainNode>()
  readonly #links: Link[] = []
  #finished = false

  constructor(draft: Draft, name: string, pattern: Pattern, by?: RetryOrControlled<unknown>) {
    this.#draft = draft
    this.#name = checkName('a flow', name)
    this.#pattern = pattern
    this.#retry = by ? controllerOf(draft, name, by) : null
  }

  add<I extends object, O>(task: Task<I, O>, wiring: Wiring<I>, { name = task.name }: AddOptions = {}): Handle<O> {
    this.#draft.claim(checkName('an atom', name))
    this.#append({ ...atom(task, { name, provides: name }), needs: wired(this.#draft, name, wiring) })
    return new Reference(this.#draft, name, []) as unknown as Handle<O>
  }

  linear<R, V>(name: string, build: Build<Scope, R, V>, retry?: RetryOrControlled<V>): R {
    return this.#nested(new Section(this.#draft, name, 'linear', retry), build)
  }

  unordered<R, V>(name: string, build: Build<Scope, R, V>, retry?: RetryOrControlled<V>): R {
    return this.#nested(new Section(this.#draft, name, 'unordered', retry), build)
  }

  graph<R, V>(name: string, build: Build<GraphScope, R, V>, retry?: RetryOrControlled<V>): R {
    return this.#nested(new Section(this.#draft, name, 'graph', retry), build)
  }

  /** A graph of two: a gate whose result is the verdict, which is kept like any other result, and the part behind it. */
  when<T>(name: string, value: Handle<T>, test: (value: T) => boolean, build: (scope: Scope) => void): void {
    const gate = task<{ value: unknown }, boolean>({
      name: `${name}?`,
      execute: (args) => test(args.value as T),
    })
    this.graph(`${name}?`, (g) => {
      const verdict = g.add(gate, { value })
      const inside = new Section(this.#draft, name, 'linear')
      ;(g as Section).#nested(inside, build)
      ;(g as Section).#linkTo(verdict, (g as Section).#children.at(-1)!, (passed) => passed === true, 'PART')
    })
  }

  link(from: Handle<unknown>, to: Handle<unknown>): void {
    this.#links.push({ from: this.#childWith(from), to: this.#childWith(to) })
  }

  decide<T>(from: Handle<T>, to: Handle<unknown>, test: (value: T) => boolean, depth: Depth = 'ALL'): void {
    this.#linkTo(from, this.#childWith(to), test as (value: unknown) => boolean, depth)
  }

  /** From here on nothing is added: a flow that an engine has is not one that is still written. */
  finish(): FlowNode {
    this.#finished = true
    const options = { retry: this.#retry }
    if (this.#pattern === 'graph') {
      return Object.freeze(graph(this.#name, this.#children, { ...options, links: this.#links }))
    }
    return Object.freeze((this.#pattern === 'linear' ? linear : unordered)(this.#name, this.#children, options))
  }

  #nested<R, V>(part: Section, build: Build<GraphScope, R, V>): R {
    const value = part.#retry ? new Reference(this.#draft, part.#retry.name, []) : undefined
    const returned = refuseWaiting(build(part, value as unknown as Handle<V>), this.#draft.name)
    this.#append(part.finish())
    return returned
  }

  #append(child: PlainNode): void {
    if (this.#finished) {
      const what = `'${child.name}' cannot be added to '${this.#name}' of flow '${this.#draft.name}'`
      throw new TaskFlowError('invalid-flow', `${what}: it is finished when the function that writes it returns`)
    }
    this.#children.push(child)
    if (this.#pattern === 'graph') for (const symbol of givenBy(child)) this.#makers.set(symbol, child)
  }

  #linkTo(from: Handle<unknown>, to: PlainNode, test: (value: unknown) => boolean, depth: Depth): void {
    const source = this.#childWith(from)
    const { symbol, path } = from as unknown as Reference
    if (source.kind !== 'task') {
      const why = `it is made inside of '${source.name}'; a decider can ask only about a step of the graph itself`
      throw new TaskFlowError('invalid-flow', `graph '${this.#name}' cannot decide about '${symbol}': ${why}`)
    }
    const decider: Decider = (history) => test(valueAt(history[symbol], path))
    this.#links.push({ from: source, to, decider, depth })
  }

  /** The child of this graph that makes a value: a step, or the part that the step is in. */
  #childWith(handle: Handle<unknown>): PlainNode {
    const reference = handle as unknown as Reference
    this.#draft.need(reference, `a link in graph '${this.#name}'`)
    const child = this.#makers.get(reference.symbol)
    if (child) return child
    const has = this.#children.map(({ name }) => `'${name}'`).join(', ') || 'nothing'
    const what = `graph '${this.#name}' cannot link '${reference.symbol}', which is not made in it`
    throw new TaskFlowError('invalid-flow', `${what}; it has ${has}`)
  }
}

/** What is added after a wait would come when the flow is finished. */
export function refuseWaiting<R>(returned: R, name: string): R {
  if (!(returned instanceof Promise)) return returned
  returned.catch(() => {})
  throw new TaskFlowError('invalid-flow', `flow '${name}' is written by a function that waits; it must not be async`)
}

function controllerOf(draft: Draft, flow: string, by: RetryOrControlled<unknown>): RetryNode {
  const [retry, wiring] = 'wiring' in by ? [by.retry, by.wiring] : [by as AnyRetry, {}]
  const name = retry.name ?? `${flow}_retry`
  draft.claim(name)
  return { ...controller(retry, { name, provides: name }), needs: wired(draft, name, wiring) }
}

/** Handles become needs, constants are injected; an atom's result is known by the atom's name. */
function wired(draft: Draft, name: string, wiring: object): readonly Need[] {
  const needs: Need[] = []
  const entries = Object.entries(wiring) as [string, unknown][]
  for (const [argument, value] of entries) {
    if (value instanceof Reference) {
      const { symbol, path } = draft.need(value, `'${name}'`)
      needs.push({ argument, symbol, path, optional: false, injected: null })
    } else if (value !== undefined) {
      needs.push({ argument, symbol: `=${argument}`, path: [], optional: false, injected: { value } })
    }
  }
  return needs
}
