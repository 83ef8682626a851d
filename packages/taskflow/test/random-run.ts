/** Runs random flows with random timing: everything that could take time waits until the test ends it. */
import * as fc from 'fast-check'
import {
  type AtomEvent,
  type AtomRecord,
  type AtomState,
  type Batch,
  type Decision,
  Engine,
  type EngineOptions,
  Failure,
  type FlowEvent,
  type FlowState,
  type Outcome,
  type RetryContext,
  type RevertContext,
  type StoredFlow,
  type TaskContext,
  TaskFlowError,
  type Transition,
  WrappedFailure,
} from '../src/index.ts'
import { ObservedBackend } from './observed-backend.ts'
import { type Arguments, buildFlow, type Doing } from './random-build.ts'
import { type AtomFacts, type FlowFacts, factsOf, type LinkFacts, type Vote } from './random-facts.ts'
import {
  type Ballot,
  everything,
  type FlowPlan,
  fails,
  type Ingredients,
  randomFlow,
  type Shared,
} from './random-flow.ts'
import { type Asked, type End, Model, refuse, same, sorted, type Witness } from './random-model.ts'
import { turn } from './workbench.ts'

export type Options = Pick<
  EngineOptions,
  'mode' | 'maxWorkers' | 'deferReverts' | 'neverResolve' | 'failFast' | 'onRevertFailure'
>

type Act = 'cancel' | 'abort' | 'suspend'

/** Something that comes from outside: at the nth turn, call of an atom, event, or question to a retry or decider. */
export interface Interruption {
  readonly act: Act
  readonly on: 'turn' | 'call' | 'event' | 'question'
  readonly nth: number
}

/** How the run is driven; what stops early is driven again, in the end by `run()`. */
export type Drive = { readonly by: 'run' } | { readonly by: 'iterate'; readonly stop: number; readonly pauses: boolean }

export interface Story {
  readonly plan: FlowPlan
  readonly given: readonly Shared[]
  readonly options: Options
  /** Which of those that are under way end next, turn after turn, over and over. */
  readonly choices: readonly (readonly number[])[]
  readonly interruptions: readonly Interruption[]
  readonly drives: readonly Drive[]
  /** Whether to store takes time, too. */
  readonly slowStore: boolean
  /** Which commit fails, for whatever reason; null: none does. */
  readonly storeFails: number | null
  /** What is done once more when the flow is over. */
  readonly again: readonly ('run' | 'reset')[]
  /** Whether two executes of one atom give different results. */
  readonly stamped: boolean
}

export interface StoryOptions extends Partial<Ingredients> {
  readonly options?: fc.Arbitrary<Options>
  /** How many interruptions there may be. */
  readonly interruptions?: number
  /** Whether a run may be left off in the middle by who listens to it. Default: it may. */
  readonly drives?: 'whole'
  readonly again?: number
  readonly stamped?: boolean
  readonly storeFails?: fc.Arbitrary<number>
}

const anyMode: fc.Arbitrary<Options> = fc.oneof(
  fc.constant({ mode: 'serial' as const }),
  fc.integer({ min: 1, max: 5 }).map((maxWorkers) => ({ mode: 'parallel' as const, maxWorkers })),
)

/** A boolean that is seldom true. */
const seldom = fc.constantFrom(false, false, false, false, true)

export const anyOptions: fc.Arbitrary<Options> = fc
  .record({
    mode: anyMode,
    deferReverts: seldom,
    neverResolve: fc.constantFrom(...Array.from({ length: 9 }, () => false), true),
    failFast: seldom,
    onRevertFailure: fc.constantFrom('stop' as const, 'continue' as const),
  })
  .map(({ mode, ...options }) => ({ ...mode, ...options }))

export type Timing = Pick<Story, 'choices' | 'drives' | 'slowStore'>

