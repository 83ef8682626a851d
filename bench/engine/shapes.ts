/** The flows that are measured, as plain wiring that every contender builds its own flow from. */

/** Argument to symbol. Arguments go by the same names everywhere: a task is written once, and used in many places. */
type Rebind = Readonly<Record<string, string>>

/** One task: its name, where its arguments come from, and the symbol that its result goes by. */
export interface Wire {
  readonly name: string
  readonly rebind: Rebind
  readonly provides: string
}

export const shapes = ['linear', 'unordered', 'layered', 'retry-heavy'] as const
export type Shape = (typeof shapes)[number]
export const sizes = [10, 100, 1_000, 10_000, 100_000] as const

/** Tasks in a layer; each takes the results of three of the layer before. */
const width = 20
/** Tasks in a subflow of the retry-heavy flow; the last fails until the last attempt. */
export const subflow = 5
export const attempts = 3

/** How many executes a run comes to. */
export function executes(shape: Shape, size: number): number {
  return shape === 'retry-heavy' ? size * attempts : size
}

/** Names are made anew each time: a string that was a key before is cheaper than one that was not. */
export function wiring(shape: Shape, size: number): Wire[] {
  const wires: Wire[] = []
  for (let at = 0; at < size; at++) {
    wires.push({ name: `t${at}`, rebind: shape === 'layered' ? takenBy(at, size) : nothing, provides: `s${at}` })
  }
  return wires
}

/** Cut into layers, or subflows, of so many; a flow smaller than one layer is one. */
export function slices<T>(list: readonly T[], length: number = width): T[][] {
  const cut: T[][] = []
  for (let at = 0; at < list.length; at += length) cut.push(list.slice(at, at + length))
  return cut
}

const nothing: Rebind = {}

function takenBy(at: number, size: number): Rebind {
  const wide = Math.min(width, size)
  const before = at - (at % wide) - wide
  const symbol = (step: number): string => `s${before + ((at + step) % wide)}`
  return before < 0 ? nothing : { a: symbol(0), b: symbol(7), c: symbol(13) }
}
