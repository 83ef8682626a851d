import { isDeepStrictEqual } from 'node:util'
import type { Backoff } from './backoff.ts'
import { TaskFlowError } from './errors.ts'
import type { Failure } from './failure.ts'
import type { History } from './history.ts'
import type { Safe } from './json.ts'
import { checkName } from './names.ts'
import type { Logger } from './task.ts'

/**
 * What a retry wants done about a failure: `RETRY` reverts its flow and tries it again; `REVERT` gives up, so that the
 * retry of the enclosing flow is asked; `REVERT_ALL` reverts everything.
 *
 * @example
 * const decide = (attempts: number): Decision => (attempts < 3 ? 'RETRY' : 'REVERT')
 */
export type Decision = 'RETRY' | 'REVERT' | 'REVERT_ALL'

/**
 * What a retry is given besides its arguments.
 *
 * @example
 * const attemptsSoFar = ({ history }: RetryContext<unknown>) => history.length
 */
export interface RetryContext<out V> {
  /** Id of the flow's run, and name of this retry in it. */
  readonly flow: string
  readonly atom: string
  /** What it has been through; in `onFailure` and `revert` the last entry is the attempt that failed. */
  readonly history: History<V>
  /** By atom, every failure that no retry has solved. */
  readonly failures: ReadonlyMap<string, Failure>
  readonly logger: Logger
}

/**
 * Controls a flow: runs before it, is asked whenever an atom of it fails, and gives each attempt a value.
 *
 * Source: TaskFlow's `retry.Retry`.
 *
 * @example
 * const twice: Retry<object, number> = times(2)
 */
export interface Retry<in I extends object, out V> {
  /** Null: named after its flow, `<flow>_retry`. */
  readonly name: string | null
  readonly version: string
  /** How long to wait before the next attempt; null: not at all. Nothing is held while it waits. */
  readonly backoff: Backoff | null
  /** Gives the value of the next attempt. A retry that fails here is a failure for the retry of the enclosing flow. */
  execute(args: I, context: RetryContext<unknown>): V | Promise<V>
  /** Called at once, each time an atom of the flow fails; must not wait. */
  onFailure(args: I, context: RetryContext<unknown>): Decision
  readonly revert?: ((args: I, context: RetryContext<unknown>) => unknown) | undefined
}

/**
 * Any retry, for code that only runs it.
 *
 * @example
 * const controllers: readonly AnyRetry[] = [times(3), alwaysRevert()]
 */
export type AnyRetry = Retry<never, unknown>

/**
 * What {@link retry} takes.
 *
 * @example
 * const spec: RetrySpec<object, number> = {
 *   execute: (_, { history }) => history.length + 1,
 *   onFailure: (_, { history }) => (history.length < 3 ? 'RETRY' : 'REVERT'),
 * }
 * console.log(retry(spec).version) // 1.0
 */
export interface RetrySpec<I extends object, V> {
  /** Default: after its flow. */
  readonly name?: string
  /** Default `1.0`. */
  readonly version?: string
  readonly backoff?: Backoff
  /** What the history holds is not typed here: the type of the value follows from what this gives. */
  readonly execute: (args: I, context: RetryContext<unknown>) => V | Promise<V>
  readonly onFailure: (args: NoInfer<I>, context: RetryContext<NoInfer<V>>) => Decision
  readonly revert?: (args: NoInfer<I>, context: RetryContext<NoInfer<V>>) => unknown
}

/**
 * Defines a retry of one's own.
 *
 * @example
 * const untilAuthorized = retry({
 *   execute: (_: object, { history }) => history.length + 1,
 *   onFailure: (_, { history }) => (history.causedBy(['AuthError'], -1) ? 'REVERT_ALL' : 'RETRY'),
 * })
 * console.log(untilAuthorized.version) // 1.0
 */
export function retry<I extends object, V>(
  spec: RetrySpec<I, V> & { readonly execute: Safe<I, 'argument'> & Safe<V, 'value'> },
): Retry<I, V> {
  const { name, version = '1.0', backoff, execute, onFailure, revert }: RetrySpec<I, V> = spec
  const base: Retry<I, V> = {
    name: name === undefined ? null : checkName('a retry', name),
    version,
    backoff: backoff ?? null,
    execute: (args, context) => execute(args, context),
    onFailure: (args, context) => onFailure(args, context as RetryContext<V>),
  }
  return revert === undefined ? base : { ...base, revert: (args, context) => revert(args, context as RetryContext<V>) }
}

/**
 * How the retries of this library can be set up.
 *
 * @example
 * const options: RetryOptions = { backoff: fixed(500), revertAll: true }
 */
export interface RetryOptions {
  /** Default: after its flow. */
  readonly name?: string
  /** Default: no wait. */
  readonly backoff?: Backoff
  /** Whether giving up reverts everything, without asking the retry of the enclosing flow. Default false. */
  readonly revertAll?: boolean
}

