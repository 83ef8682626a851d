import type { SuiteCase } from './backend-suite.ts'
import { claimCases } from './claim-cases.ts'
import type { JobboardCase, SuiteJobboard } from './jobboard-case.ts'
import { postingCases } from './posting-cases.ts'
import { waitingCases } from './waiting-cases.ts'

export type { SuiteJobboard } from './jobboard-case.ts'

/**
 * The contract of `Jobboard` as tests. Every case gets a board of its own, and cleans it up whatever happens.
 *
 * @param make gives a board with nothing on it, whose time stands still unless it is told to pass.
 * @example
 * const make = async (): Promise<SuiteJobboard> => {
 *   let now = 0
 *   const waits = new Set<{ at: number; ended: () => void }>()
 *   const wait = (milliseconds: number, ended: () => void) => {
 *     const one = { at: now + milliseconds, ended }
 *     waits.add(one)
 *     return () => waits.delete(one)
 *   }
 *   const pass = async (milliseconds: number) => {
 *     now += milliseconds
 *     for (const one of waits) if (one.at <= now && waits.delete(one)) one.ended()
 *   }
 *   return { jobboard: new MemoryJobboard({ clock: { now: () => now, wait } }), pass, cleanup: async () => {} }
 * }
 * const cases = jobboardSuite(make) // with a test runner: for (const { name, run } of cases) it(name, run)
 * for (const { run } of cases) await run()
 */
export function jobboardSuite(make: () => Promise<SuiteJobboard>): readonly SuiteCase[] {
  const cases: readonly JobboardCase[] = [...postingCases, ...claimCases, ...waitingCases]
  return cases.map(({ name, run }) => ({
    name,
    run: async () => {
      const made = await make()
      try {
        await run(made.jobboard, made)
      } finally {
        await made.cleanup()
      }
    },
  }))
}
