import type { Plan } from '../compiler/plan.ts'

/** An atom, and those before it that stand nowhere else in the tree. */
export interface Twig {
  readonly node: number
  readonly before: Twig[]
}

/** What comes before an atom, each once, where it is nearest. */
export interface PredecessorTree {
  readonly root: Twig
  /** How many there are that are not in the tree, as far as anybody looked. */
  readonly more: number
  /** Whether there may be still more. */
  readonly unseen: boolean
}

/** Whoever has more than so many nodes before it is not worth a longer look: it may be one of many that failed. */
const longestLook = 10_000

/** @param most how many predecessors are to be in the tree: the nearest. */
export function predecessorsOf(plan: Plan, node: number, most: number): PredecessorTree {
  const { offsets, targets } = plan.predecessors
  const root: Twig = { node, before: [] }
  let inTree = 0
  let more = 0
  // Under a join stands what it belongs to. What is added to a map while it is gone through comes at its end.
  const twigs = new Map<number, Twig | null>([[node, root]])
  for (const [at, twig] of twigs) {
    for (let edge = offsets[at]!; edge < offsets[at + 1]!; edge++) {
      const before = targets[edge]!
      if (twigs.has(before)) continue
      if (twigs.size > longestLook) return { root, more, unseen: true }
      if (plan.atoms[before] === null) {
        twigs.set(before, twig)
      } else if (twig && inTree < most) {
        const next: Twig = { node: before, before: [] }
        twig.before.push(next)
        twigs.set(before, next)
        inTree++
      } else {
        twigs.set(before, null)
        more++
      }
    }
  }
  return { root, more, unseen: false }
}
