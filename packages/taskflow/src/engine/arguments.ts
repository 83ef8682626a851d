import type { Binding, Provider } from '../compiler/plan.ts'
import { TaskFlowError } from '../errors.ts'
import type { Need } from '../nodes.ts'
import { valueAt } from '../paths.ts'
import { nameOf, type Run } from './run.ts'

/**
 * The arguments of an atom: what is injected first, then what the run was started with, then the result of the nearest
 * provider that no decider passed by.
 *
 * @throws TaskFlowError `missing-value` when a result lacks the part that is asked for, or there is no result.
 */
export function argumentsOf(run: Run, node: number, method: 'execute' | 'revert'): object {
  const args: Record<string, unknown> = {}
  const { bindings, revertBindings } = run.plan
  for (const binding of (method === 'execute' ? bindings : revertBindings)[node]!) {
    const { need, provider } = binding
    if (provider && isWholeResult(run, need, provider)) {
      args[need.argument] = run.results[provider.node] ?? null
      continue
    }
    const source = sourceOf(run, node, binding)
    if (source) args[need.argument] = valueAt(source.value, need.path, source.owner)
  }
  return args
}

/** The common case, and the quick one: nothing is taken apart, nothing else wins. */
function isWholeResult(run: Run, { symbol, path }: Need, { node, part }: Provider): boolean {
  return part.length + path.length === 0 && run.states[node] !== 'IGNORE' && !Object.hasOwn(run.inputs, symbol)
}

/** A value that an argument is a part of; `owner` begins the sentence that says what it lacks. */
interface Source {
  readonly value: unknown
  readonly owner: () => string
}

/** Null for an optional argument that nothing in sight provides: it is left out. */
function sourceOf(run: Run, node: number, { need, provider, outer }: Binding): Source | null {
  const { symbol, injected, optional } = need
  const taker = (what: string) => (): string => `'${nameOf(run, node)}' takes a part of ${what}`
  if (injected) return { value: injected.value, owner: taker(`'${symbol}'`) }
  if (Object.hasOwn(run.inputs, symbol)) return { value: run.inputs[symbol], owner: taker(`input '${symbol}'`) }
  const giver = giverOf(run, provider, outer)
  if (giver) {
    const owner = (): string => taker(`the result of '${nameOf(run, giver.node)}'`)()
    const result = run.results[giver.node] ?? null
    return { value: giver.part.length === 0 ? result : valueAt(result, giver.part, owner), owner }
  }
  if (optional) return null
  throw unprovided(run, node, need, provider)
}

/** The nearest provider that no decider passed by. */
function giverOf(run: Run, provider: Provider | null, outer: readonly Provider[]): Provider | null {
  for (let giver = provider; giver; giver = giver.below) if (run.states[giver.node] !== 'IGNORE') return giver
  const [next = null, ...others] = outer
  return next && giverOf(run, next, others)
}

function unprovided(run: Run, node: number, { symbol, argument }: Need, provider: Provider | null): TaskFlowError {
  const ignored = provider
    ? `'${nameOf(run, provider.node)}', which provides it, was passed by a decider`
    : 'nobody does'
  const what = `'${nameOf(run, node)}' needs '${symbol}' for its argument '${argument}'`
  const message = `${what}, but ${ignored}; let the decider pass by '${nameOf(run, node)}' too`
  return new TaskFlowError('missing-value', message)
}
