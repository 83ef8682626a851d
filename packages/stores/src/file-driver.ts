import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, opendir, realpath, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BlobPart, BlobWriter, ByteRange, Driver, PartWriter, SweepOptions } from './driver.ts'
import { errnoOf, StoreError } from './errors.ts'
import { FileParts, keyOfMark } from './file-parts.ts'
import { FileReader } from './file-reader.ts'
import { FileWriter } from './file-writer.ts'
import { isKey } from './key.ts'
import { adoptFile, isThere } from './publish.ts'

/** `.KEY.RANDOM.part`: not a key, so never listed, and recognisable after a crash. */
const partPattern = /^\..+\.part$/

/**
 * A folder with one file for each image, named by its key. Parts are written in the same folder, beside the images.
 *
 * The folder is made when the first image comes. Several processes, also of several hosts on a shared file system, may
 * use one folder.
 */
export class FileDriver implements Driver {
  readonly type = 'file'
  readonly #folder: string
  readonly #live = new Set<string>()
  readonly #parts: FileParts

  /** @param folder is made absolute at once: a later chdir changes nothing. */
  constructor(folder: string) {
    this.#folder = resolve(folder)
    this.#parts = new FileParts(this.#folder, this.#live)
  }

  async create(key: string): Promise<BlobWriter> {
    const file = this.localPath(key)
    if (await isThere(file)) throw new StoreError('exists', { key })
    const part = this.#newPart(key)
    try {
      const handle = await this.#openPart(part)
      return new FileWriter({ handle, part, file, onEnd: () => this.#live.delete(part) })
    } catch (error) {
      this.#live.delete(part)
      throw error
    }
  }

  async read(key: string, range?: ByteRange, lifetime?: number): Promise<AsyncIterable<Uint8Array>> {
    return FileReader.open(this.localPath(key), range, lifetime)
  }

  async size(key: string): Promise<number> {
    return (await stat(this.localPath(key))).size
  }

  /** A link has the times of what it was made from, but for the one that the making of it has changed. */
  async changedAt(key: string): Promise<Date> {
    return (await stat(this.localPath(key))).ctime
  }

  /** A read-only file system refuses before it looks: what is not there is not found on it either. */
  async delete(key: string): Promise<void> {
    const file = this.localPath(key)
    try {
      await unlink(file)
    } catch (error) {
      if (errnoOf(error) === 'EROFS' && !(await isThere(file))) throw new StoreError('not-found', { key })
      throw error
    }
  }

  async *list(): AsyncIterable<string> {
    for await (const name of this.#names()) if (isKey(name)) yield name
  }

  url(key: string): string {
    return pathToFileURL(this.localPath(key)).href
  }

  localPath(key: string): string {
    return join(this.#folder, key)
  }

  async adopt(key: string, path: string, signal?: AbortSignal): Promise<void> {
    const from = await findFile(path)
    const file = this.localPath(key)
    if (await isThere(file)) throw new StoreError('exists', { key })
    const part = this.#newPart(key)
    try {
      await makeFolder(this.#folder)
      await adoptFile(from, part, file, signal)
    } finally {
      this.#live.delete(part)
    }
  }

  async createPart(key: string, label: string): Promise<PartWriter> {
    if (await isThere(this.localPath(key))) throw new StoreError('exists', { key })
    await makeFolder(this.#folder)
    return this.#parts.create(key, label)
  }

  async part(key: string): Promise<BlobPart | undefined> {
    return this.#parts.find(key)
  }

  async dropPart(key: string): Promise<void> {
    await this.#parts.drop(key)
  }

  async sweepParts(options: SweepOptions = {}): Promise<number> {
    const found = new Set<string>()
    for await (const name of this.#names()) if (partPattern.test(name)) found.add(name)
    const spared = await this.#spared(found, options)
    let swept = 0
    for (const name of found) {
      const path = join(this.#folder, name)
      if (spared.has(name) || this.#live.has(path)) continue
      if (options.unchangedSince !== undefined && !(await isOlder(path, options.unchangedSince))) continue
      await rm(path, { force: true })
      if (keyOfMark(name) === undefined) swept += 1
    }
    return swept
  }

  /** Marks change less often than what they are of, and are nothing without it. */
  async #spared(names: ReadonlySet<string>, { keep, unchangedSince }: SweepOptions): Promise<ReadonlySet<string>> {
    const spared = new Set<string>()
    for (const name of names) {
      const key = keyOfMark(name)
      const mark = key === undefined ? undefined : await this.#parts.mark(key)
      if (key === undefined || mark === undefined || !names.has(mark.data)) continue
      const isFresh = unchangedSince !== undefined && !(await isOlder(join(this.#folder, mark.data), unchangedSince))
      if (isFresh || keep?.(key) === true) spared.add(name).add(mark.data)
    }
    return spared
  }

  #newPart(key: string): string {
    const part = join(this.#folder, `.${key}.${randomBytes(8).toString('hex')}.part`)
    this.#live.add(part)
    return part
  }

  async #openPart(part: string): Promise<FileHandle> {
    try {
      return await open(part, 'wx')
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      await makeFolder(this.#folder)
      return open(part, 'wx')
    }
  }

  /** What is in the folder; nothing, where there is none yet. */
  async *#names(): AsyncGenerator<string> {
    try {
      for await (const entry of await opendir(this.#folder)) if (entry.isFile()) yield entry.name
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
  }
}

/** The file itself, where the path is a link to it: a hard link would be one to the link. */
async function findFile(path: string): Promise<string> {
  try {
    const found = await realpath(path)
    if ((await stat(found)).isFile()) return found
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause
    throw new StoreError('io', { reason: 'the file to take over is not there' }, { cause })
  }
  throw new StoreError('io', { reason: 'what is to be taken over is not a file' })
}

/** With all folders above it. Node's own recursive mkdir says ENOENT where a disk is read-only. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') return
    if (errno !== 'ENOENT') throw error
    await makeFolder(dirname(folder))
    await mkdir(folder).catch(ignoreExisting)
  }
}

function ignoreExisting(error: unknown): void {
  if (errnoOf(error) !== 'EEXIST') throw error
}

/** Whether the file was last changed before the time; one that is gone meanwhile was not. */
async function isOlder(path: string, time: Date): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < time.getTime()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}