/**
 * Never tries again: its flow reverts, and the retry of the enclosing flow decides about the rest.
 *
 * @example
 * const part = linear('part', [], { retry: controller(alwaysRevert()) })
 */
export function alwaysRevert(options: Pick<RetryOptions, 'name'> = {}): Retry<object, null> {
  return retry({ ...options, execute: () => null, onFailure: () => 'REVERT' })
}

/**
 * Never tries again: everything reverts, whatever an enclosing retry would say.
 *
 * @example
 * const part = linear('part', [], { retry: controller(alwaysRevertAll()) })
 */
export function alwaysRevertAll(options: Pick<RetryOptions, 'name'> = {}): Retry<object, null> {
  return retry({ ...options, execute: () => null, onFailure: () => 'REVERT_ALL' })
}

/**
 * Tries its flow so many times in all. The value of an attempt is its number: 1, 2, ...
 *
 * @example
 * let tries = 0
 * const flaky = task({ name: 'flaky', execute: () => { if (++tries < 3) throw new Error('not yet'); return tries } })
 * const f = flow('f', (f) => f.linear('part', (g) => g.add(flaky, {}), times(3)))
 * console.log(await run(f, {})) // 3
 * @throws TaskFlowError `invalid-flow` when `attempts` is not a whole number of at least 0; 0 counts as 1.
 */
export function times(attempts: number, options: RetryOptions = {}): Retry<object, number> {
  if (!Number.isInteger(attempts) || attempts < 0) {
    throw new TaskFlowError('invalid-flow', `times() takes a whole number of attempts, at least 0, not ${attempts}`)
  }
  return retry({
    ...options,
    execute: (_: object, { history }) => history.length + 1,
    onFailure: (_, { history }) => (history.length < attempts ? 'RETRY' : givenUp(options)),
  })
}

/**
 * Tries its flow with one value after another until one does, each as often as it is listed.
 *
 * @example
 * const probe = task({
 *   name: 'probe',
 *   execute: ({ mirror }: { mirror: string }) => { if (mirror === 'a') throw new Error('down'); return mirror },
 * })
 * const f = flow('f', (f) => f.linear('part', (g, mirror) => g.add(probe, { mirror }), forEach(['a', 'b'])))
 * console.log(await run(f, {})) // b
 */
export function forEach<const V>(
  values: readonly (V & Safe<V, 'value'>)[],
  options: RetryOptions = {},
): Retry<object, V> {
  return retry<object, V>({
    ...options,
    execute: (_: object, { history }: RetryContext<unknown>) => nextValue<V>(values, history),
    onFailure: (_: object, { history }: RetryContext<unknown>) => afterAttempt(values, history, options),
  } as never)
}

/**
 * The same as {@link forEach}, with values that are known only when the flow runs: its argument `values`.
 *
 * @example
 * const part = linear('part', [], {
 *   retry: controller(parameterizedForEach(), { rebind: { values: 'mirrors' }, provides: 'mirror' }),
 * })
 */
export function parameterizedForEach<V>(options: RetryOptions = {}): Retry<{ readonly values: readonly V[] }, V> {
  return retry<{ readonly values: readonly V[] }, V>({
    ...options,
    execute: ({ values }: { readonly values: readonly V[] }, { history }: RetryContext<unknown>) =>
      nextValue(values, history),
    onFailure: ({ values }: { readonly values: readonly V[] }, { history }: RetryContext<unknown>) =>
      afterAttempt(values, history, options),
  } as never)
}

function nextValue<V>(values: readonly V[], history: History<unknown>): V {
  if (!Array.isArray(values)) {
    const given = values === undefined ? 'nothing: wire it' : JSON.stringify(values)
    throw new TaskFlowError('invalid-flow', `a retry for each value takes a list as 'values', not ${given}`)
  }
  const left = untried(values, history)
  if (left.length > 0) return left[0]!
  throw new TaskFlowError('no-more-values', `there is no value left to try; there were ${values.length}`)
}

function afterAttempt(values: readonly unknown[], history: History<unknown>, options: RetryOptions): Decision {
  return untried(values, history).length > 0 ? 'RETRY' : givenUp(options)
}

/** What is left of the values once each tried one is taken away, as often as it was tried. */
function untried<V>(values: readonly V[], history: History<unknown>): V[] {
  const left = [...values]
  for (const { value } of history.entries) {
    const at = left.findIndex((candidate) => isDeepStrictEqual(candidate, value))
    if (at >= 0) left.splice(at, 1)
  }
  return left
}

function givenUp({ revertAll = false }: RetryOptions): Decision {
  return revertAll ? 'REVERT_ALL' : 'REVERT'
}
