import { ThreadPool } from './executors/thread-pool.ts'
import type { Course } from './machine.ts'
import { capacityOf, type EngineOptions } from './options.ts'
import { ProgressBook } from './progress.ts'
import { endBackoffs } from './retrying.ts'
import type { Run } from './run.ts'

/** What a run has only while it is driven: who may cancel it, its threads, its progress. */
export class Ride {
  readonly course: Course
  readonly #run: Run
  readonly #signal: AbortSignal | undefined
  readonly #cancel: () => void
  readonly #pool: ThreadPool | null

  constructor(run: Run, options: EngineOptions, cancel: (reason: unknown) => void) {
    this.#run = run
    run.tally.begin()
    this.course = { run, progress: new ProgressBook(run), stage: 'scheduling', taken: [] }
    const owned = options.mode === 'threads' && options.executor === undefined
    this.#pool = owned ? new ThreadPool({ size: capacityOf(options) }) : null
    run.executor = options.executor ?? this.#pool
    const { signal } = options
    this.#signal = signal
    this.#cancel = () => cancel(signal?.reason)
    if (signal?.aborted) this.#cancel()
    else signal?.addEventListener('abort', this.#cancel, { once: true })
  }

  /** After the record was lost: nobody may be left working for a run that nobody watches. */
  async break(error: unknown): Promise<void> {
    const run = this.#run
    this.course.stage = 'done'
    run.abort.abort(error)
    while (run.completed.length < run.running) {
      await new Promise<void>((resolve) => {
        run.wake = resolve
      })
    }
  }

  async end(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#cancel)
    endBackoffs(this.#run)
    await this.course.progress.flush()
    await this.#pool?.close()
    this.#run.tally.end()
    this.#run.executor = null
  }
}
