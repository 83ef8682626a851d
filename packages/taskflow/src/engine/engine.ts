import { randomUUID } from 'node:crypto'
import { compile } from '../compiler/compiler.ts'
import type { Plan } from '../compiler/plan.ts'
import { validate } from '../compiler/validation.ts'
import { TaskFlowError } from '../errors.ts'
import type { Failure } from '../failure.ts'
import type { Flow } from '../flow.ts'
import type { AtomEvent, FlowEvent, Listener } from '../listeners/listener.ts'
import type { FlowNode } from '../nodes.ts'
import type { FlowState } from '../states.ts'
import type { Backend } from '../storage/backend.ts'
import { MemoryBackend } from '../storage/memory.ts'
import { forgetAll, goOn, startOver } from './again.ts'
import { drive, stepThrough } from './machine.ts'
import { checkOptions, type EngineOptions } from './options.ts'
import { allValues, inOrder, raiseFailures, resultOf, valuesOf } from './outcome.ts'
import { raiseUnstored } from './recorder.ts'
import { Ride } from './ride.ts'
import { newRun, type Run } from './run.ts'
import { settingOf } from './setting.ts'
import { recordFlow } from './transitions.ts'

/** States of a run in which nothing is left that could be cancelled. */
const over: ReadonlySet<FlowState> = new Set(['SUCCESS', 'REVERTED'])

/**
 * A transition of a run, as {@link Engine.iterate} gives it.
 *
 * @example
 * const sayTransition = (transition: Transition) => ('atom' in transition ? transition.atom : transition.name)
 */
export type Transition = FlowEvent | AtomEvent

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
  /** A typed flow has declared its inputs. */
  readonly #closed: boolean
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
    this.#closed = 'root' in flow
    this.#flow = 'root' in flow ? flow : { name: flow.name, root: flow, inputs: [], defaults: {}, result: null }
    this.#options = options
    this.#backend = options.backend ?? new MemoryBackend()
    this.id = options.id ?? randomUUID()
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
    const values = this.#valuesFrom(inputs)
    const run = newRun(
      settingOf(this.#options, { id: this.id, plan: this.compile(), inputs: values, backend: this.#backend }),
    )
    try {
      await this.#backend.create({ id: this.id, name: run.plan.name, state: 'PENDING', inputs: values })
    } catch (error) {
      raiseUnstored(error)
    }
    run.cancelled = this.#cancelled
    this.#run = run
  }

  /**
   * Runs the flow to its end and gives its result. Run again, without inputs, it does what is left: a success is given
   * at once, a suspended or failed run goes on, a reverted one starts over.
   *
   * @param inputs the first time, unless it is prepared.
   * @throws what the failed atom threw, or a {@link WrappedFailure} of several; after a failed revert, that failure;
   *   TaskFlowError `suspended`, `cancelled`, `storage`, `invalid-state`, and what {@link prepare} throws
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
      if (error instanceof TaskFlowError && error.code === 'storage') await this.#lose(ride, error)
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
    if (!run || run.revertingAll || run.cancelled || over.has(run.flowState)) return
    run.cancelled = { reason }
    run.suspending = false
    run.abort.abort(reason)
    run.wake()
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
    if (run.flowState !== 'SUCCESS' && run.flowState !== 'REVERTED') {
      throw this.#refusal(`is in ${run.flowState}; only what succeeded or was reverted can be reset`)
    }
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
    if (this.#lost !== null) throw this.#refusal('could not be stored, so this engine cannot go on with it')
    this.#driving = true
    try {
      if (!this.#run) await this.prepare(inputs === undefined ? ({} as I) : inputs)
      else if (inputs !== undefined) throw this.#refusal('has its inputs already; run it without any to go on')
      const run = this.#run!
      if (listener) run.notifier.add(listener)
      if (run.flowState === 'SUCCESS') return run
      if (run.flowState === 'REVERTED') startOver(run)
      else goOn(run)
      recordFlow(run, 'RUNNING')
      return run
    } catch (error) {
      this.#driving = false
      throw error
    }
  }

  #rideOf(run: Run): Ride {
    return new Ride(run, this.#backend, this.#options, (reason) => this.cancel(reason))
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
    return validate(this.compile(), this.#flow.defaults, inputs, this.#closed)
  }

  #refusal(why: string): TaskFlowError {
    return new TaskFlowError('invalid-state', `flow '${this.#flow.name}' ${why}`)
  }
}

/**
 * Runs a flow and gives its result; short for an {@link Engine} of its own.
 *
 * @example
 * const total = reduceTask({ name: 'total', fold: (a: number, b: number) => a + b })
 * const sum = flow('sum', (f) => f.add(total, [1, 2, 3]))
 * console.log(await run(sum, {}, { mode: 'parallel', maxWorkers: 4 })) // 6
 */
export async function run<I extends object, R>(
  flow: Flow<I, R>,
  inputs: NoInfer<I>,
  options?: EngineOptions,
): Promise<R> {
  return await new Engine(flow, options).run(inputs)
}
