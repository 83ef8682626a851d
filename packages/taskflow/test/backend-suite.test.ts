import { describe, expect, it } from 'vitest'
import {
  type AtomChange,
  type Awaitable,
  type Backend,
  type Batch,
  type FlowQuery,
  type FlowRecord,
  type LogBook,
  MemoryBackend,
  type StoredFlow,
} from '../src/index.ts'
import { backendSuite } from '../src/testing/index.ts'

const cleanup = async (): Promise<void> => {}

describe('the memory backend', () => {
  for (const { name, run } of backendSuite(async () => ({ backend: new MemoryBackend(), cleanup }))) it(name, run)
})

/** A backend that is right but for what a subclass changes. */
class Flawed implements Backend {
  protected readonly inner: MemoryBackend = new MemoryBackend()
  saveBook(book: LogBook): Awaitable<void> {
    this.inner.saveBook(book)
  }
  listBooks(): readonly LogBook[] {
    return this.inner.listBooks()
  }
  removeBook(id: string): void {
    this.inner.removeBook(id)
  }
  create(flow: FlowRecord): Awaitable<void> {
    this.inner.create(flow)
  }
  commit(batch: Batch): Awaitable<void> {
    this.inner.commit(batch)
  }
  load(id: string): StoredFlow | undefined {
    return this.inner.load(id)
  }
  list(query?: FlowQuery): readonly FlowRecord[] {
    return this.inner.list(query)
  }
  remove(id: string): void {
    this.inner.remove(id)
  }
  close(): void {
    this.inner.close()
  }
}

/** Gives every reader the same objects. */
class Sharing extends Flawed {
  readonly #read = new Map<string, StoredFlow>()
  override commit(batch: Batch): void {
    this.#read.clear()
    this.inner.commit(batch)
  }
  override load(id: string): StoredFlow | undefined {
    const found = this.#read.get(id) ?? super.load(id)
    if (found) this.#read.set(id, found)
    return found
  }
}

/** Changes atoms before it looks who writes. */
class HalfApplying extends Flawed {
  override commit(batch: Batch): void {
    const { fence = 0 } = this.inner.load(batch.flow)?.flow ?? {}
    this.inner.commit({ ...batch, fence: Math.max(fence, batch.fence), change: {} })
    this.inner.commit({ ...batch, atoms: [] })
  }
}

/** Stores no owner but the first. */
class Unfenced extends Flawed {
  override commit(batch: Batch): void {
    this.inner.commit({ ...batch, fence: this.inner.load(batch.flow)?.flow.fence ?? 0 })
  }
}

/** Refuses stale owners, but forgets that it has a new one. */
class Forgetful extends Flawed {
  override commit(batch: Batch): void {
    const fence = this.inner.load(batch.flow)?.flow.fence ?? 0
    this.inner.commit(batch.fence > fence ? { ...batch, fence } : batch)
  }
}

/** Makes a run where there is none. */
class Inventing extends Flawed {
  override commit(batch: Batch): void {
    const { flow, fence, at } = batch
    if (!this.inner.load(flow)) this.inner.create({ ...bare(flow), fence, createdAt: at, updatedAt: at })
    this.inner.commit(batch)
  }
}

/** Overwrites a run that is there. */
class Overwriting extends Flawed {
  override create(flow: FlowRecord): void {
    this.inner.remove(flow.id)
    this.inner.create(flow)
  }
}

/** Takes runs of log books that are not there. */
class Bookless extends Flawed {
  override create(flow: FlowRecord): void {
    if (flow.book !== null) this.inner.saveBook({ id: flow.book, name: '', meta: {} })
    this.inner.create(flow)
  }
}

