import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { FileDriver, MemoryDriver } from '../src/index.ts'
import { FaultyDriver, type SuiteDriver, storeSuite } from '../src/testing/index.ts'

async function fileDriver(...below: string[]): Promise<SuiteDriver> {
  const root = await mkdtemp(join(tmpdir(), 'stores-'))
  return {
    driver: new FileDriver(join(root, ...below)),
    cleanup: () => rm(root, { recursive: true, force: true }),
  }
}

const drivers: Record<string, () => Promise<SuiteDriver>> = {
  memory: async () => ({ driver: new MemoryDriver(), cleanup: async () => undefined }),
  file: () => fileDriver(),
  'file in a folder that is not there yet': () => fileDriver('a', 'b'),
  'faulty without faults': async () => {
    const { driver, cleanup } = await fileDriver()
    return { driver: new FaultyDriver(driver, []), cleanup }
  },
}

describe('every driver keeps the contract', () => {
  for (const [name, makeDriver] of Object.entries(drivers)) {
    for (const { name: statement, run } of storeSuite(name, makeDriver)) it(statement, run)
  }
})
