/**
 * The plain layer: flows as data, wired by names. This is TaskFlow's own model; typed flows are lowered to it, and
 * compiler, engine and storage know nothing else.
 *
 * Source: TaskFlow's `patterns` and `Atom` (requires, provides, rebind, inject).
 */
import { checkName } from './names.ts'
import type { AnyTask } from './task.ts'

/** A part of a value: keys and indices from the outside in; empty for the whole. */
export type Path = readonly (string | number)[]

/** Where an argument comes from: a symbol, or a part of its value. */
export interface Need {
  readonly symbol: string
  readonly path: Path
}

export interface AtomNode {
  readonly kind: 'task'
  /** Unique over the whole tree: what storage and resume know the atom by. */
  readonly name: string
  readonly task: AnyTask
  /** Argument name to what it takes. */
  readonly needs: Readonly<Record<string, Need>>
  /** Symbol to the part of the result that it names. */
  readonly provides: Readonly<Record<string, Path>>
  /** Symbol to a value that this atom alone sees; wins over everything else. */
  readonly inject: Readonly<Record<string, unknown>>
}

export type Pattern = 'linear' | 'unordered'

export interface FlowNode {
  readonly kind: 'flow'
  readonly name: string
  readonly pattern: Pattern
  readonly children: readonly PlainNode[]
}

export type PlainNode = AtomNode | FlowNode

export interface AtomOptions {
  /** Default: the task's name. */
  readonly name?: string
  /** Arguments that are found under a symbol of their own name. */
  readonly requires?: readonly string[]
  /** Argument to symbol, where the names differ. */
  readonly rebind?: Readonly<Record<string, string>>
  /** A name for the whole result, or one name for each element of it. */
  readonly provides?: string | readonly string[]
  readonly inject?: Readonly<Record<string, unknown>>
}

/**
 * Places a task in a flow.
 *
 * @example linear('copy', [atom(read, { requires: ['path'], provides: 'bytes' }), atom(write, { requires: ['bytes'] })])
 */
export function atom(task: AnyTask, options: AtomOptions = {}): AtomNode {
  const { name = task.name, requires = [], rebind = {}, provides = [], inject = {} } = options
  const needs: Record<string, Need> = {}
  for (const argument of requires) needs[argument] = { symbol: argument, path: [] }
  for (const [argument, symbol] of Object.entries(rebind)) needs[argument] = { symbol, path: [] }
  const provided: [string, Path][] =
    typeof provides === 'string' ? [[provides, []]] : provides.map((symbol, index) => [symbol, [index]])
  return { kind: 'task', name: checkName('an atom', name), task, needs, provides: Object.fromEntries(provided), inject }
}

/** Children run one after another, in this order. */
export function linear(name: string, children: readonly PlainNode[]): FlowNode {
  return { kind: 'flow', name: checkName('a flow', name), pattern: 'linear', children }
}

/** Children run in any order, also at the same time, and do not see one another's results. */
export function unordered(name: string, children: readonly PlainNode[]): FlowNode {
  return { kind: 'flow', name: checkName('a flow', name), pattern: 'unordered', children }
}
