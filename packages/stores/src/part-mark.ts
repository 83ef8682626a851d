import { open, readFile, rename } from 'node:fs/promises'
import { errnoOf } from './errors.ts'

/** What lies beside a part that can be gone on with, and says what it is. */
export interface PartMark {
  readonly label: string
  /** Name of the part's file, in the same folder. */
  readonly data: string
  /** Who writes to it: differs from writer to writer, so that one who was overtaken finds out. */
  readonly holder: string
  /** How many bytes were durable when this was written. */
  readonly synced: number
  /** The run of the operating system in which this was written; null where it cannot be told. */
  readonly boot: string | null
}

/** The mark, or undefined where there is none, or one that a power cut left empty or torn. */
export async function readMark(path: string): Promise<PartMark | undefined> {
  try {
    const mark: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isMark(mark) ? mark : undefined
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Replaces the mark in one step. Its name need not be durable: after a power cut the old mark says less, and nothing
 * wrong.
 *
 * @param draft the path that it is written to first
 */
export async function writeMark(path: string, draft: string, mark: PartMark): Promise<void> {
  const handle = await open(draft, 'w')
  try {
    await handle.writeFile(JSON.stringify(mark))
    // Before anything of the part is durable, there is nothing to lose with its mark.
    if (mark.synced > 0) await handle.datasync()
  } finally {
    await handle.close()
  }
  await rename(draft, path)
}

let boot: Promise<string | null> | undefined

/** Differs from one run of the operating system to the next. Source: random(4). */
export function bootId(): Promise<string | null> {
  boot ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => null,
  )
  return boot
}

function isMark(value: unknown): value is PartMark {
  if (typeof value !== 'object' || value === null) return false
  const { label, data, holder, synced, boot: run } = value as Partial<Record<keyof PartMark, unknown>>
  const texts = [label, data, holder, run ?? '']
  const isName = typeof data === 'string' && /^\.[^/]+\.part$/.test(data)
  return isName && texts.every((text) => typeof text === 'string') && Number.isSafeInteger(synced)
}