/** @param stops after how many transitions who listens to a run may leave it off */
export function anyTiming(stops: readonly number[] = [0, 1, 3, 8]): fc.Arbitrary<Timing> {
  const drive = fc.oneof<fc.Arbitrary<Drive>[]>(
    fc.constant({ by: 'run' }),
    fc.record({ by: fc.constant('iterate' as const), stop: fc.constantFrom(10_000, ...stops), pauses: fc.boolean() }),
  )
  return fc.record({
    choices: fc.array(fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 10 }),
    drives: fc.array(drive, { maxLength: 3 }),
    slowStore: seldom,
  })
}

export function randomStory(options: StoryOptions = {}): fc.Arbitrary<Story> {
  const { interruptions = 3, drives, again = 2, stamped = true, storeFails, ...ingredients } = options
  const interruption = fc.record({
    act: fc.constantFrom<Act>('suspend', 'suspend', 'cancel', 'abort'),
    on: fc.constantFrom('turn' as const, 'call' as const, 'event' as const, 'question' as const),
    nth: fc.nat({ max: 25 }),
  })
  const story = fc.record({
    plan: randomFlow({ ...everything, ...ingredients }),
    given: fc.subarray<Shared>(['s0', 's1'], { maxLength: 1 }),
    options: options.options ?? anyOptions,
    interruptions: fc.array(interruption, { maxLength: interruptions }),
    again: fc.array(fc.constantFrom('run' as const, 'reset' as const), { maxLength: again }),
    stamped: fc.constant(stamped),
    storeFails: storeFails ?? fc.constant(null),
    timing: anyTiming(drives === 'whole' ? [] : undefined),
  })
  return story.map(({ timing, ...rest }) => ({ ...rest, ...timing }))
}

export type Deed = 'execute' | 'executed' | 'failed' | 'revert' | 'reverted' | 'revert failed'

/** What an atom's own functions wrote down. */
export interface Entry {
  readonly atom: string
  readonly deed: Deed
  readonly args?: Arguments
}

/** How one ride ended: what was thrown, or undefined. */
export interface Ride {
  readonly by: 'run' | 'iterate'
  readonly state: FlowState
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
  readonly cancelled: boolean
  /** Whether a commit failed; the story ends there. */
  readonly isLost: boolean
  /** What was under way at the end. */
  readonly atWork: readonly string[]
}

/** Tells everything that is needed to see what went wrong. */
export class Counterexample extends Error {
  override readonly name = 'Counterexample'

