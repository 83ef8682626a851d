import assert from 'node:assert/strict'
import { assertAbsent, assertBlob, assertFails, type DriverCase, keysOf, mebibyte, pattern, put } from './suite-case.ts'

const visibility: readonly DriverCase[] = [
  {
    name: 'a committed blob reads as it was written',
    run: async (driver) => {
      const bytes = pattern(3 * mebibyte + 7)
      await put(driver, 'blob', bytes)
      await assertBlob(driver, 'blob', bytes)
    },
  },
  {
    name: 'a blob of no bytes is a blob',
    run: async (driver) => {
      await put(driver, 'empty', new Uint8Array(0))
      await assertBlob(driver, 'empty', new Uint8Array(0))
      assert.deepEqual(await keysOf(driver), ['empty'])
    },
  },
  {
    name: 'nothing is visible before the commit',
    run: async (driver) => {
      const writer = await driver.create('early')
      await assertAbsent(driver, 'early')
      await writer.write(pattern(mebibyte))
      await assertAbsent(driver, 'early')
      await writer.commit()
      await assertBlob(driver, 'early', pattern(mebibyte))
    },
  },
  {
    name: 'writers of many keys at the same time do not mix',
    run: async (driver) => {
      const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
      await Promise.all(seeds.map((seed) => put(driver, `blob-${seed}`, pattern(mebibyte + seed, seed))))
      for (const seed of seeds) await assertBlob(driver, `blob-${seed}`, pattern(mebibyte + seed, seed))
    },
  },
]

const chunks: readonly DriverCase[] = [
  {
    name: 'a chunk is free to be used again once its write has settled',
    run: async (driver) => {
      const writer = await driver.create('reused')
      const chunk = new Uint8Array(1000)
      for (const value of [1, 2, 3]) {
        chunk.fill(value)
        await writer.write(chunk)
      }
      chunk.fill(9)
      await writer.commit()
      await assertBlob(driver, 'reused', Buffer.concat([1, 2, 3].map((value) => Buffer.alloc(1000, value))))
    },
  },
  {
    name: 'a chunk may be a view of shared memory, or empty',
    run: async (driver) => {
      const shared = new Uint8Array(new SharedArrayBuffer(5000), 1000, 3000)
      shared.set(pattern(3000))
      const writer = await driver.create('shared')
      await writer.write(new Uint8Array(0))
      await writer.write(shared)
      await writer.commit()
      await assertBlob(driver, 'shared', pattern(3000))
    },
  },
]

const aborts: readonly DriverCase[] = [
  {
    name: 'abort leaves nothing, a second abort does nothing, and the key is free',
    run: async (driver) => {
      const writer = await driver.create('given-up')
      await writer.write(pattern(mebibyte))
      await writer.abort()
      await writer.abort()
      await assertAbsent(driver, 'given-up')
      assert.equal((await driver.sweepParts?.()) ?? 0, 0, 'no part is left')
      await put(driver, 'given-up', pattern(10))
      await assertBlob(driver, 'given-up', pattern(10))
    },
  },
  {
    name: 'abort while a write is pending settles both and leaves nothing',
    run: async (driver) => {
      const writer = await driver.create('cut')
      const pending = writer.write(pattern(mebibyte))
      await Promise.all([pending.catch(() => undefined), writer.abort()])
      await assertAbsent(driver, 'cut')
      assert.equal((await driver.sweepParts?.()) ?? 0, 0, 'no part is left')
    },
  },
]

const overwrites: readonly DriverCase[] = [
  {
    name: 'commit never overwrites: the first of two writers wins, the second leaves nothing',
    run: async (driver) => {
      const [first, second] = [await driver.create('contested'), await driver.create('contested')]
      await first.write(pattern(100, 1))
      await second.write(pattern(200, 2))
      await first.commit()
      await assertFails('exists', () => second.commit())
      await second.abort()
      await assertBlob(driver, 'contested', pattern(100, 1))
      assert.equal((await driver.sweepParts?.()) ?? 0, 0, 'no part is left')
    },
  },
  {
    name: 'of two commits at the same time one wins',
    run: async (driver) => {
      const writers = [await driver.create('race'), await driver.create('race')]
      await Promise.all(writers.map((writer, index) => writer.write(pattern(100, index + 1))))
      const outcomes = await Promise.allSettled(writers.map((writer) => writer.commit()))
      const won = outcomes.findIndex((outcome) => outcome.status === 'fulfilled')
      assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1)
      await writers[1 - won]?.abort()
      await assertBlob(driver, 'race', pattern(100, won + 1))
    },
  },
  {
    name: 'a key that has a blob is refused, at create or at commit',
    run: async (driver) => {
      await put(driver, 'taken', pattern(10, 1))
      await assertFails('exists', () => put(driver, 'taken', pattern(20, 2)))
      await assertBlob(driver, 'taken', pattern(10, 1))
    },
  },
]

export const writeCases: readonly DriverCase[] = [...visibility, ...chunks, ...aborts, ...overwrites]
