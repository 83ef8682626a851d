import assert from 'node:assert/strict'
import {
  assertAbsent,
  assertBlob,
  assertFails,
  type DriverCase,
  get,
  keysOf,
  mebibyte,
  pattern,
  put,
} from './suite-case.ts'

const ranges: readonly DriverCase[] = [
  {
    name: 'a range reads from its start up to, not with, its end',
    run: async (driver) => {
      const bytes = pattern(2 * mebibyte + 100)
      await put(driver, 'ranged', bytes)
      for (const [start, end] of [
        [0, 1],
        [5, 50],
        [mebibyte - 1, mebibyte + 1],
        [mebibyte, 2 * mebibyte],
        [0, bytes.length],
      ] as const) {
        const part = await get(driver, 'ranged', { start, end })
        assert.ok(part.equals(bytes.subarray(start, end)), `bytes ${start} to ${end}`)
      }
    },
  },
  {
    name: 'a range gives what is there: less past the end, nothing where it is empty',
    run: async (driver) => {
      const bytes = pattern(100)
      await put(driver, 'short', bytes)
      assert.ok((await get(driver, 'short', { start: 90, end: 1000 })).equals(bytes.subarray(90)))
      for (const start of [0, 50, 100, 1000]) {
        assert.equal((await get(driver, 'short', { start, end: start })).length, 0, `from ${start} to itself`)
      }
      assert.equal((await get(driver, 'short', { start: 500, end: 1000 })).length, 0)
    },
  },
]

const readers: readonly DriverCase[] = [
  {
    name: 'a chunk keeps its bytes for as long as its reader said',
    run: async (driver) => {
      const bytes = pattern(5 * mebibyte + 7)
      await put(driver, 'kept', bytes)
      const kept: Uint8Array[] = []
      let compared = 0
      const compareOldest = (): void => {
        const chunk = kept.shift()!
        assert.ok(Buffer.from(chunk).equals(bytes.subarray(compared, compared + chunk.length)), `from byte ${compared}`)
        compared += chunk.length
      }
      for await (const chunk of await driver.read('kept', undefined, 3)) {
        kept.push(chunk)
        if (kept.length === 3) compareOldest()
      }
      while (kept.length > 0) compareOldest()
      assert.equal(compared, bytes.length)
    },
  },
  {
    name: 'a reader may stop before the first chunk, after it, or while it waits',
    run: async (driver) => {
      await put(driver, 'stopped', pattern(3 * mebibyte))
      const unread = (await driver.read('stopped'))[Symbol.asyncIterator]()
      await unread.return?.()
      const begun = (await driver.read('stopped'))[Symbol.asyncIterator]()
      assert.equal((await begun.next()).done, false)
      await begun.return?.()
      assert.equal((await begun.next()).done, true)
      const waiting = (await driver.read('stopped'))[Symbol.asyncIterator]()
      await Promise.all([waiting.next().catch(() => undefined), waiting.return?.()])
      await assertBlob(driver, 'stopped', pattern(3 * mebibyte))
    },
  },
  {
    name: 'readers at the same time each get the whole blob',
    run: async (driver) => {
      const bytes = pattern(2 * mebibyte)
      await put(driver, 'popular', bytes)
      const reads = await Promise.all([1, 2, 3, 4].map(() => get(driver, 'popular')))
      assert.ok(reads.every((read) => read.equals(bytes)))
    },
  },
  {
    name: 'what is not there is not found',
    run: async (driver) => {
      await assertAbsent(driver, 'nowhere')
      await assertFails('not-found', () => driver.read('nowhere', { start: 0, end: 1 }))
      await assertFails('not-found', () => driver.delete('nowhere'))
      await assertFails('not-found', () => driver.changedAt('nowhere'))
      assert.deepEqual(await keysOf(driver), [])
    },
  },
]

const names: readonly DriverCase[] = [
  {
    name: 'a deleted blob is gone, and its key is free',
    run: async (driver) => {
      await put(driver, 'deleted', pattern(10, 1))
      await driver.delete('deleted')
      await assertAbsent(driver, 'deleted')
      await assertFails('not-found', () => driver.delete('deleted'))
      await put(driver, 'deleted', pattern(20, 2))
      await assertBlob(driver, 'deleted', pattern(20, 2))
    },
  },
  {
    name: 'a blob never looks older than it is under its key',
    run: async (driver) => {
      await put(driver, 'key', pattern(10, 1))
      const first = await driver.changedAt('key')
      assert.ok(Math.abs(first.getTime() - Date.now()) < 60_000, `${first.toISOString()} is now, or nearly`)
      await driver.delete('key')
      await put(driver, 'key', pattern(10, 2))
      assert.ok((await driver.changedAt('key')).getTime() >= first.getTime())
    },
  },
  {
    name: 'every allowed key has a blob and a url of its own, and is listed once',
    run: async (driver) => {
      const keys = ['a', 'a.b', 'a..', 'a.part', '-a', '_', '0', 'A-1_2.3', 'f'.repeat(200)].toSorted()
      for (const [index, key] of keys.entries()) await put(driver, key, pattern(10, index + 1))
      const open = await driver.create('not-yet')
      assert.deepEqual(await keysOf(driver), keys)
      await open.abort()
      for (const [index, key] of keys.entries()) await assertBlob(driver, key, pattern(10, index + 1))
      assert.equal(new Set(keys.map((key) => new URL(driver.url(key)).href)).size, keys.length)
    },
  },
]

export const readCases: readonly DriverCase[] = [...ranges, ...readers, ...names]
