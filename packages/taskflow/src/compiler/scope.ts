import type { Need, PlainNode } from '../nodes.ts'
import type { Frame } from './frames.ts'
import type { Binding, Provider } from './plan.ts'

/** Who can be seen from where the walk is: the frames of the flows around, the innermost last. */
export class Scope {
  /** Symbols that nothing provides and that an atom cannot do without. */
  readonly inputs: Set<string> = new Set()
  readonly #frames: Frame[] = []
  /** Without deciders nothing is ignored, and only the nearest provider can matter. */
  readonly #ignores: boolean

  constructor(root: PlainNode) {
    this.#ignores = hasDecider(root)
  }

  open(frame: Frame): void {
    this.#frames.push(frame)
  }

  close(): void {
    this.#frames.pop()
  }

  /** Finds for each argument what provides it, as seen from the present place. */
  bind(needs: readonly Need[]): readonly Binding[] {
    return needs.length === 0 ? unbound : needs.map((need) => this.#bindOne(need))
  }

  #bindOne(need: Need): Binding {
    if (need.injected) return { need, provider: null, outer: nobody }
    const nearest = this.#frames.length - 1
    const at = this.#providerBelow(nearest, need.symbol)
    if (at === undefined) {
      if (!need.optional) this.inputs.add(need.symbol)
      return { need, provider: null, outer: nobody }
    }
    return { need, provider: at.provider, outer: this.#ignores ? this.#beyond(at.depth, need.symbol) : nobody }
  }

  #providerBelow(depth: number, symbol: string): { depth: number; provider: Provider } | undefined {
    for (let at = depth; at >= 0; at--) {
      const provider = this.#frames[at]!.find(symbol)
      if (provider) return { depth: at, provider }
    }
    return undefined
  }

  #beyond(depth: number, symbol: string): readonly Provider[] {
    const found: Provider[] = []
    for (let at = this.#providerBelow(depth - 1, symbol); at; at = this.#providerBelow(at.depth - 1, symbol)) {
      found.push(at.provider)
    }
    return found
  }
}

function hasDecider(root: PlainNode): boolean {
  const next = [root]
  for (let node = next.pop(); node; node = next.pop()) {
    if (node.kind !== 'flow') continue
    if (node.edges.some(({ decider }) => decider !== null)) return true
    for (const child of node.children) if (child.kind === 'flow') next.push(child)
  }
  return false
}

const unbound: readonly Binding[] = []
const nobody: readonly Provider[] = []
