import { TaskFlowError } from '../errors.ts'
import { assertJson } from '../json.ts'
import type { Plan } from './plan.ts'

/**
 * The values that a plan is to run on, if it can: what is `undefined` counts as not given.
 *
 * @param closed the flow declared its inputs (a typed flow): a value may then not take the place of a result.
 * @throws TaskFlowError `missing-dependencies`, naming atoms, symbols and what there is; `not-json`; `invalid-flow`
 */
export function validate(plan: Plan, inputs: object, closed: boolean): Readonly<Record<string, unknown>> {
  if (typeof inputs !== 'object' || inputs === null) {
    throw new TaskFlowError(
      'invalid-flow',
      `the inputs of flow '${plan.name}' must be an object, not ${String(inputs)}`,
    )
  }
  const values = new Map<string, unknown>(Object.entries(inputs).filter(([, value]) => value !== undefined))
  const missing = [...plan.inputs].filter((symbol) => !values.has(symbol))
  if (missing.length > 0) throw missingDependencies(plan, [...values.keys()], missing)
  for (const [symbol, value] of values) {
    assertJson(value, `input '${symbol}' of flow '${plan.name}'`, symbol)
    if (closed && plan.provided.has(symbol)) {
      throw new TaskFlowError(
        'duplicate-name',
        `in flow '${plan.name}' an input and an atom are both named '${symbol}'`,
      )
    }
  }
  return Object.fromEntries(values)
}

function missingDependencies(plan: Plan, symbols: readonly string[], missing: readonly string[]): TaskFlowError {
  const lines = missing.map((symbol) => {
    const owner = plan.provided.get(symbol)
    const hint = owner ? `; '${owner}' provides it, but is not before it` : ''
    return `'${symbol}' (needed by ${consumersOf(plan, symbol).join(', ')}${hint})`
  })
  const given = symbols.join(', ') || 'nothing'
  return new TaskFlowError(
    'missing-dependencies',
    `flow '${plan.name}' cannot run: nothing provides ${lines.join(' or ')}. Given: ${given}`,
  )
}

function consumersOf(plan: Plan, symbol: string): string[] {
  const names: string[] = []
  for (const [node, bindings] of plan.bindings.entries()) {
    const needs = bindings.some((binding) => binding.symbol === symbol && binding.provider < 0)
    if (needs) names.push(`'${plan.atoms[node]!.name}'`)
  }
  return names
}
