/** Runs random flows with random timing, and looks at everything that happens. */
import * as fc from 'fast-check'
import {
  type AtomChange,
  type AtomEvent,
  type Batch,
  Engine,
  type FlowEvent,
  type StoredFlow,
  type Transition,
} from '../src/index.ts'
import { ObservedBackend } from './observed-backend.ts'
import { Atoms, type Entry, type Surroundings } from './random-atoms.ts'
import { buildFlow } from './random-build.ts'
import { type FlowFacts, factsOf } from './random-facts.ts'
import { isProgress, Model } from './random-model.ts'
import { listed, refuse, same } from './random-refusal.ts'
import { checkRest } from './random-rest.ts'
import type { Act, Drive, Interruption, Story } from './random-story.ts'
import { Timing } from './random-timing.ts'
import { turn } from './workbench.ts'

/** How one ride ended: what was thrown, or undefined. */
interface Ride {
  readonly by: 'run' | 'iterate'
  readonly error: unknown
}

/** A run of a random flow, up to where it was over and was done with. */
export interface Protocol {
  readonly story: Story
  readonly facts: FlowFacts
  readonly engine: Engine<object, unknown>
  readonly model: Model
  readonly entries: readonly Entry[]
  readonly events: readonly Transition[]
  readonly rides: readonly Ride[]
  /** The most executes and reverts that were under way at once. */
  readonly peak: number
  readonly stored: StoredFlow
  /** Whether a commit failed; the story ends there. */
  readonly isLost: boolean
  /** What was under way at the end. */
  readonly atWork: readonly string[]
}

/** Tells everything that is needed to see what went wrong. */
class Counterexample extends Error {
  override readonly name = 'Counterexample'

  constructor(cause: unknown, facts: FlowFacts, { plan: _plan, ...story }: Story, log: readonly string[]) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super([why, facts.describe(), JSON.stringify(story), ...log].join('\n'), { cause })
  }
}

/** @param look is shown the engine whenever it is about to store something, and when it rests. */
export async function tell(
  story: Story,
  look: (engine: Engine<object, unknown>) => void = () => {},
): Promise<Protocol> {
  const facts = factsOf(story.plan, story.given)
  const stage = new Stage(facts, story, look)
  try {
    return await stage.play()
  } catch (error) {
    throw new Counterexample(error, facts, story, stage.log)
  }
}

/** A property of all stories that were told to their end. */
export async function checkStories(
  stories: fc.Arbitrary<Story>,
  numRuns: number,
  check: (protocol: Protocol) => void = () => {},
): Promise<void> {
  const property = fc.asyncProperty(stories, async (story) => {
    const protocol = await tell(story)
    try {
      check(protocol)
    } catch (error) {
      throw new Counterexample(error, protocol.facts, story, protocol.events.map(eventText))
    }
  })
  await fc.assert(property, { numRuns: runs(numRuns) })
}

/** How often a property is tried; TASKFLOW_PROPERTY_RUNS says how often in its place. */
export function runs(usual: number): number {
  const wanted = Number(process.env['TASKFLOW_PROPERTY_RUNS'] ?? Number.NaN)
  return Number.isInteger(wanted) && wanted > 0 ? wanted : usual
}

/** Milliseconds that the properties may take: more than they need on a busy machine, and any where they are many. */
export const unhurried = { timeout: process.env['TASKFLOW_PROPERTY_RUNS'] === undefined ? 60_000 : 0 }

/** `flow PENDING>RUNNING`, `t0 PENDING>RUNNING`. */
export function eventText(event: Transition): string {
  return `${nameOf(event)} ${event.oldState}>${event.state}`
}

function nameOf(event: Transition): string {
  return 'atom' in event ? event.atom : 'flow'
}

/** What is stored of the error that the signal aborts with. */
const aborted = { reason: 'aborted' }

/** A change, without what makes it long. */
function inShort({ name, state, ...facts }: AtomChange): string {
  return `${name} ${state ?? Object.keys(facts).join()}`
}

/** More turns than anything needs that waits for nobody. */
const patience = 12

class Stage implements Surroundings {
  readonly log: string[] = []
  readonly timing = new Timing(this.log)
  readonly model: Model
  readonly stamped: boolean
  /** Changes of the batch that is stored and not yet announced: `t0 RUNNING`. */
  readonly unheard: string[] = []
  readonly #facts: FlowFacts
  readonly #story: Story
  readonly #look: (engine: Engine<object, unknown>) => void
  readonly #atoms: Atoms
  readonly #engine: Engine<object, unknown>
  readonly #backend: ObservedBackend
  readonly #signal = new AbortController()
  readonly #events: Transition[] = []
  readonly #rides: Ride[] = []
  readonly #counts = { turn: 0, call: 0, event: 0, question: 0 }
  #isResetting = false
  /** Whether the signal had aborted before the ride began, and nothing has been stored since. */
  #abortedBefore = false
  /** What is cancelled while the engine looks for what is ready counts from its next look on. */
  #cancelsNext: { readonly reason: unknown } | null = null
  #commits = 0
  /** A look at the clock takes a millisecond. */
  #looks = 0
  #stored: Promise<void> = Promise.resolve()
  #problem: { readonly error: unknown } | null = null

