import { type ResourceLimits, Worker } from 'node:worker_threads'
import { TaskFlowError } from '../../errors.ts'
import { describe, Failure, type StoredFailure } from '../../failure.ts'
import type { Logger } from '../../task.ts'
import type { TaskCall } from './executor.ts'
import { type CallRequest, errorOf, type StoredOutcome, type ThreadMessage, type ThreadRequest } from './messages.ts'

/** The thread's program as it is beside this file: source or built. */
const fromSource: boolean = import.meta.url.endsWith('.ts')
const program: URL = fromSource
  ? new URL('./thread-main.ts', import.meta.url)
  : new URL('./thread-main.js', import.meta.url)

/** What a thread is started with. */
export interface ThreadSetting {
  readonly execArgv: readonly string[]
  readonly resourceLimits: ResourceLimits
}

/** Who gives a thread its calls. */
export interface ThreadOwner {
  /** The thread has answered, and can take the next call. */
  rested(thread: Thread): void
  /** The thread takes no more calls. Called once. */
  ended(thread: Thread): void
}

interface Ongoing {
  readonly id: number
  readonly call: TaskCall
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  /** Stops listening to the signals of the call. */
  readonly release: () => void
}

/**
 * One worker thread, and the call that it makes.
 *
 * Between calls it does not keep the process alive.
 */
export class Thread {
  /** Resolves when the thread is no more. */
  readonly gone: Promise<void>
  readonly #worker: Worker
  readonly #owner: ThreadOwner
  #ongoing: Ongoing | null = null
  #calls = 0
  #ended = false
  /** Of the latest call: hears of it when the thread dies afterwards. */
  #latest: { readonly task: string; readonly logger: Logger } | null = null

  /** Made for a call that is to follow at once. */
  constructor({ execArgv, resourceLimits }: ThreadSetting, owner: ThreadOwner) {
    this.#owner = owner
    // Sources are of one piece: a task that imports this package must get the same copy of it.
    const flags = fromSource ? ['--conditions=@glimpse/source', ...execArgv] : [...execArgv]
    this.#worker = new Worker(program, { execArgv: flags, resourceLimits, name: 'taskflow' })
    this.#worker.on('message', (message: ThreadMessage | null) => this.#receive(message))
    this.#worker.on('messageerror', (cause) => this.#break(`sent what cannot be read: ${cause.message}`, cause))
    this.#worker.on('error', (cause) => this.#break(`broke: ${textOf(cause)}`, cause))
    this.#worker.on('exit', (code) => this.#break(`ended with exit code ${code}`))
    this.gone = new Promise((resolve) => {
      this.#worker.once('exit', () => resolve())
    })
  }

