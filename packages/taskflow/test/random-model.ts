/**
 * TaskFlow's scheduling, as its book has it: states, intentions, and scans of everything that is before or after. Slow,
 * and meant to be plain. It is shown each batch that an engine is about to store, and refuses what it would not do.
 *
 * Source: reference sections 7 (readiness) and 8 (reversion).
 */
import type {
  AtomChange,
  AtomRecord,
  AtomState,
  Batch,
  Decision,
  Depth,
  EngineOptions,
  FlowChange,
  FlowState,
} from '../src/index.ts'
import type { AtomFacts, FlowFacts, Vote, Want } from './random-facts.ts'
import { listed, refuse, same, sorted } from './random-refusal.ts'

/** How a call of an atom ended. */
export type End = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

/** That a decider was asked. */
export interface Asked {
  readonly id: string
  readonly history: Readonly<Record<string, unknown>>
}

/** What the atoms themselves saw; each word of it is asked for once. */
export interface Witness {
  takeEnd(atom: string): End | undefined
  takeDecision(): { readonly retry: string; readonly decision: Decision | 'none' } | undefined
  /** What was asked next, once each, as long as it is one of these. */
  takeVotes(ids: ReadonlySet<string>): readonly Asked[]
  takeAllVotes(): readonly Asked[]
  readonly votesLeft: number
  readonly decisionsLeft: number
  answerOf(vote: Vote, history: Readonly<Record<string, unknown>>): boolean | 'none'
}

interface Due {
  readonly name: string
  readonly forward: boolean
}

interface Attempt {
  readonly value: unknown
  readonly failed: Set<string>
}

type Intention = AtomRecord['intention']

/** What the model keeps of an atom. */
export interface Mind {
  readonly facts: AtomFacts
  state: AtomState
  intention: Intention
  /** Of a retry, what it decided and has not done yet: it is stored. */
  decided: Intention
  attempts: number
  result: { readonly value: unknown } | null
  /** Why its execute failed; of a retry also why it could not decide. An unknown error is null. */
  failure: { readonly error: unknown } | null
  revertFailure: { readonly error: unknown } | null
  history: Attempt[]
  /** How far a no reaches from here. */
  no: Depth | null
  due: boolean
  running: boolean
  /** It failed before its execute was called. */
  unbegun: boolean
  waits: boolean
}

export class Model {
  readonly minds: ReadonlyMap<string, Mind>
  flow: FlowState = 'PENDING'
  cancelled: { readonly reason: unknown } | null = null
  revertingAll = false
  /** Of the present ride. */
  halted = false
  suspending = false
  /** Whether it was asked to rest, and has not said yet that it will. */
  #asked = false
  /** That it was cancelled while the engine looked for what is ready, and had been asked to rest before or meanwhile. */
  #overruled: 'before' | 'meanwhile' | null = null
  #askedMeanwhile = false
  /** Whether nothing of the ride was stored yet. */
  #begins = false
  /** Whether the latest batch ended the ride. */
  over = false
  /** What is due, first come first served. */
  #wave: Due[] = []
  /**
   * The engine may have looked for what is ready without storing anything: after a cancel, a suspend or a backoff. Until
   * there is room for all of it, what is ready may begin in any order, and as little of it as the engine likes.
   */
  #loose = false
  /** What has been ready to go forward since then, and may begin even if it is to be undone by now. */
  readonly #onceReady = new Set<string>()
  readonly #facts: FlowFacts
  readonly #options: EngineOptions
  readonly #witness: Witness
  readonly #capacity: number
  #changes: readonly AtomChange[] = []
  #at = 0
  #latest = 0

  constructor(facts: FlowFacts, options: EngineOptions, witness: Witness) {
    this.#facts = facts
    this.#options = options
    this.#witness = witness
    this.#capacity = options.mode === 'parallel' ? (options.maxWorkers ?? 10) : 1
    this.minds = new Map(facts.atoms.map((atom) => [atom.name, newMind(atom)]))
  }

  /** A run begins, or goes on. */
  ride(): void {
    this.over = false
    this.halted = false
    this.suspending = false
    this.#asked = false
    this.#overruled = null
    this.#begins = true
  }

  /** A ride is over: nobody waits for a backoff any more. */
  rest(): void {
    for (const mind of this.minds.values()) mind.waits = false
  }

