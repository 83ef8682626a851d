import {
  type AtomEvent,
  type AtomNode,
  type AtomState,
  Failure,
  findLoss,
  History,
  type HistoryEntry,
  type Need,
  type RetryContext,
  type RetryNode,
  type RevertContext,
  valueAt,
} from '@glimpse/taskflow'
import type { RunOptions } from './executor.ts'

type Atom = AtomNode | RetryNode

/** An atom that was begun or passed by, and what has become of it. */
export interface Begun {
  readonly atom: Atom
  /** Its place in the log. */
  readonly at: number
  state: AtomState
  attempt: number
  /** Null: they could not be found, so there is nothing to undo. */
  args: object | null
  result: unknown
  failure: Failure | null
  revertFailure: Failure | null
  /** Of a retry: its attempts so far. */
  history: readonly HistoryEntry<unknown>[]
}

const undoable: ReadonlySet<AtomState> = new Set(['SUCCESS', 'FAILURE', 'RETRYING'])
const unaborted = new AbortController().signal

/** What was begun in a run without an engine, in the order in which it was: executes forwards, undoes backwards. */
export class PlainLog {
  readonly #begun: Begun[] = []
  readonly #attempts = new Map<string, number>()
  readonly #inputs: Readonly<Record<string, unknown>>
  readonly #options: RunOptions

  constructor(inputs: Readonly<Record<string, unknown>>, options: RunOptions) {
    this.#inputs = inputs
    this.#options = options
  }

  get failures(): Failure[] {
    return this.#begun.flatMap(({ failure }) => failure ?? [])
  }

  get revertFailures(): Failure[] {
    return this.#begun.flatMap(({ revertFailure }) => revertFailure ?? [])
  }

  begin(atom: Atom): Begun {
    const begun: Begun = {
      atom,
      at: this.#begun.length,
      state: 'PENDING',
      attempt: this.#attempts.get(atom.name) ?? 0,
      args: null,
      result: null,
      failure: null,
      revertFailure: null,
      history: [],
    }
    this.#begun.push(begun)
    return begun
  }

  /** A decider passed it by. */
  ignore(atom: Atom): void {
    this.#enter(this.begin(atom), 'IGNORE')
  }