  /** Makes a call; the thread must be at rest. Its owner is told when it is again. */
  make(call: TaskCall, module: string, abandoned: AbortSignal): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const id = ++this.#calls
    // Read once: a context may make its signal anew each time.
    const { signal } = call.context
    const abort = (): void => this.#post({ kind: 'abort', call: id, reason: reasonOf(call, signal) })
    const abandon = (): void => this.stop(() => abandonment(call, abandoned, 'its worker thread is stopped'))
    const release = (): void => {
      signal.removeEventListener('abort', abort)
      abandoned.removeEventListener('abort', abandon)
    }
    this.#ongoing = { id, call, resolve, reject, release }
    this.#latest = { task: call.task.name, logger: call.context.logger }
    this.#worker.ref()
    signal.addEventListener('abort', abort, { once: true })
    abandoned.addEventListener('abort', abandon, { once: true })
    try {
      this.#post(requestOf(id, call, module, signal))
    } catch (error) {
      this.#rest(({ reject }) => reject(uncloned(call, error)))
    }
    return promise
  }

  /** Ends the thread, whatever it does; a call that is under way fails with the error. */
  stop(why: (call: TaskCall) => TaskFlowError): void {
    if (this.#ended) return
    this.#ended = true
    this.#settle(({ call, reject }) => reject(why(call)))
    void this.#worker.terminate()
    this.#owner.ended(this)
  }

  #post(request: ThreadRequest): void {
    this.#worker.postMessage(request, [])
  }

  /** Drops what modules of tasks post themselves, and what an earlier call says after its answer. */
  #receive(message: ThreadMessage | null): void {
    const ongoing = this.#ongoing
    if (!ongoing || message?.call !== ongoing.id) return
    if (message.kind === 'value') return this.#rest(({ resolve }) => resolve(message.value))
    if (message.kind === 'thrown') return this.#rest(({ reject }) => reject(errorOf(message.failure)))
    if (message.kind === 'failure') {
      const failure = Failure.from(errorOf(message.failure), message.failure.atom)
      return this.#rest(({ resolve }) => resolve(failure))
    }
    if (message.kind === 'progress') this.#post({ kind: 'heard', call: ongoing.id })
    tell(ongoing.call, message)
  }

  #rest(settle: (ongoing: Ongoing) => void): void {
    this.#settle(settle)
    this.#worker.unref()
    this.#owner.rested(this)
  }

  /** The thread came to its end by itself. */
  #break(what: string, cause?: unknown): void {
    if (this.#ended) return
    const { task = '?', logger } = this.#latest ?? {}
    const message = `the worker thread of task '${task}' ${what}`
    const error = new TaskFlowError('thread-crashed', message, cause === undefined ? {} : { cause })
    if (!this.#ongoing) harmlessly(() => logger?.error({ err: error }, `${message}, after the task was over`))
    this.stop(() => error)
  }

  #settle(settle: (ongoing: Ongoing) => void): void {
    const ongoing = this.#ongoing
    if (!ongoing) return
    this.#ongoing = null
    ongoing.release()
    settle(ongoing)
  }
}

/** Why a call fails whose answer nobody waits for any more. */
export function abandonment({ task }: TaskCall, { reason }: AbortSignal, what: string): TaskFlowError {
  return new TaskFlowError('timeout', `task '${task.name}' was given up, and ${what}: ${textOf(reason)}`, {
    cause: reason,
  })
}

function tell({ context }: TaskCall, message: Extract<ThreadMessage, { kind: 'log' | 'progress' }>): void {
  harmlessly(() => {
    if (message.kind === 'progress') return context.progress(message.fraction, message.details)
    const errors = [...message.errors].map(([key, stored]) => [key, errorOf(stored)] as const)
    context.logger[message.level]({ ...message.fields, ...Object.fromEntries(errors) }, message.message)
  })
}

/** A logger that breaks must not break the process: what an event of a thread throws here, nobody would catch. */
function harmlessly(say: () => void): void {
  try {
    say()
  } catch {
    // There is nobody left to tell.
  }
}

function requestOf(id: number, call: TaskCall, module: string, signal: AbortSignal): CallRequest {
  const { flow, atom, attempt, idempotencyKey } = call.context
  const failures = call.action === 'revert' ? call.context.failures : []
  return {
    kind: 'call',
    call: id,
    task: call.task.name,
    module,
    args: call.args,
    outcome: call.action === 'revert' ? storedOutcome(call.outcome) : null,
    flow,
    atom,
    attempt,
    idempotencyKey,
    failures: new Map([...failures].map(([atom, failure]) => [atom, failure.toJSON()])),
    aborted: signal.aborted ? reasonOf(call, signal) : null,
  }
}

function storedOutcome(outcome: Extract<TaskCall, { action: 'revert' }>['outcome']): StoredOutcome {
  return outcome.ok ? outcome : { ok: false, failure: outcome.failure.toJSON() }
}

function reasonOf({ context }: TaskCall, { reason }: AbortSignal): StoredFailure {
  return Failure.from(reason, context.atom).toJSON()
}

/** The error of a call that holds what cannot be cloned: which argument, or its outcome. */
function uncloned({ task, args }: TaskCall, cause: unknown): TaskFlowError {
  const name = Object.keys(args).find((key) => !isClonable(Reflect.get(args, key)))
  const what = name === undefined ? 'what it is given' : `its argument '${name}'`
  const message = `task '${task.name}': ${what} cannot reach a worker thread: ${textOf(cause)} Give plain data.`
  return new TaskFlowError('not-json', message, { cause })
}

function isClonable(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : describe(error)
}
