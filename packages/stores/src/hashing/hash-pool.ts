import { createHash, getHashes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { HashJob } from './hash-job.ts'
import { HashThread } from './hash-thread.ts'
import { Ring, type RingShape } from './ring.ts'

/** The worker's program as it is beside this file: source or built. */
const ownScript: URL = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/** How many rings stay for the next write when theirs is over. */
const keptRings = 4

export interface HashPoolOptions {
  /** Worker threads; the default is one for each core, at most 2: a write has two checksums. */
  readonly workers?: number
  /** The ring of each write; the default is 4 slots of 512 KiB: as fast as 1 MiB, in half the memory. */
  readonly ring?: RingShape
  /** The worker's program, where it is not the one in this package. */
  readonly script?: URL
}

/**
 * Worker threads that compute checksums, and the memory that bytes reach them through; shared by all writes.
 *
 * Workers start when they are first needed, do not keep the process alive while idle, and are replaced when they die.
 */
export class HashPool {
  readonly #threads: (HashThread | undefined)[] = []
  readonly #workers: number
  readonly #shape: RingShape
  readonly #script: URL
  #rings: Ring[] = []

  constructor(options: HashPoolOptions = {}) {
    this.#workers = options.workers ?? Math.min(2, availableParallelism())
    this.#shape = options.ring ?? { slots: 4, slotBytes: 512 * 1024 }
    this.#script = options.script ?? ownScript
  }

  /** Begins a checksum on the worker with the fewest; two checksums of one write go to two workers. */
  open(algorithm: string, ring: Ring): HashJob {
    let best = 0
    for (let index = 1; index < this.#workers; index += 1) {
      if (this.#load(index) < this.#load(best)) best = index
    }
    return this.#thread(best).open(algorithm, ring.memory)
  }

  /** A ring for one write, until {@link giveRing}. */
  takeRing(): Ring {
    return this.#rings.pop() ?? new Ring(this.#shape)
  }

  /** Gives a ring back. A ring that anybody may still be reading from is dropped instead, never given back. */
  giveRing(ring: Ring): void {
    if (this.#rings.length < keptRings) this.#rings.push(ring)
  }

  /** Ends the workers and frees the memory. Open checksums fail; a later write starts workers again. */
  async close(): Promise<void> {
    this.#rings = []
    const running = this.#threads.filter((thread) => thread !== undefined)
    await Promise.all(running.map((thread) => thread.close()))
  }

  #load(index: number): number {
    return this.#threads[index]?.load ?? 0
  }

  #thread(index: number): HashThread {
    const known = this.#threads[index]
    if (known !== undefined) return known
    const thread: HashThread = new HashThread(this.#script, () => {
      if (this.#threads[index] === thread) this.#threads[index] = undefined
    })
    this.#threads[index] = thread
    return thread
  }
}

/**
 * @throws RangeError when Node's OpenSSL cannot compute one of the algorithms, for example `md5` on a host in FIPS mode.
 */
export function checkAlgorithms(algorithms: readonly string[]): void {
  for (const algorithm of algorithms) {
    try {
      createHash(algorithm)
    } catch (cause) {
      const allowed = getHashes().join(', ')
      throw new RangeError(`hash algorithm '${algorithm}' is not known; allowed are ${allowed}`, { cause })
    }
  }
}

const shared: HashPool = new HashPool()

/** The pool of this process, which every store uses that was not given another. */
export function sharedHashing(): HashPool {
  return shared
}

/** Ends the process's hash workers, so that it can end cleanly. Writes that go on fail; later ones start workers again. */
export function closeHashing(): Promise<void> {
  return shared.close()
}
