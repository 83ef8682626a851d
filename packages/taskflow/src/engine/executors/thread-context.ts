import { describe, Failure, type StoredFailure } from '../../failure.ts'
import type { Logger, RevertContext } from '../../task.ts'
import { type CallRequest, errorOf, type ThreadMessage } from './messages.ts'

/** The way to the engine's side. */
export interface Line {
  post(message: ThreadMessage): void
  /** Takes what has arrived, without waiting for the event loop. */
  take(): void
}

/** The context of one call, inside the worker thread. */
export class ThreadContext implements RevertContext {
  readonly flow: string
  readonly atom: string
  readonly attempt: number
  readonly idempotencyKey: string
  readonly failures: ReadonlyMap<string, Failure>
  readonly signal: AbortSignal
  readonly logger: Logger
  readonly #call: number
  readonly #line: Line
  readonly #controller = new AbortController()
  /** The latest progress that is not posted yet. */
  #untold: { readonly fraction: number; readonly details: object | undefined } | null = null
  /** A progress is on its way and not answered: what is told meanwhile waits, and only the latest of it. */
  #telling = false

  constructor(request: CallRequest, line: Line) {
    this.flow = request.flow
    this.atom = request.atom
    this.attempt = request.attempt
    this.idempotencyKey = request.idempotencyKey
    this.failures = new Map([...request.failures].map(([atom, stored]) => [atom, Failure.fromStored(stored)]))
    this.#call = request.call
    this.#line = line
    this.signal = this.#controller.signal
    this.logger = {
      debug: (fields, message) => this.#log('debug', fields, message),
      info: (fields, message) => this.#log('info', fields, message),
      warn: (fields, message) => this.#log('warn', fields, message),
      error: (fields, message) => this.#log('error', fields, message),
    }
    if (request.aborted) this.abort(request.aborted)
  }

  abort(reason: StoredFailure): void {
    this.#controller.abort(errorOf(reason))
  }

  /** The engine's side has taken the progress that was posted last. */
  heard(): void {
    this.#telling = false
    this.#tell()
  }

  /** Posts what is still untold. The engine's side drops what a call tells or logs after its answer. */
  end(): void {
    this.#tell()
  }

  /** Looks for messages too, so that a task that never gives way to the event loop sees its signal abort here. */
  readonly progress = (fraction: number, details?: object): void => {
    this.#untold = { fraction, details }
    this.#line.take()
    if (!this.#telling) this.#tell()
  }

  #tell(): void {
    const told = this.#untold
    if (!told) return
    this.#untold = null
    try {
      this.#line.post({ kind: 'progress', call: this.#call, ...told })
      this.#telling = true
    } catch (error) {
      this.logger.warn({ atom: this.atom, loss: textOf(error) }, 'progress that cannot be stored is dropped')
    }
  }

  #log(level: keyof Logger, given: object, message: string): void {
    const fields: Record<string, unknown> = {}
    const errors = new Map<string, StoredFailure>()
    const source = given instanceof Error ? { err: given } : given
    for (const key of Object.keys(source ?? {})) {
      try {
        const value: unknown = Reflect.get(source, key)
        if (value instanceof Error) errors.set(key, Failure.from(value, this.atom).toJSON())
        else fields[key] = structuredClone(value)
      } catch (error) {
        fields[key] = `dropped, as it cannot leave the worker thread: ${textOf(error)}`
      }
    }
    this.#line.post({ kind: 'log', call: this.#call, level, fields, errors, message })
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : describe(error)
}
