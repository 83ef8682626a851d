import { type FileHandle, open } from 'node:fs/promises'
import type { ByteRange } from './driver.ts'
import { StoreError } from './errors.ts'

const chunkBytes = 1 << 20

/** The bytes of an open file between two places, in chunks of 1 MiB. */
export class FileReader implements AsyncIterableIterator<Uint8Array> {
  readonly #handle: FileHandle
  readonly #end: number
  #at: number

  private constructor(handle: FileHandle, start: number, end: number) {
    this.#handle = handle
    this.#at = start
    this.#end = end
  }

  /** Opens the file; whoever does not read to the end calls `return`. */
  static async open(path: string, range?: ByteRange): Promise<FileReader> {
    const handle = await open(path, 'r')
    try {
      const { size } = await handle.stat()
      return new FileReader(handle, range?.start ?? 0, Math.min(range?.end ?? size, size))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#at >= this.#end) return this.return()
    try {
      return { done: false, value: await this.#chunk() }
    } catch (error) {
      await this.return()
      throw error
    }
  }

  /** Closes the file, after a pending `next`. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#at = this.#end
    await this.#handle.close()
    return { done: true, value: undefined }
  }

  async #chunk(): Promise<Uint8Array> {
    const length = Math.min(chunkBytes, this.#end - this.#at)
    const { bytesRead, buffer } = await this.#handle.read(Buffer.allocUnsafeSlow(length), 0, length, this.#at)
    if (bytesRead === 0) {
      throw new StoreError('io', { reason: `its file ends at byte ${this.#at}, before byte ${this.#end}` })
    }
    this.#at += bytesRead
    return buffer.subarray(0, bytesRead)
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
