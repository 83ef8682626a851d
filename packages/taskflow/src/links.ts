/**
 * The edges of a graph flow: those that follow from symbols, and those made by hand.
 *
 * Source: TaskFlow's `patterns/graph_flow.py`: children are resolved one after another, in the order of the list, each
 * against those before it and, for what those still lack, by what it provides.
 */
import { TaskFlowError } from './errors.ts'
import type { Edge, FlowNode, PlainNode } from './nodes.ts'
import type { Link } from './patterns.ts'
import { givenBy, wantedBy } from './symbols.ts'
import { append, orderOf } from './topology.ts'

type Draft = { -readonly [K in keyof Edge]: Edge[K] } & { symbols: string[] }

/** That a child gives a symbol, and who did before it. */
interface Giver {
  readonly at: number
  /** The symbol alone: edges that are there because of nothing else share this list. */
  readonly symbols: [string]
  readonly earlier: Giver | null
}

/** Children with more edges into them than this find them by key. */
const few = 16

/**
 * @throws TaskFlowError `ambiguous-dependency`, `dependency-cycle`; `invalid-flow` for a link that makes no sense
 */
export function connect(flow: FlowNode, links: readonly Link[]): readonly Edge[] {
  const wiring = new GraphWiring(flow)
  for (const at of flow.children.keys()) wiring.resolve(at)
  for (const link of links) wiring.link(link)
  const { edges } = wiring
  wiring.checkOrder(edges)
  return edges
}

/**
 * Position of the child that a targeted graph runs for.
 *
 * @throws TaskFlowError `invalid-flow` when it is none of the flow's children.
 */
export function targetOf(flow: FlowNode, target: PlainNode | undefined): number | null {
  if (target === undefined) return null
  const at = flow.children.indexOf(target)
  if (at >= 0) return at
  throw new TaskFlowError('invalid-flow', `the target of graph '${flow.name}', '${target.name}', is not in it`)
}

class GraphWiring {
  readonly #flow: FlowNode
  /** The edges into each child, and by where they start for the children that have many. */
  readonly #into: Draft[][]
  readonly #byStart = new Map<number, Map<number, Draft>>()
  /** Only links ask for it. */
  #positions: ReadonlyMap<PlainNode, number> | null = null
  /** Symbol to the last child that gives it, and to those that want it and have nobody yet. */
  readonly #givers = new Map<string, Giver>()
  readonly #lacking = new Map<string, number[]>()
  readonly #retryGives: ReadonlySet<string>

  constructor(flow: FlowNode) {
    this.#flow = flow
    this.#into = Array.from({ length: flow.children.length }, () => [])
    this.#retryGives = new Set(flow.retry?.provides.map(({ symbol }) => symbol))
  }

  get edges(): readonly Edge[] {
    const edges: Edge[] = []
    for (const into of this.#into) for (const edge of into) edges.push(edge)
    return edges
  }

  resolve(at: number): void {
    const child = this.#flow.children[at]!
    for (const symbol of wantedBy(child)) {
      if (this.#retryGives.has(symbol)) continue
      const giver = this.#givers.get(symbol)
      if (giver?.earlier) throw this.#ambiguous(child, giver)
      if (giver) this.#join(giver.at, at, giver.symbols)
      else append(this.#lacking, symbol, at)
    }
    for (const symbol of givenBy(child)) {
      const giver: Giver = { at, symbols: [symbol], earlier: this.#givers.get(symbol) ?? null }
      this.#givers.set(symbol, giver)
      const lacking = this.#lacking.get(symbol)
      if (!lacking) continue
      for (const other of lacking) if (other !== at) this.#join(at, other, giver.symbols)
      this.#lacking.set(symbol, lacking.includes(at) ? [at] : [])
    }
  }

  link({ from, to, decider, depth }: Link): void {
    this.#positions ??= new Map(this.#flow.children.map((child, at) => [child, at]))
    const [start, end] = [this.#positions.get(from), this.#positions.get(to)]
    const wrong = (why: string): TaskFlowError => {
      this.checkOrder()
      const what = `graph '${this.#flow.name}' cannot link '${from.name}' to '${to.name}'`
      return new TaskFlowError('invalid-flow', `${what}: ${why}`)
    }
    if (start === undefined) throw wrong(`'${from.name}' is not in it`)
    if (end === undefined) throw wrong(`'${to.name}' is not in it`)
    if (decider === undefined && depth !== undefined) throw wrong(`a depth ('${depth}') needs a decider`)
    if (decider !== undefined && typeof decider !== 'function') throw wrong('a decider must be a function')
    if (depth !== undefined && !depths.has(depth)) {
      throw wrong(`a depth is one of ${[...depths].join(', ')}, not ${JSON.stringify(depth)}`)
    }
    const edge = this.#join(start, end)
    if (decider === undefined) return
    edge.decider = decider
    edge.depth = depth ?? 'ALL'
  }

  /** @throws TaskFlowError `dependency-cycle`, naming the children that wait for one another. */
  checkOrder(edges: readonly Edge[] = this.edges): void {
    const { children, name } = this.#flow
    const order = orderOf(children.length, edges)
    if (order.length === children.length) return
    const ordered = new Set(order)
    const left = children.filter((_, at) => !ordered.has(at)).map((child) => `'${child.name}'`)
    const why = 'some of these wait for one another'
    throw new TaskFlowError('dependency-cycle', `graph '${name}' has no order: ${why}: ${left.join(', ')}`)
  }

  #join(from: number, to: number, symbols: string[] = []): Draft {
    const known = this.#find(from, to)
    if (known) return extended(known, symbols)
    const made: Draft = { from, to, symbols, decider: null, depth: 'ALL' }
    const into = this.#into[to]!
    into.push(made)
    if (into.length === few) this.#byStart.set(to, new Map(into.map((edge) => [edge.from, edge])))
    else if (into.length > few) this.#byStart.get(to)!.set(from, made)
    return made
  }

  #find(from: number, to: number): Draft | undefined {
    const into = this.#into[to]!
    if (into.length >= few) return this.#byStart.get(to)!.get(from)
    for (const edge of into) if (edge.from === from) return edge
    return undefined
  }

  #ambiguous(child: PlainNode, last: Giver): TaskFlowError {
    this.checkOrder()
    const { children, name } = this.#flow
    const [symbol] = last.symbols
    const givers: string[] = []
    for (let giver: Giver | null = last; giver; giver = giver.earlier) givers.push(`'${children[giver.at]!.name}'`)
    const remedy = `rebind '${child.name}' to a symbol that only one provides, or place it before the others`
    return new TaskFlowError(
      'ambiguous-dependency',
      `in graph '${name}' '${child.name}' needs '${symbol}', which ${givers.toReversed().join(' and ')} provide: ${remedy}`,
    )
  }
}

const depths: ReadonlySet<string> = new Set(['ALL', 'FLOW', 'NEIGHBORS', 'ATOM', 'PART'])

/** A list of one may be shared with other edges, so it is not added to. */
function extended(edge: Draft, symbols: readonly string[]): Draft {
  if (edge.symbols.length > 1) edge.symbols.push(...symbols)
  else if (symbols.length > 0) edge.symbols = [...edge.symbols, ...symbols]
  return edge
}
