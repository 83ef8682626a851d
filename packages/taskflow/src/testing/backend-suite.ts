import type { BackendCase, SuiteBackend } from './backend-case.ts'
import { batchCases } from './batch-cases.ts'
import { bookCases } from './book-cases.ts'
import { fenceCases } from './fence-cases.ts'
import { historyCases } from './history-cases.ts'
import { listCases } from './list-cases.ts'
import { orderCases } from './order-cases.ts'
import { recordCases } from './record-cases.ts'
import { valueCases } from './value-cases.ts'

export type { SuiteBackend } from './backend-case.ts'

/**
 * One case of the suite, for any test runner: `run` rejects when the backend breaks its contract.
 *
 * @example
 * const make = async () => ({ backend: new MemoryBackend(), cleanup: async () => {} })
 * const [first]: readonly SuiteCase[] = backendSuite(make)
 * await first?.run()
 */
export interface SuiteCase {
  readonly name: string
  readonly run: () => Promise<void>
}

const cases: readonly BackendCase[] = [
  ...recordCases,
  ...valueCases,
  ...batchCases,
  ...orderCases,
  ...historyCases,
  ...fenceCases,
  ...bookCases,
  ...listCases,
]

/**
 * The contract of `Backend` as tests. Every case gets a backend of its own, and cleans it up whatever happens.
 *
 * @param make gives a backend with nothing in it.
 * @example
 * const make = async () => ({ backend: new MemoryBackend(), cleanup: async () => {} })
 * const cases = backendSuite(make) // with a test runner: for (const { name, run } of cases) it(name, run)
 * for (const { run } of cases) await run()
 */
export function backendSuite(make: () => Promise<SuiteBackend>): readonly SuiteCase[] {
  return cases.map(({ name, run }) => ({
    name,
    run: async () => {
      const made = await make()
      try {
        await run(made.backend)
      } finally {
        await made.cleanup()
      }
    },
  }))
}
