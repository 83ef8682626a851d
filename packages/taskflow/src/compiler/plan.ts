import type { AtomNode, Decider, Depth, Need, Path, RetryNode } from '../nodes.ts'

/**
 * Edges out of (or into) every node, as one array: those of node n are `targets[offsets[n]]` up to `offsets[n + 1]`.
 *
 * @example
 * const { successors }: { successors: Adjacency } = compile(linear('f', []))
 * console.log(successors.targets.join()) // 1
 */
export interface Adjacency {
  readonly offsets: Int32Array
  readonly targets: Int32Array
}

/** An order of all nodes: the rank of each node, and the node at each rank. */
export interface Ranking {
  readonly ranks: Int32Array
  readonly nodes: Int32Array
}

/** An atom that provides a symbol, the part of its result that the symbol names, and who is next if it was ignored. */
export interface Provider {
  readonly node: number
  readonly part: Path
  readonly below: Provider | null
}

/** Where one argument's value comes from. */
export interface Binding {
  readonly need: Need
  /** The nearest atom that provides it; null: only what the run is started with does, if that. */
  readonly provider: Provider | null
  /** Providers of the scopes further out, for when all nearer ones were ignored. */
  readonly outer: readonly Provider[]
}

/** A decider that is asked before a node runs. */
export interface Vote {
  /** The node that the link starts at, and its name if it is an atom: the end of a flow is always asked. */
  readonly from: number
  readonly atom: string | null
  readonly decider: Decider
  readonly depth: Depth
  /** First and last node of what the link leads to. */
  first: number
  last: number
}

export type Atom = AtomNode | RetryNode

/** What stands for "no node". */
export const noNode = -1

/**
 * A flow, compiled: immutable, indexed, good for any number of runs.
 *
 * Nodes are numbered so that every edge leads to a higher number, in the order of the document otherwise. Besides atoms
 * there are two joins a flow, its start and its end, which keep the edges between groups of n and m siblings at n + m.
 * A flow's retry follows its start, and its other nodes follow the retry.
 *
 * @example
 * const work = task({ name: 'work', execute: () => 1 })
 * const plan: Plan = compile(linear('f', [atom(work)]))
 * console.log(plan.size, plan.atoms[1]?.name) // 3 work
 */
export interface Plan {
  readonly name: string
  /** How many nodes there are, joins included. */
  readonly size: number
  /** The atom at a node; null at a join. */
  readonly atoms: readonly (Atom | null)[]
  readonly successors: Adjacency
  readonly predecessors: Adjacency
  /** Which of the nodes that are ready at the same moment executes first, and which reverts first. */
  readonly order: Ranking
  readonly undoOrder: Ranking
  /** For each node, where its arguments come from; and those of its revert. */
  readonly bindings: readonly (readonly Binding[])[]
  readonly revertBindings: readonly (readonly Binding[])[]
  /** For each node, the retry that controls it; {@link noNode} where none does. */
  readonly controllers: Int32Array
  /** The deciders to be asked before a node runs. */
  readonly votes: ReadonlyMap<number, readonly Vote[]>
  /** Symbols that a run must be given. */
  readonly inputs: ReadonlySet<string>
  /** Symbols that atoms provide, each with the nodes that do. */
  readonly provided: ReadonlyMap<string, readonly { readonly node: number; readonly part: Path }[]>
}
