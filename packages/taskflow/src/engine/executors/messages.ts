/** What the engine's side and a worker thread say to each other, and how failures cross between them. */
import { type ErrorCode, errorCodes, TaskFlowError } from '../../errors.ts'
import { Failure, type StoredFailure } from '../../failure.ts'
import type { Logger, TaskContext } from '../../task.ts'

/** An {@link import('../../task.ts').Outcome} as data. */
export type StoredOutcome =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly failure: StoredFailure }

/** An execute or revert to be made; `call` is its number in this thread. */
export interface CallRequest extends Pick<TaskContext, 'flow' | 'atom' | 'attempt' | 'idempotencyKey'> {
  readonly kind: 'call'
  readonly call: number
  readonly task: string
  readonly module: string
  readonly args: object
  /** Null: an execute; otherwise the revert of what came to this. */
  readonly outcome: StoredOutcome | null
  readonly failures: ReadonlyMap<string, StoredFailure>
  /** Why its signal has aborted already; null: it has not. */
  readonly aborted: StoredFailure | null
}

/** `heard` answers each `progress`. */
export type ThreadRequest =
  | CallRequest
  | { readonly kind: 'abort'; readonly call: number; readonly reason: StoredFailure }
  | { readonly kind: 'heard'; readonly call: number }

/** What a call comes to: a value, a Failure that it gave as its value, or what it threw. */
export type Answer =
  | { readonly kind: 'value'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly call: number; readonly failure: StoredFailure }
  | { readonly kind: 'thrown'; readonly call: number; readonly failure: StoredFailure }

/** Any number of `progress` and `log`, then one answer. */
export type ThreadMessage =
  | Answer
  | {
      readonly kind: 'progress'
      readonly call: number
      readonly fraction: number
      readonly details: object | undefined
    }
  | {
      readonly kind: 'log'
      readonly call: number
      readonly level: keyof Logger
      readonly fields: Readonly<Record<string, unknown>>
      /** Fields that were errors: cloning would lose their class and code. */
      readonly errors: ReadonlyMap<string, StoredFailure>
      readonly message: string
    }

/** The error that crossed; `Failure.from` finds everything in it that it was. One of this library is one again. */
export function errorOf(stored: StoredFailure): Error {
  const error = Failure.fromStored(stored).toError() as Error
  if (stored.names[0] !== 'TaskFlowError' || !isErrorCode(stored.code)) return error
  const again = new TaskFlowError(stored.code, stored.message, 'cause' in error ? { cause: error.cause } : {})
  if (stored.stack !== null) again.stack = stored.stack
  return again
}

function isErrorCode(code: string | null): code is ErrorCode {
  return code !== null && Object.hasOwn(errorCodes, code)
}
