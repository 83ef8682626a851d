import type { Adjacency, Atom, Ranking } from './plan.ts'

/** Sorts edges by where they start; the order of edges of one node stays. */
export function joinEdges(size: number, from: ArrayLike<number>, to: ArrayLike<number>): Adjacency {
  const offsets = new Int32Array(size + 1)
  for (let edge = 0; edge < from.length; edge++) offsets[from[edge]! + 1]!++
  for (let node = 0; node < size; node++) offsets[node + 1]! += offsets[node]!
  const next = offsets.slice(0, size)
  const targets = new Int32Array(to.length)
  for (let edge = 0; edge < to.length; edge++) targets[next[from[edge]!]!++] = to[edge]!
  return { offsets, targets }
}

export function reverseEdges(size: number, edges: Adjacency): Adjacency {
  const from = new Int32Array(edges.targets.length)
  for (let node = 0; node < size; node++) from.fill(node, edges.offsets[node], edges.offsets[node + 1])
  return joinEdges(size, edges.targets, from)
}

/**
 * Ranks by priority, higher first, both ways; then by document order, turned round for reverts. Joins rank before every
 * atom: what is behind them is as ready as what stands beside them.
 */
export function rankNodes(atoms: readonly (Atom | null)[]): { order: Ranking; undoOrder: Ranking } {
  const forward = new Int32Array(atoms.length).map((_, node) => node)
  const backward = forward.toReversed()
  if (atoms.some((atom) => atom !== null && priorityOf(atom) !== 0)) {
    const priority = Float64Array.from(atoms, (atom) => (atom ? priorityOf(atom) : Number.POSITIVE_INFINITY))
    forward.sort((a, b) => priority[b]! - priority[a]! || a - b)
    backward.sort((a, b) => priority[b]! - priority[a]! || b - a)
  }
  return { order: rankingOf(forward), undoOrder: rankingOf(backward) }
}

function rankingOf(nodes: Int32Array): Ranking {
  const ranks = new Int32Array(nodes.length)
  for (let rank = 0; rank < nodes.length; rank++) ranks[nodes[rank]!] = rank
  return { ranks, nodes }
}

function priorityOf(atom: Atom): number {
  return atom.kind === 'task' ? atom.task.priority : 0
}
