import type { Edge, FlowNode, PlainNode } from '../nodes.ts'
import { ancestorsOf, orderOf } from '../topology.ts'
import { type Frame, GraphFrame, LinearFrame, type Provision, UnorderedFrame } from './frames.ts'
import { noNode, type Vote } from './plan.ts'

/** First and last node of a child, one and the same for an atom, and what it provides. */
export interface Extent {
  readonly first: number
  readonly last: number
  /** Whether there is no atom in it. */
  readonly hollow: boolean
  readonly provisions: readonly Provision[]
}

/** Where a flow is entered: its first node, the node its children come after, and who decides about what it starts with. */
export interface Entrance {
  readonly first: number
  readonly entry: number
  readonly votes: readonly Vote[]
  /** What the flow's retry provides. */
  readonly byRetry: readonly Provision[]
}

/** Makes an edge. */
type Join = (from: number, to: number) => void

/** A flow that is being laid out: its children come one after another, each of them when those before it are laid out. */
export interface Level {
  readonly flow: FlowNode
  readonly entrance: Entrance
  readonly frame: Frame
  /** Position of the child that is laid out now, or undefined when there are no more. */
  readonly at: number | undefined
  /** The deciders to be asked before what that child starts with. */
  readonly votes: readonly Vote[]
  /** That child is laid out; the next one's turn. */
  take(extent: Extent, join: Join): void
  /** The nodes that nothing in the flow comes after. */
  readonly exits: readonly number[]
  /** Whether no child so far has an atom. */
  readonly hollow: boolean
}

export function openLevel(flow: FlowNode, entrance: Entrance): Level {
  if (flow.pattern === 'linear') return new LinearLevel(flow, entrance)
  return flow.pattern === 'unordered' ? new UnorderedLevel(flow, entrance) : new GraphLevel(flow, entrance)
}

class LinearLevel implements Level {
  readonly flow: FlowNode
  readonly entrance: Entrance
  readonly frame: LinearFrame
  hollow = true
  #at = 0
  #before: number

  constructor(flow: FlowNode, entrance: Entrance) {
    this.flow = flow
    this.entrance = entrance
    this.frame = new LinearFrame(entrance.byRetry)
    this.#before = entrance.entry
  }

  get at(): number | undefined {
    return this.#at < this.flow.children.length ? this.#at : undefined
  }

  get votes(): readonly Vote[] {
    if (this.#at === 0) return this.entrance.votes
    return this.hollow ? wholePart(this.entrance.votes) : none
  }

  get exits(): readonly number[] {
    return [this.#before]
  }

  take({ first, last, hollow }: Extent, join: Join): void {
    join(this.#before, first)
    this.#before = last
    this.#at++
    this.hollow &&= hollow
  }
}

class UnorderedLevel implements Level {
  readonly flow: FlowNode
  readonly entrance: Entrance
  readonly frame: UnorderedFrame
  hollow = true
  readonly #exits: number[] = []

  constructor(flow: FlowNode, entrance: Entrance) {
    this.flow = flow
    this.entrance = entrance
    this.frame = new UnorderedFrame(entrance.byRetry)
  }

  get at(): number | undefined {
    return this.#exits.length < this.flow.children.length ? this.#exits.length : undefined
  }

  get votes(): readonly Vote[] {
    return this.entrance.votes
  }

  get exits(): readonly number[] {
    return this.#exits
  }

  take({ first, last, hollow }: Extent, join: Join): void {
    join(this.entrance.entry, first)
    this.#exits.push(last)
    this.hollow &&= hollow
  }
}

/** Children come in an order in which each is laid out after what it waits for; of a targeted graph only what is needed. */
class GraphLevel implements Level {
  readonly flow: FlowNode
  readonly entrance: Entrance
  readonly frame: GraphFrame
  hollow = true
  readonly #order: readonly number[]
  /** The edges into each child. */
  readonly #into: readonly (readonly Edge[])[]
  readonly #extents: (Extent | undefined)[]
  /** 1 for children before which, in this graph, there is no atom. */
  readonly #starts: Uint8Array
  #turn = 0
  #votes: readonly Vote[] = []

  constructor(flow: FlowNode, entrance: Entrance) {
    const { children, edges, target } = flow
    this.flow = flow
    this.entrance = entrance
    const order = orderOf(children.length, edges)
    const needed = target === null ? null : ancestorsOf(target, children.length, edges)
    this.#order = needed ? order.filter((at) => needed[at] === 1) : order
    this.#into = edgesInto(children.length, edges)
    this.frame = new GraphFrame(flow, this.#into, entrance.byRetry)
    this.#extents = Array.from({ length: children.length })
    this.#starts = new Uint8Array(children.length)
    this.#enter()
  }

  get at(): number | undefined {
    return this.#order[this.#turn]
  }

  get votes(): readonly Vote[] {
    const at = this.at!
    if (this.#into[at]!.length === 0) return this.entrance.votes
    return this.#starts[at] === 1 ? [...this.#votes, ...wholePart(this.entrance.votes)] : this.#votes
  }

  get exits(): readonly number[] {
    const followed = new Uint8Array(this.#into.length)
    for (const at of this.#order) for (const { from } of this.#into[at]!) followed[from] = 1
    return this.#order.filter((at) => followed[at] === 0).map((at) => this.#extents[at]!.last)
  }

  take(extent: Extent, join: Join): void {
    const at = this.at!
    for (const vote of this.#votes) [vote.first, vote.last] = [extent.first, extent.last]
    for (const { from } of this.#into[at]!) join(this.#extents[from]!.last, extent.first)
    if (this.#into[at]!.length === 0) join(this.entrance.entry, extent.first)
    this.#extents[at] = extent
    this.hollow &&= extent.hollow
    this.#turn++
    this.#enter()
  }

  #enter(): void {
    const { at } = this
    if (at === undefined) return
    this.frame.enter(at)
    const starts = this.#into[at]!.every(({ from }) => this.#starts[from] === 1 && this.#extents[from]!.hollow)
    this.#starts[at] = starts ? 1 : 0
    const deciding = this.#into[at]!.filter(({ decider }) => decider !== null)
    this.#votes = deciding.map((edge) => this.#voteOf(edge, this.flow.children[edge.from]!))
  }

  #voteOf({ from, decider, depth }: Edge, source: PlainNode): Vote {
    const atom = source.kind === 'task' ? source.name : null
    return { from: this.#extents[from]!.last, atom, decider: decider!, depth, first: noNode, last: noNode }
  }
}

/**
 * The votes that are about a part as a whole: an empty flow at its begin must not lose them. Those of TaskFlow's own
 * depths are about atoms that a flow starts with, and TaskFlow has them end at an empty flow.
 */
function wholePart(votes: readonly Vote[]): readonly Vote[] {
  return votes.filter(({ depth }) => depth === 'PART')
}

function edgesInto(size: number, edges: readonly Edge[]): readonly (readonly Edge[])[] {
  // Those of one child stand together in what links.ts makes: sorting costs one look, and no list grows.
  const sorted = edges.toSorted((a, b) => a.to - b.to)
  let end = 0
  return Array.from({ length: size }, (_, to) => {
    const start = end
    while (sorted[end]?.to === to) end++
    return start === end ? none : sorted.slice(start, end)
  })
}

const none: readonly never[] = []
