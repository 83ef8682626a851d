import { type FileHandle, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import type { PartWriter } from './driver.ts'
import { StoreError } from './errors.ts'
import { writeWhole } from './file-writer.ts'
import { type PartMark, readMark, writeMark } from './part-mark.ts'
import { publishPart } from './publish.ts'

/** So much may have to be fetched again after a power cut. In bytes. */
const bytesBetweenMarks: number = 64 << 20

/** Where the files of a part are. */
export interface PartPaths {
  readonly data: string
  readonly mark: string
  /** Where the next mark is written before it takes the place of the last. */
  readonly draft: string
  /** The name that the bytes get when they are all there. */
  readonly file: string
}

export interface FilePartWriterParts {
  readonly handle: FileHandle
  readonly paths: PartPaths
  readonly mark: PartMark
  /** Where the next byte goes. */
  readonly at: number
  /** Called when nothing is written any more. */
  readonly onEnd: () => void
}

/** Writes to a part that others may go on with, and notes from time to time how much of it is durable. */
export class FilePartWriter implements PartWriter {
  readonly #parts: FilePartWriterParts
  #at: number
  #marked: number
  #marking: Promise<void> | undefined
  #failure: unknown
  #ended = false

  constructor(parts: FilePartWriterParts) {
    this.#parts = parts
    this.#at = parts.at
    this.#marked = parts.at
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#check()
    await writeWhole(this.#parts.handle, chunk, this.#at)
    this.#at += chunk.length
    if (this.#at - this.#marked >= bytesBetweenMarks && this.#marking === undefined) this.#mark()
  }

  async commit(): Promise<void> {
    const { handle, paths, onEnd } = this.#parts
    await this.#marking
    this.#check()
    await this.#checkHolder()
    await handle.datasync()
    await handle.close()
    await publishPart(paths.data, paths.file)
    // The image is there: a mark of nothing is for the sweep.
    await rm(paths.mark, { force: true }).catch(() => undefined)
    this.#ended = true
    onEnd()
  }

  async abort(): Promise<void> {
    if (this.#ended) return
    const { paths } = this.#parts
    await this.keep()
    if (!(await this.#isHolder())) return
    await rm(paths.mark, { force: true })
    await rm(paths.data, { force: true })
  }

  async keep(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#marking
    try {
      await this.#parts.handle.close().catch(() => undefined)
    } finally {
      this.#parts.onEnd()
    }
  }

  /** Another writer of this process takes the part over. */
  lose(): void {
    this.#failure ??= takenOver()
  }

  /**
   * Goes on beside the writes. A sync that failed may have lost bytes, and a second one would not say so: nothing is
   * written after it.
   */
  #mark(): void {
    const synced = this.#at
    this.#marked = synced
    this.#marking = this.#noteSynced(synced)
      .catch((error: unknown) => {
        this.#failure ??= error
      })
      .finally(() => {
        this.#marking = undefined
      })
  }

  async #noteSynced(synced: number): Promise<void> {
    const { handle, paths, mark } = this.#parts
    await handle.datasync()
    await this.#checkHolder()
    await writeMark(paths.mark, paths.draft, { ...mark, synced })
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async #checkHolder(): Promise<void> {
    if (!(await this.#isHolder())) throw takenOver()
  }

  async #isHolder(): Promise<boolean> {
    const { paths, mark } = this.#parts
    const found = await readMark(paths.mark)
    return found?.holder === mark.holder && found.data === basename(paths.data)
  }
}

function takenOver(): StoreError {
  return new StoreError('io', { reason: 'its part was removed, or taken over by another write' })
}
