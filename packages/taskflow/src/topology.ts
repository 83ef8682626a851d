import { ReadyQueue } from './ready-queue.ts'

/** An edge between two children of a graph, by their positions. */
interface Between {
  readonly from: number
  readonly to: number
}

/**
 * The order in which the children of a graph may run: those that nothing orders, by position, and so by position alone
 * where every edge leads forwards. Children of a circle, and what waits for them, are left out.
 */
export function orderOf(size: number, edges: readonly Between[]): number[] {
  if (edges.every(({ from, to }) => from < to)) return Array.from({ length: size }, (_, at) => at)
  const waiting = new Int32Array(size)
  for (const { to } of edges) waiting[to]!++
  const { offsets, targets } = grouped(size, edges)
  const ready = new ReadyQueue()
  for (let at = 0; at < size; at++) if (waiting[at] === 0) ready.push(at)
  const order: number[] = []
  for (let at = ready.pop(); at !== undefined; at = ready.pop()) {
    order.push(at)
    for (let edge = offsets[at]!; edge < offsets[at + 1]!; edge++) {
      const next = targets[edge]!
      if (--waiting[next]! === 0) ready.push(next)
    }
  }
  return order
}

/** 1 for a child and for everything that it waits for, directly or not. */
export function ancestorsOf(at: number, size: number, edges: readonly Between[]): Uint8Array {
  const turned = edges.map(({ from, to }) => ({ from: to, to: from }))
  const { offsets, targets } = grouped(size, turned)
  const found = new Uint8Array(size)
  found[at] = 1
  const next = [at]
  for (let child = next.pop(); child !== undefined; child = next.pop()) {
    for (let edge = offsets[child]!; edge < offsets[child + 1]!; edge++) {
      const before = targets[edge]!
      if (found[before] === 1) continue
      found[before] = 1
      next.push(before)
    }
  }
  return found
}

/** Where the edges of each child lead: those of child n are `targets[offsets[n]]` up to `offsets[n + 1]`. */
function grouped(size: number, edges: readonly Between[]): { offsets: Int32Array; targets: Int32Array } {
  const offsets = new Int32Array(size + 1)
  for (const { from } of edges) offsets[from + 1]!++
  for (let at = 0; at < size; at++) offsets[at + 1]! += offsets[at]!
  const free = offsets.slice(0, size)
  const targets = new Int32Array(edges.length)
  for (const { from, to } of edges) targets[free[from]!++] = to
  return { offsets, targets }
}

/** Adds a position to the list that is kept under a symbol. */
export function append(lists: Map<string, number[]>, symbol: string, at: number): void {
  const list = lists.get(symbol)
  if (list) list.push(at)
  else lists.set(symbol, [at])
}
