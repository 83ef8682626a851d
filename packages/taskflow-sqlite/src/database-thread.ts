import { Worker } from 'node:worker_threads'
import { TaskFlowError } from '@glimpse/taskflow'
import {
  type Call,
  type Cell,
  isRefused,
  type Outcome,
  type Refused,
  type Report,
  type ThreadData,
} from './messages.ts'

/** The thread's program as it is beside this file: source or built. */
const program: URL = import.meta.url.endsWith('.ts')
  ? new URL('./thread-main.ts', import.meta.url)
  : new URL('./thread-main.js', import.meta.url)

interface Waiting {
  readonly resolve: (cells: readonly Cell[] | null) => void
  readonly reject: (error: TaskFlowError) => void
}

/**
 * The thread that has the database, from outside. What is asked for in one turn of the event loop goes to it as one
 * message, and what gathers while it is busy becomes one transaction. Answers come in the order of the calls.
 *
 * It keeps the process alive only while somebody waits for an answer.
 */
export class DatabaseThread {
  readonly #worker: Worker
  readonly #file: string
  readonly #bell = new Int32Array(new SharedArrayBuffer(4))
  /** Asked for in this turn. */
  #calls: Call[] = []
  /** Of all that was asked for and is not answered, oldest first from `#answered` on. */
  #waiting: Waiting[] = []
  #answered = 0
  #transactions = 0
  /** Why it takes no more calls. */
  #ended: TaskFlowError | null = null
  #closing: Promise<void> | null = null

  constructor(options: Omit<ThreadData, 'bell'>) {
    this.#file = options.file
    const workerData: ThreadData = { ...options, bell: this.#bell }
    this.#worker = new Worker(program, { workerData, execArgv: [], name: 'taskflow-sqlite' })
    this.#worker.on('message', (report: Report) => this.#receive(report))
    this.#worker.on('error', (cause) => this.#end(`its thread broke: ${textOf(cause)}`, cause))
    this.#worker.on('exit', (code) => this.#end(`its thread ended with exit code ${code}`))
  }

  get transactions(): number {
    return this.#transactions
  }

  /** The first answer of the thread: whether it has the database. */
  opened(): Promise<void> {
    return this.#wait().then(() => undefined)
  }

  /** @throws TaskFlowError as the operation says, and `storage` when the thread is no more. */
  call(operation: string, cells: readonly Cell[]): Promise<readonly Cell[] | null> {
    if (this.#closing) return Promise.reject(this.#error('it is closed'))
    if (this.#ended) return Promise.reject(this.#ended)
    if (this.#calls.push([operation, cells]) === 1) setImmediate(() => this.#send())
    return this.#wait()
  }

  /** Finishes what was asked for. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#ended) return
    const gone = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.ref()
    this.#calls.push(['close', []])
    this.#send()
    await gone
  }

  #wait(): Promise<readonly Cell[] | null> {
    if (this.#waiting.length === this.#answered) this.#worker.ref()
    const { promise, resolve, reject } = Promise.withResolvers<readonly Cell[] | null>()
    this.#waiting.push({ resolve, reject })
    return promise
  }

  #send(): void {
    if (this.#calls.length === 0) return
    this.#worker.postMessage(this.#calls, [])
    this.#calls = []
    Atomics.add(this.#bell, 0, 1)
    Atomics.notify(this.#bell, 0)
  }

  #receive({ outcomes, transactions }: Report): void {
    this.#transactions = transactions
    for (const outcome of outcomes) this.#settle(this.#waiting[this.#answered++]!, outcome)
    if (this.#answered < this.#waiting.length) return
    this.#waiting = []
    this.#answered = 0
    if (!this.#closing) this.#worker.unref()
  }

  #settle({ resolve, reject }: Waiting, outcome: Outcome): void {
    if (isRefused(outcome)) reject(errorOf(outcome))
    else resolve(outcome)
  }

  #end(why: string, cause?: unknown): void {
    this.#ended ??= this.#error(why, cause)
    this.#calls = []
    const left = this.#waiting.slice(this.#answered)
    this.#waiting = []
    this.#answered = 0
    for (const { reject } of left) reject(this.#ended)
  }

  #error(why: string, cause?: unknown): TaskFlowError {
    const message = `cannot use the database ${this.#file}: ${why}`
    return new TaskFlowError('storage', message, cause === undefined ? {} : { cause })
  }
}

function errorOf({ code, message, cause }: Refused): TaskFlowError {
  return new TaskFlowError(code, message, cause === null ? {} : { cause })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
