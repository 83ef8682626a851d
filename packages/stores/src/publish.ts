import { constants, copyFile, link, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errnoOf, StoreError } from './errors.ts'

/** The two calls that a file system may refuse although it can hold images. */
export interface FolderCalls {
  /** As link(2): fails with EEXIST where there is something. */
  link(from: string, to: string): Promise<void>
  /** Makes names that came or went in the folder durable. */
  sync(folder: string): Promise<void>
}

/** This host's own. */
export const folderCalls: FolderCalls = { link, sync: syncPath }

/** What link(2) says where links are not to be had: another file system, one without links, too many of them. */
const linkRefusals: ReadonlySet<string> = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/** What fsync(2) says of folders on file systems that need or know no such call. */
const syncRefusals: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'])

/**
 * Gives a complete, durable part its name, durably, never in place of something else. The part is gone afterwards;
 * after a failure it is as before.
 *
 * @throws a system error, EEXIST among them; StoreError `io` when the part is not there any more.
 */
export async function publishPart(part: string, file: string, calls: FolderCalls = folderCalls): Promise<void> {
  try {
    if (!(await linkFile(part, file, calls))) await renameAlone(part, file)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    throw new StoreError('io', { reason: 'its part was removed before it was complete' }, { cause: error })
  }
  await keepName(file, calls)
  // The image is there: a second name that cannot be removed now is for the sweep.
  await rm(part, { force: true }).catch(() => undefined)
}

/**
 * Takes over a file of this host under a new name: by link where that can be, else by a copy beside it. The file's
 * bytes are durable first.
 */
export async function adoptFile(
  from: string,
  part: string,
  file: string,
  signal?: AbortSignal,
  calls: FolderCalls = folderCalls,
): Promise<void> {
  await syncPath(from)
  signal?.throwIfAborted()
  if (await linkFile(from, file, calls)) {
    await keepName(file, calls)
    return
  }
  try {
    await copyFile(from, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await syncPath(part)
    signal?.throwIfAborted()
    await publishPart(part, file, calls)
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined)
    throw error
  }
}

/** @returns false where links are refused, so that another way is to be found. */
async function linkFile(from: string, to: string, calls: FolderCalls): Promise<boolean> {
  try {
    await calls.link(from, to)
    return true
  } catch (error) {
    if (linkRefusals.has(errnoOf(error) ?? '')) return false
    throw error
  }
}

/** A name that may be gone after a power cut was not published: it is taken back. */
async function keepName(file: string, calls: FolderCalls): Promise<void> {
  try {
    await calls.sync(dirname(file))
  } catch (error) {
    if (syncRefusals.has(errnoOf(error) ?? '')) return
    await rm(file, { force: true }).catch(() => undefined)
    throw error
  }
}

/**
 * rename(2) overwrites, so that only one may look and rename at a time: the one that made the guard. A guard that a
 * dead process left is removed by the sweep of parts; until then the key counts as taken.
 */
async function renameAlone(part: string, file: string): Promise<void> {
  const guard = join(dirname(file), `.${basename(file)}.publish.part`)
  await (await open(guard, 'wx')).close()
  try {
    if (await isThere(file)) throw new StoreError('exists')
    await rename(part, file)
  } finally {
    await rm(guard, { force: true })
  }
}

/** Whether the name is taken. */
export async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
