import type { Adjacency, Atom, Ranking } from './plan.ts'

/** Sorts edges by where they start; the order of edges of one node stays. */
export function joinEdges(size: number, from: readonly number[], to: readonly number[]): Adjacency {
  const offsets = new Int32Array(size + 1)
  for (const node of from) offsets[node + 1]!++
  for (let node = 0; node < size; node++) offsets[node + 1]! += offsets[node]!
  const next = offsets.slice(0, size)
  const targets = new Int32Array(to.length)
  for (let edge = 0; edge < to.length; edge++) targets[next[from[edge]!]!++] = to[edge]!
  return { offsets, targets }
}

export function reverseEdges(size: number, edges: Adjacency): Adjacency {
  const from: number[] = []
  const to: number[] = []
  for (let node = 0; node < size; node++) {
    for (let edge = edges.offsets[node]!; edge < edges.offsets[node + 1]!; edge++) {
      from.push(edges.targets[edge]!)
      to.push(node)
    }
  }
  return joinEdges(size, from, to)
}

/**
 * Ranks by priority, higher first, both ways; then by document order, turned round for reverts. Joins rank before every
 * atom: what is behind them is as ready as what stands beside them.
 */
export function rankNodes(atoms: readonly (Atom | null)[]): { order: Ranking; undoOrder: Ranking } {
  const forward = Int32Array.from(atoms.keys())
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
  for (const [rank, node] of nodes.entries()) ranks[node] = rank
  return { ranks, nodes }
}

function priorityOf(atom: Atom): number {
  return atom.kind === 'task' ? atom.task.priority : 0
}
