import assert from 'node:assert/strict'
import type { Driver, PartWriter } from '../driver.ts'
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

type Keeping = Driver & Required<Pick<Driver, 'createPart' | 'part' | 'dropPart'>>

/** A case that passes by itself where the driver keeps no parts. */
function keeping(name: string, run: (driver: Keeping) => Promise<void>): DriverCase {
  return {
    name,
    run: async (driver) => {
      if (!hasPower(driver, 'createPart') || !hasPower(driver, 'part') || !hasPower(driver, 'dropPart')) return
      await run(driver)
    },
  }
}

const whole = pattern(2 * mebibyte + 5)

/** Keeps the first `size` bytes as a part. */
async function keep(driver: Keeping, size: number, label = 'label'): Promise<void> {
  const writer = await driver.createPart('key', label)
  await writer.write(whole.subarray(0, size))
  await writer.keep()
}

async function goOn(driver: Keeping, from: number): Promise<PartWriter> {
  const part = await driver.part('key')
  assert.ok(part !== undefined, 'there is a part')
  return part.append(from)
}

async function assertNoPart(driver: Keeping): Promise<void> {
  assert.equal(await driver.part('key'), undefined)
  assert.equal((await driver.sweepParts?.()) ?? 0, 0, 'no part is left')
}

export const partCases: readonly DriverCase[] = [
  keeping('a part that is kept is not visible, and reads as it was written', async (driver) => {
    await keep(driver, mebibyte + 3, 'whose it is')
    await assertAbsent(driver, 'key')
    const part = await driver.part('key')
    assert.deepEqual([part?.label, part?.size], ['whose it is', mebibyte + 3])
    const chunks: Uint8Array[] = []
    for await (const chunk of await part!.read(mebibyte)) chunks.push(Uint8Array.from(chunk))
    assert.ok(Buffer.concat(chunks).equals(whole.subarray(0, mebibyte)))
  }),
  keeping('a part that is gone on with becomes the whole blob, and is none any more', async (driver) => {
    await keep(driver, mebibyte)
    const writer = await goOn(driver, 1000)
    await writer.write(whole.subarray(1000))
    await writer.commit()
    await assertBlob(driver, 'key', whole)
    await assertNoPart(driver)
  }),
  keeping('a part may be kept again and again, under its label', async (driver) => {
    await keep(driver, 10)
    for (const from of [10, 20, 30]) {
      const writer = await goOn(driver, from)
      await writer.write(whole.subarray(from, from + 10))
      await writer.keep()
    }
    const part = await driver.part('key')
    assert.deepEqual([part?.label, part?.size], ['label', 40])
  }),
  keeping(
    'a part that is aborted or dropped is gone, and so is one that another takes the place of',
    async (driver) => {
      await keep(driver, 10)
      await (await goOn(driver, 10)).abort()
      await assertNoPart(driver)
      await keep(driver, 10)
      await driver.dropPart('key')
      await driver.dropPart('key')
      await assertNoPart(driver)
      await keep(driver, 10, 'first')
      await keep(driver, 20, 'second')
      const part = await driver.part('key')
      assert.deepEqual([part?.label, part?.size], ['second', 20])
      await driver.dropPart('key')
      await assertNoPart(driver)
    },
  ),
  keeping('whoever was overtaken can neither write nor commit, nor harm the other', async (driver) => {
    const first = await driver.createPart('key', 'label')
    await first.write(whole.subarray(0, 100))
    const second = await goOn(driver, 100)
    await assertFails('io', () => first.write(whole.subarray(100)))
    await assertFails('io', () => first.commit())
    await first.abort()
    await second.write(whole.subarray(100))
    await second.commit()
    await assertBlob(driver, 'key', whole)
    await assertNoPart(driver)
  }),
  keeping('a key that has a blob has no place for a part', async (driver) => {
    await keep(driver, 10)
    const writer = await goOn(driver, 10)
    await put(driver, 'key', pattern(10, 2))
    await assertFails('exists', () => writer.commit())
    await writer.abort()
    await assertFails('exists', () => driver.createPart('key', 'label'))
    await assertBlob(driver, 'key', pattern(10, 2))
    await assertNoPart(driver)
  }),
  keeping('a sweep takes kept parts but for those it is told to keep, and those being written', async (driver) => {
    await keep(driver, 10)
    assert.equal(await driver.sweepParts?.({ keep: (key) => key === 'key' }), 0)
    const writer = await goOn(driver, 10)
    assert.equal(await driver.sweepParts?.(), 0)
    await writer.keep()
    assert.equal(await driver.sweepParts?.({ keep: (key) => key === 'other' }), 1)
    await assertNoPart(driver)
  }),
]