  /** @param isLooking the engine is looking for what is ready, and may say that it rests only afterwards. */
  suspend(isLooking: boolean = false): void {
    if (this.over || this.suspending || this.cancelled || this.#asked) return
    this.#asked = true
    this.#askedMeanwhile = isLooking
  }

  /** Who is cancelled does not rest any more. */
  goOn(): void {
    if (this.#asked) this.#overruled = this.#askedMeanwhile ? 'meanwhile' : 'before'
    this.#asked = false
  }

  cancel(reason: unknown): void {
    if (this.revertingAll || this.cancelled || this.flow === 'SUCCESS') return
    this.cancelled = { reason }
    this.suspending = false
    this.#asked = false
    this.#overruled = null
    this.loosen()
  }

  endBackoff(name: string): void {
    this.minds.get(name)!.waits = false
    this.loosen()
  }

  /**
   * Gives the states that the flow goes through; only the last of them is in the batch.
   *
   * @param aborted why the ride is cancelled from its begin on; null where it is not.
   * @throws when a batch holds anything else than TaskFlow's rules make of what came before.
   */
  see(batch: Batch, reset: boolean, aborted: { readonly reason: unknown } | null): readonly FlowState[] {
    if (isProgress(batch)) return []
    const { change } = batch
    this.#changes = batch.atoms.filter((atom) => !isToldOnly(atom))
    this.#at = 0
    this.#checkTimes(batch)
    if (this.over) refuse(`a batch after the ride was over: ${JSON.stringify(batch)}`)
    const startsOver = reset || (this.#begins && this.flow === 'REVERTED')
    if (startsOver) this.#startOver(reset)
    const wasReverting = this.revertingAll
    const way: FlowState[] = startsOver ? ['PENDING'] : []
    if (startsOver) this.flow = 'PENDING'
    if (reset) this.#finish(null)
    else way.push(...this.#drive(change, aborted))
    if (way.at(-1) !== change.state) refuse(`the flow goes through ${listed(way)}, but ${change.state} is stored`)
    this.#checkFlow(change, startsOver, this.revertingAll && !wasReverting)
    return way
  }

  #drive({ state }: FlowChange, aborted: { readonly reason: unknown } | null): readonly FlowState[] {
    const way: FlowState[] = []
    if (this.#begins) {
      this.#begins = false
      this.flow = 'RUNNING'
      way.push('RUNNING')
      if (aborted) this.cancel(aborted.reason)
    }
    this.#complete()
    const end = state === undefined || state === 'RUNNING' || state === 'SUSPENDING' ? null : state
    if (this.#rests(state, end)) {
      this.#asked = false
      this.suspending = true
      this.flow = 'SUSPENDING'
      way.push('SUSPENDING')
      this.loosen()
    }
    this.#schedule(end)
    return end === null ? way : [...way, end]
  }

  /** Whether it says in this batch that it will rest: at once, or because it is over with that. */
  #rests(state: FlowState | undefined, end: FlowState | null): boolean {
    if (this.#asked) return state === 'SUSPENDING' || end !== null
    return (this.#overruled === 'before' && end !== null) || (this.#overruled === 'meanwhile' && end === 'SUSPENDED')
  }

  /** What is stored of the flow besides its state: that everything is to be reverted, and by whose wish. */
  #checkFlow({ intention, cancelled }: FlowChange, startsOver: boolean, reverts: boolean): void {
    const wanted = reverts ? 'REVERT' : startsOver ? 'EXECUTE' : undefined
    if (intention !== wanted) refuse(`the intention of the flow is stored as ${intention}, not ${wanted}`)
    const why = (reverts && this.cancelled) || (startsOver ? null : undefined)
    if (!same(cancelled, why))
      refuse(`why it is cancelled is stored as ${JSON.stringify(cancelled)}, not ${JSON.stringify(why)}`)
  }

  /** Every begin and every end has its time. */
  #checkTimes({ at, atoms }: Batch): void {
    if (at < this.#latest) refuse(`a batch of ${at} comes after one of ${this.#latest}`)
    for (const { name, state, beganAt, endedAt } of atoms) {
      const begins = state === 'RUNNING' || state === 'REVERTING'
      const ends = state !== undefined && !begins && state !== 'PENDING' && state !== 'RETRYING'
      for (const [time, has] of [[beganAt, begins] as const, [endedAt, ends] as const]) {
        if (has !== (time !== undefined)) refuse(`'${name}' is ${state}, and has the times ${beganAt} and ${endedAt}`)
        if (time !== undefined && (time < this.#latest || time > at)) refuse(`'${name}' is ${state} at ${time}`)
      }
    }
    this.#latest = at
  }

  /** Everything that TaskFlow would start now, without regard to how many may run at once. */
  ready(): readonly string[] {
    return this.#facts.atoms.flatMap(({ name }) => (this.#isReady(name) ? [name] : []))
  }

  /** Which atoms failed and why, in the order of the document; an unknown error is null. */
  failures(of: 'failure' | 'revertFailure'): readonly { readonly atom: string; readonly error: unknown }[] {
    return [...this.minds.values()].flatMap((mind) => {
      const failed = mind[of]
      return failed ? [{ atom: mind.facts.name, error: failed.error }] : []
    })
  }

  /** The arguments of an atom; null where it cannot have them. */
  argumentsOf(name: string, wants: readonly Want[]): Readonly<Record<string, unknown>> | null {
    const args: Record<string, unknown> = {}
    for (const want of wants) {
      const value = this.#valueOf(name, want)
      if (value === 'missing') return null
      if (value !== 'left out') args[want.argument] = value.value
    }
    return args
  }

  #valueOf(name: string, { symbol, optional, providers }: Want): { readonly value: unknown } | 'missing' | 'left out' {
    const { task } = this.minds.get(name)!.facts
    if (task?.injected && task.wants === symbol) return { value: `injected in ${name}` }
    if (Object.hasOwn(this.#facts.inputs, symbol)) return { value: this.#facts.inputs[symbol] }
    const nearest = providers.map((provider) => this.minds.get(provider)!).find(({ state }) => state !== 'IGNORE')
    if (!nearest) return optional ? 'left out' : 'missing'
    const { value } = nearest.result ?? refuse(`'${nearest.facts.name}' has no result for '${name}'`)
    if (!nearest.facts.task?.gives) return { value }
    return { value: (value as unknown[])[symbol === nearest.facts.name ? 0 : 1] }
  }

  #startOver(reset: boolean): void {
    const isKept = (name: string): boolean => {
      const { before } = this.minds.get(name)!.facts
      return this.#stateOf(name) === 'SUCCESS' && [...before].every((each) => this.#isDone(each))
    }
    const kept = reset ? [] : this.#facts.atoms.map(({ name }) => name).filter(isKept)
    this.#reset(this.#facts.atoms.map(({ name }) => name).filter((name) => !kept.includes(name)))
    for (const mind of this.minds.values()) mind.intention = 'EXECUTE'
    this.cancelled = null
    this.revertingAll = false
  }

  /** Executes and reverts that ended, in the order of the batch. */
  #complete(): void {
    const ended = new Set<AtomState>(['SUCCESS', 'FAILURE', 'REVERTED', 'REVERT_FAILURE'])
    for (let change = this.#next(); change && ended.has(change.state ?? 'SUCCESS'); change = this.#next()) {
      this.#at++
      if (change.state === undefined) refuse(`${changeText(change)} for no reason`)
      this.#end(this.minds.get(change.name)!, change)
    }
  }

  #end(mind: Mind, change: AtomChange): void {
    const { name } = mind.facts
    const { state } = change
    if (!mind.running) refuse(`'${name}' is ${state}, but was not under way`)
    mind.running = false
    const isExecute = mind.state === 'RUNNING'
    const end = this.#endOf(mind, isExecute)
    const wanted = isExecute ? (end.ok ? 'SUCCESS' : 'FAILURE') : end.ok ? 'REVERTED' : 'REVERT_FAILURE'
    if (state !== wanted) refuse(`'${name}' ended as ${wanted}, but is recorded as ${state}`)
    mind.state = wanted
    if (wanted === 'REVERTED') mind.history = []
    if (end.ok && isExecute) this.#succeed(mind, end.value)
    checkFacts(mind, change)
    if (!end.ok && isExecute) this.#fail(mind, end.error)
    if (!end.ok && !isExecute) this.#failRevert(mind, end.error)
  }

  #succeed(mind: Mind, value: unknown): void {
    mind.result = { value }
    if (mind.facts.retry) mind.history.push({ value, failed: new Set() })
  }

  #endOf(mind: Mind, isExecute: boolean): End {
    const { name, wants, revertWants, task } = mind.facts
    if (mind.unbegun) return isExecute ? { ok: false, error: null } : { ok: true, value: null }
    if (!isExecute && task?.revertible === false) return { ok: true, value: null }
    if (this.argumentsOf(name, isExecute ? wants : revertWants) === null) {
      mind.unbegun = isExecute
      return { ok: false, error: null }
    }
    return this.#witness.takeEnd(name) ?? refuse(`'${name}' is recorded as ended, but is still at work`)
  }

  #fail(mind: Mind, error: unknown): void {
    mind.failure = { error }
    // It may be cancelled by a retry that is asked about another failure; from then on nobody is asked.
    if (this.#witness.decisionsLeft === 0) this.#heedCancel()
    if (this.revertingAll) return
    if (this.#options.neverResolve) this.halted = true
    else this.#resolve(mind)
  }

  #failRevert(mind: Mind, error: unknown): void {
    mind.revertFailure = { error }
    if (this.#options.onRevertFailure === 'continue') this.#markAll()
    else this.halted = true
  }

  #resolve(failed: Mind): void {
    const resolution = this.#resolutionOf(failed, failed)
    if (resolution === 'nobody' || resolution.decision === 'REVERT_ALL') this.#markAll()
    else this.#decide(resolution.retry, resolution.decision)
  }

  /** To the outer retry it is the inner one that failed. */
  #resolutionOf(mind: Mind, cause: Mind): { readonly retry: Mind; readonly decision: Decision } | 'nobody' {
    const retry = mind.facts.controllers.map((name) => this.minds.get(name)!).find(({ state }) => state !== 'IGNORE')
    if (!retry) return 'nobody'
    const decision = this.#ask(retry, mind.facts.name, cause.facts.name)
    if (decision !== 'REVERT') return { retry, decision }
    const outer = this.#resolutionOf(retry, cause)
    if (this.#options.deferReverts) return outer
    return outer === 'nobody' || outer.decision === 'REVERT' ? { retry, decision } : outer
  }

  /** A decision is stored until it is done: what RETRY overrode stays a REVERT. */
  #decide(retry: Mind, decision: 'REVERT' | 'RETRY'): void {
    this.#mark(retry, decision)
    retry.decided = retry.intention
    this.#expectFact(retry, 'intention', retry.intention)
  }

