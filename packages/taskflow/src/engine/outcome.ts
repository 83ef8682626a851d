/** What a run that is over gives to who started it. */
import { TaskFlowError, WrappedFailure } from '../errors.ts'
import { describe, type Failure } from '../failure.ts'
import type { Flow } from '../flow.ts'
import { valueAt } from '../paths.ts'
import type { Run } from './run.ts'

/**
 * Source: TaskFlow: one failure is raised as it was, several as one; a failed revert stands before its cause.
 *
 * @throws unless the run was a success
 */
export function raiseFailures(run: Run): void {
  const { name } = run.plan
  if (run.flowState === 'SUCCESS') return
  if (run.flowState === 'SUSPENDED') {
    throw new TaskFlowError('suspended', `flow '${name}' was suspended; run it again, without inputs, to go on`)
  }
  const failures = inOrder(run.revertFailures.size > 0 ? run.revertFailures : run.failures)
  if (run.cancelled && run.revertFailures.size === 0) {
    const { reason } = run.cancelled
    const why = reason instanceof Error ? reason.message : describe(reason ?? 'no reason was given')
    throw new TaskFlowError('cancelled', `flow '${name}' was cancelled: ${why}`, { cause: reason })
  }
  const [first, ...more] = failures
  if (first) throw more.length === 0 ? first.toError() : new WrappedFailure(failures)
}

/** The result that a typed flow gives. */
export function resultOf(run: Run, { result, name }: Flow<never, unknown>): unknown {
  if (!result) return undefined
  const { symbol, path } = result
  const value = Object.hasOwn(run.inputs, symbol) ? run.inputs[symbol] : (valuesOf(run, symbol)[0] ?? null)
  return valueAt(value, path, () => `the result of flow '${name}' is a part of '${symbol}'`)
}

/** Everything that goes by a name: what the run was given first, then what atoms made that are not undone. */
export function valuesOf(run: Run, symbol: string): readonly unknown[] {
  const values = Object.hasOwn(run.inputs, symbol) ? [run.inputs[symbol]] : []
  for (const { node, part } of run.plan.provided.get(symbol) ?? []) {
    if (run.states[node] === 'SUCCESS' && hasPart(run.results[node], part))
      values.push(valueAt(run.results[node], part))
  }
  return values
}

/** By symbol, everything that the run was given or that atoms made. */
export function allValues(run: Run): ReadonlyMap<string, readonly unknown[]> {
  const symbols = new Set([...Object.keys(run.inputs), ...run.plan.provided.keys()])
  const values = [...symbols].map((symbol) => [symbol, valuesOf(run, symbol)] as const)
  return new Map(values.filter(([, found]) => found.length > 0))
}

/** Failures in the order of the plan. */
export function inOrder(failures: ReadonlyMap<number, Failure> | undefined): readonly Failure[] {
  return [...(failures ?? [])].toSorted(([a], [b]) => a - b).map(([, failure]) => failure)
}

function hasPart(value: unknown, part: readonly (string | number)[]): boolean {
  try {
    valueAt(value, part)
    return true
  } catch {
    return false
  }
}
