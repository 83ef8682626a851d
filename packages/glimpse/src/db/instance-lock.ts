import { DatabaseSync } from 'node:sqlite'
import { ServiceError } from '../domain/errors.ts'
import { explain, isBusy } from './sqlite-driver.ts'

/** Held as long as this process lives, or until it is released. */
export interface InstanceLock {
  release(): void
}

/**
 * Makes sure that one process alone serves a database: what a start finds unfinished was left by one that is gone.
 *
 * It is a lock of SQLite's on an empty file beside the database, because the kernel lets go of it when the process
 * ends, however it ends.
 *
 * @throws ServiceError `unavailable` when another process has it, or the file cannot be written.
 */
export function lockInstance(databaseFile: string): InstanceLock {
  if (databaseFile === ':memory:') return { release: () => {} }
  const file = `${databaseFile}.lock`
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(file, { timeout: 0 })
    lock.exec('begin exclusive')
    const held = lock
    return { release: () => held.close() }
  } catch (error) {
    lock?.close()
    if (!isBusy(error)) throw explain(error, file)
    const reason = `Another process serves the database ${databaseFile}; stop it first, or name another database`
    throw new ServiceError('unavailable', { reason }, { cause: error })
  }
}
