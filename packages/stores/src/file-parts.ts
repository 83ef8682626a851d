import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { BlobPart, PartWriter } from './driver.ts'
import { errnoOf, StoreError } from './errors.ts'
import { FilePartWriter, type PartPaths } from './file-part-writer.ts'
import { FileReader } from './file-reader.ts'
import { bootId, type PartMark, readMark, writeMark } from './part-mark.ts'

const markPattern = /^\.(.+)\.kept\.part$/

/** The key whose mark has this name; undefined for all other names. */
export function keyOfMark(name: string): string | undefined {
  return markPattern.exec(name)?.[1]
}

/**
 * The parts in a folder that can be gone on with: for each key a file of bytes, `.KEY.RANDOM.part`, and a mark,
 * `.KEY.kept.part`, which names that file.
 */
export class FileParts {
  readonly #folder: string
  readonly #live: Set<string>
  readonly #writers = new Map<string, { readonly writer: FilePartWriter; readonly names: readonly string[] }>()

  /** @param live the paths that a sweep leaves alone. */
  constructor(folder: string, live: Set<string>) {
    this.#folder = folder
    this.#live = live
  }

  /** In a folder that is there. */
  async create(key: string, label: string): Promise<PartWriter> {
    const old = await this.mark(key)
    const paths = this.#paths(key, `.${key}.${random()}.part`)
    const mark = { label, data: basename(paths.data), holder: random(), synced: 0, boot: await bootId() }
    const writer = await this.#write(key, { paths, mark, from: 0, flags: 'wx' })
    if (old !== undefined) await rm(join(this.#folder, old.data), { force: true })
    return writer
  }

  async find(key: string): Promise<BlobPart | undefined> {
    const mark = await this.mark(key)
    if (mark === undefined) return undefined
    const paths = this.#paths(key, mark.data)
    const size = await trustedSize(paths.data, mark)
    if (size === undefined) return undefined
    return {
      label: mark.label,
      size,
      read: (end, lifetime) => FileReader.open(paths.data, { start: 0, end }, lifetime),
      append: (from) => this.#append(key, paths, mark, from),
    }
  }

  async drop(key: string): Promise<void> {
    this.#writers.get(key)?.writer.lose()
    const mark = await this.mark(key)
    await rm(this.#markPath(key), { force: true })
    if (mark !== undefined) await rm(join(this.#folder, mark.data), { force: true })
  }

  mark(key: string): Promise<PartMark | undefined> {
    return readMark(this.#markPath(key))
  }

  async #append(key: string, paths: PartPaths, old: PartMark, from: number): Promise<PartWriter> {
    // Bytes above `from` that nobody vouches for go before a mark of this boot would vouch for them.
    const mark = { ...old, holder: random(), synced: Math.min(old.synced, from), boot: await bootId() }
    return this.#write(key, { paths, mark, from, flags: 'r+' })
  }

  async #write(key: string, begun: Begun): Promise<PartWriter> {
    const { paths, mark, from, flags } = begun
    const names = [paths.data, paths.mark, paths.draft]
    const handle = await open(paths.data, flags)
    for (const name of names) this.#live.add(name)
    this.#writers.get(key)?.writer.lose()
    const onEnd = (): void => this.#forget(key, writer, names)
    const writer = new FilePartWriter({ handle, paths, mark, at: from, onEnd })
    this.#writers.set(key, { writer, names })
    try {
      if (flags === 'r+') await cut(handle, from)
      await writeMark(paths.mark, paths.draft, mark)
      return writer
    } catch (error) {
      await writer.keep()
      if (flags === 'wx') await rm(paths.data, { force: true }).catch(() => undefined)
      await rm(paths.draft, { force: true }).catch(() => undefined)
      throw error
    }
  }

  /** Some of the names may be those of a next writer too. */
  #forget(key: string, writer: FilePartWriter, names: readonly string[]): void {
    if (this.#writers.get(key)?.writer === writer) this.#writers.delete(key)
    const taken = this.#writers.get(key)?.names ?? []
    for (const name of names) if (!taken.includes(name)) this.#live.delete(name)
  }

  #paths(key: string, data: string): PartPaths {
    return {
      data: join(this.#folder, basename(data)),
      mark: this.#markPath(key),
      draft: join(this.#folder, `.${key}.${random()}.part`),
      file: join(this.#folder, key),
    }
  }

  #markPath(key: string): string {
    return join(this.#folder, `.${key}.kept.part`)
  }
}

interface Begun {
  readonly paths: PartPaths
  readonly mark: PartMark
  readonly from: number
  readonly flags: 'wx' | 'r+'
}

async function cut(handle: FileHandle, from: number): Promise<void> {
  if ((await handle.stat()).size < from) throw new StoreError('io', { reason: 'its part is shorter than it was' })
  await handle.truncate(from)
}

/**
 * Bytes that a dead process wrote are in the file as long as the system runs that took them, since they are written in
 * order. After a power cut the file may be longer than its bytes: only what was synced counts.
 */
async function trustedSize(path: string, { synced, boot }: PartMark): Promise<number | undefined> {
  try {
    const { size } = await stat(path)
    if (boot !== null && boot === (await bootId())) return size
    return size < synced ? undefined : synced
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function random(): string {
  return randomBytes(8).toString('hex')
}
