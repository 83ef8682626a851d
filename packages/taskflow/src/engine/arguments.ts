import { type Binding, fromInputs } from '../compiler/plan.ts'
import { valueAt } from '../paths.ts'
import type { AtomNode } from '../patterns.ts'
import type { Run } from './run.ts'

/**
 * The arguments of an atom: what is injected first, then what the run was started with, then results.
 *
 * @throws TaskFlowError `missing-value` when a result lacks the part that is asked for.
 */
export function argumentsOf(run: Run, node: number): object {
  const atom = run.plan.atoms[node]!
  const args: Record<string, unknown> = {}
  for (const binding of run.plan.bindings[node]!) args[binding.argument] = resolve(run, atom, binding)
  for (const symbol in atom.inject) addInjected(atom, symbol, args)
  return args
}

function addInjected(atom: AtomNode, symbol: string, args: Record<string, unknown>): void {
  for (const argument in atom.needs) {
    if (atom.needs[argument]!.symbol === symbol) args[argument] = atom.inject[symbol]
  }
}

function resolve(run: Run, atom: AtomNode, binding: Binding): unknown {
  const { symbol, path, provider, part } = binding
  if (provider === fromInputs || Object.hasOwn(run.inputs, symbol)) {
    return valueAt(run.inputs[symbol], path, () => `'${atom.name}' takes a part of input '${symbol}'`)
  }
  const owner = (): string => `'${atom.name}' takes a part of the result of '${run.plan.atoms[provider]!.name}'`
  const value = run.results[provider] ?? null
  return part.length + path.length === 0 ? value : valueAt(valueAt(value, part, owner), path, owner)
}
