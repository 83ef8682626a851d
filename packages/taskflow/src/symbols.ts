/** What a node gives to those after it, and what it wants from those before it. Source: TaskFlow's `Flow.requires`. */
import type { AtomNode, FlowNode, PlainNode, Provided, RetryNode } from './nodes.ts'
import { ancestorsOf, append } from './topology.ts'

const given = new WeakMap<PlainNode, ReadonlySet<string>>()
const wanted = new WeakMap<PlainNode, ReadonlySet<string>>()

/**
 * Every symbol that a node, or anything inside it, provides.
 *
 * @example
 * const work = task({ name: 'work', execute: () => 1 })
 * console.log([...givenBy(linear('f', [atom(work, { provides: 'x' })]))].join()) // x
 */
export function givenBy(node: PlainNode): ReadonlySet<string> {
  if (node.kind === 'task') return new Set(namesIn(node.provides))
  return known(given, node, givenByFlow)
}

/**
 * Every symbol that a node takes and that nothing inside it provides in time.
 *
 * @example
 * const work = task({ name: 'work', execute: ({ x }: { x: number }) => x })
 * console.log([...wantedBy(linear('f', [atom(work, { requires: ['x'] })]))].join()) // x
 */
export function wantedBy(node: PlainNode): ReadonlySet<string> {
  if (node.kind === 'task') return takenBy(node)
  return known(wanted, node, wantedByFlow)
}

/** Finds out about a flow after those inside it, with a stack of its own: they may be nested deep. */
function known(
  facts: WeakMap<PlainNode, ReadonlySet<string>>,
  root: FlowNode,
  find: (flow: FlowNode) => ReadonlySet<string>,
): ReadonlySet<string> {
  const next = facts.has(root) ? [] : [root]
  for (let flow = next.at(-1); flow; flow = next.at(-1)) {
    const unknown = flow.children.filter((child): child is FlowNode => child.kind === 'flow' && !facts.has(child))
    if (unknown.length > 0) next.push(...unknown)
    else facts.set(next.pop()!, find(flow))
  }
  return facts.get(root)!
}

function givenByFlow(flow: FlowNode): Set<string> {
  const symbols = new Set(namesIn(flow.retry?.provides ?? []))
  for (const child of flow.children) for (const symbol of givenBy(child)) symbols.add(symbol)
  return symbols
}

/** Symbols that an atom takes from elsewhere, for execute and revert. */
function takenBy(node: AtomNode | RetryNode): Set<string> {
  const symbols = new Set<string>()
  for (const { symbol, injected } of node.needs) if (!injected) symbols.add(symbol)
  for (const { symbol, injected } of node.revertNeeds ?? []) if (!injected) symbols.add(symbol)
  return symbols
}

function wantedByFlow(flow: FlowNode): Set<string> {
  const symbols = flow.retry ? takenBy(flow.retry) : new Set<string>()
  const before = new Set(namesIn(flow.retry?.provides ?? []))
  const isInside = flow.pattern === 'graph' ? satisfactionIn(flow) : () => false
  for (const [at, child] of flow.children.entries()) {
    for (const symbol of wantedBy(child)) if (!before.has(symbol) && !isInside(at, symbol)) symbols.add(symbol)
    if (flow.pattern === 'linear') for (const symbol of givenBy(child)) before.add(symbol)
  }
  return symbols
}

/** Whether a child of a graph gets a symbol from another: from one that it waits for, directly or not. */
function satisfactionIn({ children, edges }: FlowNode): (at: number, symbol: string) => boolean {
  const direct = new Set(edges.flatMap(({ to, symbols }) => symbols.map((symbol) => `${to} ${symbol}`)))
  const givers = new Map<string, number[]>()
  for (const [at, child] of children.entries()) {
    for (const symbol of givenBy(child)) append(givers, symbol, at)
  }
  return (at, symbol) => {
    if (direct.has(`${at} ${symbol}`)) return true
    const others = (givers.get(symbol) ?? []).filter((giver) => giver !== at)
    if (others.length === 0) return false
    const before = ancestorsOf(at, children.length, edges)
    return others.some((giver) => before[giver] === 1)
  }
}

function namesIn(provides: readonly Provided[]): readonly string[] {
  return provides.map(({ symbol }) => symbol)
}
