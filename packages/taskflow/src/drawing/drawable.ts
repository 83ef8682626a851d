import type { FlowNode } from '../nodes.ts'
import type { AtomState } from '../states.ts'

/**
 * What can be drawn: a flow of the plain layer, or a typed one.
 *
 * @example
 * const drawables: readonly Drawable[] = [linear('plain', []), flow('typed', () => {})]
 * console.log(drawables.map((drawable) => drawTree(drawable)).join()) // linear 'plain' (empty),linear 'typed' (empty)
 */
export type Drawable = FlowNode | { readonly root: FlowNode }

/**
 * What the atoms of a run are at, by name. One that is missing is `PENDING`.
 *
 * @example
 * const states: States = new Map([['download', 'RUNNING']])
 */
export type States = ReadonlyMap<string, AtomState>

/**
 * The states of a stored run, as the drawings take them.
 *
 * @param stored what `Backend.load` gives
 * @example
 * const backend = new MemoryBackend()
 * const f = flow('f', (f) => f.add(task({ name: 'work', execute: () => 1 }), {}))
 * await run(f, {}, { backend, id: 'r' })
 * console.log(drawTree(f, statesOf(backend.load('r')!)).split('\n')[1]) // └─ work [SUCCESS]
 */
export function statesOf(stored: {
  readonly atoms: Iterable<{ readonly name: string; readonly state: AtomState }>
}): States {
  const states = new Map<string, AtomState>()
  for (const { name, state } of stored.atoms) states.set(name, state)
  return states
}

export function rootOf(drawable: Drawable): FlowNode {
  return 'root' in drawable ? drawable.root : drawable
}
