import type { Plan } from './compiler/plan.ts'
import type { Failure } from './failure.ts'
import type { AtomState, FlowState } from './states.ts'

/**
 * What is known of an atom of a run. It may be ahead of what listeners have heard: what an atom goes on to in the same
 * moment is known already.
 *
 * @example
 * const sayAtom = ({ name, state, inputs }: AtomView) => `${name} ${state} ${JSON.stringify(inputs)}`
 */
export interface AtomView {
  readonly name: string
  readonly kind: 'task' | 'retry'
  readonly state: AtomState
  /** What is to become of it. */
  readonly intention: 'EXECUTE' | 'REVERT' | 'RETRY'
  /** Number of the latest execute: 1, 2, ...; 0 before the first. */
  readonly attempt: number
  /** What its execute was given; null before it has begun, and where that could not be found. */
  readonly inputs: Readonly<Record<string, unknown>> | null
  /** What its execute gave; not there before that, nor once it is undone. */
  readonly output?: unknown
  /** Why it failed, or could not be undone. */
  readonly failure: Failure | null
}

/**
 * What can be seen of a run; an `Engine` is one.
 *
 * @example
 * const begun = (run: Inspection) => run.compile().atoms.filter((atom) => atom && run.atom(atom.name)?.inputs).length
 * const engine = new Engine(flow('f', (f) => f.add(task({ name: 'work', execute: () => 1 }), {})))
 * await engine.run({})
 * console.log(begun(engine)) // 1
 */
export interface Inspection {
  /** Id of the run. */
  readonly id: string
  readonly state: FlowState
  /** Why atoms failed, and why atoms could not be undone, in the order of the flow. */
  readonly failures: readonly Failure[]
  readonly revertFailures: readonly Failure[]
  /** The plan of the flow. */
  compile(): Plan
  /** What is known of an atom; null where the flow has none of this name. */
  atom(name: string): AtomView | null
}
