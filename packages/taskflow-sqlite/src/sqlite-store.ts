import { type Backend, type Clock, systemClock, TaskFlowError } from '@glimpse/taskflow'
import { DatabaseThread } from './database-thread.ts'
import { SqliteBackend } from './sqlite-backend.ts'
import { SqliteJobboard } from './sqlite-jobboard.ts'

/**
 * What a {@link SqliteStore} is opened with.
 *
 * @example
 * const options: SqliteStoreOptions = { file: '/var/lib/app/flows.sqlite', synchronous: 'full', busyTimeout: 10_000 }
 */
export interface SqliteStoreOptions {
  /** It is made where there is none; its folder must exist. `:memory:` keeps everything in memory, until it is closed. */
  readonly file: string
  /**
   * What an acknowledged change survives. `normal`, the default: a process that is killed; a power cut may lose the last
   * ones, but leaves the file whole. `full`: a power cut too, at the cost of a sync of the disk for each transaction.
   */
  readonly synchronous?: 'normal' | 'full'
  /** How long to wait while another connection has the file locked, in milliseconds; default 5,000. */
  readonly busyTimeout?: number
  /** Whether the file is looked through for damage before it is used; default true. It takes time in a large file. */
  readonly check?: boolean
  /** Where the jobboard has its time from. Default: the system's timers. */
  readonly clock?: Clock
}

/**
 * What a store has done since it was opened.
 *
 * @example
 * const store = await SqliteStore.open({ file: ':memory:' })
 * const { transactions, batches }: StoreStatistics = store.statistics
 * console.log(transactions, batches) // 0 0
 * await store.close()
 */
export interface StoreStatistics {
  /** Transactions that wrote something and were committed. */
  readonly transactions: number
  /** Batches of runs that were stored in them. */
  readonly batches: number
}

/**
 * Keeps runs in a SQLite file, by Node's own SQLite, on a thread of its own: no wait for the disk or for a lock stops
 * the event loop. Everything that runs of this process want to store in one turn of the event loop, and everything that
 * gathers while the disk is busy, is one transaction.
 *
 * Several processes may use one file at a time, and an application may keep tables of its own in it; those of the store
 * begin with `taskflow_`. Nothing is ever repaired: a file that is damaged, newer than this program or not ours is
 * refused.
 *
 * @example
 * const store = await SqliteStore.open({ file: ':memory:' })
 * const greet = flow('greet', (f) => f.add(task({ name: 'greet', execute: () => 'hello' }), {}))
 * await run(greet, {}, { backend: store.backend, id: 'r' })
 * console.log((await store.backend.load('r'))?.atoms[0]?.result) // hello
 * await store.close()
 */
export class SqliteStore {
  readonly #thread: DatabaseThread
  readonly #backend: SqliteBackend
  /** Closing it closes the store. */
  readonly jobboard: SqliteJobboard

  private constructor(thread: DatabaseThread, clock: Clock) {
    this.#thread = thread
    this.#backend = new SqliteBackend(thread)
    this.jobboard = new SqliteJobboard(thread, clock)
  }

  /**
   * @throws TaskFlowError `storage` when the file cannot be used: its folder is not there, it may only be read, it is no
   *   database, it is damaged, it is newer than this program, it belongs to another program. `invalid-flow` when an
   *   option is not what it must be.
   */
  static async open(options: SqliteStoreOptions): Promise<SqliteStore> {
    const { file, synchronous = 'normal', busyTimeout = 5_000, check = true, clock = systemClock } = options
    if (synchronous !== 'normal' && synchronous !== 'full') {
      throw new TaskFlowError('invalid-flow', `synchronous must be 'normal' or 'full', not '${String(synchronous)}'`)
    }
    if (!Number.isInteger(busyTimeout) || busyTimeout < 0 || busyTimeout > longestTimeout) {
      const allowed = `a whole number of milliseconds from 0 to ${longestTimeout}`
      throw new TaskFlowError('invalid-flow', `busyTimeout must be ${allowed}, not ${busyTimeout}`)
    }
    const thread = new DatabaseThread({ file, synchronous, busyTimeout, check })
    await thread.opened()
    return new SqliteStore(thread, clock)
  }

  /** Closing it closes the store. */
  get backend(): Backend {
    return this.#backend
  }

  get statistics(): StoreStatistics {
    return { transactions: this.#thread.transactions, batches: this.#backend.batches }
  }

  /** Finishes what was asked for; what is asked for afterwards fails with `storage`. */
  async close(): Promise<void> {
    await this.#thread.close()
  }
}

/** What SQLite takes. */
const longestTimeout = 2 ** 31 - 1
