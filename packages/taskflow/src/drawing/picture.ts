/** What every drawing shows: the tree in the order of the document, and who waits for whom. */
import type { AtomNode, Depth, Edge, FlowNode, PlainNode, RetryNode } from '../nodes.ts'
import { ancestorsOf, orderOf } from '../topology.ts'

/** Where something stands. Ids count from 0 over everything in the picture. */
export interface Place {
  readonly id: number
  /** How many flows are around it. */
  readonly depth: number
  /** Whether nothing follows it in its flow. */
  readonly last: boolean
  /** Whether it never runs, because the target of a graph around it does not need it. */
  readonly leftOut: boolean
  readonly isTarget: boolean
  /** In a graph, what it waits for. */
  readonly waits: readonly Wait[]
}

export interface Wait {
  readonly child: PlainNode
  readonly edge: Edge
}

/** A flow begins, an atom stands, or a flow ends. In one that holds nothing, `nothing` stands for its content. */
export type Step =
  | { readonly kind: 'flow'; readonly node: FlowNode; readonly place: Place }
  | { readonly kind: 'atom'; readonly node: AtomNode | RetryNode; readonly place: Place }
  | { readonly kind: 'nothing'; readonly id: number; readonly depth: number }
  | { readonly kind: 'end'; readonly depth: number }

/**
 * What a line may lead from or to: its id, and the first and the last atom of the longest way through it, so that what
 * comes after a flow can be drawn below all of it. Of an atom all three are the same.
 */
interface Extent {
  readonly id: number
  readonly first: number
  readonly last: number
  readonly length: number
}

export interface Line {
  readonly from: Extent
  readonly to: Extent
  readonly symbols: readonly string[]
  /** Of its decider; null: it has none. */
  readonly depth: Depth | null
}

export interface Picture {
  readonly steps: readonly Step[]
  /** What runs before what. Lines join what stands in the same flow: children, and the flow's retry. */
  readonly lines: readonly Line[]
}

export function pictureOf(root: FlowNode): Picture {
  return new Walk(root)
}

/** A flow whose children are looked at one after another: the next one is the one that has no extent yet. */
interface Level {
  readonly flow: FlowNode
  readonly place: Place
  readonly edges: readonly Edge[]
  readonly into: readonly (readonly Edge[])[]
  /** Positions that the target needs; null: all are. */
  readonly needed: Uint8Array | null
  readonly entry: Extent | null
  readonly extents: Extent[]
}

/** Goes through the tree with a stack of its own: flows may be nested as deep as memory goes. */
class Walk implements Picture {
  readonly steps: Step[] = []
  readonly lines: Line[] = []
  readonly #levels: Level[] = []
  #count = 0

  constructor(root: FlowNode) {
    const place = { id: this.#count++, depth: 0, last: true, leftOut: false, isTarget: false, waits: [] }
    this.#enter(root, place)
    for (let level = this.#levels.at(-1); level; level = this.#levels.at(-1)) this.#goOn(level)
  }

  #goOn(level: Level): void {
    const at = level.extents.length
    const child = level.flow.children[at]
    if (!child) return this.#leave(level)
    const place = this.#placeOf(level, at)
    if (child.kind === 'flow') return this.#enter(child, place)
    level.extents.push(this.#atom(child, place))
  }

  #placeOf({ flow, place, into, needed }: Level, at: number): Place {
    const edges = flow.pattern === 'graph' ? into[at]! : []
    return {
      id: this.#count++,
      depth: this.#levels.length,
      last: at === flow.children.length - 1,
      leftOut: place.leftOut || (needed !== null && needed[at] !== 1),
      isTarget: flow.target === at,
      waits: edges.map((edge) => ({ child: flow.children[edge.from]!, edge })),
    }
  }

  #enter(flow: FlowNode, place: Place): void {
    this.steps.push({ kind: 'flow', node: flow, place })
    const { children, target } = flow
    const edges = edgesOf(flow)
    this.#levels.push({
      flow,
      place,
      edges,
      into: edgesInto(children.length, edges),
      needed: target === null ? null : ancestorsOf(target, children.length, edges),
      entry: this.#entry(flow, place),
      extents: [],
    })
  }

  /** What the children come after: the retry; or what stands for a content that is not there. */
  #entry({ children, retry }: FlowNode, { depth, leftOut }: Place): Extent | null {
    const last = children.length === 0
    if (retry) {
      const place = { id: this.#count++, depth: depth + 1, last, leftOut, isTarget: false, waits: [] }
      return this.#atom(retry, place)
    }
    if (!last) return null
    const id = this.#count++
    this.steps.push({ kind: 'nothing', id, depth: depth + 1 })
    return { id, first: id, last: id, length: 1 }
  }

  #atom(node: AtomNode | RetryNode, place: Place): Extent {
    this.steps.push({ kind: 'atom', node, place })
    const { id } = place
    return { id, first: id, last: id, length: 1 }
  }

  #leave(level: Level): void {
    const { place, edges, into, needed, entry, extents } = level
    this.#levels.pop()
    this.steps.push({ kind: 'end', depth: place.depth })
    for (const [at, to] of extents.entries()) {
      if (!entry || into[at]!.length > 0 || (needed !== null && needed[at] !== 1)) continue
      this.lines.push({ from: entry, to, symbols: [], depth: null })
    }
    for (const { from, to, symbols, decider, depth } of edges) {
      this.lines.push({ from: extents[from]!, to: extents[to]!, symbols, depth: decider ? depth : null })
    }
    this.#levels.at(-1)?.extents.push({ ...longestWay(level), id: place.id })
  }
}

/** The order in which a flow's children run, as edges. */
function edgesOf({ pattern, children, edges }: FlowNode): readonly Edge[] {
  if (pattern !== 'linear') return edges
  return children.slice(1).map((_, at) => ({ from: at, to: at + 1, symbols: [], decider: null, depth: 'ALL' }))
}

function edgesInto(size: number, edges: readonly Edge[]): readonly (readonly Edge[])[] {
  const into: Edge[][] = Array.from({ length: size }, () => [])
  for (const edge of edges) into[edge.to]!.push(edge)
  return into
}

function longestWay({ edges, into, entry, extents }: Level): Extent {
  const ways: Extent[] = []
  let longest = entry
  for (const at of orderOf(extents.length, edges)) {
    const own = extents[at]!
    let before = entry
    for (const { from } of into[at]!) if (!before || ways[from]!.length > before.length) before = ways[from]!
    const way = before ? { ...own, first: before.first, length: before.length + own.length } : own
    ways[at] = way
    if (!longest || way.length > longest.length) longest = way
  }
  return longest!
}
