/** What a run lets others see of its atoms. */
import { nodeNamed } from '../compiler/node-index.ts'
import type { Binding, Plan } from '../compiler/plan.ts'
import type { AtomView } from '../inspection.ts'
import type { AtomState } from '../states.ts'
import { argumentsOf } from './arguments.ts'
import type { Run } from './run.ts'

/** @param run null before there is one: then every atom is as it begins. */
export function viewOf(plan: Plan, run: Run | null, name: string): AtomView | null {
  const node = nodeNamed(plan, name)
  if (node === undefined) return null
  const { kind } = plan.atoms[node]!
  if (!run) return { name, kind, state: 'PENDING', intention: 'EXECUTE', attempt: 0, inputs: null, failure: null }
  const output = outputOf(run, node)
  return {
    name,
    kind,
    state: run.states[node]!,
    intention: run.intentions[node]!,
    attempt: run.attempts[node]!,
    inputs: inputsOf(run, node),
    ...(output !== undefined && { output }),
    failure: run.revertFailures.get(node) ?? run.failures.get(node) ?? null,
  }
}

/**
 * What an execute was given is found out once more: as long as what it led to stands in the record, so does what it was
 * given, because atoms are forgotten with all that came after them.
 */
function inputsOf(run: Run, node: number): AtomView['inputs'] {
  if (run.states[node] === 'PENDING' || run.states[node] === 'IGNORE' || run.unbegun.has(node)) return null
  if (run.plan.bindings[node]!.some((binding) => isForgotten(run, binding))) return null
  try {
    return argumentsOf(run, node, 'execute') as Readonly<Record<string, unknown>>
  } catch {
    return null
  }
}

/** Whoever provides it now need not be who did: the flow may have changed before the run was resumed. */
function isForgotten(run: Run, { need: { symbol, injected }, provider }: Binding): boolean {
  if (!provider || injected || Object.hasOwn(run.inputs, symbol)) return false
  return run.results[provider.node] === undefined && run.states[provider.node] !== 'IGNORE'
}

const standing: ReadonlySet<AtomState> = new Set(['SUCCESS', 'RETRYING', 'REVERTING', 'REVERT_FAILURE'])

function outputOf(run: Run, node: number): unknown {
  return standing.has(run.states[node]!) && !run.failures.has(node) ? run.results[node] : undefined
}
