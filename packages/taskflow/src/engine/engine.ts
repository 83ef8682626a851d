import { randomUUID } from 'node:crypto'
import { compile } from '../compiler/compiler.ts'
import type { Plan } from '../compiler/plan.ts'
import { type InputRules, validate } from '../compiler/validation.ts'
import { TaskFlowError } from '../errors.ts'
import type { Failure } from '../failure.ts'
import type { Flow } from '../flow.ts'
import type { AtomView } from '../inspection.ts'
import type { Listener, Transition } from '../listeners/listener.ts'
import type { FlowNode } from '../nodes.ts'
import type { FlowState } from '../states.ts'
import type { Backend } from '../storage/backend.ts'
import { MemoryBackend } from '../storage/memory.ts'
import { forgetAll, isOver, leaveAsIs, setOut } from './again.ts'
import { beginRun, takeUpRun } from './beginning.ts'
import { drive, stepThrough } from './machine.ts'
import { checkOptions, type EngineOptions, maxValueBytesOf } from './options.ts'
import { allValues, inOrder, raiseFailures, resultOf, valuesOf } from './outcome.ts'
import { isLost } from './recorder.ts'
import { Ride } from './ride.ts'
import type { Run } from './run.ts'
import { type Statistics, statisticsOf } from './statistics.ts'
import { viewOf } from './viewing.ts'

/**
 * Runs a flow: once, or again from where it stopped.
 *
 * @example
 * const add = task({ name: 'add', execute: ({ a, b }: { a: number; b: number }) => a + b })
 * const sum = flow('sum', (f, { a, b }: Inputs<{ a: number; b: number }>) => f.add(add, { a, b }))
 * const engine = new Engine(sum, { mode: 'parallel' })
 * console.log(await engine.run({ a: 1, b: 2 })) // 3
 */
export class Engine<I extends object, R> {
  readonly id: string
  readonly #flow: Flow<I, R>
  readonly #options: EngineOptions
  readonly #backend: Backend
  readonly #rules: InputRules
  #plan: Plan | null = null
  #run: Run | null = null
  #driving = false
  /** Why what happened could not be stored: what is known here is no longer what is recorded. */
  #lost: unknown = null
  /** A cancel that came before there was a run. */
  #cancelled: { readonly reason: unknown } | null = null

  /** @throws TaskFlowError `invalid-flow` when an option is not what it must be. */
  constructor(flow: Flow<I, R> | FlowNode, options: EngineOptions = {}) {
    checkOptions(options)
    this.#rules = { closed: 'root' in flow, maxValueBytes: maxValueBytesOf(options) }
    this.#flow = 'root' in flow ? flow : { name: flow.name, root: flow, inputs: [], defaults: {}, result: null }
    this.#options = options
    this.#backend = options.backend ?? new MemoryBackend()
    this.id = options.id ?? randomUUID()
  }

  /**
   * Takes up a run that was begun earlier, by an engine that is gone with its process, say; `run()` then goes on with
   * it: what succeeded is not done again, what was executing or reverting is, what had failed is asked about again.
   * Whoever else still drives that run is refused by storage from now on.
   *
   * @param options `id` and `backend` say which run.
   * @throws TaskFlowError `not-found`; `plan-changed` when the flow is no longer what it was; `missing-dependencies`,
   *   `stale-owner`, `storage`, and what the constructor and {@link compile} throw
   * @example
   * const backend = new MemoryBackend()
   * const work = task({ name: 'work', execute: () => 'done' })
   * const job = flow('job', (f) => f.add(work, {}))
   * await new Engine(job, { backend, id: 'r' }).prepare({})
   * const engine = await Engine.resume(job, { backend, id: 'r' })
   * console.log(await engine.run()) // done
   */
  static async resume<I extends object, R>(
    flow: Flow<I, R> | FlowNode,
    options: EngineOptions & { readonly id: string; readonly backend: Backend },
  ): Promise<Engine<I, R>> {
    const engine = new Engine(flow, options)
    engine.#run = await takeUpRun(options, engine.#origin(), (inputs) => engine.#valuesFrom(inputs))
    return engine
  }

