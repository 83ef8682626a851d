import type { BlobPart, BlobWriter, ByteRange, Driver, PartWriter, SweepOptions } from './driver.ts'
import { StoreError } from './errors.ts'

const chunkBytes = 1 << 20

/**
 * Keeps blobs in this process: the reference reading of {@link Driver}, and a store for tests. Not for images that
 * somebody wants to see again.
 */
export class MemoryDriver implements Driver {
  readonly type = 'memory'
  readonly #blobs = new Map<string, MemoryBlob>()
  readonly #parts = new Map<string, MemoryPart>()

  async create(key: string): Promise<BlobWriter> {
    let chunks: Uint8Array[] = []
    return {
      write: async (chunk) => {
        chunks.push(Buffer.from(chunk))
      },
      commit: async () => {
        if (this.#blobs.has(key)) throw new StoreError('exists', { key })
        this.#blobs.set(key, { bytes: Buffer.concat(chunks), changedAt: new Date() })
      },
      abort: async () => {
        chunks = []
      },
    }
  }

  async read(key: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    return chunksOf(this.#find(key).bytes.subarray(range?.start, range?.end))
  }

  async size(key: string): Promise<number> {
    return this.#find(key).bytes.length
  }

  async changedAt(key: string): Promise<Date> {
    return this.#find(key).changedAt
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

  async createPart(key: string, label: string): Promise<PartWriter> {
    if (this.#blobs.has(key)) throw new StoreError('exists', { key })
    return this.#append(key, { label, bytes: Buffer.alloc(0), live: true })
  }

  async part(key: string): Promise<BlobPart | undefined> {
    const part = this.#parts.get(key)
    if (part === undefined) return undefined
    const { label, bytes } = part
    return {
      label,
      size: bytes.length,
      read: async (end) => chunksOf(bytes.subarray(0, end)),
      append: async (from) => this.#append(key, { label, bytes: bytes.subarray(0, from), live: true }),
    }
  }

  async dropPart(key: string): Promise<void> {
    this.#parts.delete(key)
  }

  async sweepParts({ unchangedSince, keep }: SweepOptions = {}): Promise<number> {
    const swept = unchangedSince ? [] : [...this.#parts].filter(([key, { live }]) => !live && keep?.(key) !== true)
    for (const [key] of swept) this.#parts.delete(key)
    return swept.length
  }

  #append(key: string, begun: MemoryPart): PartWriter {
    let part = begun
    this.#parts.set(key, part)
    const isOurs = (): boolean => this.#parts.get(key) === part
    const replace = (next: MemoryPart): void => {
      if (!isOurs()) throw new StoreError('io', { reason: 'its part was removed, or taken over by another write' })
      part = next
      this.#parts.set(key, part)
    }
    return {
      write: async (chunk) => replace({ ...part, bytes: Buffer.concat([part.bytes, chunk]) }),
      commit: async () => {
        if (this.#blobs.has(key)) throw new StoreError('exists', { key })
        replace(part)
        this.#blobs.set(key, { bytes: part.bytes, changedAt: new Date() })
        this.#parts.delete(key)
      },
      keep: async () => {
        if (isOurs()) replace({ ...part, live: false })
      },
      abort: async () => {
        if (isOurs()) this.#parts.delete(key)
      },
    }
  }

  #find(key: string): MemoryBlob {
    const blob = this.#blobs.get(key)
    if (blob === undefined) throw new StoreError('not-found', { key })
    return blob
  }
}

interface MemoryBlob {
  readonly bytes: Uint8Array
  readonly changedAt: Date
}

interface MemoryPart {
  readonly label: string
  readonly bytes: Uint8Array
  /** Whether somebody writes to it. */
  readonly live: boolean
}

async function* chunksOf(blob: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.length; at += chunkBytes) yield Buffer.from(blob.subarray(at, at + chunkBytes))
}
