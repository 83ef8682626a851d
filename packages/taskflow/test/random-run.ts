import { type AtomState, Engine, type EngineOptions, type FlowState, MemoryBackend } from '../src/index.ts'
import { type AtomFacts, type Doing, listAtoms, makeFlow, type Tree } from './random-flow.ts'
import { Trace } from './trace.ts'
import { turn } from './workbench.ts'

export type Deed = 'execute' | 'executed' | 'failed' | 'revert' | 'reverted' | 'revert failed'

interface Entry {
  readonly name: string
  readonly deed: Deed
  readonly args?: Readonly<Record<string, unknown>>
  readonly result?: unknown
}

/** One run of a random flow, written down by its own tasks. */
export interface Protocol {
  readonly atoms: readonly AtomFacts[]
  readonly entries: readonly Entry[]
  /** The most executes and reverts that were under way at once. */
  readonly peak: number
  readonly state: FlowState
  /** What is stored at the end; atoms that never began are PENDING. */
  readonly states: Readonly<Record<string, AtomState>>
  readonly trace: Trace
}

/**
 * Runs a tree to its end.
 *
 * @param choices which of those that are under way ends next, turn after turn, over and over.
 */
export async function runTree(tree: Tree, options: EngineOptions, choices: readonly number[]): Promise<Protocol> {
  const stage = new Stage()
  const trace = new Trace()
  const backend = new MemoryBackend()
  const engine = new Engine(makeFlow(tree, stage), { ...options, backend, listeners: [trace] })
  const ended: unknown[] = []
  const run = engine.run({}).then(
    () => ended.push('done'),
    (error: unknown) => ended.push(error),
  )
  for (let step = 0; ended.length === 0; step++) {
    await turn()
    stage.endOne(choices[step % choices.length] ?? 0)
  }
  await run
  const atoms = listAtoms(tree)
  const stored = new Map(backend.load(engine.id)?.atoms.map(({ name, state }) => [name, state]))
  const states = Object.fromEntries(atoms.map(({ name }) => [name, stored.get(name) ?? 'PENDING']))
  return { atoms, entries: stage.entries, peak: stage.peak, state: engine.state, states, trace }
}

class Stage implements Doing {
  readonly entries: Entry[] = []
  peak = 0
  #underWay = 0
  readonly #waiting: (() => void)[] = []

  execute({ name, behaviour }: AtomFacts, args: Readonly<Record<string, unknown>>): unknown {
    this.#begin({ name, deed: 'execute', args })
    const end = (): unknown => {
      if (behaviour.fails) this.#fail({ name, deed: 'failed' })
      const result = { of: name, entry: this.entries.length }
      this.#end({ name, deed: 'executed', result })
      return result
    }
    return behaviour.waits ? this.#wait(end) : end()
  }

  revert({ name, behaviour }: AtomFacts, args: Readonly<Record<string, unknown>>): unknown {
    this.#begin({ name, deed: 'revert', args })
    const end = (): unknown => {
      if (behaviour.revertFails) this.#fail({ name, deed: 'revert failed' })
      this.#end({ name, deed: 'reverted' })
      return undefined
    }
    return behaviour.revertWaits ? this.#wait(end) : end()
  }

  endOne(choice: number): void {
    const [end] = this.#waiting.splice(choice % Math.max(1, this.#waiting.length), 1)
    end?.()
  }

  #begin(entry: Entry): void {
    this.entries.push(entry)
    this.peak = Math.max(this.peak, ++this.#underWay)
  }

  #end(entry: Entry): void {
    this.entries.push(entry)
    this.#underWay--
  }

  #fail(entry: Entry): never {
    this.#end(entry)
    throw new Error(`${entry.name} ${entry.deed}`)
  }

  async #wait(end: () => unknown): Promise<unknown> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
    })
    return end()
  }
}
