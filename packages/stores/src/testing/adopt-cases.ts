import assert from 'node:assert/strict'
import { readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Driver } from '../driver.ts'
import {
  assertAbsent,
  assertBlob,
  assertFails,
  type DriverCase,
  hasPower,
  mebibyte,
  pattern,
  put,
} from './suite-case.ts'

type Adopting = Driver & Required<Pick<Driver, 'adopt'>>

/** A case that passes by itself where the driver does not adopt. */
function adopting(name: string, run: (driver: Adopting, file: string, scratch: string) => Promise<void>): DriverCase {
  return {
    name,
    run: async (driver, scratch) => {
      if (!hasPower(driver, 'adopt')) return
      const file = join(scratch, 'file')
      await writeFile(file, pattern(2 * mebibyte + 3))
      await run(driver, file, scratch)
    },
  }
}

async function assertNothingLeft(driver: Driver, key: string): Promise<void> {
  await assertAbsent(driver, key)
  assert.equal((await driver.sweepParts?.()) ?? 0, 0, 'no part is left')
}

export const adoptCases: readonly DriverCase[] = [
  adopting('an adopted file is a blob, and stays where it was', async (driver, file) => {
    await driver.adopt('adopted', file)
    await assertBlob(driver, 'adopted', pattern(2 * mebibyte + 3))
    assert.equal((await readFile(file)).length, 2 * mebibyte + 3)
    assert.equal((await driver.sweepParts?.()) ?? 0, 0, 'no part is left')
  }),
  adopting('an adopted blob outlives its file', async (driver, file) => {
    await driver.adopt('adopted', file)
    await rm(file)
    await assertBlob(driver, 'adopted', pattern(2 * mebibyte + 3))
  }),
  adopting('an adopted file does not look older than it is under its key', async (driver, file) => {
    await utimes(file, new Date(0), new Date(0))
    await driver.adopt('adopted', file)
    assert.ok((await driver.changedAt('adopted')).getTime() > Date.now() - 60_000)
  }),
  adopting('a file that is reached by a symbolic link is adopted, not the link', async (driver, file, scratch) => {
    await symlink(file, join(scratch, 'link'))
    await driver.adopt('adopted', join(scratch, 'link'))
    await rm(file)
    await assertBlob(driver, 'adopted', pattern(2 * mebibyte + 3))
  }),
  adopting('adopt never overwrites, and is refused a second time', async (driver, file) => {
    await put(driver, 'taken', pattern(10))
    await assertFails('exists', () => driver.adopt('taken', file))
    await assertBlob(driver, 'taken', pattern(10))
    await driver.adopt('adopted', file)
    await assertFails('exists', () => driver.adopt('adopted', file))
  }),
  adopting('what is not a file is refused', async (driver, file, scratch) => {
    await assertFails('io', () => driver.adopt('adopted', `${file}-missing`))
    await assertFails('io', () => driver.adopt('adopted', scratch))
    await assertNothingLeft(driver, 'adopted')
  }),
  adopting('an adoption whose signal is aborted leaves nothing', async (driver, file) => {
    const reason = new Error('not any more')
    await assert.rejects(driver.adopt('adopted', file, AbortSignal.abort(reason)), reason)
    await assertNothingLeft(driver, 'adopted')
  }),
  {
    name: 'a local path is where the blob can be read',
    run: async (driver) => {
      if (!hasPower(driver, 'localPath')) return
      await put(driver, 'local', pattern(1000))
      assert.ok((await readFile(driver.localPath('local'))).equals(pattern(1000)))
    },
  },
]
