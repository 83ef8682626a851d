import { type FileHandle, open } from 'node:fs/promises'

/**
 * Makes durable, against a power cut too, what was committed: brings the write-ahead log to the disk, on a thread that
 * nobody waits for. What is no longer in the log was brought to the disk when it was copied from it.
 */
export async function syncLog(databaseFile: string): Promise<void> {
  const log = await openLog(`${databaseFile}-wal`)
  if (!log) return
  try {
    await log.datasync()
  } finally {
    await log.close()
  }
}

/** Where there is no log, SQLite has brought all of it into the database, and that to the disk. */
async function openLog(file: string): Promise<FileHandle | null> {
  try {
    return await open(file, 'r+')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
