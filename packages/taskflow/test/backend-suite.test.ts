import { describe, expect, it } from 'vitest'
import { type Backend, type Batch, type FlowRecord, MemoryBackend, type StoredFlow } from '../src/index.ts'
import { backendSuite } from '../src/testing/index.ts'

const cleanup = async (): Promise<void> => {}

describe('the memory backend', () => {
  for (const { name, run } of backendSuite(async () => ({ backend: new MemoryBackend(), cleanup }))) it(name, run)
})

/** A backend that is right but for what a subclass changes. */
class Flawed implements Backend {
  protected readonly inner: MemoryBackend = new MemoryBackend()
  create(flow: FlowRecord): void {
    this.inner.create(flow)
  }
  commit(batch: Batch): void {
    this.inner.commit(batch)
  }
  load(id: string): StoredFlow | undefined {
    return this.inner.load(id)
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
    super.commit(batch)
  }
  override load(id: string): StoredFlow | undefined {
    const found = this.#read.get(id) ?? super.load(id)
    if (found) this.#read.set(id, found)
    return found
  }
}

/** Stores change by change, so that a refused batch leaves half of itself behind. */
class HalfApplying extends Flawed {
  override commit({ flows, atoms }: Batch): void {
    for (const flow of flows) super.commit({ flows: [flow], atoms: [] })
    for (const atom of atoms) super.commit({ flows: [], atoms: [atom] })
  }
}

/** Keeps one run's worth of a batch: what a row-by-row statement with a wrong key would do. */
class Mixing extends Flawed {
  override commit({ flows, atoms }: Batch): void {
    const [first] = atoms
    super.commit({ flows, atoms: atoms.map((atom) => ({ ...atom, flow: first?.flow ?? atom.flow })) })
  }
}

/** Overwrites a run that is there. */
class Overwriting extends Flawed {
  override create(flow: FlowRecord): void {
    this.inner.remove(flow.id)
    this.inner.create(flow)
  }
}

/** Reads atoms by name, as a table without an order would. */
class Sorting extends Flawed {
  override load(id: string): StoredFlow | undefined {
    const found = super.load(id)
    return found && { ...found, atoms: found.atoms.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
  }
}

/** Takes a null for nothing, as a column without a type would. */
class Forgetting extends Flawed {
  override commit({ flows, atoms }: Batch): void {
    super.commit({
      flows,
      atoms: atoms.map(({ result, ...rest }) =>
        result === null ? rest : { ...rest, ...(result === undefined ? {} : { result }) },
      ),
    })
  }
}

/** Loses the last of many. */
class Limited extends Flawed {
  override commit({ flows, atoms }: Batch): void {
    super.commit({ flows, atoms: atoms.slice(0, 9_999) })
  }
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
      'a batch with an atom of an unknown run changes nothing at all',
    ],
    ['mixes runs', () => new Mixing(), 'two runs do not mix, not even in one batch'],
    ['overwrites a run', () => new Overwriting(), 'a run cannot be created twice, and the first one stays as it was'],
    ['has its own order', () => new Sorting(), 'atoms are read in the order in which they first changed'],
    ['forgets nulls', () => new Forgetting(), 'a result of null is not the absence of a result'],
    ['drops the last of many', () => new Limited(), 'a batch may change 10,000 atoms'],
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
    backend.create({ id: 'r', name: 'f', state: 'PENDING', inputs: {} })
    const begun = { flow: 'r', version: '1.0', state: 'SUCCESS', attempts: 1 } as const
    const before = backend.load('r')
    expect(() =>
      backend.commit({
        flows: [{ flow: 'r', state: 'RUNNING' }],
        atoms: [
          { ...begun, name: 'a', result: 1 },
          { ...begun, name: 'b', result: { big: 1n } },
        ],
      }),
    ).toThrow()
    expect(backend.load('r')).toEqual(before)
  })
})
