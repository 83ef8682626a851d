import type { Path } from '../patterns.ts'

/** An atom that provides a symbol, and the part of its result that the symbol names. */
export interface Provider {
  readonly node: number
  readonly part: Path
}

/**
 * Who can be seen from where, while the tree is walked in document order: for each symbol a stack of providers, the
 * nearest on top. What a child of an unordered flow provides is hidden from its siblings and appears when the flow
 * ends. Every provider is moved once a level, so a walk costs O(symbols times depth).
 *
 * Source: TaskFlow's scoping (`engines/action_engine/scopes.py`): the last earlier sibling wins, the nearer level first.
 */
export class Visibility {
  readonly #stacks = new Map<string, Provider[]>()
  /** Symbols pushed since the walk began, in order; a mark is a length of it. */
  #pushed: string[] = []

  provide(symbol: string, provider: Provider): void {
    const stack = this.#stacks.get(symbol)
    if (stack) stack.push(provider)
    else this.#stacks.set(symbol, [provider])
    this.#pushed.push(symbol)
  }

  find(symbol: string): Provider | undefined {
    return this.#stacks.get(symbol)?.at(-1)
  }

  mark(): number {
    return this.#pushed.length
  }

  /** Takes away what was provided since the mark, to be given back by {@link restore}. */
  hide(mark: number): readonly (readonly [string, Provider])[] {
    const symbols = this.#pushed.splice(mark)
    const hidden: [string, Provider][] = []
    for (const symbol of symbols) {
      const provider = this.#stacks.get(symbol)?.pop()
      if (provider) hidden.push([symbol, provider])
    }
    return hidden.toReversed()
  }

  restore(hidden: readonly (readonly [string, Provider])[]): void {
    for (const [symbol, provider] of hidden) this.provide(symbol, provider)
  }
}
