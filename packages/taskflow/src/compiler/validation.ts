import { type MissingNeed, TaskFlowError } from '../errors.ts'
import { assertStorable } from '../json.ts'
import type { Binding, Plan } from './plan.ts'

/** What inputs are held to. */
export interface InputRules {
  /** The flow declared its inputs (a typed flow): a value may then not take the place of a result. */
  readonly closed: boolean
  readonly maxValueBytes: number
}

/**
 * The values that a plan is to run on, if it can: what is `undefined` counts as not given.
 *
 * @param defaults what stands for inputs that are not given
 * @throws TaskFlowError `missing-dependencies`, naming atoms, symbols and what there is; `not-json`; `too-large`;
 *   `invalid-flow`
 */
export function validate(
  plan: Plan,
  defaults: object,
  inputs: object,
  rules: InputRules,
): Readonly<Record<string, unknown>> {
  if (typeof inputs !== 'object' || inputs === null) {
    throw new TaskFlowError(
      'invalid-flow',
      `the inputs of flow '${plan.name}' must be an object, not ${String(inputs)}`,
    )
  }
  const given = [...Object.entries(defaults), ...Object.entries(inputs)]
  const values = new Map<string, unknown>(given.filter(([, value]) => value !== undefined))
  if ([...plan.inputs].some((symbol) => !values.has(symbol))) throw missingDependencies(plan, values)
  for (const [symbol, value] of values) {
    assertStorable(value, `input '${symbol}' of flow '${plan.name}'`, symbol, rules.maxValueBytes)
    if (rules.closed && plan.provided.has(symbol)) {
      throw new TaskFlowError(
        'duplicate-name',
        `in flow '${plan.name}' an input and an atom are both named '${symbol}'`,
      )
    }
  }
  return Object.fromEntries(values)
}

function missingDependencies(plan: Plan, values: ReadonlyMap<string, unknown>): TaskFlowError {
  const missing = missingIn(plan, values)
  const lines = [...new Set(missing.map(({ symbol }) => symbol))].map((symbol) => {
    const consumers = missing.filter((need) => need.symbol === symbol).map(wordsOf)
    const owner = plan.provided.get(symbol)?.[0]
    const hint = owner ? `; '${plan.atoms[owner.node]!.name}' provides it, but is not before it` : ''
    return `'${symbol}' (needed by ${[...new Set(consumers)].join(', ')}${hint})`
  })
  const given = [...values.keys()].join(', ') || 'nothing'
  const remedy = 'Give it to the run, or place a provider before what needs it'
  const message = `flow '${plan.name}' cannot run: nothing provides ${lines.join(' or ')}. Given: ${given}. ${remedy}`
  return new TaskFlowError('missing-dependencies', message, { missing })
}

function wordsOf({ atom, method }: MissingNeed): string {
  return method === 'execute' ? `'${atom}'` : `the revert of '${atom}'`
}

function missingIn(plan: Plan, values: ReadonlyMap<string, unknown>): MissingNeed[] {
  const missing: MissingNeed[] = []
  const look = (node: number, method: 'execute' | 'revert', bindings: readonly Binding[]): void => {
    for (const { need, provider } of bindings) {
      const { argument, symbol, injected, optional } = need
      if (provider || injected || optional || values.has(symbol)) continue
      missing.push({ atom: plan.atoms[node]!.name, method, argument, symbol })
    }
  }
  for (let node = 0; node < plan.size; node++) {
    look(node, 'execute', plan.bindings[node]!)
    if (plan.revertBindings[node] !== plan.bindings[node]) look(node, 'revert', plan.revertBindings[node]!)
  }
  return missing
}
