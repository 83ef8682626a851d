import { type FileHandle, open } from 'node:fs/promises'
import type { ByteRange } from './driver.ts'
import { StoreError } from './errors.ts'

const chunkBytes = 512 * 1024

/** The bytes of an open file between two places, in chunks of 512 KiB. */
export class FileReader implements AsyncIterableIterator<Uint8Array> {
  readonly #handle: FileHandle
  readonly #end: number
  /** Buffers that are filled in turn; none, where every chunk is to have memory of its own. */
  readonly #buffers: readonly Buffer[]
  #at: number
  #count = 0

  private constructor(handle: FileHandle, start: number, end: number, buffers: number) {
    this.#handle = handle
    this.#at = start
    this.#end = end
    const length = Math.min(chunkBytes, end - start)
    this.#buffers = Array.from({ length: buffers }, () => Buffer.allocUnsafeSlow(length))
  }

  /** Opens the file; whoever does not read to the end calls `return`. For `lifetime` see `Driver.read`. */
  static async open(path: string, range?: ByteRange, lifetime?: number): Promise<FileReader> {
    const handle = await open(path, 'r')
    try {
      const { size } = await handle.stat()
      return new FileReader(handle, range?.start ?? 0, Math.min(range?.end ?? size, size), lifetime ?? 0)
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
    const target = this.#buffers[this.#count++ % this.#buffers.length] ?? Buffer.allocUnsafeSlow(length)
    const { bytesRead, buffer } = await this.#handle.read(target, 0, length, this.#at)
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