/** Leaves the runs of a removed log book behind. */
class Orphaning extends Flawed {
  readonly #removed = new Set<string>()
  override listBooks(): readonly LogBook[] {
    return super.listBooks().filter(({ id }) => !this.#removed.has(id))
  }
  override removeBook(id: string): void {
    this.#removed.add(id)
  }
}

/** Reads atoms by name, and runs by id, as tables without an order would. */
class Sorting extends Flawed {
  override load(id: string): StoredFlow | undefined {
    const found = super.load(id)
    return found && { ...found, atoms: found.atoms.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
  }
  override list(query?: FlowQuery): readonly FlowRecord[] {
    return super.list(query).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }
}

/** Has the first so many of all runs, and then looks which are wanted. */
class FilteringLate extends Flawed {
  override list({ states, ...query }: FlowQuery = {}): readonly FlowRecord[] {
    return super.list(query).filter(({ state }) => states?.includes(state) ?? true)
  }
}

/** Changes the atoms of a batch. */
abstract class Changing extends Flawed {
  protected abstract change(atom: AtomChange): AtomChange
  override commit(batch: Batch): void {
    this.inner.commit({ ...batch, atoms: batch.atoms.map((atom) => this.change(atom)) })
  }
}

/** Takes a null for nothing, as a column without a type would. */
class Forgetting extends Changing {
  protected change({ result, ...rest }: AtomChange): AtomChange {
    return result === null ? rest : { ...rest, ...(result === undefined ? {} : { result }) }
  }
}

/** Keeps only the latest attempt. */
class Shortsighted extends Changing {
  protected change(atom: AtomChange): AtomChange {
    return atom.attempt ? { ...atom, history: [] } : atom
  }
}

/** Keeps whatever is not replaced of an atom that is PENDING again. */
class Clinging extends Flawed {
  override commit(batch: Batch): void {
    const known = new Map(this.inner.load(batch.flow)?.atoms.map((atom) => [atom.name, atom]))
    const atoms = batch.atoms.map((atom) => {
      const { result } = known.get(atom.name) ?? {}
      return atom.state === 'PENDING' && result !== undefined ? { result, ...atom } : atom
    })
    this.inner.commit({ ...batch, atoms })
  }
}

/** Loses the last of many. */
class Limited extends Flawed {
  override commit(batch: Batch): void {
    this.inner.commit({ ...batch, atoms: batch.atoms.slice(0, 9_999) })
  }
}

/** Writes in the next turn what is asked for in this one, and reads at once. */
class Overtaking extends Flawed {
  override async commit(batch: Batch): Promise<void> {
    const own = structuredClone(batch)
    await Promise.resolve()
    this.inner.commit(own)
  }
}

function bare(id: string): FlowRecord {
  const empty = { book: null, cancelled: null, inputs: {}, meta: {}, plan: null, fence: 0, createdAt: 0, updatedAt: 0 }
  return { id, name: 'f', state: 'PENDING', intention: 'EXECUTE', ...empty }
}

async function failingCases(make: () => Backend): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of backendSuite(async () => ({ backend: make(), cleanup }))) {
    await run().catch(() => failed.push(name))
  }
  return failed
}

describe('the suite finds a backend that', () => {
  it.each([
    ['gives two readers one object', () => new Sharing(), 'what is read is the reader’s own'],
    [
      'applies half of a batch',
      () => new HalfApplying(),
      'a batch of an owner with a lower number is refused, and changes nothing',
    ],
    [
      'takes what any owner writes',
      () => new Unfenced(),
      'a batch of an owner with a lower number is refused, and changes nothing',
    ],
    ['forgets its new owner', () => new Forgetful(), 'an owner with a higher number takes the run over'],
    ['makes a run by a batch', () => new Inventing(), 'a batch with an unknown run changes nothing at all'],
    ['overwrites a run', () => new Overwriting(), 'a run cannot be created twice, and the first one stays as it was'],
    ['takes runs without their log book', () => new Bookless(), 'a run of a log book that is not there is refused'],
    [
      'keeps the runs of a removed log book',
      () => new Orphaning(),
      'a removed log book is gone with its runs, and its id is free',
    ],
    ['has its own order of atoms', () => new Sorting(), 'atoms are read in the order in which they first changed'],
    [
      'has its own order of runs',
      () => new Sorting(),
      'runs are listed as they are, in the order in which they were created',
    ],
    [
      'counts runs that are not wanted',
      () => new FilteringLate(),
      'runs can be listed from after one of them, and so many',
    ],
    ['forgets nulls', () => new Forgetting(), 'a result of null is not the absence of a result'],
    ['keeps one attempt', () => new Shortsighted(), 'a history grows by what is told of it'],
    [
      'remembers what it must forget',
      () => new Clinging(),
      'an atom that is PENDING again has forgotten all but its name, kind, version and attempts',
    ],
    ['drops the last of many', () => new Limited(), 'a batch may change 10,000 atoms'],
    [
      'writes later than it says',
      () => new Overtaking(),
      'what is read is what was written before, and nothing of what was written after',
    ],
  ])('%s', async (_, make, name) => {
    expect(await failingCases(make)).toContain(name)
  })

  it('is right in everything, and says nothing then', async () => {
    expect(await failingCases(() => new Flawed())).toEqual([])
  })
})

describe('the suite cleans up', () => {
  it('after a case that passes and after one that fails', async () => {
    let made = 0
    let cleaned = 0
    const make = async (): Promise<{ backend: Backend; cleanup(): Promise<void> }> => {
      made++
      return { backend: made % 2 ? new MemoryBackend() : new HalfApplying(), cleanup: async () => void cleaned++ }
    }
    for (const { run } of backendSuite(make)) await run().catch(() => {})
    expect(cleaned).toBe(made)
  })
})

describe('the memory backend besides', () => {
  it('changes nothing when a value of the batch cannot be stored', () => {
    const backend = new MemoryBackend()
    backend.create(bare('r'))
    const begun = { version: '1.0', state: 'SUCCESS', attempts: 1 } as const
    const before = backend.load('r')
    expect(() =>
      backend.commit({
        flow: 'r',
        fence: 1,
        at: 1,
        change: { state: 'RUNNING' },
        atoms: [
          { ...begun, name: 'a', result: 1 },
          { ...begun, name: 'b', result: { big: 1n } },
        ],
      }),
    ).toThrow()
    expect(backend.load('r')).toEqual(before)
  })
})
