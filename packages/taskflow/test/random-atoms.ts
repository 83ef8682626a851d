/** What the atoms of a random flow do, what they are told while they do it, and what they write down. */
import {
  type Decision,
  Failure,
  type Outcome,
  type RetryContext,
  type RevertContext,
  type TaskContext,
  TaskFlowError,
} from '../src/index.ts'
import type { Arguments, Doing } from './random-build.ts'
import type { AtomFacts, LinkFacts, Vote } from './random-facts.ts'
import { type Ballot, fails } from './random-flow.ts'
import type { Asked, End, Model, Witness } from './random-model.ts'
import { listed, refuse, same, sorted } from './random-refusal.ts'
import type { Timing } from './random-timing.ts'

type Deed = 'execute' | 'executed' | 'failed' | 'revert' | 'reverted' | 'revert failed'

/** What an atom's own functions wrote down. */
export interface Entry {
  readonly atom: string
  readonly deed: Deed
  readonly args?: Arguments
}

/** The rest of the stage, as far as atoms have to do with it. */
export interface Surroundings {
  readonly model: Model
  readonly timing: Timing
  /** Whether two executes of one atom give different results. */
  readonly stamped: boolean
  /** Keeps what a check throws for later: an atom must not fail by it. */
  guard(check: () => void): void
  /** A good moment for something to come from outside. */
  interrupt(on: 'call' | 'question', isLooking?: boolean): void
  /** What was stored and not announced yet. */
  readonly unheard: readonly string[]
}

export class Atoms implements Doing, Witness {
  readonly entries: Entry[] = []
  readonly underWay = new Set<string>()
  /** The most executes and reverts that were under way at once. */
  peak = 0
  /** Whose backoff the next timer is. */
  timed: string | null = null
  readonly #around: Surroundings
  readonly #calls = new Map<string, number>()
  readonly #ends = new Map<string, End[]>()
  readonly #decisions: { readonly retry: string; readonly decision: Decision | 'none' }[] = []
  readonly #votes: Asked[] = []

  constructor(around: Surroundings) {
    this.#around = around
  }

