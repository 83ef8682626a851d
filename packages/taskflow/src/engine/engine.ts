import { randomUUID } from 'node:crypto'
import { compile } from '../compiler/compiler.ts'
import type { Plan } from '../compiler/plan.ts'
import { validate } from '../compiler/validation.ts'
import { TaskFlowError, WrappedFailure } from '../errors.ts'
import { describe, type Failure } from '../failure.ts'
import type { Flow } from '../flow.ts'
import type { Listener } from '../listeners/listener.ts'
import { Notifier } from '../listeners/notifier.ts'
import { valueAt } from '../paths.ts'
import type { FlowNode } from '../patterns.ts'
import type { FlowState } from '../states.ts'
import type { Backend } from '../storage/backend.ts'
import { MemoryBackend } from '../storage/memory.ts'
import type { Logger } from '../task.ts'
import { drive } from './machine.ts'
import { ProgressBook } from './progress.ts'
import { ReadyQueue } from './ready-queue.ts'
import { Recorder, raiseUnstored } from './recorder.ts'
import type { Run } from './run.ts'
import { recordFlow } from './transitions.ts'

export interface EngineOptions {
  /** `serial`: one atom at a time; `parallel`: as many as `maxWorkers`. Default `serial`. */
  readonly mode?: 'serial' | 'parallel'
  /** How many atoms may be under way at once in a parallel engine. Default 10. */
  readonly maxWorkers?: number
  /** Where the run is recorded. Default: a memory of its own. */
  readonly backend?: Backend
  /** Id of the run. Default: a new UUID. */
  readonly id?: string
  readonly listeners?: readonly Listener[]
  readonly logger?: Logger
  /** Cancels the run when it aborts. */
  readonly signal?: AbortSignal
  /**
   * What a revert that fails does to the reverts before it: `stop` leaves them undone, as TaskFlow does; `continue`
   * runs them all the same. Either way the flow ends in FAILURE. Default `stop`.
   */
  readonly onRevertFailure?: 'stop' | 'continue'
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Runs one flow once.
 *
 * @example
 * const engine = new Engine(webImport, { mode: 'parallel' })
 * await engine.run({ image: 'a', uri: 'http://mirror/a.qcow2' })
 */
export class Engine<I extends object, R> {
  readonly id: string
  readonly plan: Plan
  readonly #flow: Flow<I, R>
  readonly #options: EngineOptions
  readonly #backend: Backend
  /** A typed flow has declared its inputs. */
  readonly #closed: boolean
  #run: Run | null = null

