import { type FileHandle, rm } from 'node:fs/promises'
import type { BlobWriter } from './driver.ts'
import { type FolderCalls, folderCalls, publishPart } from './publish.ts'

export interface FileWriterParts {
  readonly handle: FileHandle
  /** Where the bytes go until they are all there. */
  readonly part: string
  /** The name that they get then. */
  readonly file: string
  /** Called when the part is gone. */
  readonly onEnd: () => void
  readonly calls?: FolderCalls
}

/** Writes a part beside its image's later name, and gives it that name when it is durable. */
export class FileWriter implements BlobWriter {
  readonly #parts: FileWriterParts
  #at = 0

  constructor(parts: FileWriterParts) {
    this.#parts = parts
  }

  async write(chunk: Uint8Array): Promise<void> {
    await writeWhole(this.#parts.handle, chunk, this.#at)
    this.#at += chunk.length
  }

  async commit(): Promise<void> {
    const { handle, part, file, calls = folderCalls, onEnd } = this.#parts
    await handle.datasync()
    await handle.close()
    await publishPart(part, file, calls)
    onEnd()
  }

  async abort(): Promise<void> {
    const { handle, part, onEnd } = this.#parts
    try {
      // It waits for a pending write. A failure to close loses bytes, which is what is wanted.
      await handle.close().catch(() => undefined)
      await rm(part, { force: true })
    } finally {
      onEnd()
    }
  }
}

/** A disk that fills up takes a piece first and fails at the next. */
export async function writeWhole(handle: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, at + done)
    done += bytesWritten
  }
}
