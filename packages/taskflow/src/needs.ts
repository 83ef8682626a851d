import { TaskFlowError } from './errors.ts'
import type { Need } from './nodes.ts'

/** Argument to symbol; or the symbols of the required arguments, in their order. */
export type Rebind = Readonly<Record<string, string>> | readonly string[]

/**
 * The needs of an atom that is wired by names.
 *
 * @throws TaskFlowError `invalid-flow` when `rebind` is a list that is shorter than `requires`.
 */
export function needsOf(
  name: string,
  requires: readonly string[],
  rebind: Rebind,
  optional: readonly string[],
  inject: Readonly<Record<string, unknown>>,
): readonly Need[] {
  const symbols = new Map<string, string>()
  for (const argument of requires) symbols.set(argument, argument)
  for (const argument of optional) symbols.set(argument, argument)
  for (const [argument, symbol] of reboundBy(name, requires, rebind)) symbols.set(argument, symbol)
  return Array.from(symbols, ([argument, symbol]) => {
    const injected = Object.hasOwn(inject, symbol) ? { value: inject[symbol] } : null
    return { argument, symbol, path: whole, optional: optional.includes(argument), injected }
  })
}

const whole: readonly never[] = []

/** A list names the symbols of the required arguments in their order; what is left over keeps its own name. */
function reboundBy(name: string, requires: readonly string[], rebind: Rebind): readonly (readonly [string, string])[] {
  if (!Array.isArray(rebind)) return Object.entries(rebind as Readonly<Record<string, string>>)
  const symbols = rebind as readonly string[]
  if (symbols.length >= requires.length) return symbols.map((symbol, at) => [requires[at] ?? symbol, symbol])
  throw new TaskFlowError(
    'invalid-flow',
    `'${name}' requires ${requires.length} arguments (${requires.join(', ')}), but rebind lists ${symbols.length}`,
  )
}
