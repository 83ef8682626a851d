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

/** Children with more edges into them than this find them by key. */
const few = 16

/**
 * @throws TaskFlowError `ambiguous-dependency`, `dependency-cycle`; `invalid-flow` for a link that makes no sense
 */
export function connect(flow: FlowNode, links: readonly Link[]): readonly Edge[] {
  const wiring = new GraphWiring(flow)
  for (const at of flow.children.keys()) wiring.resolve(at)
  for (const link of links) wiring.link(link)
  wiring.checkOrder()
  return wiring.edges
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
  readonly #positions = new Map<PlainNode, number>()
  /** Symbol to the children that give it, and to those that want it and have nobody yet. */
  readonly #givers = new Map<string, number[]>()
  readonly #lacking = new Map<string, number[]>()
  readonly #retryGives: ReadonlySet<string>

  constructor(flow: FlowNode) {
    this.#flow = flow
    this.#into = Array.from({ length: flow.children.length }, () => [])
    this.#retryGives = new Set(flow.retry?.provides.map(({ symbol }) => symbol))
    for (const [at, child] of flow.children.entries()) this.#positions.set(child, at)
  }

  get edges(): readonly Edge[] {
    return this.#into.flat()
  }

  resolve(at: number): void {
    const child = this.#flow.children[at]!
    for (const symbol of wantedBy(child)) {
      if (this.#retryGives.has(symbol)) continue
      const [giver, ...others] = this.#givers.get(symbol) ?? []
      if (others.length > 0) throw this.#ambiguous(child, symbol)
      if (giver === undefined) append(this.#lacking, symbol, at)
      else this.#join(giver, at, symbol)
    }
    for (const symbol of givenBy(child)) {
      append(this.#givers, symbol, at)
      const lacking = this.#lacking.get(symbol) ?? []
      for (const other of lacking) if (other !== at) this.#join(at, other, symbol)
      this.#lacking.set(symbol, lacking.includes(at) ? [at] : [])
    }
  }

  link({ from, to, decider, depth }: Link): void {
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
  checkOrder(): void {
    const { children, name } = this.#flow
    const order = orderOf(children.length, this.edges)
    if (order.length === children.length) return
    const ordered = new Set(order)
    const left = children.filter((_, at) => !ordered.has(at)).map((child) => `'${child.name}'`)
    const why = 'some of these wait for one another'
    throw new TaskFlowError('dependency-cycle', `graph '${name}' has no order: ${why}: ${left.join(', ')}`)
  }

  #join(from: number, to: number, symbol?: string): Draft {
    const known = this.#find(from, to)
    if (known && symbol !== undefined) known.symbols.push(symbol)
    if (known) return known
    // Not filled by push: most edges have one symbol, and a list that grows is made for many.
    const symbols = symbol === undefined ? [] : [symbol]
    const made: Draft = { from, to, symbols, decider: null, depth: 'ALL' }
    const into = this.#into[to]!
    into.push(made)
    if (into.length === few) this.#byStart.set(to, new Map(into.map((edge) => [edge.from, edge])))
    else if (into.length > few) this.#byStart.get(to)!.set(from, made)
    return made
  }

  #find(from: number, to: number): Draft | undefined {
    const into = this.#into[to]!
    return into.length < few ? into.find((edge) => edge.from === from) : this.#byStart.get(to)!.get(from)
  }

  #ambiguous(child: PlainNode, symbol: string): TaskFlowError {
    this.checkOrder()
    const { children, name } = this.#flow
    const givers = this.#givers.get(symbol)!.map((at) => `'${children[at]!.name}'`)
    const remedy = `rebind '${child.name}' to a symbol that only one provides, or place it before the others`
    return new TaskFlowError(
      'ambiguous-dependency',
      `in graph '${name}' '${child.name}' needs '${symbol}', which ${givers.join(' and ')} provide: ${remedy}`,
    )
  }
}

const depths: ReadonlySet<string> = new Set(['ALL', 'FLOW', 'NEIGHBORS', 'ATOM', 'PART'])
