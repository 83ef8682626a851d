/**
 * The smallest of a set of numbers, again and again: a binary heap. What is ready is kept here by its rank, so that the
 * order of ready siblings never depends on when they became ready.
 */
export class ReadyQueue {
  readonly #heap: number[] = []

  get length(): number {
    return this.#heap.length
  }

  push(key: number): void {
    const heap = this.#heap
    let at = heap.push(key) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]! <= key) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = key
  }

  pop(): number | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
      if (heap[child]! >= last) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }

  clear(): void {
    this.#heap.length = 0
  }
}
