import type { AtomState, FlowState } from '../states.ts'
import type { AtomEvent, FlowEvent, Listener } from './listener.ts'
import { isResting, RunBook } from './run-book.ts'
import { type Spent, Stopwatch } from './stopwatch.ts'

/**
 * When a flow entered each state, in the time of `now`, the latest time of each; and how long it ran.
 *
 * @example
 * const took = ({ entered, run }: FlowTimes) => `began at ${entered.RUNNING}, ran ${run.total} ms`
 */
export interface FlowTimes {
  readonly name: string
  readonly entered: Readonly<Partial<Record<FlowState, number>>>
  /** From RUNNING until it rested; a run that is suspended and goes on is two. */
  readonly run: Spent
}

/**
 * When an atom entered each state, in the time of `now`, the latest time of each; and how long it worked.
 *
 * @example
 * const took = ({ execute, revert }: AtomTimes) => `${execute.total} ms done, ${revert.total} ms undone`
 */
export interface AtomTimes {
  readonly kind: 'task' | 'retry'
  readonly entered: Readonly<Partial<Record<AtomState, number>>>
  readonly execute: Spent
  readonly revert: Spent
}

/**
 * How a {@link TimingListener} measures, and how much it remembers.
 *
 * @example
 * const options: TimingOptions = { now: () => Date.now(), keep: 10 }
 */
export interface TimingOptions {
  /** Milliseconds; must not go back. Default: since 1970, by a clock that nobody sets back. */
  readonly now?: () => number
  /** How many runs that rest are remembered, the latest ones. Default 100. */
  readonly keep?: number
}

interface AtomPage {
  readonly kind: 'task' | 'retry'
  readonly entered: Partial<Record<AtomState, number>>
  readonly execute: Stopwatch
  readonly revert: Stopwatch
}

interface RunPage {
  name: string
  readonly entered: Partial<Record<FlowState, number>>
  readonly run: Stopwatch
  readonly atoms: Map<string, AtomPage>
}

/**
 * Measures how long flows and atoms take. It can be read at any time, and serve any number of runs at once. What it
 * tells is what a listener hears: an execute counts from when its begin was stored until its end was.
 *
 * Source: TaskFlow's `DurationListener` and `EventTimeListener`.
 *
 * @example
 * let time = 0
 * const timing = new TimingListener({ now: () => time })
 * const work = task({ name: 'work', execute: () => { time += 20 } })
 * await run(flow('f', (f) => f.add(work, {})), {}, { id: 'r', listeners: [timing] })
 * console.log(timing.atom('r', 'work')?.execute.total) // 20
 */
export class TimingListener implements Listener {
  readonly #now: () => number
  readonly #runs: RunBook<RunPage>

  /** @throws TaskFlowError `invalid-flow` when `keep` is not a whole number of at least 0. */
  constructor(options: TimingOptions = {}) {
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now())
    this.#runs = new RunBook(options.keep ?? 100, newPage)
  }

  /** Ids of the runs that are remembered. */
  get runs(): readonly string[] {
    return [...this.#runs.pages.keys()]
  }

  /** Null where nothing is known of that run. */
  flow(flow: string): FlowTimes | null {
    const page = this.#runs.pages.get(flow)
    return page ? { name: page.name, entered: { ...page.entered }, run: page.run.read() } : null
  }

  /** Null where nothing is known of that atom. */
  atom(flow: string, atom: string): AtomTimes | null {
    const page = this.#runs.pages.get(flow)?.atoms.get(atom)
    return page ? timesOf(page) : null
  }

  /** By name, the times of all atoms that have been heard of. */
  atoms(flow: string): ReadonlyMap<string, AtomTimes> {
    const pages = [...(this.#runs.pages.get(flow)?.atoms ?? [])]
    return new Map(pages.map(([atom, page]) => [atom, timesOf(page)]))
  }

  /** Of a run that was lost to its storage nobody hears an end: it is remembered until it is forgotten. */
  forget(flow: string): void {
    this.#runs.forget(flow)
  }

  onFlow({ flow, name, state }: FlowEvent): void {
    const now = this.#now()
    const page = state === 'RUNNING' ? this.#runs.wake(flow) : this.#runs.at(flow)
    page.name = name
    page.entered[state] = now
    if (state === 'RUNNING') page.run.begin(now)
    if (!isResting(state)) return
    page.run.end(now)
    this.#runs.rest(flow)
  }

  onAtom({ flow, atom, kind, state }: AtomEvent): void {
    const now = this.#now()
    const { atoms } = this.#runs.at(flow)
    const page = atoms.get(atom) ?? { kind, entered: {}, execute: new Stopwatch(), revert: new Stopwatch() }
    atoms.set(atom, page)
    page.entered[state] = now
    if (state === 'RUNNING') page.execute.begin(now)
    if (state === 'SUCCESS' || state === 'FAILURE') page.execute.end(now)
    if (state === 'REVERTING') page.revert.begin(now)
    if (state === 'REVERTED' || state === 'REVERT_FAILURE') page.revert.end(now)
  }
}

function newPage(): RunPage {
  return { name: '', entered: {}, run: new Stopwatch(), atoms: new Map() }
}

function timesOf({ kind, entered, execute, revert }: AtomPage): AtomTimes {
  return { kind, entered: { ...entered }, execute: execute.read(), revert: revert.read() }
}
