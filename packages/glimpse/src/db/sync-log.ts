import { open } from 'node:fs/promises'

/**
 * Makes durable, against a power cut too, what was committed: brings the write-ahead log to the disk, on a thread that
 * nobody waits for. What is no longer in the log was brought to the disk when it was copied from it.
 */
export async function syncLog(databaseFile: string): Promise<void> {
  const log = await open(`${databaseFile}-wal`, 'r+')
  try {
    await log.datasync()
  } finally {
    await log.close()
  }
}
