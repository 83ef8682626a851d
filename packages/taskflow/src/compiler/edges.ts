import type { AtomNode } from '../patterns.ts'
import type { Adjacency } from './plan.ts'

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

/** Ranks by priority, higher first, then by document order; joins rank as atoms of priority 0. */
export function rankNodes(atoms: readonly (AtomNode | null)[]): { rank: Int32Array; byRank: Int32Array } {
  const byRank = Int32Array.from(atoms.keys())
  if (atoms.some((atom) => atom !== null && atom.task.priority !== 0)) {
    const priority = Float64Array.from(atoms, (atom) => atom?.task.priority ?? 0)
    byRank.sort((a, b) => priority[b]! - priority[a]! || a - b)
  }
  const rank = new Int32Array(atoms.length)
  for (const [position, node] of byRank.entries()) rank[node] = position
  return { rank, byRank }
}