  async execute(begun: Begun): Promise<Begun> {
    const { atom } = begun
    this.#enter(begun, 'RUNNING')
    try {
      begun.args = this.#argumentsOf(atom.needs)
      begun.result = storable(atom, await this.#invoke(begun, begun.args))
      if (atom.kind === 'retry') begun.history = [...begun.history, { value: begun.result, failures: new Map() }]
      this.#enter(begun, 'SUCCESS', { result: begun.result })
    } catch (error) {
      this.#fail(begun, error)
    }
    return begun
  }

  /** An atom fails before it is begun. */
  failUnbegun(atom: Atom, error: unknown): Failure {
    const begun = this.begin(atom)
    this.#enter(begun, 'RUNNING')
    return this.#fail(begun, error)
  }

  /** Reverts what was begun from there on, last first. One that cannot be reverted keeps no other from it. */
  async undo(from: number): Promise<void> {
    for (const begun of this.#begun.slice(from).toReversed()) {
      if (!undoable.has(begun.state)) continue
      this.#enter(begun, 'REVERTING')
      try {
        await this.#revert(begun)
        begun.history = []
        this.#enter(begun, 'REVERTED')
      } catch (error) {
        begun.revertFailure = Failure.from(error, begun.atom.name)
        this.#enter(begun, 'REVERT_FAILURE', { failure: begun.revertFailure })
      }
    }
  }

  /** What a retry controls is as if it had never been begun. */
  forgetAfter(control: Begun, wait: number): void {
    const [failure] = control.history.at(-1)?.failures.values() ?? []
    this.#enter(control, 'RETRYING', { wait, ...(failure && { failure }) })
    for (const begun of this.#begun.splice(control.at + 1)) this.#enter(begun, 'PENDING')
  }

  /** Of each atom the first failure in an attempt is kept. */
  note(control: Begun, by: string, failure: Failure): void {
    const { value, failures } = control.history.at(-1)!
    if (failures.has(by)) return
    control.history = [...control.history.slice(0, -1), { value, failures: new Map([...failures, [by, failure]]) }]
  }

  resultOf(atom: Atom): unknown {
    return this.#begun.findLast((begun) => begun.atom === atom)?.result ?? null
  }

  retryContext({ atom, history, failure }: Begun): RetryContext<unknown> {
    const { id: flow, logger } = this.#options
    return { flow, atom: atom.name, logger, history: new History(history, failure), failures: this.#failuresByAtom }
  }

  async #invoke(begun: Begun, args: object): Promise<unknown> {
    const { atom } = begun
    if (atom.kind === 'retry') return await atom.retry.execute(args as never, this.retryContext(begun))
    return await atom.task.execute(args as never, this.#taskContext(begun, this.#options.signal))
  }

  async #revert(begun: Begun): Promise<void> {
    const { atom, failure, result } = begun
    if (begun.args === null) return
    const args = (atom.revertNeeds ? this.#argumentsOf(atom.revertNeeds) : begun.args) as never
    const outcome = failure ? ({ ok: false, failure } as const) : ({ ok: true, result } as const)
    if (atom.kind === 'retry') await atom.retry.revert?.(args, this.retryContext(begun))
    else await atom.task.revert?.(args, outcome, this.#taskContext(begun, unaborted))
  }

  #fail(begun: Begun, error: unknown): Failure {
    const failure = Failure.from(error, begun.atom.name)
    begun.failure = failure
    this.#enter(begun, 'FAILURE', { failure })
    return failure
  }

  #argumentsOf(needs: readonly Need[]): object {
    return Object.fromEntries(needs.map((need) => [need.argument, this.#valueOf(need)]))
  }

  #valueOf({ symbol, path, injected }: Need): unknown {
    if (injected) return valueAt(injected.value, path)
    if (Object.hasOwn(this.#inputs, symbol)) return valueAt(this.#inputs[symbol], path)
    for (const { atom, state, result } of this.#begun) {
      const provided = atom.provides.find((each) => each.symbol === symbol)
      if (provided && state === 'SUCCESS') return valueAt(result, [...provided.path, ...path])
    }
    throw new Error(`'${symbol}' is needed, but what provides it was passed by`)
  }

  #taskContext({ atom, attempt, state }: Begun, signal: AbortSignal): RevertContext {
    const { id: flow, listener, logger } = this.#options
    const key = `${flow}/${atom.name}/${attempt}`
    return {
      signal,
      logger,
      flow,
      atom: atom.name,
      attempt,
      idempotencyKey: state === 'REVERTING' ? `${key}/revert` : key,
      failures: this.#failuresByAtom,
      progress: (fraction, details) => {
        const told = { fraction: Math.min(1, Math.max(0, fraction)), details: details ?? null }
        this.#tell(() => listener.onProgress?.({ flow, atom: atom.name, attempt, ...told }))
      },
    }
  }

  get #failuresByAtom(): ReadonlyMap<string, Failure> {
    return new Map(this.failures.map((failure) => [failure.atom, failure]))
  }

  #enter(begun: Begun, state: AtomState, facts: Pick<AtomEvent, 'result' | 'failure' | 'wait'> = {}): void {
    const { atom, state: oldState } = begun
    begun.state = state
    if (state === 'RUNNING') this.#attempts.set(atom.name, ++begun.attempt)
    const { attempt } = begun
    const event = { flow: this.#options.id, atom: atom.name, kind: atom.kind, state, oldState, attempt, ...facts }
    this.#tell(() => this.#options.listener.onAtom?.(event))
  }

  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#options.logger.error({ err: error }, 'a listener of a flow failed; the flow goes on')
    }
  }
}

/** A task may say that it failed by its result, too; and one whose result an engine could not store has failed. */
function storable({ name }: Atom, result: unknown): unknown {
  if (result instanceof Failure) throw result.toError() as Error
  const loss = findLoss(result, 'result')
  if (loss !== null) throw new TypeError(`the result of '${name}': ${loss}, which JSON cannot store`)
  return result ?? null
}
