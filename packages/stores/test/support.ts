import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { StoreError, type StoreErrorCode } from '../src/index.ts'

export const mebibyte: number = 1 << 20

/** A folder of the test's own, removed when it ends. */
export async function temporaryFolder(parent: string = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'stores-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Bytes that differ from place to place. */
export function patternBytes(length: number, seed: number = 1): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31 + (at >> 8) * 17 + seed) & 0xff
  return bytes
}

export function hashesOf(bytes: Uint8Array, algorithms: readonly string[]): Record<string, string> {
  return Object.fromEntries(algorithms.map((name) => [name, createHash(name).update(bytes).digest('hex')]))
}

/** A source that counts what is pulled of it, and says whether it was let go of. */
export class ChunkSource implements AsyncIterable<Uint8Array> {
  readonly #bytes: Uint8Array
  readonly #chunk: number
  pulled = 0
  ended = false

  constructor(bytes: Uint8Array, chunk: number = 65_536) {
    this.#bytes = bytes
    this.#chunk = chunk
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < this.#bytes.length; at += this.#chunk) {
        this.pulled += 1
        yield this.#bytes.subarray(at, at + this.#chunk)
      }
    } finally {
      this.ended = true
    }
  }
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function keysOf(list: AsyncIterable<string>): Promise<string[]> {
  const keys: string[] = []
  for await (const key of list) keys.push(key)
  return keys
}

/** The files under the folder that this process holds open. */
export async function openFiles(folder: string): Promise<string[]> {
  if (!existsSync('/proc/self/fd')) return []
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return links.filter((link) => link.startsWith(folder))
}

/** The error that the call ends with, which must be a StoreError of that code. */
export async function storeError(call: Promise<unknown>, code: StoreErrorCode): Promise<StoreError> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(StoreError)
  const found = error as StoreError
  expect(`${found.code}: ${found.message}`).toMatch(new RegExp(`^${code}:`))
  return found
}

/** Nothing but what is named is in the folder, and no file of it is open. */
export async function expectOnly(folder: string, names: readonly string[]): Promise<void> {
  const found = await readdir(folder).catch((): string[] => [])
  expect(found.toSorted()).toEqual([...names].toSorted())
  expect(await openFiles(folder)).toEqual([])
}
