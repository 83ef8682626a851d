import type { Edge, FlowNode, Path } from '../nodes.ts'
import { ancestorsOf } from '../topology.ts'
import type { Provider } from './plan.ts'

/** That a node provides a symbol. */
export interface Provision {
  readonly symbol: string
  readonly node: number
  readonly part: Path
}

/**
 * What the children of one flow can see of one another, while the tree is walked. Frames of nested flows are asked from
 * the innermost outwards. When a flow is left, all that it provides moves to the frame around it: once a level.
 *
 * Source: TaskFlow's scoping (`engines/action_engine/scopes.py`): the last earlier sibling wins, the nearer level first.
 */
export interface Frame {
  /** Everything provided in the flow so far, in order. */
  readonly provisions: Provision[]
  /** The nearest provider that the present child can see at this level. */
  find(symbol: string): Provider | null
  /** The child at that position provides that. */
  provide(at: number, provision: Provision): void
}

/** Everything before is seen. */
export class LinearFrame implements Frame {
  readonly provisions: Provision[] = []
  readonly #seen = new Map<string, Provider>()

  constructor(byRetry: readonly Provision[]) {
    for (const provision of byRetry) this.provide(0, provision)
  }

  find(symbol: string): Provider | null {
    return this.#seen.get(symbol) ?? null
  }

  provide(_: number, provision: Provision): void {
    this.provisions.push(provision)
    this.#seen.set(provision.symbol, providerOf(provision, this.find(provision.symbol)))
  }
}

/** Only the flow's retry is seen. */
export class UnorderedFrame implements Frame {
  readonly provisions: Provision[]
  readonly #byRetry: Frame

  constructor(byRetry: readonly Provision[]) {
    this.provisions = [...byRetry]
    this.#byRetry = new LinearFrame(byRetry)
  }

  find(symbol: string): Provider | null {
    return this.#byRetry.find(symbol)
  }

  provide(_: number, provision: Provision): void {
    this.provisions.push(provision)
  }
}

/** That a child of a graph provides something, and what an earlier one provided under the same name. */
interface ByChild {
  readonly at: number
  readonly provision: Provision
  /** What it is where nobody else provides the same: all that take it share this. */
  readonly alone: Provider
  readonly earlier: ByChild | null
}

/** What a child waits for is seen, the last in order first. */
export class GraphFrame implements Frame {
  readonly provisions: Provision[]
  readonly #byRetry: Frame
  readonly #edges: readonly Edge[]
  readonly #into: readonly (readonly Edge[])[]
  readonly #byChild = new Map<string, ByChild>()
  /** For each child, the last of those that have an edge from it and have looked round. */
  readonly #seenBy: Int32Array
  #child = -1
  /** Everything that the present child waits for; found out only when it matters. */
  #ancestors: Uint8Array | null = null

  /** @param into the edges into each child. */
  constructor({ children, edges }: FlowNode, into: readonly (readonly Edge[])[], byRetry: readonly Provision[]) {
    this.provisions = [...byRetry]
    this.#byRetry = new LinearFrame(byRetry)
    this.#edges = edges
    this.#into = into
    this.#seenBy = new Int32Array(children.length).fill(-1)
  }

  /** From here on it is this child that looks. */
  enter(at: number): void {
    this.#child = at
    this.#ancestors = null
    for (const { from } of this.#into[at]!) this.#seenBy[from] = at
  }

  find(symbol: string): Provider | null {
    const last = this.#byChild.get(symbol)
    const byRetry = this.#byRetry.find(symbol)
    if (!last) return byRetry
    if (!last.earlier && !byRetry) return this.#waitsFor(last.at) ? last.alone : null
    const visible: Provision[] = []
    for (let given: ByChild | null = last; given; given = given.earlier) {
      if (this.#waitsFor(given.at)) visible.push(given.provision)
    }
    return visible.reduceRight((below, provision) => providerOf(provision, below), byRetry)
  }

  provide(at: number, provision: Provision): void {
    this.provisions.push(provision)
    const { symbol } = provision
    const earlier = this.#byChild.get(symbol) ?? null
    this.#byChild.set(symbol, { at, provision, alone: providerOf(provision, null), earlier })
  }

  #waitsFor(at: number): boolean {
    if (this.#seenBy[at] === this.#child) return true
    this.#ancestors ??= ancestorsOf(this.#child, this.#into.length, this.#edges)
    return this.#ancestors[at] === 1
  }
}

function providerOf({ node, part }: Provision, below: Provider | null): Provider {
  return { node, part, below }
}
