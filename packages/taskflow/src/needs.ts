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
  const rebound = reboundBy(name, requires, rebind)
  // Only a list of symbols can name an argument twice.
  if (requires.length === 0 && optional.length === 0 && !Array.isArray(rebind)) {
    return rebound.length === 0 ? none : rebound.map(([argument, symbol]) => needOf(argument, symbol, false, inject))
  }
  const symbols = new Map<string, string>()
  for (const argument of requires) symbols.set(argument, argument)
  for (const argument of optional) symbols.set(argument, argument)
  for (const [argument, symbol] of rebound) symbols.set(argument, symbol)
  return Array.from(symbols, ([argument, symbol]) => needOf(argument, symbol, optional.includes(argument), inject))
}

function needOf(argument: string, symbol: string, optional: boolean, inject: Readonly<Record<string, unknown>>): Need {
  const injected = Object.hasOwn(inject, symbol) ? { value: inject[symbol] } : null
  return { argument, symbol, path: none, optional, injected }
}

const none: readonly never[] = []

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