  /** As it is stored: a run that rejects with `storage` stays in the state that was stored last. */
  get state(): FlowState {
    return this.#run?.recorder.state ?? 'PENDING'
  }

  /** Why atoms failed, in the order of the flow; failures that a retry solved are not among them. */
  get failures(): readonly Failure[] {
    return inOrder(this.#run?.failures)
  }

  /** Why atoms could not be undone, in the order of the flow. */
  get revertFailures(): readonly Failure[] {
    return inOrder(this.#run?.revertFailures)
  }

  /** Whether it was asked to undo everything, and was not over by then. */
  get cancelled(): boolean {
    return (this.#run?.cancelled ?? this.#cancelled) !== null
  }

  /**
   * The plan of the flow; made once.
   *
   * @throws TaskFlowError `duplicate-name`, `invalid-flow`
   */
  compile(): Plan {
    this.#plan ??= compile(this.#flow.root)
    return this.#plan
  }

  /**
   * Whether the flow can run on these inputs; nothing is begun.
   *
   * @throws TaskFlowError `missing-dependencies`, `not-json`, and what {@link compile} throws
   */
  validate(inputs: I): void {
    this.#valuesFrom(inputs)
  }

  /**
   * Makes everything ready to run, and records the run as PENDING.
   *
   * @throws TaskFlowError `invalid-state` when it was done before, `storage`, and what {@link validate} throws
   */
  async prepare(inputs: I): Promise<void> {
    if (this.#run) throw this.#refusal('has its inputs already; run it without any to go on')
    const run = await beginRun(this.#options, this.#origin(), this.#valuesFrom(inputs))
    run.cancelled = this.#cancelled
    this.#run = run
  }

  /**
   * Runs the flow to its end and gives its result. Run again, without inputs, it does what is left: a success is given
   * at once, a suspended or failed run goes on, a reverted one starts over.
   *
   * @param inputs the first time, unless it is prepared.
   * @throws what the failed atom threw, or a {@link WrappedFailure} of several; after a failed revert, that failure;
   *   TaskFlowError `suspended`, `cancelled`, `abandoned`, `storage`, `stale-owner`, `invalid-state`, and what {@link prepare} throws
   */
  async run(inputs?: I): Promise<R> {
    const run = await this.#begin(inputs)
    await this.#toEnd(run.flowState === 'SUCCESS' ? null : this.#rideOf(run))
    raiseFailures(run)
    return resultOf(run, this.#flow) as R
  }

  /**
   * Runs the flow and gives its transitions one after another. Between two of them nothing new is started. Who stops
   * listening suspends the run: what is under way ends first. Failures are not thrown; {@link state} tells of them.
   *
   * @throws TaskFlowError `storage`, `invalid-state`, and what {@link prepare} throws
   */
  async *iterate(inputs?: I): AsyncGenerator<Transition, void> {
    const heard: Transition[] = []
    const listen = (event: Transition): void => void heard.push(event)
    const listener = { onFlow: listen, onAtom: listen }
    const run = await this.#begin(inputs, listener)
    const ride = run.flowState === 'SUCCESS' ? null : this.#rideOf(run)
    try {
      if (ride) {
        for await (const _ of stepThrough(ride.course)) for (const transition of heard.splice(0)) yield transition
      }
    } catch (error) {
      if (isLost(error)) await this.#lose(ride, error)
      throw error
    } finally {
      run.notifier.remove(listener)
      this.suspend()
      await this.#toEnd(ride)
    }
  }

  /** Everything that goes by a name: what the run was given first, then what atoms made that are not undone. */
  fetch(symbol: string): readonly unknown[] {
    return this.#run ? valuesOf(this.#run, symbol) : []
  }

  /** By name, everything that the run was given or that atoms made. */
  fetchAll(): ReadonlyMap<string, readonly unknown[]> {
    return this.#run ? allValues(this.#run) : new Map()
  }

  /** What is known of an atom; null where the flow has none of this name. What can be seen may not be stored yet. */
  atom(name: string): AtomView | null {
    return viewOf(this.compile(), this.#run, name)
  }

  /** Counts and times of the latest run. To read it is to look at every atom once. */
  get statistics(): Statistics {
    return statisticsOf(this.#run)
  }

  /** Starts nothing more; once what is under way has ended, the run rests until it is run again. */
  suspend(): void {
    const run = this.#run
    if (!this.#driving || !run || run.flowState !== 'RUNNING' || run.cancelled) return
    run.suspending = true
    run.wake()
  }

  /**
   * Aborts what is under way, and reverts what was done; a run that has not begun, or rests, does so when it is run. A
   * run that is over or reverts everything already does not notice.
   */
  cancel(reason?: unknown): void {
    const run = this.#run
    if (!run) this.#cancelled ??= { reason }
    if (!run || run.revertingAll || run.cancelled || isOver(run)) return
    run.cancelled = { reason }
    run.suspending = false
    run.abort.abort(reason)
    run.wake()
  }

  /**
   * Leaves the run as it is recorded, as if this process ended now: what is under way is aborted, nothing more is
   * written, and `run()` rejects. This engine is of no more use; {@link Engine.resume} makes one that goes on.
   */
  abandon(reason?: unknown): void {
    if (this.#run && this.#driving) leaveAsIs(this.#run, reason)
  }

  /**
   * Forgets what was done, without undoing it: the next run starts from nothing.
   *
   * @throws TaskFlowError `invalid-state` unless the run is over and succeeded or was reverted; `storage`
   */
  async reset(): Promise<void> {
    const run = this.#run
    if (!run || run.flowState === 'PENDING') return
    if (this.#driving) throw this.#refusal('is running; it can be reset when it is over')
    if (!isOver(run)) throw this.#refusal(`is in ${run.flowState}; only what succeeded or was reverted can be reset`)
    this.#driving = true
    try {
      forgetAll(run)
      await run.recorder.flush()
    } catch (error) {
      await this.#lose(null, error)
      throw error
    } finally {
      this.#driving = false
    }
  }

  /** Makes a run ready to be driven; one that is a success has nothing to do. */
  async #begin(inputs: I | undefined, listener?: Listener): Promise<Run> {
    if (this.#driving) throw this.#refusal('is running already')
    if (this.#lost !== null) throw this.#refusal('was lost or left as it is: this engine cannot go on with it')
    this.#driving = true
    try {
      if (!this.#run) await this.prepare(inputs === undefined ? ({} as I) : inputs)
      else if (inputs !== undefined) throw this.#refusal('has its inputs already; run it without any to go on')
      const run = this.#run!
      run.notifier.engine = this
      if (listener) run.notifier.add(listener)
      setOut(run)
      return run
    } catch (error) {
      this.#driving = false
      throw error
    }
  }

  #origin(): { readonly id: string; readonly plan: Plan; readonly backend: Backend } {
    return { id: this.id, plan: this.compile(), backend: this.#backend }
  }

  #rideOf(run: Run): Ride {
    return new Ride(run, this.#options, (reason) => this.cancel(reason))
  }

  /** Drives a run for as long as there is something to do, and lets go of what it has only meanwhile. */
  async #toEnd(ride: Ride | null): Promise<void> {
    try {
      if (ride) await drive(ride.course)
    } catch (error) {
      await this.#lose(ride, error)
      throw error
    } finally {
      await ride?.end()
      this.#driving = false
    }
  }

  async #lose(ride: Ride | null, error: unknown): Promise<void> {
    this.#lost = error
    await ride?.break(error)
  }

  #valuesFrom(inputs: object): Readonly<Record<string, unknown>> {
    return validate(this.compile(), this.#flow.defaults, inputs, this.#rules)
  }

  #refusal(why: string): TaskFlowError {
    return new TaskFlowError('invalid-state', `flow '${this.#flow.name}' ${why}`)
  }
}
