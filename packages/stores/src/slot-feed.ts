import type { Halt } from './halt.ts'
import type { HashJob } from './hashing/hash-job.ts'
import type { HashPool } from './hashing/hash-pool.ts'
import type { Ring } from './hashing/ring.ts'

export interface SlotFeedParts {
  readonly pool: HashPool
  readonly algorithms: readonly string[]
  readonly halt: Halt
  /** Writes one slot; called one at a time, in order. */
  readonly sink: (slot: Uint8Array) => Promise<void>
  /** Gives a checksum's failure the words that users see. */
  readonly hashError: (error: unknown) => Error
}

/**
 * One write's way through a ring: chunks fill a slot, a full slot goes to the sink and to every checksum at the same
 * time, and is free when all have answered. While no slot is free, `append` waits, and so the source is not pulled.
 */
export class SlotFeed {
  readonly #parts: SlotFeedParts
  readonly #ring: Ring
  readonly #jobs: ReadonlyMap<string, HashJob>
  readonly #free: number[]
  #slot: number | undefined
  #filled = 0
  #sunk: Promise<void> = Promise.resolve()
  #wake: (() => void) | undefined

  constructor(parts: SlotFeedParts) {
    this.#parts = parts
    this.#ring = parts.pool.takeRing()
    this.#free = Array.from({ length: this.#ring.slots }, (_, slot) => slot)
    this.#jobs = new Map(parts.algorithms.map((name) => [name, parts.pool.open(name, this.#ring)]))
  }

  /** Takes a copy of the chunk. */
  async append(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const slot = (this.#slot ??= await this.#freeSlot())
      const piece = chunk.subarray(at, at + this.#ring.slotBytes - this.#filled)
      this.#ring.view(slot).set(piece, this.#filled)
      this.#filled += piece.length
      at += piece.length
      if (this.#filled === this.#ring.slotBytes) this.#hand(slot)
    }
  }

  /** Hands over what has come, and waits until all of it is written and hashed. */
  async flush(): Promise<void> {
    if (this.#slot !== undefined) this.#hand(this.#slot)
    while (this.#free.length < this.#ring.slots) await this.#answer()
  }

  /** Waits for everything, and answers the checksums by algorithm. */
  async finish(): Promise<Record<string, string>> {
    const { halt, pool, hashError } = this.#parts
    await this.flush()
    const digests = Array.from(this.#jobs, async ([name, job]) => [name, await job.digest()] as const)
    const hashes = await halt.wait(
      Promise.all(digests).catch((error: unknown) => {
        throw hashError(error)
      }),
    )
    pool.giveRing(this.#ring)
    return Object.fromEntries(hashes)
  }

  /** Gives the write up. The ring is not used again: somebody may still be reading from it. */
  drop(): void {
    for (const job of this.#jobs.values()) job.drop()
  }

  #hand(slot: number): void {
    const { halt, sink, hashError } = this.#parts
    const length = this.#filled
    this.#slot = undefined
    this.#filled = 0
    const view = this.#ring.view(slot, length)
    this.#sunk = this.#sunk.then(() => {
      halt.check()
      return sink(view)
    })
    const hashed = Array.from(this.#jobs.values(), (job) => job.update(this.#ring.offset(slot), length))
    const checked = Promise.all(hashed).catch((error: unknown) => {
      throw hashError(error)
    })
    void this.#release(slot, [this.#sunk, checked])
  }

  async #release(slot: number, answers: readonly Promise<unknown>[]): Promise<void> {
    try {
      await Promise.all(answers)
      this.#free.push(slot)
      this.#wake?.()
    } catch (error) {
      this.#parts.halt.trip(error)
    }
  }

  async #freeSlot(): Promise<number> {
    for (;;) {
      const slot = this.#free.pop()
      if (slot !== undefined) return slot
      await this.#answer()
    }
  }

  /** Until one more slot is free. */
  #answer(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    return this.#parts.halt.wait(promise)
  }
}
