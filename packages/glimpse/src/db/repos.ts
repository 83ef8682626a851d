import { ServiceError } from '../domain/errors.ts'
import type { Clock, ImageRepo, TaskRepo } from '../domain/ports.ts'
import { imageRepo } from './images.ts'
import { migrate } from './migrate.ts'
import { openDatabase } from './sqlite.ts'
import { explain } from './sqlite-driver.ts'
import { syncLog } from './sync-log.ts'
import { type AlsoStore, taskRepo } from './tasks.ts'

export interface ReposOptions {
  /** The SQLite file (its folder must exist), or `:memory:`. */
  readonly file: string
  readonly clock: Clock
  /** How long a task is kept after its end; Glance's `[task] task_time_to_live`. */
  readonly taskTtlHours: number
  /** What is stored with every task that is accepted, in one transaction. Default: nothing. */
  readonly alsoStore?: AlsoStore
}

export interface Repos {
  readonly images: ImageRepo
  readonly tasks: TaskRepo
  /** Ends the connection; what is called afterwards is refused. */
  readonly close: () => Promise<void>
}

/**
 * Opens the database, brings its schema up to date, and gives the repositories over it.
 *
 * @throws ServiceError `unavailable`, with the file and what to do, when it cannot be used.
 * @example
 * const repos = await createRepos({ file: 'glimpse.db', clock: { now: () => new Date() }, taskTtlHours: 48 })
 */
export async function createRepos({ file, clock, taskTtlHours, alsoStore }: ReposOptions): Promise<Repos> {
  const db = openDatabase(file)
  try {
    await migrate(db, clock)
  } catch (error) {
    await db.destroy()
    throw explain(error instanceof ServiceError ? (error.cause ?? error) : error, file)
  }
  return {
    images: imageRepo(db, clock),
    tasks: taskRepo(db, clock, {
      ttlHours: taskTtlHours,
      ...(alsoStore && { alsoStore, syncLog: () => syncLog(file) }),
    }),
    close: () => db.destroy(),
  }
}
