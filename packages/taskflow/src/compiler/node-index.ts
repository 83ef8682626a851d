import type { Plan } from './plan.ts'

/** Only who looks at a run from outside asks by name, so it is made when somebody does. */
const indices = new WeakMap<Plan, ReadonlyMap<string, number>>()

/** The node of the atom of a name; undefined where the flow has none. */
export function nodeNamed(plan: Plan, name: string): number | undefined {
  const index = indices.get(plan) ?? indexOf(plan)
  indices.set(plan, index)
  return index.get(name)
}

function indexOf({ atoms }: Plan): ReadonlyMap<string, number> {
  const index = new Map<string, number>()
  for (const [node, atom] of atoms.entries()) if (atom) index.set(atom.name, node)
  return index
}
