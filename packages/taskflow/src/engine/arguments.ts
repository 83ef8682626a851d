import type { Binding, Provider } from '../compiler/plan.ts'
import { TaskFlowError } from '../errors.ts'
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
    if (isGiven(run, binding)) args[binding.need.argument] = valueOf(run, node, binding)
  }
  return args
}

/** An optional argument that nothing in sight provides is left out. */
function isGiven(run: Run, { need: { symbol, optional, injected }, provider }: Binding): boolean {
  return !optional || injected !== null || provider !== null || Object.hasOwn(run.inputs, symbol)
}

function valueOf(run: Run, node: number, binding: Binding): unknown {
  const { symbol, path, injected } = binding.need
  if (injected) return valueAt(injected.value, path, () => `'${nameOf(run, node)}' takes a part of '${symbol}'`)
  if (Object.hasOwn(run.inputs, symbol)) {
    return valueAt(run.inputs[symbol], path, () => `'${nameOf(run, node)}' takes a part of input '${symbol}'`)
  }
  const { node: giver, part } = providerOf(run, node, binding)
  const owner = (): string => `'${nameOf(run, node)}' takes a part of the result of '${nameOf(run, giver)}'`
  const value = run.results[giver] ?? null
  return part.length + path.length === 0 ? value : valueAt(valueAt(value, part, owner), path, owner)
}

function providerOf(run: Run, node: number, { need, provider, outer }: Binding): Provider {
  for (const first of [provider, ...outer]) {
    for (let giver = first; giver; giver = giver.below) {
      if (run.states[giver.node] !== 'IGNORE') return giver
    }
  }
  const ignored = provider
    ? `'${nameOf(run, provider.node)}', which provides it, was passed by a decider`
    : 'nobody does'
  const what = `'${nameOf(run, node)}' needs '${need.symbol}' for its argument '${need.argument}'`
  throw new TaskFlowError(
    'missing-value',
    `${what}, but ${ignored}; let the decider pass by '${nameOf(run, node)}' too`,
  )
}