  constructor(cause: unknown, facts: FlowFacts, { plan: _, ...story }: Story, log: readonly string[]) {
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

function eventText(event: Transition): string {
  return `${'atom' in event ? event.atom : 'flow'} ${event.oldState}>${event.state}`
}

/** Something that waits to be ended by the test. */
interface Waiting {
  readonly what: string
  readonly end: () => void
}

/** More turns than anything needs that waits for nobody. */
const patience = 12

class Stage implements Doing, Witness {
  readonly log: string[] = []
  readonly #facts: FlowFacts
  readonly #story: Story
  readonly #look: (engine: Engine<object, unknown>) => void
  readonly #engine: Engine<object, unknown>
  readonly #model: Model
  readonly #backend: ObservedBackend
  readonly #signal = new AbortController()
  readonly #entries: Entry[] = []
  readonly #events: Transition[] = []
  readonly #rides: Ride[] = []
  readonly #waiting: Waiting[] = []
  readonly #ends = new Map<string, End[]>()
  readonly #decisions: { readonly retry: string; readonly decision: Decision | 'none' }[] = []
  readonly #votes: Asked[] = []
  readonly #calls = new Map<string, number>()
  /** Changes of the batch that is stored and not yet announced: `t0 RUNNING`. */
  readonly #unheard: string[] = []
  readonly #underWay = new Set<string>()
  readonly #counts = { turn: 0, call: 0, event: 0, question: 0 }
  #peak = 0
  #riding = false
  #resetting = false
  /** Whether the signal had aborted before the ride began and the engine has not said so. */
  #abortedBefore = false
  #cancelled = false
  /** What is cancelled while the engine looks for what is ready counts from its next look on. */
  #cancelsNext = false
  #commits = 0
  #stored: Promise<void> = Promise.resolve()
  /** Whose backoff the next timer is. */
  #timed: string | null = null
  #problem: { readonly error: unknown } | null = null

  constructor(facts: FlowFacts, story: Story, look: (engine: Engine<object, unknown>) => void) {
    this.#facts = facts
    this.#story = story
    this.#look = look
    this.#backend = new ObservedBackend((batch) => this.#store(batch))
    this.#model = new Model(facts, story.options, this)
    this.#engine = new Engine<object, unknown>(buildFlow(facts, this), {
      ...story.options,
      backend: this.#backend,
      signal: this.#signal.signal,
      listeners: [{ onFlow: (event) => this.#hear(event), onAtom: (event) => this.#hear(event) }],
      clock: { wait: (_milliseconds, ended) => this.#time(ended) },
    })
  }

  async play(): Promise<Protocol> {
    const { drives, again } = this.#story
    const left = [...again]
    for (let nth = 0; ; nth++) {
      await this.#ride(drives[nth] ?? { by: 'run' }, nth === 0)
      if (this.#isLost) break
      this.#checkRest()
      if (this.#engine.state === 'SUSPENDED') continue
      const next = left.shift()
      if (next === undefined) break
      if (next === 'reset') await this.#reset()
    }
    return {
      ...{ story: this.#story, facts: this.#facts, engine: this.#engine, model: this.#model, entries: this.#entries },
      ...{ events: this.#events, rides: this.#rides, peak: this.#peak, cancelled: this.#cancelled },
      ...{ atWork: [...this.#underWay], isLost: this.#isLost, stored: this.#backend.load(this.#engine.id)! },
    }
  }

  /** Whether a commit failed, so that the engine and what is stored have gone different ways. */
  get #isLost(): boolean {
    return this.#story.storeFails !== null && this.#commits >= this.#story.storeFails
  }

  async #ride(drive: Drive, isFirst: boolean): Promise<void> {
    this.#riding = true
    this.#model.ride()
    this.#abortedBefore = this.#signal.signal.aborted
    this.log.push(`--- ${JSON.stringify(drive)}`)
    const ended: Ride[] = []
    const note = (error: unknown): void => void ended.push({ by: drive.by, state: this.#engine.state, error })
    const inputs = isFirst ? [this.#facts.inputs] : []
    const done = drive.by === 'run' ? this.#engine.run(...inputs) : this.#iterate(drive, ...inputs)
    const over = done.then(() => note(undefined), note)
    await this.#wait(() => ended.length > 0)
    await over
    this.#riding = false
    this.#model.rest()
    this.#rides.push(...ended)
    this.log.push(`--- ${ended[0]!.state} ${String(ended[0]!.error)}`)
    if (this.#problem) throw this.#problem.error
  }

  async #iterate({ stop, pauses }: Drive & { by: 'iterate' }, ...inputs: object[]): Promise<void> {
    const heard: string[] = []
    const from = this.#events.length
    for await (const transition of this.#engine.iterate(...inputs)) {
      heard.push(eventText(transition))
      if (heard.length > stop) break
      if (pauses) await this.#pause('the reader of iterate()')
    }
    if (this.#isLost) return
    const wanted = this.#events.slice(from).map(eventText)
    if (heard.length <= stop && !same(heard, wanted)) refuse(`iterate() gave ${heard}, not ${wanted}`)
    if (!same(heard, wanted.slice(0, heard.length)))
      refuse(`iterate() gave ${heard}, which is not how ${wanted} begins`)
  }

  /** Ends one after another of what waits, until something has come about. */
  async #wait(isOver: () => boolean): Promise<void> {
    const { choices } = this.#story
    for (let idle = 0, step = 0; !isOver(); ) {
      await turn()
      if (isOver()) return
      if (this.#problem) this.#release()
      this.#interrupt('turn')
      const ready = this.#waiting.length > 0
      idle = ready ? 0 : idle + 1
      if (idle > patience)
        throw this.#problem?.error ?? new Error('the run hangs: nothing is under way, nothing happens')
      if (!ready) continue
      for (const choice of choices[step++ % choices.length]!) this.#endOne(choice)
    }
  }

  /** After a problem everything may end. */
  #release(): void {
    while (this.#waiting.length > 0) this.#endOne(0)
  }

  #endOne(choice: number): void {
    const [waiting] = this.#waiting.splice(choice % Math.max(1, this.#waiting.length), 1)
    if (!waiting) return
    this.log.push(`  end ${waiting.what}`)
    waiting.end()
  }

  async #reset(): Promise<void> {
    const { state } = this.#engine
    if (state !== 'SUCCESS' && state !== 'REVERTED') return
    this.log.push('--- reset')
    this.#model.ride()
    this.#resetting = true
    const ended: unknown[] = []
    const over = this.#engine.reset().then(
      () => ended.push(undefined),
      (error: unknown) => ended.push(error),
    )
    await this.#wait(() => ended.length > 0)
    await over
    this.#resetting = false
    if (this.#problem) throw this.#problem.error
    if (ended[0] !== undefined) throw ended[0]
    if (this.#engine.state !== 'PENDING') refuse(`a run that is reset is ${this.#engine.state}`)
  }

  // What the engine does.

  #store(batch: Batch): Promise<void> | void {
    this.#guard(() => {
      for (const { name, state } of batch.atoms) if (state !== undefined) this.#unheard.push(`${name} ${state}`)
      for (const { state } of batch.flows) this.#unheard.push(`flow ${state}`)
      this.log.push(`  store ${this.#unheard.join(', ')}`)
      this.#model.see(batch, this.#resetting, this.#abortedBefore)
      this.#look(this.#engine)
    })
    this.#abortedBefore = false
    if (this.#cancelsNext) this.#model.cancel()
    this.#cancelsNext = false
    // Progress that cannot be stored is no reason to stop.
    if (batch.flows.length > 0 || batch.atoms.some(({ progress, state }) => state !== undefined || !progress)) {
      this.#commits++
      if (this.#commits === this.#story.storeFails) throw new Error('the disk is full')
    }
    if (this.#story.slowStore) return this.#storeSlowly()
  }

  /** Commits take time, but take effect in the order in which they were made. */
  #storeSlowly(): Promise<void> {
    const before = this.#stored
    this.#stored = this.#pause('a commit').then(() => before)
    return this.#stored
  }

  #hear(event: FlowEvent | AtomEvent): void {
    this.#guard(() => {
      this.#events.push(event)
      const text = `${'atom' in event ? event.atom : 'flow'} ${event.state}`
      const at = this.#unheard.indexOf(text)
      if (at < 0) refuse(`${text} is announced, but was not stored: ${this.#unheard.join(', ')}`)
      this.#unheard.splice(at, 1)
    })
    this.#interrupt('event')
  }

  #time(ended: () => void): () => void {
    const name = this.#timed ?? refuse('a clock is set for no retry')
    this.#timed = null
    const waiting: Waiting = {
      what: `backoff of ${name}`,
      end: () => {
        this.#model.endBackoff(name)
        ended()
      },
    }
    this.#waiting.push(waiting)
    return () => {
      const at = this.#waiting.indexOf(waiting)
      if (at >= 0) this.#waiting.splice(at, 1)
    }
  }

  async #pause(what: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push({ what, end: resolve })
    })
  }

  #interrupt(on: Interruption['on'], isLooking: boolean = false): void {
    const nth = this.#counts[on]++
    for (const interruption of this.#story.interruptions) {
      if (interruption.on === on && interruption.nth === nth) this.#act(interruption.act, isLooking)
    }
  }

  #act(act: Act, isLooking: boolean): void {
    this.log.push(`  ${act}`)
    if (isLooking) this.#model.loosen()
    if (act === 'suspend') return this.#engine.suspend()
    this.#cancelled = true
    if (isLooking) this.#cancelsNext = true
    else if (act === 'cancel' || this.#riding) this.#model.cancel()
    if (act === 'cancel') this.#engine.cancel('enough')
    else this.#signal.abort(new Error('aborted'))
  }

  // What the atoms do.

  execute(facts: AtomFacts, args: Arguments, context: TaskContext): unknown {
    const { name } = facts
    const plan = facts.task!
    const nth = this.#begin(facts, 'execute', args)
    if (context.attempt !== this.#model.minds.get(name)!.attempts) {
      this.#fault(`'${name}' is told that this is attempt ${context.attempt}`)
    }
    if (plan.tells) context.progress(0.25, { of: name })
    const end = (): unknown => {
      if (plan.tells) context.progress(0.75)
      if (!fails(plan.failing, nth))
        return this.#ended(facts, 'executed', resultOf(facts, args, this.#story.stamped ? nth : 0))
      const error = new Error(`${name} failed`)
      const value = this.#ended(facts, 'failed', plan.way === 'throws' ? error : null)
      if (plan.way === 'throws') throw value
      return plan.way === 'gives a failure' ? Failure.from(error, name) : { when: new Date() }
    }
    if (!plan.waits) return end()
    return this.#work(`execute of ${name}`, end, plan.heeds ? context.signal : null, (reason) => {
      throw this.#ended(facts, 'failed', reason)
    })
  }

  revert(facts: AtomFacts, args: Arguments, outcome: Outcome<unknown>, context: RevertContext): unknown {
    const { name } = facts
    const plan = facts.task!
    const nth = this.#begin(facts, 'revert', args)
    this.#checkOutcome(facts, outcome, context)
    const end = (): unknown => {
      if (!fails(plan.revertFailing, nth)) return this.#ended(facts, 'reverted', `undo of ${name}`)
      throw this.#ended(facts, 'revert failed', new Error(`revert of ${name} failed`))
    }
    return plan.revertWaits ? this.#work(`revert of ${name}`, end) : end()
  }

  executeRetry(facts: AtomFacts, args: Arguments, context: RetryContext<unknown>, give: () => unknown): unknown {
    const { strategy } = facts.retry!
    const nth = this.#begin(facts, 'execute', args)
    this.#checkHistory(facts, context)
    const end = (): unknown => {
      if (strategy.kind === 'own' && fails(strategy.failing, nth)) {
        throw this.#ended(facts, 'failed', new Error(`${facts.name} failed`))
      }
      try {
        return this.#ended(facts, 'executed', give())
      } catch (error) {
        if (!hasNoMoreValues(error)) throw error
        throw this.#ended(facts, 'failed', error)
      }
    }
    return strategy.kind === 'own' && strategy.waits ? this.#work(`execute of ${facts.name}`, end) : end()
  }

  revertRetry(facts: AtomFacts, args: Arguments, context: RetryContext<unknown>): unknown {
    const { strategy } = facts.retry!
    const nth = this.#begin(facts, 'revert', args)
    this.#checkHistory(facts, context)
    const end = (): unknown => {
      if (strategy.kind !== 'own' || !fails(strategy.revertFailing, nth)) return this.#ended(facts, 'reverted', null)
      throw this.#ended(facts, 'revert failed', new Error(`revert of ${facts.name} failed`))
    }
    return strategy.kind === 'own' && strategy.revertWaits ? this.#work(`revert of ${facts.name}`, end) : end()
  }

  onFailure({ name }: AtomFacts, _: Arguments, __: RetryContext<unknown>, decide: () => Decision): Decision {
    this.#interrupt('question')
    try {
      const decision = decide()
      const isOne = decision === 'RETRY' || decision === 'REVERT' || decision === 'REVERT_ALL'
      this.#decisions.push({ retry: name, decision: isOne ? decision : 'none' })
      return decision
    } catch (error) {
      this.#decisions.push({ retry: name, decision: 'none' })
      throw error
    }
  }

  backoff({ name, retry }: AtomFacts, failed: number): number {
    const known = this.#model.minds.get(name)!.history.length
    if (failed !== known) this.#fault(`the backoff of '${name}' is told of ${failed} attempts, not ${known}`)
    this.#interrupt('question', true)
    if (retry!.backoff > 0) this.#timed = name
    return retry!.backoff
  }

  vote({ id, ballot }: LinkFacts, history: Readonly<Record<string, unknown>>): boolean {
    this.#interrupt('question', true)
    this.#votes.push({ id, history: { ...history } })
    if (ballot === 'throws') throw new Error(`decider ${id} fails`)
    return ballot === 'waits' ? (Promise.resolve(false) as unknown as boolean) : isYes(ballot!, id, history)
  }

  /** A call begins; gives its number. */
  #begin(facts: AtomFacts, deed: 'execute' | 'revert', args: Arguments): number {
    const { name, wants, revertWants } = facts
    this.#guard(() => {
      const { state } = this.#model.minds.get(name)!
      if (state !== (deed === 'execute' ? 'RUNNING' : 'REVERTING')) refuse(`${deed} of '${name}' is called in ${state}`)
      if (this.#unheard.length > 0) refuse(`${deed} of '${name}' is called before ${this.#unheard} was announced`)
      if (this.#underWay.has(name)) refuse(`${deed} of '${name}' is called while it is under way`)
      const wanted = this.#model.argumentsOf(name, deed === 'execute' ? wants : revertWants)
      if (!same(sorted(args), wanted && sorted(wanted))) {
        refuse(`${deed} of '${name}' is called with ${JSON.stringify(args)}, not ${JSON.stringify(wanted)}`)
      }
    })
    this.#entries.push({ atom: name, deed, args })
    this.#underWay.add(name)
    this.#peak = Math.max(this.#peak, this.#underWay.size)
    const key = `${deed} ${name}`
    const nth = (this.#calls.get(key) ?? 0) + 1
    this.#calls.set(key, nth)
    this.#interrupt('call')
    return nth
  }

  /** A call is over; gives the value back. */
  #ended<T>({ name }: AtomFacts, deed: 'executed' | 'failed' | 'reverted' | 'revert failed', value: T): T {
    this.#underWay.delete(name)
    this.#entries.push({ atom: name, deed })
    const end: End = deed === 'executed' || deed === 'reverted' ? { ok: true, value } : { ok: false, error: value }
    this.#ends.set(name, [...(this.#ends.get(name) ?? []), end])
    return value
  }

  async #work(
    what: string,
    end: () => unknown,
    signal: AbortSignal | null = null,
    abort: (reason: unknown) => never = refuse.bind(null, 'nobody aborts this'),
  ): Promise<unknown> {
    if (signal?.aborted) return abort(signal.reason)
    const { promise, resolve } = Promise.withResolvers<'ended' | 'aborted'>()
    const waiting: Waiting = { what, end: () => resolve('ended') }
    this.#waiting.push(waiting)
    signal?.addEventListener('abort', () => {
      const at = this.#waiting.indexOf(waiting)
      if (at < 0) return
      this.#waiting.splice(at, 1)
      resolve('aborted')
    })
    return (await promise) === 'aborted' ? abort(signal?.reason) : end()
  }

  #checkOutcome({ name }: AtomFacts, outcome: Outcome<unknown>, context: RevertContext): void {
    const { result, failure } = this.#model.minds.get(name)!
    if (outcome.ok !== (failure === null)) this.#fault(`the revert of '${name}' is told that it ${outcome.ok}`)
    if (outcome.ok && !same(outcome.result, result?.value))
      this.#fault(`the revert of '${name}' is told another result`)
    const failed = this.#model.failures('failure').map(({ atom }) => atom)
    if (!same([...context.failures.keys()].toSorted(), failed.toSorted())) {
      this.#fault(`the revert of '${name}' is told of failures of ${[...context.failures.keys()]}, not ${failed}`)
    }
  }

  #checkHistory({ name }: AtomFacts, { history }: RetryContext<unknown>): void {
    const told = history.entries.map(({ value, failures }) => [value, [...failures.keys()]])
    const wanted = this.#model.minds.get(name)!.history.map(({ value, failed }) => [value, [...failed]])
    if (!same(told, wanted)) {
      this.#fault(`'${name}' is told the history ${JSON.stringify(told)}, not ${JSON.stringify(wanted)}`)
    }
  }

  // What the model asks.

  takeEnd(atom: string): End | undefined {
    return this.#ends.get(atom)?.shift()
  }

  takeDecision(): { readonly retry: string; readonly decision: Decision | 'none' } | undefined {
    return this.#decisions.shift()
  }

  takeVotes(ids: ReadonlySet<string>): readonly Asked[] {
    const left = new Set(ids)
    const taken = []
    while (this.#votes.length > 0 && left.delete(this.#votes[0]!.id)) taken.push(this.#votes.shift()!)
    return taken
  }

  takeAllVotes(): readonly Asked[] {
    return this.#votes.splice(0)
  }

  get decisionsLeft(): number {
    return this.#decisions.length
  }

  get votesLeft(): number {
    return this.#votes.length
  }

  answerOf({ id, ballot }: Vote, history: Readonly<Record<string, unknown>>): boolean | 'none' {
    return ballot === 'throws' || ballot === 'waits' ? 'none' : isYes(ballot, id, history)
  }

  /** When nobody drives the run: nothing is under way, and what is stored is what the model has. */
  #checkRest(): void {
    const { error, by } = this.#rides.at(-1)!
    if (error instanceof TaskFlowError && error.code === 'storage') throw error
    if (this.#underWay.size > 0) refuse(`the run rests, but ${[...this.#underWay]} is under way`)
    if (this.#waiting.length > 0) refuse(`the run rests, but ${this.#waiting.map(({ what }) => what)} waits`)
    if (this.#unheard.length > 0) refuse(`${this.#unheard} was stored and never announced`)
    if ([...this.#ends.values()].some((ends) => ends.length > 0)) refuse('the end of a call was not taken notice of')
    if (this.#engine.state !== this.#model.flow)
      refuse(`the engine says ${this.#engine.state}, not ${this.#model.flow}`)
    this.#checkFailures()
    if (by === 'run') this.#checkError(error)
    else if (error !== undefined) throw error
    this.#checkStored()
    this.#look(this.#engine)
  }

  #checkFailures(): void {
    const { failures, revertFailures } = this.#engine
    const told = { failures: failures.map(({ atom }) => atom), reverts: revertFailures.map(({ atom }) => atom) }
    const [failed, undone] = [this.#model.failures('failure'), this.#model.failures('revertFailure')]
    const wanted = { failures: failed.map(({ atom }) => atom), reverts: undone.map(({ atom }) => atom) }
    if (!same(told, wanted)) refuse(`the engine tells ${JSON.stringify(told)}, not ${JSON.stringify(wanted)}`)
    for (const [nth, { error }] of failed.entries()) {
      if (error !== null && failures[nth]!.toError() !== error)
        refuse(`another error of '${failures[nth]!.atom}' is told`)
    }
  }

  /** What run() throws. */
  #checkError(error: unknown): void {
    const { flow, cancelled } = this.#model
    const code = error instanceof TaskFlowError ? error.code : null
    if (flow === 'SUCCESS') {
      if (error !== undefined) throw error
      return
    }
    if (flow === 'SUSPENDED') {
      if (code !== 'suspended') refuse(`a run that is suspended throws ${String(error)}`)
      return
    }
    const undone = this.#model.failures('revertFailure')
    if (cancelled && undone.length === 0) {
      if (code !== 'cancelled') refuse(`a run that is cancelled throws ${String(error)}`)
      return
    }
    const wanted = undone.length > 0 ? undone : this.#model.failures('failure')
    const thrown = error instanceof WrappedFailure ? error.failures.map((failure) => failure.toError()) : [error]
    const isRight =
      wanted.length === thrown.length && wanted.every(({ error }, at) => error === null || error === thrown[at])
    if (!isRight || error === undefined)
      refuse(`the run throws ${String(error)}, not ${wanted.map(({ atom }) => atom)}`)
  }

  #checkStored(): void {
    const { flow, atoms } = this.#backend.load(this.#engine.id)!
    if (flow.state !== this.#model.flow) refuse(`the flow is stored as ${flow.state}, but is ${this.#model.flow}`)
    const records = new Map(atoms.map((record) => [record.name, record]))
    for (const { facts, state, attempts, result, failure, history } of this.#model.minds.values()) {
      const record = records.get(facts.name)
      records.delete(facts.name)
      if (!record && state === 'PENDING' && attempts === 0) continue
      this.#checkProgress(facts, state, record)
      const told = {
        ...{ state: record?.state, attempts: record?.attempts, kind: record?.kind },
        result: state === 'SUCCESS' ? record?.result : null,
        failed: record?.failure?.atom,
        history:
          state === 'SUCCESS' ? record?.history?.map(({ value, failures }) => [value, Object.keys(failures)]) : [],
      }
      const past = facts.retry ? history.map(({ value, failed }) => [value, [...failed]]) : undefined
      // That a retry could not decide is told, but it is no failure of its execute.
      const failed = failure?.isStored ? facts.name : undefined
      const wanted = {
        ...{ state, attempts, kind: facts.retry ? 'retry' : 'task' },
        result: state === 'SUCCESS' ? result!.value : null,
        failed,
        history: state === 'SUCCESS' ? past : [],
      }
      if (!same(told, wanted))
        refuse(`'${facts.name}' is stored as ${JSON.stringify(told)}, not ${JSON.stringify(wanted)}`)
    }
    if (records.size > 0) refuse(`${[...records.keys()]} are stored, but are not in the flow`)
  }

  /** An execute or revert that came to a good end is at all of it, whatever it last told. */
  #checkProgress({ name, task }: AtomFacts, state: AtomState, record: AtomRecord | undefined): void {
    if (!task?.tells || (state !== 'SUCCESS' && state !== 'REVERTED') || record?.progress?.fraction === 1) return
    if (state === 'SUCCESS') refuse(`'${name}' has ended, but is stored at ${record?.progress?.fraction}`)
  }

  #guard(check: () => void): void {
    try {
      if (!this.#problem) check()
    } catch (error) {
      this.#problem = { error }
    }
  }

  #fault(why: string): void {
    this.#guard(() => refuse(why))
  }
}

function hasNoMoreValues(error: unknown): boolean {
  return error instanceof TaskFlowError && error.code === 'no-more-values'
}

/** Depends on the arguments, so that a wrong one is noticed further on, too. */
function resultOf({ name, task }: AtomFacts, args: Arguments, stamp: number): unknown {
  const own = { of: name, from: hashOf(JSON.stringify(sorted(args))), stamp }
  return task?.gives ? [own, { ...own, as: task.gives }] : own
}

function isYes(ballot: Ballot, id: string, history: Readonly<Record<string, unknown>>): boolean {
  if (ballot === 'by results') return hashOf(id + JSON.stringify(sorted(history))) % 2 === 0
  return ballot === 'yes'
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  return hash
}
