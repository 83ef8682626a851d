import type { BlobWriter, ByteRange, Driver } from './driver.ts'
import { StoreError } from './errors.ts'

const chunkBytes = 1 << 20

/**
 * Keeps blobs in this process: the reference reading of {@link Driver}, and a store for tests. Not for images that
 * somebody wants to see again.
 */
export class MemoryDriver implements Driver {
  readonly type = 'memory'
  readonly #blobs = new Map<string, Uint8Array>()

  async create(key: string): Promise<BlobWriter> {
    let chunks: Uint8Array[] = []
    return {
      write: async (chunk) => {
        chunks.push(Buffer.from(chunk))
      },
      commit: async () => {
        if (this.#blobs.has(key)) throw new StoreError('exists', { key })
        this.#blobs.set(key, Buffer.concat(chunks))
      },
      abort: async () => {
        chunks = []
      },
    }
  }

  async read(key: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    return chunksOf(this.#find(key).subarray(range?.start, range?.end))
  }

  async size(key: string): Promise<number> {
    return this.#find(key).length
  }

  async delete(key: string): Promise<void> {
    this.#find(key)
    this.#blobs.delete(key)
  }

  async *list(): AsyncIterable<string> {
    yield* this.#blobs.keys()
  }

  url(key: string): string {
    return `memory:///${key}`
  }

  #find(key: string): Uint8Array {
    const blob = this.#blobs.get(key)
    if (blob === undefined) throw new StoreError('not-found', { key })
    return blob
  }
}

async function* chunksOf(blob: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.length; at += chunkBytes) yield Buffer.from(blob.subarray(at, at + chunkBytes))
}
