import type { Failure } from './failure.ts'

/** Every error that the library itself raises: its code and what it means. */
export const errorCodes = {
  'invalid-flow': 'a flow, a task or an option is not what it must be',
  'duplicate-name': 'two atoms of a flow have one name',
  'foreign-handle': 'an atom takes the result of an atom of another flow',
  'missing-dependencies': 'an atom needs values that nothing before it provides',
  'invalid-state': 'the flow is not in a state in which this can be done',
  'not-json': 'a value cannot be stored, because it does not survive JSON',
  'missing-value': 'a value lacks the part that an atom asks for',
  cancelled: 'the flow was cancelled',
  storage: 'what happened could not be stored, so the run was stopped',
} as const

export type ErrorCode = keyof typeof errorCodes

/** An error of the library: `code` says which, the message what was given and what is allowed. */
export class TaskFlowError extends Error {
  override readonly name: string = 'TaskFlowError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * What a run raises when several atoms failed; a single failure is raised as the error it was.
 *
 * Source: TaskFlow's `WrappedFailure`.
 */
export class WrappedFailure extends AggregateError {
  override readonly name = 'WrappedFailure'
  readonly failures: readonly Failure[]

  constructor(failures: readonly Failure[]) {
    super(
      failures.map((failure) => failure.toError()),
      failures.map((failure) => `${failure.atom}: ${failure.message}`).join('; '),
    )
    this.failures = failures
  }
}
