import type { Failure } from './failure.ts'

/**
 * Every error that the library itself raises: its code and what it means.
 *
 * @example
 * console.log(errorCodes.cancelled) // the flow was cancelled
 */
export const errorCodes = {
  'invalid-flow': 'a flow, a task or an option is not what it must be',
  'duplicate-name': 'two atoms of a flow have one name',
  'foreign-handle': 'an atom takes the result of an atom of another flow',
  'missing-dependencies': 'an atom needs values that nothing before it provides',
  'ambiguous-dependency': 'an atom of a graph needs a value that several others provide',
  'dependency-cycle': 'atoms of a graph wait for one another in a circle',
  'invalid-state': 'the flow is not in a state in which this can be done',
  'not-json': 'a value cannot be stored, because it does not survive JSON',
  'missing-value': 'a value lacks the part that an atom asks for, or was never made',
  'no-more-values': 'a retry has tried every value that it had',
  'invalid-decision': 'a retry decided something that is not a decision',
  'too-large': 'a value is larger than what may be stored',
  'plan-changed': 'the flow is no longer the one that the run was begun with',
  'not-found': 'there is no run, job or factory of that name',
  interrupted: 'the process ended while an atom executed, and nobody knows how far it came',
  timeout: 'an atom took longer than it may',
  'thread-crashed': 'the worker thread of a task ended before the task did',
  suspended: 'the flow was suspended; run it again to go on',
  cancelled: 'the flow was cancelled',
  abandoned: 'the run was left as it is, for somebody else to go on with',
  storage: 'what happened could not be stored, so the run was stopped',
  'stale-owner': 'the run or the job has another owner by now',
  'job-claimed': 'the job is claimed by somebody',
} as const

/**
 * The code of an error of the library.
 *
 * @example
 * const retryable: readonly ErrorCode[] = ['timeout', 'thread-crashed']
 */
export type ErrorCode = keyof typeof errorCodes

/**
 * A value that an atom needs and nothing gives.
 *
 * @example
 * const lack: MissingNeed = { atom: 'copy', method: 'execute', argument: 'image', symbol: 'image' }
 */
export interface MissingNeed {
  readonly atom: string
  /** Which of the atom's functions takes it. */
  readonly method: 'execute' | 'revert'
  readonly argument: string
  readonly symbol: string
}

/**
 * An error of the library: `code` says which, the message what was given and what is allowed.
 *
 * @example
 * const sum = linear('sum', [atom(task({ name: 'add', execute: () => 3 }), { requires: ['a'] })])
 * const error = await new Engine(sum).run({}).catch((thrown: unknown) => thrown)
 * console.log(error instanceof TaskFlowError && error.code) // missing-dependencies
 */
export class TaskFlowError extends Error {
  override readonly name: string = 'TaskFlowError'
  readonly code: ErrorCode
  /** With `missing-dependencies`: each value that is missing. */
  readonly missing: readonly MissingNeed[]

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { missing?: readonly MissingNeed[] } = {}) {
    super(message, options)
    this.code = code
    this.missing = options.missing ?? []
  }
}

/**
 * What a run raises when several atoms failed; a single failure is raised as the error it was.
 *
 * Source: TaskFlow's `WrappedFailure`.
 *
 * @example
 * const broken = (name: string) => task({ name, execute: () => { throw new Error('no space') } })
 * const copies = flow('copies', (f) => f.unordered('stores', (g) => {
 *   for (const name of ['a', 'b']) g.add(broken(name), {})
 * }))
 * const error = await run(copies, {}, { mode: 'parallel' }).catch((thrown: unknown) => thrown)
 * if (error instanceof WrappedFailure) console.log(error.message) // a: no space; b: no space
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