  execute(facts: AtomFacts, args: Arguments, context: TaskContext): unknown {
    const { name } = facts
    const plan = facts.task!
    const nth = this.#begin(facts, 'execute', args)
    this.#check(context.attempt === this.#mind(name).attempts, `'${name}' is told of attempt ${context.attempt}`)
    if (plan.tells) context.progress(0.25, { of: name })
    const end = (): unknown => {
      if (plan.tells) context.progress(0.75)
      const stamp = this.#around.stamped ? nth : 0
      if (!fails(plan.failing, nth)) return this.#ended(facts, 'executed', resultOf(facts, args, stamp))
      const error = broken(`${name} failed`)
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
    this.#checkOutcome(name, outcome, context)
    const end = (): unknown => {
      if (!fails(plan.revertFailing, nth)) return this.#ended(facts, 'reverted', `undo of ${name}`)
      throw this.#ended(facts, 'revert failed', broken(`revert of ${name} failed`))
    }
    return plan.revertWaits ? this.#work(`revert of ${name}`, end) : end()
  }

  executeRetry(facts: AtomFacts, args: Arguments, context: RetryContext<unknown>, give: () => unknown): unknown {
    const { strategy } = facts.retry!
    const nth = this.#begin(facts, 'execute', args)
    this.#checkHistory(facts, context)
    const end = (): unknown => {
      if (strategy.kind === 'own' && fails(strategy.failing, nth)) {
        throw this.#ended(facts, 'failed', broken(`${facts.name} failed`))
      }
      try {
        return this.#ended(facts, 'executed', give())
      } catch (error) {
        if (!(error instanceof TaskFlowError && error.code === 'no-more-values')) throw error
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
      throw this.#ended(facts, 'revert failed', broken(`revert of ${facts.name} failed`))
    }
    return strategy.kind === 'own' && strategy.revertWaits ? this.#work(`revert of ${facts.name}`, end) : end()
  }

  onFailure({ name }: AtomFacts, _: Arguments, __: RetryContext<unknown>, decide: () => Decision): Decision {
    this.#around.interrupt('question')
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
    const known = this.#mind(name).history.length
    this.#check(failed === known, `the backoff of '${name}' is told of ${failed} attempts, not ${known}`)
    this.#around.interrupt('question', true)
    if (retry!.backoff > 0) this.timed = name
    return retry!.backoff
  }

  vote({ id, ballot }: LinkFacts, history: Readonly<Record<string, unknown>>): boolean {
    this.#around.interrupt('question', true)
    this.#votes.push({ id, history: { ...history } })
    if (ballot === 'throws') throw new Error(`decider ${id} fails`)
    return ballot === 'waits' ? (Promise.resolve(false) as unknown as boolean) : isYes(ballot!, id, history)
  }

  takeEnd(atom: string): End | undefined {
    return this.#ends.get(atom)?.shift()
  }

  get endsLeft(): number {
    return [...this.#ends.values()].reduce((sum, ends) => sum + ends.length, 0)
  }

  takeDecision(): { readonly retry: string; readonly decision: Decision | 'none' } | undefined {
    return this.#decisions.shift()
  }

  get decisionsLeft(): number {
    return this.#decisions.length
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

  get votesLeft(): number {
    return this.#votes.length
  }

  answerOf({ id, ballot }: Vote, history: Readonly<Record<string, unknown>>): boolean | 'none' {
    return ballot === 'throws' || ballot === 'waits' ? 'none' : isYes(ballot, id, history)
  }

  /** A call begins; gives its number. */
  #begin(facts: AtomFacts, deed: 'execute' | 'revert', args: Arguments): number {
    const { name, wants, revertWants } = facts
    this.#around.guard(() => {
      const { unheard, model } = this.#around
      const { state } = this.#mind(name)
      if (state !== (deed === 'execute' ? 'RUNNING' : 'REVERTING')) refuse(`${deed} of '${name}' is called in ${state}`)
      if (unheard.length > 0) refuse(`${deed} of '${name}' is called before ${listed(unheard)} was announced`)
      if (this.underWay.has(name)) refuse(`${deed} of '${name}' is called while it is under way`)
      const wanted = model.argumentsOf(name, deed === 'execute' ? wants : revertWants)
      if (!same(sorted(args), wanted && sorted(wanted))) {
        refuse(`${deed} of '${name}' is called with ${JSON.stringify(args)}, not ${JSON.stringify(wanted)}`)
      }
    })
    this.entries.push({ atom: name, deed, args })
    this.underWay.add(name)
    this.peak = Math.max(this.peak, this.underWay.size)
    const key = `${deed} ${name}`
    const nth = (this.#calls.get(key) ?? 0) + 1
    this.#calls.set(key, nth)
    this.#around.interrupt('call')
    return nth
  }

  /** A call is over; gives the value back. */
  #ended<T>({ name }: AtomFacts, deed: 'executed' | 'failed' | 'reverted' | 'revert failed', value: T): T {
    this.underWay.delete(name)
    this.entries.push({ atom: name, deed })
    const end: End = deed === 'executed' || deed === 'reverted' ? { ok: true, value } : { ok: false, error: value }
    this.#ends.set(name, [...(this.#ends.get(name) ?? []), end])
    return value
  }

  async #work(
    what: string,
    end: () => unknown,
    signal: AbortSignal | null = null,
    abort: (reason: unknown) => unknown = () => null,
  ): Promise<unknown> {
    const how = await this.#around.timing.pauseUnder(signal, what)
    return how === 'aborted' ? abort(signal?.reason) : end()
  }

  #checkOutcome(name: string, outcome: Outcome<unknown>, { failures }: RevertContext): void {
    const { result, failure } = this.#mind(name)
    this.#check(outcome.ok === (failure === null), `the revert of '${name}' is told that it is ${outcome.ok}`)
    if (outcome.ok) this.#check(same(outcome.result, result?.value), `the revert of '${name}' is told another result`)
    const told = [...failures.keys()].toSorted()
    const wanted = this.#around.model.failures('failure').map(({ atom }) => atom)
    this.#check(
      same(told, wanted.toSorted()),
      `the revert of '${name}' is told of ${listed(told)}, not ${listed(wanted)}`,
    )
  }

  #checkHistory({ name }: AtomFacts, { history }: RetryContext<unknown>): void {
    const told = history.entries.map(({ value, failures }) => [value, [...failures.keys()]])
    const wanted = this.#mind(name).history.map(({ value, failed }) => [value, [...failed]])
    this.#check(same(told, wanted), `'${name}' is told ${JSON.stringify(told)}, not ${JSON.stringify(wanted)}`)
  }

  #mind(name: string): NonNullable<ReturnType<Model['minds']['get']>> {
    return this.#around.model.minds.get(name)!
  }

  #check(isRight: boolean, why: string): void {
    if (!isRight) this.#around.guard(() => refuse(why))
  }
}

/** Without a stack, which nobody wants and which takes longer than all the rest. */
function broken(message: string): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const error = new Error(message)
  Error.stackTraceLimit = stackTraceLimit
  return error
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