  constructor(facts: FlowFacts, story: Story, look: (engine: Engine<object, unknown>) => void) {
    this.#facts = facts
    this.#story = story
    this.#look = look
    this.stamped = story.stamped
    this.#atoms = new Atoms(this)
    this.model = new Model(facts, story.options, this.#atoms)
    this.#backend = new ObservedBackend((batch) => this.#store(batch))
    this.#engine = new Engine<object, unknown>(buildFlow(facts, this.#atoms), {
      ...story.options,
      backend: this.#backend,
      signal: this.#signal.signal,
      listeners: [{ onFlow: (event) => this.#hear(event), onAtom: (event) => this.#hear(event) }],
      clock: { now: () => this.#looks++, wait: (_milliseconds, ended) => this.#time(ended) },
    })
  }

  async play(): Promise<Protocol> {
    const left = [...this.#story.again]
    for (let nth = 0; ; nth++) {
      await this.#ride(this.#story.drives[nth] ?? { by: 'run' }, nth === 0)
      if (this.#isLost) break
      this.#rest()
      if (this.#engine.state === 'SUSPENDED') continue
      const next = left.shift()
      if (next === undefined) break
      if (next === 'reset') await this.#reset()
    }
    const { entries, peak, underWay } = this.#atoms
    return {
      story: this.#story,
      facts: this.#facts,
      engine: this.#engine,
      model: this.model,
      entries,
      events: this.#events,
      rides: this.#rides,
      peak,
      stored: this.#backend.load(this.#engine.id)!,
      isLost: this.#isLost,
      atWork: [...underWay],
    }
  }

  /** Whether a commit failed, so that the engine and what is stored have gone different ways. */
  get #isLost(): boolean {
    return this.#story.storeFails !== null && this.#commits >= this.#story.storeFails
  }

  async #ride(drive: Drive, isFirst: boolean): Promise<void> {
    this.log.push(`--- ${JSON.stringify(drive)}`)
    this.#abortedBefore = this.#signal.signal.aborted
    this.model.ride()
    const inputs = isFirst ? [this.#facts.inputs] : []
    const ride = drive.by === 'run' ? this.#engine.run(...inputs) : this.#iterate(drive, ...inputs)
    const error = await this.#toEnd(ride)
    this.model.rest()
    this.#rides.push({ by: drive.by, error })
    this.log.push(`--- ${this.#engine.state} ${String(error)}`)
    if (this.#problem) throw this.#problem.error
  }

  async #iterate({ stop, pauses }: Drive & { by: 'iterate' }, ...inputs: object[]): Promise<void> {
    const heard: string[] = []
    const from = this.#events.length
    let leftOff = false
    for await (const transition of this.#engine.iterate(...inputs)) {
      heard.push(eventText(transition))
      if (heard.length > stop) {
        leftOff = this.#engine.state === 'RUNNING'
        this.model.suspend()
        break
      }
      if (pauses) await this.timing.pause('the reader of iterate()')
    }
    if (this.#isLost) return
    const told = this.#events.slice(from).map(eventText)
    if (leftOff && !this.model.cancelled && !told.includes('flow RUNNING>SUSPENDING')) refuse('nobody listens any more')
    const wanted = heard.length > stop ? told.slice(0, heard.length) : told
    if (!same(heard, wanted)) refuse(`iterate() gave ${listed(heard)}, not ${listed(wanted)}`)
  }

  async #reset(): Promise<void> {
    const { state } = this.#engine
    if (state !== 'SUCCESS' && state !== 'REVERTED') return
    this.log.push('--- reset')
    this.model.ride()
    this.#isResetting = true
    const error = await this.#toEnd(this.#engine.reset())
    this.#isResetting = false
    if (this.#problem) throw this.#problem.error
    if (error !== undefined) throw error
    if (this.#engine.state !== 'PENDING') refuse(`a run that is reset is ${this.#engine.state}`)
  }

  /** Ends one after another of what waits, until the engine has come to an end; gives what it threw. */
  async #toEnd(promise: Promise<unknown>): Promise<unknown> {
    const ended: unknown[] = []
    const over = promise.then(
      () => ended.push(undefined),
      (error: unknown) => ended.push(error),
    )
    for (let idle = 0, step = 0; ended.length === 0; ) {
      await turn()
      if (this.#problem) this.timing.endAll()
      if (ended.length > 0) break
      this.interrupt('turn')
      idle = this.timing.waiting.length > 0 ? 0 : idle + 1
      if (idle > patience) throw this.#problem?.error ?? new Error('the run hangs: nothing is under way')
      if (idle === 0) for (const choice of this.#choicesAt(step++)) this.timing.endOne(choice)
    }
    await over
    return ended[0]
  }

  #choicesAt(step: number): readonly number[] {
    const { choices } = this.#story
    return choices[step % choices.length]!
  }

  #rest(): void {
    const { error, by } = this.#rides.at(-1)!
    const { underWay, endsLeft } = this.#atoms
    if (underWay.size > 0) refuse(`the run rests, but ${listed(underWay)} is under way`)
    if (this.timing.waiting.length > 0) refuse(`the run rests, but ${listed(this.timing.waiting)} waits`)
    if (this.unheard.length > 0) refuse(`${listed(this.unheard)} was stored and never announced`)
    if (endsLeft > 0) refuse('the end of a call was not taken notice of')
    checkRest(this.#engine, this.model, this.#backend.load(this.#engine.id)!, by === 'run' ? { error } : null)
    if (by === 'iterate' && error !== undefined) throw error
    this.#look(this.#engine)
  }

  #store(batch: Batch): Promise<void> | undefined {
    this.guard(() => {
      this.log.push(`  store ${JSON.stringify({ change: batch.change, atoms: batch.atoms.map(inShort) })}`)
      const way = this.model.see(batch, this.#isResetting, this.#abortedBefore ? aborted : null)
      for (const { name, state } of batch.atoms) if (state !== undefined) this.unheard.push(`${name} ${state}`)
      for (const state of way) this.unheard.push(`flow ${state}`)
      this.#look(this.#engine)
    })
    this.#abortedBefore = false
    if (this.#cancelsNext && this.#engine.cancelled) this.model.cancel(this.#cancelsNext.reason)
    this.#cancelsNext = null
    // Progress that cannot be stored is no reason to stop.
    const isFull = !isProgress(batch) && ++this.#commits === this.#story.storeFails
    if (this.#story.slowStore) return this.#storeSlowly(isFull)
    if (isFull) throw new Error('the disk is full')
    return undefined
  }

  /** Commits take time, but take effect in the order in which they were made. */
  async #storeSlowly(isFull: boolean): Promise<void> {
    const before = this.#stored
    const stored = this.timing.pause('a commit').then(() => before)
    this.#stored = stored
    await stored
    if (isFull) throw new Error('the disk is full')
  }

  #hear(event: FlowEvent | AtomEvent): void {
    this.guard(() => {
      this.#events.push(event)
      const text = `${nameOf(event)} ${event.state}`
      const at = this.unheard.indexOf(text)
      if (at < 0) refuse(`${text} is announced, but was not stored: ${listed(this.unheard)}`)
      this.unheard.splice(at, 1)
    })
    this.interrupt('event')
  }

  #time(ended: () => void): () => void {
    const name = this.#atoms.timed ?? refuse('a clock is set for no retry')
    this.#atoms.timed = null
    return this.timing.add(`backoff of ${name}`, () => {
      this.model.endBackoff(name)
      ended()
    })
  }

  /** @param isLooking the engine is looking for what is ready */
  interrupt(on: Interruption['on'], isLooking: boolean = false): void {
    const nth = this.#counts[on]++
    for (const interruption of this.#story.interruptions) {
      if (interruption.on === on && interruption.nth === nth) this.#act(interruption.act, isLooking)
    }
  }

  #act(act: Act, isLooking: boolean): void {
    this.log.push(`  ${act}`)
    if (isLooking) this.model.loosen()
    if (act === 'suspend') {
      this.model.suspend(isLooking)
      return this.#engine.suspend()
    }
    const { reason } = act === 'cancel' ? { reason: 'enough' } : aborted
    if (act === 'cancel') this.#engine.cancel(reason)
    else this.#signal.abort(new Error('aborted'))
    // A run whose end is being stored is over already, and does not notice.
    if (!this.#engine.cancelled) return
    this.model.goOn()
    if (isLooking) this.#cancelsNext ??= { reason }
    else this.model.cancel(reason)
  }

  guard(check: () => void): void {
    try {
      if (!this.#problem) check()
    } catch (error) {
      this.#problem = { error }
    }
  }
}
