import { TaskFlowError } from '../errors.ts'
import type { FlowNode } from '../nodes.ts'
import { joinEdges, rankNodes, reverseEdges } from './edges.ts'
import type { Provision } from './frames.ts'
import { type Extent, type Level, openLevel } from './levels.ts'
import { type Atom, type Binding, noNode, type Plan, type Vote } from './plan.ts'
import { Scope } from './scope.ts'

/**
 * Turns a flow into a plan, in time linear in atoms, edges and wired arguments.
 *
 * @example
 * const plan = compile(linear('f', [atom(task({ name: 'work', execute: () => 1 }))]))
 * console.log(plan.atoms.filter((atom) => atom !== null).length) // 1
 * @throws TaskFlowError `duplicate-name`, `invalid-flow`
 */
export function compile(root: FlowNode): Plan {
  return new Walk(root).finish()
}

/** Lays the tree out as a graph, with a stack of its own: flows may be nested as deep as memory goes. */
class Walk {
  readonly #flow: string
  readonly #atoms: (Atom | null)[] = []
  readonly #bindings: (readonly Binding[])[] = []
  readonly #revertBindings: (readonly Binding[])[] = []
  readonly #controllers: number[] = []
  readonly #votes = new Map<number, readonly Vote[]>()
  readonly #from: number[] = []
  readonly #to: number[] = []
  readonly #names = new Set<string>()
  readonly #scope: Scope
  readonly #levels: Level[] = []

  constructor(root: FlowNode) {
    this.#flow = root.name
    this.#scope = new Scope(root)
    this.#enter(root, [])
    for (let level = this.#levels.at(-1); level; level = this.#levels.at(-1)) this.#goOn(level)
  }

  finish(): Plan {
    const size = this.#atoms.length
    const atoms = this.#atoms
    const successors = joinEdges(size, this.#from, this.#to)
    let provided: Plan['provided'] | null = null
    return Object.freeze({
      name: this.#flow,
      size,
      atoms,
      successors,
      predecessors: reverseEdges(size, successors),
      ...rankNodes(atoms),
      bindings: this.#bindings,
      revertBindings: this.#revertBindings,
      controllers: Int32Array.from(this.#controllers),
      votes: this.#votes,
      inputs: this.#scope.inputs,
      /** Only who asks for results, or declares inputs, needs it, so it is made when somebody does. */
      get provided() {
        provided ??= providedBy(atoms)
        return provided
      },
    })
  }

  #goOn(level: Level): void {
    const { at } = level
    if (at === undefined) return this.#leave(level)
    const child = level.flow.children[at]!
    if (child.kind === 'task') return this.#take(level, at, this.#placeAtom(child, level.votes))
    if (child.kind === 'flow') return this.#enter(child, level.votes)
    throw new TaskFlowError('invalid-flow', `flow '${this.#flow}' holds something that is neither an atom nor a flow`)
  }

  /** Opens a flow between two joins. The votes are for whatever it starts with: its retry, if it has one. */
  #enter(flow: FlowNode, votes: readonly Vote[]): void {
    const first = this.#place(null, [])
    let entrance = { first, entry: first, votes, byRetry: [] as readonly Provision[] }
    if (flow.retry) {
      const { last, provisions } = this.#placeAtom(flow.retry, votes)
      this.#join(first, last)
      entrance = { first, entry: last, votes: [], byRetry: provisions }
    }
    const level = openLevel(flow, entrance)
    this.#levels.push(level)
    this.#scope.open(level.frame)
  }

  #leave({ flow, entrance: { first, entry }, frame, exits, hollow: noChild }: Level): void {
    this.#levels.pop()
    this.#scope.close()
    const last = this.#place(null, [])
    for (const exit of exits.length > 0 ? exits : [entry]) this.#join(exit, last)
    const around = this.#levels.at(-1)
    const hollow = noChild && !flow.retry
    if (around) this.#take(around, around.at!, { first, last, hollow, provisions: frame.provisions })
  }

  #take(level: Level, at: number, extent: Extent): void {
    for (const provision of extent.provisions) level.frame.provide(at, provision)
    level.take(extent, (from, to) => this.#join(from, to))
  }

  #placeAtom(atom: Atom, votes: readonly Vote[]): Extent {
    if (this.#names.has(atom.name)) {
      const message = `flow '${this.#flow}' has two atoms named '${atom.name}': give one of them another name`
      throw new TaskFlowError('duplicate-name', message)
    }
    this.#names.add(atom.name)
    const node = this.#place(atom, votes)
    return { first: node, last: node, hollow: false, provisions: provisionsOf(atom, node) }
  }

  #place(atom: Atom | null, votes: readonly Vote[]): number {
    const node = this.#atoms.push(atom) - 1
    this.#controllers.push(this.#controller())
    if (votes.length > 0) this.#votes.set(node, votes)
    const bindings = this.#scope.bind(atom?.needs ?? [])
    this.#bindings.push(bindings)
    this.#revertBindings.push(atom?.revertNeeds ? this.#scope.bind(atom.revertNeeds) : bindings)
    return node
  }

  /** The retry of the nearest flow around that has one. */
  #controller(): number {
    const level = this.#levels.at(-1)
    if (!level) return noNode
    const { entry, first } = level.entrance
    return level.flow.retry ? entry : this.#controllers[first]!
  }

  #join(from: number, to: number): void {
    this.#from.push(from)
    this.#to.push(to)
  }
}

function providedBy(atoms: readonly (Atom | null)[]): ReadonlyMap<string, readonly Provision[]> {
  const provided = new Map<string, Provision[]>()
  for (const [node, atom] of atoms.entries()) {
    if (!atom) continue
    for (const provision of provisionsOf(atom, node)) {
      const known = provided.get(provision.symbol)
      if (known) known.push(provision)
      else provided.set(provision.symbol, [provision])
    }
  }
  return provided
}

function provisionsOf({ provides }: Atom, node: number): readonly Provision[] {
  return provides.map(({ symbol, path }) => ({ symbol, node, part: path }))
}
