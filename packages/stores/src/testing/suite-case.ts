import assert from 'node:assert/strict'
import type { ByteRange, Driver } from '../driver.ts'
import { classifyError, type StoreErrorCode } from '../errors.ts'

/** One statement about any driver; it gets an empty one, and a folder for local files. */
export interface DriverCase {
  readonly name: string
  run(driver: Driver, scratch: string): Promise<void>
}

/** Whether the driver has the optional power. */
export function hasPower<Power extends 'localPath' | 'adopt' | 'createPart' | 'part' | 'dropPart' | 'sweepParts'>(
  driver: Driver,
  power: Power,
): driver is Driver & Required<Pick<Driver, Power>> {
  return driver[power] !== undefined
}

export const mebibyte: number = 1 << 20

/** Bytes that differ from place to place, so that a lost or swapped piece shows. */
export function pattern(length: number, seed: number = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0, state = seed; at < length; at += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    bytes[at] = state >> 16
  }
  return bytes
}

/** Writes and commits a blob in chunks of 1 MiB. */
export async function put(driver: Driver, key: string, bytes: Uint8Array): Promise<void> {
  const writer = await driver.create(key)
  for (let at = 0; at < bytes.length; at += mebibyte) await writer.write(bytes.subarray(at, at + mebibyte))
  await writer.commit()
}

export async function get(driver: Driver, key: string, range?: ByteRange): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await driver.read(key, range)) chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}

export async function keysOf(driver: Driver): Promise<string[]> {
  const keys: string[] = []
  for await (const key of driver.list()) keys.push(key)
  return keys.toSorted()
}

/** The blob under the key is exactly this. */
export async function assertBlob(driver: Driver, key: string, bytes: Uint8Array): Promise<void> {
  assert.equal(await driver.size(key), bytes.length, `size of ${key}`)
  assert.ok((await get(driver, key)).equals(bytes), `${key} reads as it was written`)
}

/** Nothing is visible under the key. */
export async function assertAbsent(driver: Driver, key: string): Promise<void> {
  await assertFails('not-found', () => driver.size(key))
  await assertFails('not-found', () => driver.read(key))
  assert.ok(!(await keysOf(driver)).includes(key), `${key} is not listed`)
}

export async function assertFails(code: StoreErrorCode, call: () => Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.equal(classifyError(error), code, String(error))
    return true
  })
}
