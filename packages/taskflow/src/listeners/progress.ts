import { TaskFlowError } from '../errors.ts'
import type { AtomState } from '../states.ts'
import type { Progress } from '../storage/records.ts'
import type { AtomEvent, FlowEvent, Listener, ProgressEvent } from './listener.ts'
import { isResting, RunBook } from './run-book.ts'

/**
 * How much a {@link ProgressListener} remembers.
 *
 * @example
 * const options: ProgressOptions = { keep: 0 }
 */
export interface ProgressOptions {
  /** How many runs that rest are remembered, the latest ones. Default 100. */
  readonly keep?: number
}

interface RunPage {
  readonly atoms: Map<string, Progress>
  /** Atoms that count as a whole. */
  readonly done: Set<string>
  /** Atoms whose fraction counts: those that execute, so never more than run at once. */
  readonly atWork: Set<string>
}

const none: Progress = { fraction: 0, details: null }
const whole: Progress = { fraction: 1, details: null }

/** What a state says of the progress of an atom; other states leave it as it is. Source: TaskFlow's update_progress. */
const progressOf: { readonly [S in AtomState]?: Progress } = {
  PENDING: none,
  IGNORE: none,
  RUNNING: none,
  REVERTING: none,
  SUCCESS: whole,
  REVERTED: whole,
}

/**
 * Knows how far each atom is, and how far a run is. It can be read at any time, and serve any number of runs at once.
 *
 * An atom's fraction is that of its present work, of its revert too. A run's fraction says how much of it stands: it
 * falls back when something is reverted.
 *
 * @example
 * const progress = new ProgressListener()
 * const work = task({ name: 'work', execute: () => 1 })
 * await run(flow('f', (f) => f.add(work, {})), {}, { id: 'r', listeners: [progress] })
 * console.log(progress.atom('r', 'work')?.fraction, progress.fraction('r', 2)) // 1 0.5
 */
export class ProgressListener implements Listener {
  readonly #runs: RunBook<RunPage>

  /** @throws TaskFlowError `invalid-flow` when `keep` is not a whole number of at least 0. */
  constructor(options: ProgressOptions = {}) {
    this.#runs = new RunBook(options.keep ?? 100, () => ({ atoms: new Map(), done: new Set(), atWork: new Set() }))
  }

  /** Ids of the runs that are remembered. */
  get runs(): readonly string[] {
    return [...this.#runs.pages.keys()]
  }

  /** Null where nothing is known of that atom. */
  atom(flow: string, atom: string): Progress | null {
    return this.#runs.pages.get(flow)?.atoms.get(atom) ?? null
  }

  /** By name, all atoms that have been heard of. */
  atoms(flow: string): ReadonlyMap<string, Progress> {
    return new Map(this.#runs.pages.get(flow)?.atoms)
  }

  /**
   * How much of a run is done and stands, from 0 to 1. Atoms that succeeded or are ignored count as a whole, those that
   * execute by their fraction, all others not at all. 0 where nothing is known of that run.
   *
   * @param atoms how many atoms the flow has, retries included: with an engine, those of `compile().atoms` that are
   *   not null.
   * @throws TaskFlowError `invalid-flow` when `atoms` is not a whole number of at least 1.
   */
  fraction(flow: string, atoms: number): number {
    if (!Number.isInteger(atoms) || atoms < 1) {
      throw new TaskFlowError('invalid-flow', `a run has a whole number of atoms, at least 1, not ${atoms}`)
    }
    const page = this.#runs.pages.get(flow)
    if (!page) return 0
    let stands = page.done.size
    for (const atom of page.atWork) stands += page.atoms.get(atom)!.fraction
    return Math.min(1, stands / atoms)
  }

  /** Of a run that was lost to its storage nobody hears an end: it is remembered until it is forgotten. */
  forget(flow: string): void {
    this.#runs.forget(flow)
  }

  onFlow({ flow, state }: FlowEvent): void {
    if (state === 'RUNNING') this.#runs.wake(flow)
    else if (isResting(state)) this.#runs.rest(flow)
  }

  onAtom({ flow, atom, state }: AtomEvent): void {
    const { atoms, done, atWork } = this.#runs.at(flow)
    atoms.set(atom, progressOf[state] ?? atoms.get(atom) ?? none)
    move(done, atom, state === 'SUCCESS' || state === 'IGNORE')
    move(atWork, atom, state === 'RUNNING')
  }

  onProgress({ flow, atom, fraction, details }: ProgressEvent): void {
    this.#runs.at(flow).atoms.set(atom, { fraction, details })
  }
}

function move(set: Set<string>, atom: string, into: boolean): void {
  if (into) set.add(atom)
  else set.delete(atom)
}
