import * as fc from 'fast-check'
import { atom, linear, type PlainNode, task, unordered } from '../src/index.ts'

/** What an atom of a random flow does. */
interface Behaviour {
  readonly fails: boolean
  readonly revertFails: boolean
  /** Whether execute, and whether revert, waits to be ended by the test. */
  readonly waits: boolean
  readonly revertWaits: boolean
  readonly priority: number
}

export type Tree =
  | { readonly kind: 'atom'; readonly behaviour: Behaviour }
  | { readonly kind: 'linear' | 'unordered'; readonly children: readonly Tree[] }

export interface TreeOptions {
  /** Out of a hundred executes, and of a hundred reverts. */
  readonly failing?: number
  readonly revertFailing?: number
}

function chance(percent: number): fc.Arbitrary<boolean> {
  return percent === 0 ? fc.constant(false) : fc.integer({ min: 0, max: 99 }).map((drawn) => drawn >= 100 - percent)
}

/** Flows of linear and unordered parts, nested up to four deep, empty ones among them. */
export function randomTree({ failing = 0, revertFailing = 0 }: TreeOptions = {}): fc.Arbitrary<Tree> {
  const behaviour = fc.record({
    fails: chance(failing),
    revertFails: chance(revertFailing),
    waits: fc.boolean(),
    revertWaits: fc.boolean(),
    priority: fc.constantFrom(0, 0, 0, 1, -1),
  })
  return fc.letrec<{ tree: Tree; atom: Tree; part: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      { arbitrary: tie('atom'), weight: 2 },
      { arbitrary: tie('part'), weight: 3 },
    ),
    atom: behaviour.map((drawn): Tree => ({ kind: 'atom', behaviour: drawn })),
    part: fc.record({
      kind: fc.constantFrom('linear' as const, 'unordered' as const),
      children: fc.array(tie('tree'), { maxLength: 4 }),
    }),
  })).tree
}

/** What is known of an atom, found independently of the compiler. */
export interface AtomFacts {
  readonly name: string
  readonly behaviour: Behaviour
  /** Names of all atoms that must have ended before this one begins: its transitive predecessors. */
  readonly before: ReadonlySet<string>
}

/** Names the atoms in the order of the document, and says what is before each. */
export function listAtoms(root: Tree): readonly AtomFacts[] {
  const found: AtomFacts[] = []
  const walk = (tree: Tree, before: ReadonlySet<string>): readonly string[] => {
    if (tree.kind === 'atom') {
      const name = `t${found.length}`
      found.push({ name, behaviour: tree.behaviour, before })
      return [name]
    }
    const names: string[] = []
    for (const child of tree.children) {
      const reached: ReadonlySet<string> = tree.kind === 'linear' ? new Set([...before, ...names]) : before
      names.push(...walk(child, reached))
    }
    return names
  }
  walk(root, new Set())
  return found
}

/** What the tasks of a random flow do, seen from outside. */
export interface Doing {
  execute(facts: AtomFacts, args: Readonly<Record<string, unknown>>): unknown
  revert(facts: AtomFacts, args: Readonly<Record<string, unknown>>): unknown
}

/** The plain flow of a tree; every atom takes the results of everything before it. */
export function makeFlow(root: Tree, doing: Doing): PlainNode & { readonly kind: 'flow' } {
  const facts = listAtoms(root).values()
  let parts = 0
  const make = (tree: Tree): PlainNode => {
    if (tree.kind === 'atom') return makeAtom(facts.next().value!, doing)
    const pattern = tree.kind === 'linear' ? linear : unordered
    return pattern(`part ${parts++}`, tree.children.map(make))
  }
  return linear('root', [make(root)])
}

function makeAtom(facts: AtomFacts, doing: Doing): PlainNode {
  const made = task({
    name: facts.name,
    priority: facts.behaviour.priority,
    execute: (args: Record<string, string>): unknown => doing.execute(facts, args),
    revert: (args): unknown => doing.revert(facts, args),
  })
  return atom(made, { requires: [...facts.before], provides: facts.name })
}
