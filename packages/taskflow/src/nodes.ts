/**
 * The plain layer: flows as data, wired by names. This is TaskFlow's own model; typed flows are lowered to it, and
 * compiler, engine and storage know nothing else. patterns.ts makes it.
 *
 * Source: TaskFlow's `patterns`, `Atom` (requires, provides, rebind, inject) and `deciders`.
 */
import type { AnyRetry } from './retry.ts'
import type { AnyTask } from './task.ts'

/**
 * A part of a value: keys and indices from the outside in; empty for the whole.
 *
 * @example
 * const path: Path = ['disks', 0]
 * console.log(valueAt({ disks: ['a', 'b'] }, path)) // a
 */
export type Path = readonly (string | number)[]

/**
 * An argument of an atom, and where it comes from: a symbol, or a part of its value.
 *
 * @example
 * const need: Need = { argument: 'size', symbol: 'image', path: ['size'], optional: false, injected: null }
 */
export interface Need {
  readonly argument: string
  readonly symbol: string
  readonly path: Path
  /** Whether the argument may be left out, where nothing that the atom can see provides the symbol. */
  readonly optional: boolean
  /** What the symbol is for this atom alone; wins over everything else. */
  readonly injected: { readonly value: unknown } | null
}

/**
 * A symbol that an atom provides, and the part of its result that it names.
 *
 * @example
 * const size: Provided = { symbol: 'size', path: ['size'] }
 */
export interface Provided {
  readonly symbol: string
  readonly path: Path
}

/**
 * A task in its place in a flow.
 *
 * @example
 * const node: AtomNode = atom(task({ name: 'work', execute: () => 1 }), { provides: 'x' })
 * console.log(node.name, node.provides[0]?.symbol) // work x
 */
export interface AtomNode {
  readonly kind: 'task'
  /** Unique over the whole tree: what storage and resume know the atom by. */
  readonly name: string
  readonly task: AnyTask
  /** What execute takes, in the order in which the arguments were named. */
  readonly needs: readonly Need[]
  /** What revert takes, where that differs; null: the same. */
  readonly revertNeeds: readonly Need[] | null
  readonly provides: readonly Provided[]
}

/**
 * A retry in its place: it controls the flow that has it.
 *
 * @example
 * const node: RetryNode = controller(times(3), { name: 'thrice', provides: 'attempt' })
 * console.log(node.name) // thrice
 */
export interface RetryNode {
  readonly kind: 'retry'
  readonly name: string
  readonly retry: AnyRetry
  readonly needs: readonly Need[]
  readonly revertNeeds: readonly Need[] | null
  readonly provides: readonly Provided[]
}

/**
 * How the children of a flow stand to one another.
 *
 * @example
 * const patterns: readonly Pattern[] = ['linear', 'unordered', 'graph']
 */
export type Pattern = 'linear' | 'unordered' | 'graph'

/**
 * Decides whether what a link leads to runs: is given the results of all atoms that have a deciding link to it and were
 * not passed by themselves. Must not wait, and should not depend on anything else: it is asked again after a restart.
 *
 * @example
 * const onlyLarge: Decider = (history) => Number(history['measure']) > 1_000
 */
export type Decider = (history: Readonly<Record<string, unknown>>) => boolean

/**
 * How much a no of a decider passes by, besides what its link leads to. `ALL`: everything after it. `FLOW`: the tasks
 * after it in the same flow. `NEIGHBORS`: the tasks directly after it. `ATOM`: nothing more. These are TaskFlow's;
 * `PART` is ours: the whole of the flow that the link leads to, and nothing after it.
 *
 * @example
 * const depths: readonly Depth[] = ['ALL', 'FLOW', 'NEIGHBORS', 'ATOM', 'PART']
 */
export type Depth = 'ALL' | 'FLOW' | 'NEIGHBORS' | 'ATOM' | 'PART'

/**
 * An edge of a graph flow: `to` waits for `from`. Numbers are positions among the flow's children.
 *
 * @example
 * const work = task({ name: 'work', execute: () => 1 })
 * const [a, b] = [atom(work, { name: 'a', provides: 'x' }), atom(work, { name: 'b', requires: ['x'] })]
 * const edges: readonly Edge[] = graph('g', [a, b]).edges
 * console.log(edges[0]?.symbols.join()) // x
 */
export interface Edge {
  readonly from: number
  readonly to: number
  /** The symbols because of which it is there; none when it was made by hand alone. */
  readonly symbols: readonly string[]
  readonly decider: Decider | null
  readonly depth: Depth
}

/**
 * A flow: children, how they stand to one another, and the retry that controls them.
 *
 * @example
 * const part: FlowNode = linear('part', [], { retry: controller(times(2)) })
 * console.log(part.retry?.name) // part_retry
 */
export interface FlowNode {
  readonly kind: 'flow'
  /** For people; need not be unique. */
  readonly name: string
  readonly pattern: Pattern
  readonly children: readonly PlainNode[]
  readonly retry: RetryNode | null
  /** Only a graph has edges. */
  readonly edges: readonly Edge[]
  /** Only a graph may have one: the child that it runs for, with what that depends on; null: everything runs. */
  readonly target: number | null
}

/**
 * What a flow is made of.
 *
 * @example
 * const count = (node: PlainNode): number =>
 *   node.kind === 'task' ? 1 : node.children.reduce((sum, child) => sum + count(child), 0)
 * console.log(count(linear('f', [unordered('g', [])]))) // 0
 */
export type PlainNode = AtomNode | FlowNode
