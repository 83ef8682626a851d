/** Levels that are indented: a line below says its depth instead, so that the text stays linear in the tree's size. */
const deepest = 64

/** A tree as text, a line a node, from the root on. */
export class Branches {
  readonly #lines: string[] = []
  /** What is before the branches of each depth. */
  readonly #margins = ['', '']

  /** @param last whether nothing follows it under the same node. */
  add(depth: number, last: boolean, text: string): void {
    if (depth === 0) this.#lines.push(text)
    else if (depth > deepest) this.#lines.push(`${this.#margins[deepest + 1]}${depth}: ${text}`)
    else {
      this.#lines.push(`${this.#margins[depth]}${last ? '└─ ' : '├─ '}${text}`)
      this.#margins[depth + 1] = `${this.#margins[depth]}${last ? '   ' : '│  '}`
    }
  }

  /** Lines without an end of the last one. */
  toString(): string {
    return this.#lines.join('\n')
  }
}
