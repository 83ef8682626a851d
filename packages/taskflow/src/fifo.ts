/** Numbers that leave in the order in which they came; both in constant time. */
export class Fifo {
  #items: number[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: number): void {
    this.#items.push(item)
  }

  shift(): number | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head++]
    if (this.#head === this.#items.length) this.clear()
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }
}
