/** Processes that die: an engine whose storage goes away at some commit, and another one that takes its run up. */
import {
  type Backend,
  type Batch,
  Engine,
  type EngineOptions,
  type FlowNode,
  type FlowRecord,
  MemoryBackend,
  type StoredFlow,
} from '../src/index.ts'

/** Where a process dies: at the nth write of its life, which is stored or not. */
export interface Death {
  readonly at: number
  readonly stored: boolean
}

/** Stands between an engine and storage that survives; from its death on it takes nothing more. */
export class MortalBackend implements Backend {
  readonly #inner: MemoryBackend
  readonly #death: Death | null
  readonly #heard: (batch: Batch) => void
  #writes = 0

  /** @param heard is told of each batch that was stored. */
  constructor(inner: MemoryBackend, death: Death | null, heard: (batch: Batch) => void = () => {}) {
    this.#inner = inner
    this.#death = death
    this.#heard = heard
  }

  get dead(): boolean {
    return this.#death !== null && this.#writes >= this.#death.at
  }

  create(flow: FlowRecord): void {
    this.#write(() => this.#inner.create(flow))
  }

  commit(batch: Batch): void {
    this.#write(() => {
      this.#inner.commit(batch)
      this.#heard(batch)
    })
  }

  load(id: string): StoredFlow | undefined {
    return this.#inner.load(id)
  }

  list(): readonly FlowRecord[] {
    return this.#inner.list()
  }

  saveBook(): void {}

  listBooks(): readonly never[] {
    return []
  }

  removeBook(): void {}

  remove(): void {}

  close(): void {}

  #write(store: () => void): void {
    if (this.dead) throw new Error('the process is dead')
    this.#writes++
    if (!this.dead) return store()
    if (this.#death?.stored) store()
    throw new Error('the process died')
  }
}

/** Everything that one run was, over all the processes that worked on it. */
export interface Lives {
  readonly backend: MemoryBackend
  /** How many processes died. */
  readonly deaths: number
  /** Why it failed, as one who looks at the stored run is told. */
  readonly failures: readonly string[]
}

/**
 * Runs a flow to its end, however often its process dies; what has ended is left alone.
 *
 * @param deaths one a process; the process after the last of them lives.
 * @param build makes the flow anew, as each process does.
 */
export async function runThrough(
  build: () => FlowNode,
  options: Omit<EngineOptions, 'backend' | 'id'>,
  deaths: readonly Death[],
  heard: (batch: Batch) => void = () => {},
): Promise<Lives> {
  const backend = new MemoryBackend()
  let died = 0
  for (const death of [...deaths, null]) {
    const mortal = new MortalBackend(backend, death, heard)
    const state = backend.load('r')?.flow.state
    if (state === 'SUCCESS' || state === 'REVERTED') break
    await live(build(), { ...options, backend: mortal, id: 'r' }, state !== undefined)
    if (!mortal.dead) break
    died++
  }
  const { failures } = await Engine.resume(build(), { ...options, backend, id: 'r' })
  return { backend, deaths: died, failures: failures.map(String) }
}

async function live(
  flow: FlowNode,
  options: EngineOptions & { readonly backend: Backend; readonly id: string },
  exists: boolean,
): Promise<void> {
  try {
    const engine = exists ? await Engine.resume(flow, options) : new Engine(flow, options)
    await engine.run(exists ? undefined : {})
  } catch {
    // What the run came to is in storage, where it has to be looked for after a death anyway.
  }
}
