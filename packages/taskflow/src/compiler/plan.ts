import type { AtomNode, Path } from '../patterns.ts'

/** Edges out of (or into) every node, as one array: those of node n are `targets[offsets[n]]` up to `offsets[n + 1]`. */
export interface Adjacency {
  readonly offsets: Int32Array
  readonly targets: Int32Array
}

/** An order of all nodes: the rank of each node, and the node at each rank. */
export interface Ranking {
  readonly ranks: Int32Array
  readonly nodes: Int32Array
}

/** Where one argument's value comes from. */
export interface Binding {
  readonly argument: string
  readonly symbol: string
  /** The part of the symbol's value that is wanted. */
  readonly path: Path
  /** The node whose result holds it, or {@link fromInputs}. */
  readonly provider: number
  /** The part of the provider's result that the symbol names. */
  readonly part: Path
}

export const fromInputs = -1

/**
 * A flow, compiled: immutable, indexed, good for any number of runs.
 *
 * Nodes are numbered in document order. Besides atoms there are two joins a flow, its start and its end, which keep the
 * edges between groups of n and m siblings at n + m. Every edge leads to a higher number.
 */
export interface Plan {
  readonly name: string
  /** How many nodes there are, joins included. */
  readonly size: number
  /** The atom at a node; null at a join. */
  readonly atoms: readonly (AtomNode | null)[]
  readonly successors: Adjacency
  readonly predecessors: Adjacency
  /** Which of the nodes that are ready at the same moment executes first, and which reverts first. */
  readonly order: Ranking
  readonly undoOrder: Ranking
  /** For each node, the arguments that come from inputs or other atoms. */
  readonly bindings: readonly (readonly Binding[])[]
  /** Symbols that a run must be given. */
  readonly inputs: ReadonlySet<string>
  /** Symbols that atoms provide, each with an atom that does. */
  readonly provided: ReadonlyMap<string, string>
}