  /** @throws TaskFlowError `invalid-flow`, `duplicate-name` */
  constructor(flow: Flow<I, R> | FlowNode, options: EngineOptions = {}) {
    this.#closed = 'root' in flow
    this.#flow = 'root' in flow ? flow : { name: flow.name, root: flow, inputs: [], result: null }
    this.#options = options
    this.#backend = options.backend ?? new MemoryBackend()
    this.id = options.id ?? randomUUID()
    this.plan = compile(this.#flow.root)
    checkOptions(options)
  }

  /** As it is stored: a run that rejects with `storage` stays in the state that was stored last. */
  get state(): FlowState {
    return this.#run?.recorder.state ?? 'PENDING'
  }

  /** Why atoms failed, in document order. */
  get failures(): readonly Failure[] {
    return inOrder(this.#run?.failures)
  }

  /** Why atoms could not be undone, in document order. */
  get revertFailures(): readonly Failure[] {
    return inOrder(this.#run?.revertFailures)
  }

  /**
   * Runs the flow to its end and gives its result.
   *
   * @throws what the failed atom threw, or a {@link WrappedFailure} of several; after a failed revert, that failure;
   *   TaskFlowError `missing-dependencies`, `not-json`, `invalid-state`, `cancelled`, `storage`
   */
  async run(inputs: I): Promise<R> {
    if (this.#run) throw new TaskFlowError('invalid-state', `this engine has run '${this.plan.name}' already`)
    const values = validate(this.plan, inputs, this.#closed)
    const { signal } = this.#options
    const run = this.#prepare(values)
    this.#run = run
    try {
      await this.#backend.create({ id: this.id, name: this.plan.name, state: 'PENDING', inputs: values })
    } catch (error) {
      raiseUnstored(error)
    }
    const cancel = (): void => this.cancel(signal?.reason)
    if (signal?.aborted) cancel()
    else signal?.addEventListener('abort', cancel, { once: true })
    try {
      await this.#drive(run)
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
    raiseFailures(run)
    return resultOf(run, this.#flow) as R
  }

  /** Aborts what is under way, and reverts what was done. Does nothing to a run that is over or reverts already. */
  cancel(reason?: unknown): void {
    const run = this.#run
    if (!run || run.reverting || run.cancelled || run.flowState === 'SUCCESS') return
    run.cancelled = { reason }
    run.abort.abort(reason)
    run.wake()
  }

  async #drive(run: Run): Promise<void> {
    const progress = new ProgressBook(run, this.#backend)
    recordFlow(run, 'RUNNING')
    try {
      await drive({ run, progress })
    } catch (error) {
      run.abort.abort(error)
      await drain(run)
      throw error
    } finally {
      await progress.flush()
    }
  }

  #prepare(inputs: Readonly<Record<string, unknown>>): Run {
    const { plan } = this
    const logger = this.#options.logger ?? silent
    const notifier = new Notifier(this.#options.listeners ?? [], logger)
    const ready = new ReadyQueue()
    ready.push(plan.order.ranks[0]!)
    return {
      id: this.id,
      plan,
      inputs,
      capacity: capacityOf(this.#options),
      onRevertFailure: this.#options.onRevertFailure ?? 'stop',
      recorder: new Recorder(this.#backend, notifier),
      notifier,
      logger,
      flowState: 'PENDING',
      states: Array.from<'PENDING'>({ length: plan.size }).fill('PENDING'),
      attempts: new Uint32Array(plan.size),
      results: Array.from({ length: plan.size }),
      failures: new Map(),
      revertFailures: new Map(),
      blockers: inDegrees(plan),
      ready,
      reverting: false,
      halted: false,
      cancelled: null,
      abort: new AbortController(),
      running: 0,
      completed: [],
      wake: () => {},
    }
  }
}

/**
 * Runs a flow and gives its result; short for an {@link Engine} of its own.
 *
 * @example const sum = await run(addUp, { numbers: [1, 2, 3] }, { mode: 'parallel', maxWorkers: 4 })
 */
export async function run<I extends object, R>(
  flow: Flow<I, R>,
  inputs: NoInfer<I>,
  options?: EngineOptions,
): Promise<R> {
  return await new Engine(flow, options).run(inputs)
}

function checkOptions({ mode = 'serial', maxWorkers = 10, onRevertFailure = 'stop', id }: EngineOptions): void {
  if (mode !== 'serial' && mode !== 'parallel') {
    throw new TaskFlowError('invalid-flow', `mode must be 'serial' or 'parallel', not ${JSON.stringify(mode)}`)
  }
  if (!Number.isInteger(maxWorkers) || maxWorkers < 1) {
    throw new TaskFlowError('invalid-flow', `maxWorkers must be a whole number of at least 1, not ${maxWorkers}`)
  }
  if (onRevertFailure !== 'stop' && onRevertFailure !== 'continue') {
    const given = JSON.stringify(onRevertFailure)
    throw new TaskFlowError('invalid-flow', `onRevertFailure must be 'stop' or 'continue', not ${given}`)
  }
  if (id !== undefined && (typeof id !== 'string' || id === '')) {
    throw new TaskFlowError('invalid-flow', `id must be a text that is not empty, not ${JSON.stringify(id)}`)
  }
}

function capacityOf({ mode = 'serial', maxWorkers = 10 }: EngineOptions): number {
  return mode === 'serial' ? 1 : maxWorkers
}

function inDegrees({ size, predecessors: { offsets } }: Plan): Int32Array {
  const degrees = new Int32Array(size)
  for (let node = 0; node < size; node++) degrees[node] = offsets[node + 1]! - offsets[node]!
  return degrees
}

/** After the record was lost: nobody may be left working for a run that nobody watches. */
async function drain(run: Run): Promise<void> {
  while (run.completed.length < run.running) {
    await new Promise<void>((resolve) => {
      run.wake = resolve
    })
  }
}

/** Source: TaskFlow: one failure is raised as it was, several as one; a failed revert stands before its cause. */
function raiseFailures(run: Run): void {
  if (run.flowState === 'SUCCESS') return
  const failures = inOrder(run.revertFailures.size > 0 ? run.revertFailures : run.failures)
  if (run.cancelled && run.revertFailures.size === 0) {
    const { reason } = run.cancelled
    const why = reason instanceof Error ? reason.message : describe(reason ?? 'no reason was given')
    throw new TaskFlowError('cancelled', `flow '${run.plan.name}' was cancelled: ${why}`, { cause: reason })
  }
  const [first, ...more] = failures
  if (first) throw more.length === 0 ? first.toError() : new WrappedFailure(failures)
}

function resultOf(run: Run, { result, name }: Flow<never, unknown>): unknown {
  if (!result) return undefined
  const { symbol, path } = result
  const node = run.plan.atoms.findIndex((atom) => atom?.name === symbol)
  const value = node < 0 ? run.inputs[symbol] : (run.results[node] ?? null)
  return valueAt(value, path, () => `the result of flow '${name}' is a part of '${symbol}'`)
}

function inOrder(failures: ReadonlyMap<number, Failure> | undefined): readonly Failure[] {
  return [...(failures ?? [])].toSorted(([a], [b]) => a - b).map(([, failure]) => failure)
}