  /** What it decided; one that cannot has failed itself. That it was asked is stored before the next word of the batch. */
  #ask(retry: Mind, failed: string, cause: string): Decision {
    const { name } = retry.facts
    const last = retry.history.at(-1) ?? refuse(`'${name}' is asked about an attempt that it never began`)
    if (!last.failed.has(failed)) {
      last.failed.add(failed)
      const { attemptFailure } = this.#expectFact(retry, 'attemptFailure')
      const { atom, failure } = attemptFailure!
      if (atom !== failed || failure.atom !== cause) {
        refuse(`'${name}' notes that '${atom}' failed by '${failure.atom}', not '${failed}' by '${cause}'`)
      }
    }
    const asked = this.#witness.takeDecision()
    if (asked?.retry !== name) refuse(`'${name}' should decide about '${failed}', but '${asked?.retry}' was asked`)
    const wanted = decisionOf(retry.facts, retry.history)
    if (asked.decision !== wanted) refuse(`'${name}' decided ${asked.decision}, not ${wanted}`)
    if (wanted !== 'none') return wanted
    retry.failure = { error: null }
    const { failure } = this.#expectFact(retry, 'failure')
    if (failure?.atom !== name) refuse(`that '${name}' cannot decide is stored as a failure of '${failure?.atom}'`)
    return 'REVERT_ALL'
  }

  /** A change that brings one fact and nothing else. */
  #expectFact({ facts: { name } }: Mind, fact: keyof AtomChange, value?: unknown): AtomChange {
    const change = this.#next()
    if (change?.name !== name || !same(Object.keys(change).toSorted(), ['name', fact].toSorted())) {
      refuse(`the ${fact} of '${name}' should be stored, but ${changeText(change)}`)
    }
    if (value !== undefined && !same(change[fact], value)) {
      refuse(`the ${fact} of '${name}' is ${JSON.stringify(change[fact])}, not ${JSON.stringify(value)}`)
    }
    this.#at++
    return change
  }

  #heedCancel(): void {
    if (!this.cancelled || this.revertingAll) return
    if (this.failures('revertFailure').length === 0) this.halted = false
    this.#markAll()
  }

  #markAll(): void {
    this.revertingAll = true
    for (const mind of this.minds.values()) mind.intention = 'REVERT'
  }

  #mark(retry: Mind, decision: 'REVERT' | 'RETRY'): void {
    if (retry.intention !== 'REVERT') retry.intention = decision
    for (const name of retry.facts.after) this.minds.get(name)!.intention = 'REVERT'
  }

  #schedule(end: FlowState | null): void {
    this.#heedCancel()
    if (this.suspending && this.cancelled) refuse('a run that was cancelled is suspended')
    if (this.#hasOwnOrder()) this.loosen()
    if (!this.suspending && this.#loose) this.#follow()
    else if (!this.suspending) this.#start()
    const hasRoom = this.#underWay().length < this.#capacity && !this.halted && !this.suspending
    if (this.#loose && hasRoom) this.#tighten()
    this.#finish(end)
  }

  /** Everything that is ready is due, failed atoms to be undone first, then others, then what goes forward. */
  #formWave(): void {
    const first = (): string | undefined => this.ready().toSorted((a, b) => this.#compare(a, b))[0]
    for (let name = first(); name !== undefined; name = first()) this.#prepare(this.minds.get(name)!)
  }

  #compare(a: string, b: string): number {
    const [one, other] = [this.minds.get(a)!, this.minds.get(b)!]
    const rank = ({ intention, state }: Mind): number => (intention === 'EXECUTE' ? 2 : state === 'FAILURE' ? 0 : 1)
    const forward = one.intention === 'EXECUTE'
    const byPlace = forward ? one.facts.at - other.facts.at : other.facts.at - one.facts.at
    return rank(one) - rank(other) || other.facts.priority - one.facts.priority || byPlace
  }

  #prepare(mind: Mind): void {
    if (mind.intention === 'RETRY') return this.#tryAgain(mind)
    const forward = mind.intention === 'EXECUTE'
    if (forward && mind.state === 'PENDING' && this.#isPassedBy(mind)) return
    mind.due = true
    this.#wave.push({ name: mind.facts.name, forward })
  }

  #tryAgain(mind: Mind): void {
    this.#expect(mind, 'RETRYING')
    mind.intention = 'EXECUTE'
    mind.decided = 'EXECUTE'
    mind.waits = (mind.facts.retry?.backoff ?? 0) > 0
    this.#reset([...mind.facts.after])
    for (const name of mind.facts.after) this.minds.get(name)!.intention = 'EXECUTE'
  }

  /** Atoms become PENDING; one that was ignored need not, where the no still stands. */
  #reset(names: readonly string[]): void {
    const wanted = new Set(names.filter((name) => this.minds.get(name)!.state !== 'PENDING'))
    for (let change = this.#next(); change?.state === 'PENDING'; change = this.#next()) {
      if (!wanted.delete(change.name)) refuse(`'${change.name}' is reset for no reason`)
      this.#at++
      forget(this.minds.get(change.name)!)
    }
    for (const name of wanted) {
      if (this.minds.get(name)!.state !== 'IGNORE') refuse(`'${name}' is not reset`)
    }
    for (const name of names) if (!wanted.has(name)) forget(this.minds.get(name)!)
  }

  /** Whether deciders pass by an atom, or fail it. */
  #isPassedBy(mind: Mind): boolean {
    const inherited = this.#inheritedBy(mind.facts.name)
    if (inherited) {
      this.#ignore(mind, [inherited], [])
      return true
    }
    const asked = this.#askedFor(mind.facts)
    const history = this.#historyFor(asked)
    const answers = asked.map((vote) => ({ vote, answer: this.#witness.answerOf(vote, history) }))
    if (!this.#loose) this.#checkVotes(asked)
    if (answers.some(({ answer }) => answer === 'none')) {
      mind.unbegun = true
      this.#begin({ name: mind.facts.name, forward: true })
      return true
    }
    const against = answers.filter(({ answer }) => answer === false).map(({ vote }) => vote)
    if (against.length === 0) return false
    const parts = against.flatMap(({ depth, part }) => (depth === 'PART' ? part : []))
    this.#ignore(
      mind,
      against.map(({ depth }) => depth),
      parts,
    )
    return true
  }

  #checkVotes(asked: readonly Vote[]): void {
    const ids = new Set(asked.map(({ id }) => id))
    for (const { id, history } of this.#witness.takeVotes(ids)) this.#checkVote(id, history)
  }

  #resultOf(name: string): unknown {
    const { value } = this.minds.get(name)!.result ?? refuse(`'${name}' has no result to decide on`)
    return value
  }

  #ignore(mind: Mind, depths: readonly Depth[], parts: readonly string[]): void {
    mind.no = widestOf(depths)
    const reached = depths.flatMap((depth) => this.#reachOf(mind.facts, depth))
    const wanted = new Set([mind.facts.name, ...reached, ...parts].filter((name) => this.#stateOf(name) === 'PENDING'))
    for (let change = this.#next(); change; change = this.#next()) {
      const { name, state, meta } = change
      const isWider = state === undefined && meta?.reach !== undefined && this.#stateOf(name) === 'IGNORE'
      if (!isWider && !(state === 'IGNORE' && wanted.delete(name))) break
      if (!meta?.reach) refuse(`'${name}' is passed by, but not how far`)
      this.#at++
      this.minds.get(name)!.state = 'IGNORE'
    }
    if (wanted.size > 0) refuse(`a no passes by '${mind.facts.name}', but not by '${listed(wanted)}'`)
  }

  #reachOf(facts: AtomFacts, depth: Depth): readonly string[] {
    if (depth === 'ALL') return [...facts.after]
    if (depth === 'NEIGHBORS') return facts.nextTasks
    if (depth !== 'FLOW') return []
    return facts.nextTasks.flatMap((next) => [next, ...this.#reachOf(this.minds.get(next)!.facts, depth)])
  }

  /** The widest no of another atom that stands and reaches this one, as far as it goes on from here. */
  #inheritedBy(name: string): Depth | null {
    const depths = [...this.minds.values()].flatMap(({ facts, state, no }): Depth[] => {
      if (no === null || state !== 'IGNORE' || !this.#reachOf(facts, no).includes(name)) return []
      return [no === 'NEIGHBORS' ? 'ATOM' : no]
    })
    return depths.length === 0 ? null : widestOf(depths)
  }

  /** What is due begins, as far as there is room. With room for one, a wave ends before the next is formed. */
  #start(): void {
    if (this.#capacity > 1 && !this.halted) this.#formWave()
    while (this.#underWay().length < this.#capacity) {
      if (this.#wave.length === 0 && !this.halted) this.#formWave()
      const next = this.#wave.shift()
      if (next === undefined) return
      this.minds.get(next.name)!.due = false
      if (!next.forward || !this.#isOvertaken(next.name)) this.#begin(next)
    }
  }

  /** An ignored atom is gone past only when its turn comes; that is a matter of nobody else. */
  #hasOwnOrder(): boolean {
    const isOrdered = this.#facts.atoms.some(({ priority }) => priority !== 0)
    const ignored = [...this.minds.values()].some(({ state }) => state === 'IGNORE')
    return isOrdered && (ignored || this.#changes.some(({ state }) => state === 'IGNORE'))
  }

  loosen(): void {
    this.#loose = true
    for (const { name, forward } of this.#wave) {
      this.minds.get(name)!.due = false
      if (forward) this.#onceReady.add(name)
    }
    this.#wave = []
    this.#noteReady()
  }

  #noteReady(): readonly string[] {
    const ready = this.ready()
    for (const name of ready) if (this.minds.get(name)!.intention === 'EXECUTE') this.#onceReady.add(name)
    return ready
  }

  #tighten(): void {
    this.#loose = false
    this.#onceReady.clear()
  }

  /** Whatever is next must be what may happen, and nothing more is asked. */
  #follow(): void {
    for (let change = this.#next(); change; change = this.#next()) {
      const ready = this.#noteReady()
      const mind = this.minds.get(change.name)!
      if (change.state === 'RUNNING' && this.#mayBegin(mind)) this.#beginLoosely(mind)
      else if (!ready.includes(change.name)) refuse(`${changeText(change)}, but may not; ready are ${listed(ready)}`)
      else if (change.state === 'RETRYING') this.#tryAgain(mind)
      else if (change.state === 'REVERTING') this.#begin({ name: change.name, forward: false })
      else if (change.state !== 'IGNORE' || !this.#isPassedBy(mind)) refuse(`${changeText(change)} for no reason`)
      if (this.#underWay().filter((name) => !this.minds.get(name)!.unbegun).length > this.#capacity) {
        refuse(`${listed(this.#underWay())} are under way, for whom there is no room`)
      }
    }
    this.#noteReady()
    for (const { id, history } of this.#witness.takeAllVotes()) this.#checkVote(id, history)
  }

  /** Sources of links do not change before what the links lead to is over. */
  #checkVote(id: string, told: Readonly<Record<string, unknown>>): void {
    const target = this.#facts.atoms.find(({ votes }) => votes.some((vote) => vote.id === id))!
    const wanted = this.#historyFor(this.#askedFor(target))
    if (same(sorted(told), sorted(wanted))) return
    refuse(`decider ${id} for '${target.name}' is told ${JSON.stringify(told)}, not ${JSON.stringify(wanted)}`)
  }

  #askedFor({ votes }: AtomFacts): readonly Vote[] {
    return votes.filter(({ from }) => from === null || this.#stateOf(from) !== 'IGNORE')
  }

  #historyFor(asked: readonly Vote[]): Readonly<Record<string, unknown>> {
    const atoms = asked.flatMap(({ from }) => (from === null ? [] : [from]))
    return Object.fromEntries(atoms.map((from) => [from, this.#resultOf(from)]))
  }

  #mayBegin({ facts, state }: Mind): boolean {
    if (!this.#onceReady.has(facts.name) || (state !== 'PENDING' && state !== 'RETRYING')) return false
    if (this.#isOvertaken(facts.name)) return false
    return [...facts.before].every((name) => this.#isDone(name))
  }

  #beginLoosely(mind: Mind): void {
    this.#onceReady.delete(mind.facts.name)
    if (mind.state === 'PENDING' && this.#isPassedBy(mind)) {
      if (!mind.unbegun) refuse(`'${mind.facts.name}' begins, but deciders pass it by`)
      return
    }
    this.#begin({ name: mind.facts.name, forward: true })
  }

  /** It need not begin any more: it would only be undone. */
  #isOvertaken(name: string): boolean {
    const stopped = this.#options.failFast === true || this.cancelled !== null
    return stopped && this.minds.get(name)!.intention !== 'EXECUTE'
  }

  #begin({ name, forward }: Due): void {
    const mind = this.minds.get(name)!
    if (forward) mind.attempts++
    else mind.waits = false
    this.#expect(mind, forward ? 'RUNNING' : 'REVERTING')
    mind.running = true
  }

  #expect(mind: Mind, state: AtomState): void {
    const change = this.#next()
    if (change?.name !== mind.facts.name || change.state !== state) {
      refuse(`'${mind.facts.name}' should be ${state} next, but ${changeText(change)}`)
    }
    this.#at++
    mind.state = state
    checkFacts(mind, change)
  }

  /** Nothing else may be in the batch; and the flow is over exactly when nothing is left to do. */
  #finish(end: FlowState | null): void {
    const waits = [...this.minds.values()].some(({ waits }) => waits) && !this.halted && !this.suspending
    const isOver = this.flow !== 'PENDING' && this.#underWay().length === 0 && !waits
    if (this.suspending && this.#loose) this.#follow()
    const extra = this.#next()
    if (extra) refuse(`${changeText(extra)} for no reason; ready by the book: ${listed(this.ready())}`)
    if (this.#witness.votesLeft > 0) refuse('deciders are asked about what is not ready')
    if (this.#witness.decisionsLeft > 0) refuse('a retry is asked for no reason')
    const ready = this.ready()
    if (end === null && isOver && (ready.length === 0 || this.suspending)) refuse('the run should be over')
    if (end === null) return
    if (!isOver) refuse(`the run ends as ${end}, while ${listed(this.#underWay())} are under way`)
    if (ready.length > 0 && !this.halted && !this.suspending)
      refuse(`the run ends as ${end}, but ${listed(ready)} is ready`)
    const wanted = this.finalState()
    if (end !== wanted && !(end === 'SUSPENDED' && this.#mayHaveDue())) refuse(`the run ends as ${end}, not ${wanted}`)
    this.flow = end
    this.over = true
  }

  /** Whether a run that was suspended may have left something to begin that is to be undone at once. */
  #mayHaveDue(): boolean {
    return this.suspending && [...this.#onceReady].some((name) => this.#stateOf(name) === 'PENDING')
  }

  finalState(): FlowState {
    const minds = [...this.minds.values()]
    const failed = minds.some(({ failure }) => failure !== null)
    const unresolved = this.#options.neverResolve === true && failed && !this.revertingAll
    if (unresolved || minds.some(({ state }) => state === 'REVERT_FAILURE')) return 'FAILURE'
    const left =
      this.ready().length > 0 || this.#wave.length > 0 || minds.some(({ waits, running }) => waits || running)
    if (this.suspending && left) return 'SUSPENDED'
    const done = minds.every(({ state }) => state === 'SUCCESS' || state === 'IGNORE')
    return done && !this.revertingAll ? 'SUCCESS' : 'REVERTED'
  }

  #isReady(name: string): boolean {
    const mind = this.minds.get(name)!
    if (mind.due || mind.running) return false
    return mind.intention === 'EXECUTE' ? this.#mayGoForward(mind) : this.#mayGoBack(mind)
  }

  #mayGoForward({ state, waits, facts }: Mind): boolean {
    const isLeft = state === 'PENDING' || (state === 'RETRYING' && !waits)
    return isLeft && [...facts.before].every((name) => this.#isGonePast(name))
  }

  #isGonePast(name: string): boolean {
    return this.#isDone(name) && this.minds.get(name)!.intention === 'EXECUTE'
  }

  #mayGoBack({ state, facts }: Mind): boolean {
    if (state !== 'SUCCESS' && state !== 'FAILURE' && state !== 'RETRYING') return false
    const settled = new Set<AtomState>(['PENDING', 'REVERTED', 'IGNORE'])
    if (this.#options.onRevertFailure === 'continue') settled.add('REVERT_FAILURE')
    return [...facts.after].every((name) => settled.has(this.#stateOf(name)) && !this.minds.get(name)!.due)
  }

  #isDone(name: string): boolean {
    return ['SUCCESS', 'IGNORE'].includes(this.#stateOf(name))
  }

  #stateOf(name: string): AtomState {
    return this.minds.get(name)!.state
  }

  #underWay(): readonly string[] {
    return [...this.minds.values()].flatMap(({ running, facts }) => (running ? [facts.name] : []))
  }

  #next(): AtomChange | undefined {
    return this.#changes[this.#at]
  }
}

function newMind(facts: AtomFacts): Mind {
  const [state, intention, decided] = ['PENDING', 'EXECUTE', 'EXECUTE'] as const
  const nothing = { result: null, failure: null, revertFailure: null, history: [], no: null }
  const isNot = { due: false, running: false, unbegun: false, waits: false }
  return { facts, state, intention, decided, ...nothing, attempts: 0, ...isNot }
}

/** What a PENDING atom does not have; how often it was executed stays. */
function forget(mind: Mind): void {
  const nothing = { result: null, failure: null, revertFailure: null, history: [], no: null, unbegun: false }
  Object.assign(mind, { state: 'PENDING', decided: 'EXECUTE', ...nothing })
}

function widestOf(depths: readonly Depth[]): Depth {
  const [widest] = (['ALL', 'FLOW', 'NEIGHBORS', 'ATOM'] as const).filter((depth) => depths.includes(depth))
  return widest ?? 'ATOM'
}

/** The decision that the words of TaskFlow's documentation give; none: it throws or gives nonsense. */
function decisionOf({ retry }: AtomFacts, history: readonly Attempt[]): Decision | 'none' {
  const { strategy } = retry!
  if (strategy.kind === 'alwaysRevert') return 'REVERT'
  if (strategy.kind === 'alwaysRevertAll') return 'REVERT_ALL'
  if (strategy.kind === 'own') {
    const decision = strategy.decisions[history.length - 1] ?? 'REVERT'
    return decision === 'throws' || decision === 'nonsense' ? 'none' : decision
  }
  const attempts = strategy.kind === 'times' ? strategy.attempts : strategy.values.length
  if (history.length < attempts) return 'RETRY'
  return strategy.revertAll ? 'REVERT_ALL' : 'REVERT'
}

/** A change of a state brings exactly these facts with it, besides what it is about. */
function checkFacts({ facts, state, unbegun, attempts, result }: Mind, change: AtomChange): void {
  const { retry } = facts
  const wanted: Partial<AtomChange> = {
    ...(state === 'RUNNING' && { attempts, kind: retry ? 'retry' : 'task', version: '1.0' }),
    ...(state === 'RETRYING' && { intention: 'EXECUTE' }),
    ...(state === 'FAILURE' && unbegun && { meta: { unbegun: true } }),
    ...(retry && state === 'SUCCESS' && { attempt: { value: result!.value ?? null } }),
    ...(retry && state === 'REVERTED' && { history: [] }),
  }
  const about = [
    'name',
    'state',
    'result',
    'failure',
    'revertResult',
    'revertFailure',
    'progress',
    'beganAt',
    'endedAt',
  ]
  const told = Object.fromEntries(Object.entries(change).filter(([key]) => !about.includes(key)))
  if (!same(sorted(told), sorted(wanted))) {
    refuse(`${changeText(change)} with ${JSON.stringify(told)}, not ${JSON.stringify(wanted)}`)
  }
}

/** Whether a batch only tells how far atoms are, which may come at any time. */
export function isProgress({ change, atoms }: Batch): boolean {
  return Object.keys(change).length === 0 && atoms.every(isToldOnly)
}

function isToldOnly(change: AtomChange): boolean {
  return Object.keys(change).every((key) => key === 'name' || key === 'progress')
}

function changeText(change: AtomChange | undefined): string {
  if (!change) return 'the batch is over'
  const { name, state, ...facts } = change
  return `'${name}' becomes ${state ?? JSON.stringify(facts)}`
}
