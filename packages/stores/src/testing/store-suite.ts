import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Driver } from '../driver.ts'
import { adoptCases } from './adopt-cases.ts'
import { partCases } from './part-cases.ts'
import { readCases } from './read-cases.ts'
import type { DriverCase } from './suite-case.ts'
import { writeCases } from './write-cases.ts'

/** A driver over an empty place of its own, and what removes that place. */
export interface SuiteDriver {
  readonly driver: Driver
  readonly cleanup: () => Promise<void>
}

/** One case of the suite, for any test runner: `run` rejects when the driver breaks its contract. */
export interface SuiteCase {
  readonly name: string
  readonly run: () => Promise<void>
}

/**
 * The contract of {@link Driver} as tests. Cases of optional powers pass where the driver does not have them.
 *
 * @example
 * ```ts
 * for (const { name, run } of storeSuite('memory', async () => ({ driver: new MemoryDriver(), cleanup: async () => {} })))
 *   it(name, run)
 * ```
 */
export function storeSuite(name: string, makeDriver: () => Promise<SuiteDriver>): readonly SuiteCase[] {
  const cases: readonly DriverCase[] = [...writeCases, ...readCases, ...adoptCases, ...partCases]
  return cases.map((one) => ({
    name: `${name}: ${one.name}`,
    run: async () => {
      const { driver, cleanup } = await makeDriver()
      const scratch = await mkdtemp(join(tmpdir(), 'store-suite-'))
      try {
        await one.run(driver, scratch)
      } finally {
        await rm(scratch, { recursive: true, force: true })
        await cleanup()
      }
    },
  }))
}
