import { TaskFlowError } from '../errors.ts'
import type { AtomNode, FlowNode, PlainNode } from '../patterns.ts'
import { joinEdges, rankNodes, reverseEdges } from './edges.ts'
import { type Binding, fromInputs, type Plan } from './plan.ts'
import { Visibility } from './visibility.ts'

/**
 * Turns a flow into a plan, in time linear in atoms, edges and wired arguments.
 *
 * @throws TaskFlowError `duplicate-name`, `invalid-flow`
 */
export function compile(root: FlowNode): Plan {
  const walk = new Walk(root.name)
  walk.enter(root)
  return walk.finish()
}

class Walk {
  readonly #flow: string
  readonly #atoms: (AtomNode | null)[] = []
  readonly #bindings: (readonly Binding[])[] = []
  readonly #from: number[] = []
  readonly #to: number[] = []
  readonly #names = new Set<string>()
  readonly #inputs = new Set<string>()
  readonly #provided = new Map<string, string>()
  readonly #visible = new Visibility()

  constructor(flow: string) {
    this.#flow = flow
  }

  /** Lays out a flow between two joins; returns the joins. */
  enter(flow: FlowNode): { start: number; end: number } {
    const start = this.#place(null, [])
    const exits = flow.pattern === 'linear' ? this.#inLine(flow, start) : this.#sideBySide(flow, start)
    const end = this.#place(null, [])
    for (const exit of exits) this.#link(exit, end)
    return { start, end }
  }

  finish(): Plan {
    const size = this.#atoms.length
    const successors = joinEdges(size, this.#from, this.#to)
    return Object.freeze({
      name: this.#flow,
      size,
      atoms: this.#atoms,
      successors,
      predecessors: reverseEdges(size, successors),
      ...rankNodes(this.#atoms),
      bindings: this.#bindings,
      inputs: this.#inputs,
      provided: this.#provided,
    })
  }

  #inLine(flow: FlowNode, start: number): number[] {
    let before = start
    for (const child of flow.children) before = this.#add(child, before)
    return [before]
  }

  #sideBySide(flow: FlowNode, start: number): number[] {
    const exits: number[] = []
    const hidden: ReturnType<Visibility['hide']>[] = []
    for (const child of flow.children) {
      const mark = this.#visible.mark()
      exits.push(this.#add(child, start))
      hidden.push(this.#visible.hide(mark))
    }
    for (const provided of hidden) this.#visible.restore(provided)
    return exits.length > 0 ? exits : [start]
  }

  /** Adds a child behind a node; returns the node that the next one goes behind. */
  #add(child: PlainNode, before: number): number {
    if (child.kind === 'task') {
      const node = this.#addAtom(child)
      this.#link(before, node)
      return node
    }
    if (child.kind !== 'flow') {
      throw new TaskFlowError('invalid-flow', `flow '${this.#flow}' holds something that is neither an atom nor a flow`)
    }
    const { start, end } = this.enter(child)
    this.#link(before, start)
    return end
  }

  #addAtom(atom: AtomNode): number {
    if (this.#names.has(atom.name)) {
      throw new TaskFlowError('duplicate-name', `flow '${this.#flow}' has two atoms named '${atom.name}'`)
    }
    this.#names.add(atom.name)
    const node = this.#place(atom, this.#bind(atom))
    for (const symbol of Object.keys(atom.provides)) {
      this.#visible.provide(symbol, { node, part: atom.provides[symbol]! })
      if (!this.#provided.has(symbol)) this.#provided.set(symbol, atom.name)
    }
    return node
  }

  #bind(atom: AtomNode): Binding[] {
    const bindings: Binding[] = []
    for (const argument of Object.keys(atom.needs)) {
      const { symbol, path } = atom.needs[argument]!
      if (Object.hasOwn(atom.inject, symbol)) continue
      const provider = this.#visible.find(symbol)
      if (!provider) this.#inputs.add(symbol)
      bindings.push({ argument, symbol, path, provider: provider?.node ?? fromInputs, part: provider?.part ?? [] })
    }
    return bindings
  }

  #place(atom: AtomNode | null, bindings: readonly Binding[]): number {
    this.#bindings.push(bindings)
    return this.#atoms.push(atom) - 1
  }

  #link(from: number, to: number): void {
    this.#from.push(from)
    this.#to.push(to)
  }
}
