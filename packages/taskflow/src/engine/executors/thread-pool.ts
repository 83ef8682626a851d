import type { ResourceLimits } from 'node:worker_threads'
import { TaskFlowError } from '../../errors.ts'
import type { AnyTask } from '../../task.ts'
import type { Executor, TaskCall } from './executor.ts'
import { abandonment, Thread, type ThreadOwner, type ThreadSetting } from './thread.ts'

/**
 * What a {@link ThreadPool} takes.
 *
 * @example
 * const options: ThreadPoolOptions = { size: 4, resourceLimits: { maxOldGenerationSizeMb: 512 } }
 */
export interface ThreadPoolOptions {
  /** How many threads there may be; a whole number of at least 1. */
  readonly size: number
  /** What each thread may use, as `worker_threads` takes it; sizes are in megabytes. Default: Node's own limits. */
  readonly resourceLimits?: ResourceLimits
  /**
   * Flags of Node for the threads. Default: those of this process that say how modules are found and loaded:
   * `--conditions`, `--import`, `--experimental-loader`, `--preserve-symlinks`, `--experimental-transform-types`,
   * `--enable-source-maps`. Those in `NODE_OPTIONS` hold as well.
   */
  readonly execArgv?: readonly string[]
}

interface Waiting {
  readonly call: TaskCall
  readonly module: string
  readonly abandoned: AbortSignal
  readonly resolve: (answer: Promise<unknown>) => void
  readonly reject: (error: unknown) => void
  /** Leaves the queue. */
  readonly leave: () => void
}

/**
 * Makes calls of tasks that name their module on worker threads, for work that would hold the event loop up. A thread
 * makes one call at a time; further calls wait in the order in which they came. Threads start when they are needed,
 * are used again, and do not keep the process alive while they have nothing to do.
 *
 * In the thread the module is imported, and the task found among its exports by its name. Arguments, results and what
 * the context says cross by structured clone; the hooks of a task run in the engine's own thread. A task that never
 * gives way to the event loop of its thread sees its signal abort when it calls `progress`.
 *
 * A thread that dies fails the call that it makes with TaskFlowError `thread-crashed`, and is replaced. A call that is
 * abandoned fails with `timeout`, and its thread is stopped, whatever it does.
 *
 * Source: TaskFlow's `ParallelProcessTaskExecutor`.
 *
 * @example
 * // In a module of its own that exports `add`, this would be `import.meta.url`.
 * const module = 'data:text/javascript,export const add = { name: "add", execute: ({ a, b }) => a + b }'
 * const add = task({ name: 'add', module, execute: ({ a, b }: { a: number; b: number }) => a + b })
 * const pool = new ThreadPool({ size: 2 })
 * const sum = flow('sum', (f) => f.add(add, { a: 1, b: 2 }))
 * console.log(await run(sum, {}, { executor: pool })) // 3
 * await pool.close()
 */
export class ThreadPool implements Executor {
  readonly #size: number
  readonly #setting: ThreadSetting
  readonly #owner: ThreadOwner
  /** Those that can take calls, now or later. */
  readonly #threads = new Set<Thread>()
  /** Of those, the ones that have nothing to do; the last is the warmest. */
  #idle: Thread[] = []
  /** Those that take no more calls and are not gone yet. They are not counted: one may be stuck where nothing ends it. */
  readonly #leaving = new Set<Thread>()
  readonly #queue: Waiting[] = []
  #closing: Promise<void> | null = null

  /** @throws TaskFlowError `invalid-flow` when the size is not a whole number of at least 1. */
  constructor({ size, resourceLimits = {}, execArgv = moduleFlags(process.execArgv) }: ThreadPoolOptions) {
    if (!Number.isInteger(size) || size < 1) {
      throw new TaskFlowError('invalid-flow', `size must be a whole number of at least 1, not ${size}`)
    }
    this.#size = size
    this.#setting = { execArgv, resourceLimits }
    this.#owner = { rested: (thread) => this.#rested(thread), ended: (thread) => this.#ended(thread) }
  }

  accepts(task: AnyTask): boolean {
    return task.module !== null
  }

  /**
   * Resolves with what the task gave; rejects with what it threw.
   *
   * @throws TaskFlowError `thread-crashed`; `timeout` when it is abandoned; `not-json` when arguments or result cannot
   *   be cloned; `invalid-flow` when the module does not load or does not export the task; `invalid-state` when the pool
   *   is closed.
   */
  invoke(call: TaskCall, abandoned: AbortSignal): Promise<unknown> {
    const { name, module } = call.task
    if (this.#closing) return Promise.reject(closed(call))
    if (module === null) {
      const message = `task '${name}' names no module, so a worker thread cannot import it; set it to import.meta.url`
      return Promise.reject(new TaskFlowError('invalid-flow', message))
    }
    if (abandoned.aborted) return Promise.reject(abandonment(call, abandoned, 'was not begun'))
    return new Promise((resolve, reject) => {
      const give = (): void => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1)
        reject(abandonment(call, abandoned, 'was not begun'))
      }
      const leave = (): void => abandoned.removeEventListener('abort', give)
      const waiting: Waiting = { call, module, abandoned, resolve, reject, leave }
      abandoned.addEventListener('abort', give, { once: true })
      this.#queue.push(waiting)
      this.#serve()
    })
  }

  /** Ends the threads; calls that are under way or wait fail with `invalid-state`. The pool takes no more. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const { call, reject, leave } of this.#queue.splice(0)) {
      leave()
      reject(closed(call))
    }
    for (const thread of this.#threads) thread.stop(closed)
    await Promise.all([...this.#leaving].map((thread) => thread.gone))
  }

  /** Gives calls to threads for as long as there are both. */
  #serve(): void {
    while (this.#queue.length > 0 && (this.#idle.length > 0 || this.#threads.size < this.#size)) {
      const { call, module, abandoned, resolve, reject, leave } = this.#queue.shift()!
      leave()
      try {
        const thread = this.#idle.pop() ?? this.#start()
        resolve(thread.make(call, module, abandoned))
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause)
        const message = `no worker thread could be started for task '${call.task.name}': ${why}`
        reject(new TaskFlowError('thread-crashed', message, { cause }))
      }
    }
  }

  #start(): Thread {
    const thread = new Thread(this.#setting, this.#owner)
    this.#threads.add(thread)
    return thread
  }

  #rested(thread: Thread): void {
    this.#idle.push(thread)
    this.#serve()
  }

  #ended(thread: Thread): void {
    this.#threads.delete(thread)
    this.#idle = this.#idle.filter((other) => other !== thread)
    this.#leaving.add(thread)
    void thread.gone.then(() => this.#leaving.delete(thread))
    this.#serve()
  }
}

function closed({ task }: TaskCall): TaskFlowError {
  return new TaskFlowError('invalid-state', `the thread pool was closed, and task '${task.name}' was not done`)
}

const withValue: readonly string[] = ['-C', '--conditions', '--import', '--loader', '--experimental-loader']
const withoutValue: readonly string[] = [
  '--preserve-symlinks',
  '--experimental-transform-types',
  '--enable-source-maps',
]

/** Other flags are not for threads: those of a test runner or debugger would break them. */
function moduleFlags(flags: readonly string[]): readonly string[] {
  return flags.filter((flag, index) => {
    const [name = ''] = flag.split('=', 1)
    const before = flags[index - 1] ?? ''
    return withoutValue.includes(name) || withValue.includes(name) || withValue.includes(before)
  })
}
