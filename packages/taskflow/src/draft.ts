import { TaskFlowError } from './errors.ts'
import type { Path, Provided } from './nodes.ts'

/** What all parts of one flow share while it is written. */
export class Draft {
  readonly name: string
  readonly atoms: Set<string> = new Set()
  readonly used: Set<string> = new Set()
  readonly inputs: object

  constructor(name: string) {
    this.name = name
    this.inputs = new Proxy({}, { get: (_, key) => (typeof key === 'string' ? this.input(key) : undefined) })
  }

  input(key: string): Reference {
    if (this.atoms.has(key)) throw this.clash(key)
    this.used.add(key)
    return new Reference(this, key, [])
  }

  claim(name: string): void {
    if (this.used.has(name)) throw this.clash(name)
    if (this.atoms.has(name)) {
      throw new TaskFlowError(
        'duplicate-name',
        `flow '${this.name}' has two atoms named '${name}'; give one another name: f.add(task, {...}, { name: '...' })`,
      )
    }
    this.atoms.add(name)
  }

  need(reference: Reference, owner: string): Provided {
    if (reference.draft !== this) {
      throw new TaskFlowError(
        'foreign-handle',
        `${owner} takes '${reference.symbol}' of flow '${reference.draft.name}', but it is part of flow '${this.name}'; ` +
          'a flow takes values of other flows as inputs',
      )
    }
    return { symbol: reference.symbol, path: reference.path }
  }

  clash(name: string): TaskFlowError {
    return new TaskFlowError('duplicate-name', `in flow '${this.name}' an input and an atom are both named '${name}'`)
  }
}

/** The one real handle: a symbol of a flow that is being written, and the part of its value. */
export class Reference {
  readonly draft: Draft
  readonly symbol: string
  readonly path: Path

  constructor(draft: Draft, symbol: string, path: Path) {
    this.draft = draft
    this.symbol = symbol
    this.path = path
  }

  at(key: string): Reference {
    return new Reference(this.draft, this.symbol, [...this.path, key])
  }
}
