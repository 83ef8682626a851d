import { setImmediate as turn } from 'node:timers/promises'
import { type Backoff, exponential } from '../backoff.ts'
import { type Clock, systemClock } from '../engine/clock.ts'
import { TaskFlowError } from '../errors.ts'
import type { Inspection } from '../inspection.ts'
import { checkMilliseconds, checkName } from '../names.ts'
import type { Awaitable, Backend } from '../storage/backend.ts'
import type { Logger } from '../task.ts'
import { Dispatch, type DispatchParts, type JobEngineOptions } from './dispatch.ts'
import type { FlowFactories } from './factories.ts'
import type { ClaimedJob } from './job.ts'
import { type JobEvent, type JobListener, tellJob } from './job-listener.ts'
import type { Jobboard } from './jobboard.ts'

/**
 * What a conductor works with.
 *
 * @example
 * const factories = flowFactories({ nothing: () => flow('nothing', () => {}) })
 * const parts = { jobboard: new MemoryJobboard(), backend: new MemoryBackend(), factories }
 * const options: ConductorOptions = { name: 'host-1', ...parts, maxJobs: 4, engine: () => ({ mode: 'parallel' }) }
 */
export interface ConductorOptions {
  /** Owner of what it claims, as the board tells it. */
  readonly name: string
  readonly jobboard: Jobboard
  readonly backend: Backend
  /** It claims only jobs of these. */
  readonly factories: FlowFactories
  /** How the engine of a job runs. Default: as engines do, with this conductor's clock and logger. */
  readonly engine?: (job: ClaimedJob) => JobEngineOptions
  /** How many jobs may run at once. Default 10. */
  readonly maxJobs?: number
  /** Milliseconds that a claim lasts; it is renewed three times as often. Default 30,000. */
  readonly lease?: number
  /**
   * Milliseconds before a job that could not be finished is claimed again, after so many claims; also before a board
   * that failed is asked again, after so many failures. Default: from 1 s to 60 s, half of it left to chance.
   */
  readonly backoff?: Backoff
  readonly listeners?: readonly JobListener[]
  /**
   * Called before a job's flow runs, begun or resumed: false has it left as it is, and the job consumed. Where it fails
   * the job is abandoned, to be tried again.
   */
  readonly begin?: (job: ClaimedJob, run: Inspection) => Awaitable<boolean>
  /**
   * Called when a job's flow is over, well or not, before the job is consumed; and once more if the process died in
   * between. Where it fails the job is abandoned, to be tried again.
   */
  readonly end?: (job: ClaimedJob, run: Inspection) => Awaitable<void>
  readonly logger?: Logger
  /** Where time comes from. Default: the system's timers. */
  readonly clock?: Clock
}

/**
 * How a conductor is stopped.
 *
 * @example
 * const onSigterm: StopOptions = { grace: 30_000, cut: 5_000 }
 */
export interface StopOptions {
  /** Milliseconds that jobs may run on; then they are suspended, which lets the tasks under way end. Default 0. */
  readonly grace?: number
  /** Milliseconds after that before those tasks are aborted, for somebody else to begin again. Default 5,000. */
  readonly cut?: number
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Jobs that never wait would keep timers and sockets waiting; so often the conductor lets them in. */
const jobsBetweenTurns = 100

/**
 * Claims jobs and runs their flows, begun or resumed: as many at once as it may, the best first.
 *
 * A job whose flow succeeded, or failed and was reverted as far as it could be, is consumed: how it ended is told by its
 * run. One that was suspended or could not be stored is abandoned, for itself or another conductor to go on with. One
 * that cannot be begun, as its factory throws or its flow is no longer what was begun, is trashed. When its claim is
 * lost, what is under way is aborted, nothing of it is stored and nothing is reverted.
 *
 * Source: TaskFlow's `conductors`.
 *
 * @example
 * const hello = task({ name: 'hello', execute: ({ name }: { name: string }) => `hello ${name}` })
 * const factories = flowFactories({
 *   greet: ({ name }: { name: string }) => flow('greet', (f) => f.add(hello, { name })),
 * })
 * const jobboard = new MemoryJobboard()
 * const backend = new MemoryBackend()
 * const conductor = new Conductor({ name: 'host-1', jobboard, backend, factories })
 * conductor.start()
 * const [job] = jobboard.post([factories.posting('greet', { name: 'Ada' })])
 * await conductor.idle()
 * console.log(backend.load(job!.run)?.flow.state) // SUCCESS
 * await conductor.stop({ grace: 30_000 })
 */
export class Conductor {
  readonly name: string
  readonly #options: ConductorOptions
  readonly #parts: DispatchParts
  readonly #maxJobs: number
  readonly #dispatches = new Map<Dispatch, Promise<void>>()
  #dispatched = 0
  #loop: Promise<void> | null = null
  #stopping = false
  #nudge: () => void = () => {}
  /** Who waits until there is nothing to do. */
  #idlers: (() => void)[] = []

  /** @throws TaskFlowError `invalid-flow` when an option is not what it must be. */
  constructor(options: ConductorOptions) {
    const { lease = 30_000, maxJobs = 10, clock = systemClock, logger = silent, listeners = [] } = options
    this.name = checkName('a conductor', options.name)
    checkMilliseconds('the lease of a conductor', lease)
    if (!Number.isInteger(maxJobs) || maxJobs < 1) {
      throw new TaskFlowError('invalid-flow', `maxJobs must be a whole number of at least 1, not ${maxJobs}`)
    }
    this.#options = options
    this.#maxJobs = maxJobs
    const { jobboard, backend, factories, engine = () => ({}) } = options
    const { backoff = exponential({ first: 1_000, jitter: 0.5 }), begin = () => true, end = () => {} } = options
    const tell = (event: Omit<JobEvent, 'conductor'>): void =>
      tellJob(listeners, logger, { ...event, conductor: this.name })
    this.#parts = { jobboard, backend, factories, engine, begin, end, lease, backoff, clock, logger, tell }
  }

  /** How many claims it has begun to work on. */
  get dispatched(): number {
    return this.#dispatched
  }

  /** The jobs that it works on, in the order in which it claimed them. */
  get running(): readonly ClaimedJob[] {
    return [...this.#dispatches.keys()].map(({ job }) => job)
  }

  /**
   * Begins to claim jobs, and goes on until it is stopped.
   *
   * @throws TaskFlowError `invalid-state` when it runs already, or has not stopped yet.
   */
  start(): void {
    if (this.#loop) throw new TaskFlowError('invalid-state', `conductor '${this.name}' runs already`)
    this.#stopping = false
    this.#loop = this.#work().finally(() => {
      this.#loop = null
    })
  }

  /**
   * Claims nothing more, and waits for what runs; what is not finished in time is suspended and handed back, and goes on
   * with whoever claims it next. Resolves when nothing runs any more; or so long after the tasks were aborted as they had
   * before: what does not heed its signal is not waited for, and its claim runs out.
   */
  async stop({ grace = 0, cut = 5_000 }: StopOptions = {}): Promise<void> {
    this.#stopping = true
    this.#nudge()
    await this.#within(grace)
    for (const dispatch of this.#dispatches.keys()) dispatch.suspend()
    await this.#within(cut)
    for (const dispatch of this.#dispatches.keys()) dispatch.cut(`conductor '${this.name}' was stopped`)
    await this.#within(cut)
  }

  /** Resolves when it runs nothing and found nothing on the board that it could claim, or was stopped. */
  async idle(): Promise<void> {
    if (!this.#loop) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#idlers.push(resolve)
    this.#nudge()
    await promise
  }

  async #work(): Promise<void> {
    for (let failures = 0; !this.#stopping; ) {
      try {
        await this.#look()
        failures = 0
      } catch (error) {
        const wait = this.#parts.backoff(++failures)
        this.#parts.logger.warn({ err: error }, `the jobboard failed; it is asked again in ${Math.round(wait)} ms`)
        await this.#rest((signal) => this.#pause(wait, signal))
      }
    }
    await Promise.all(this.#dispatches.values())
    for (const resolve of this.#idlers.splice(0)) resolve()
  }

  /** Claims as much as it may, or rests until there may be something to claim. */
  async #look(): Promise<void> {
    const { jobboard, clock, lease } = this.#parts
    const factories = this.#options.factories.names
    const idlers = this.#idlers.length
    const limit = this.#maxJobs - this.#dispatches.size
    if (limit === 0) return await this.#rest((signal) => aborted(signal))
    const since = clock.now()
    const claimed = await jobboard.claimNext({ owner: this.name, lease }, { factories, limit })
    for (const job of claimed) this.#dispatch(job, since)
    if (claimed.length > 0) return await this.#letOthersIn(claimed.length)
    // Who came while the board was asked wants it to be asked again.
    if (this.#dispatches.size === 0) for (const resolve of this.#idlers.splice(0, idlers)) resolve()
    if (this.#idlers.length > 0 && this.#dispatches.size === 0) return
    await this.#rest((signal) => jobboard.wait({ factories, signal }))
  }

  async #letOthersIn(claimed: number): Promise<void> {
    const before = this.#dispatched - claimed
    if (Math.floor(before / jobsBetweenTurns) < Math.floor(this.#dispatched / jobsBetweenTurns)) await turn()
  }

  /** Two claims of one job do not overlap here: the later one waits until the earlier one has let go. */
  #dispatch(job: ClaimedJob, since: number): void {
    const dispatch = new Dispatch(this.#parts, job, since)
    this.#dispatched++
    if (this.#stopping) dispatch.suspend()
    const before = [...this.#dispatches].filter(([other]) => other.job.id === job.id).map(([, ended]) => ended)
    this.#dispatches.set(dispatch, this.#see(dispatch, before))
  }

  async #see(dispatch: Dispatch, before: readonly Promise<void>[]): Promise<void> {
    await Promise.all(before)
    await dispatch.run()
    const wasFull = this.#dispatches.size === this.#maxJobs
    this.#dispatches.delete(dispatch)
    if (wasFull || this.#idlers.length > 0) this.#nudge()
  }

  async #rest(until: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#stopping) return
    const awake = new AbortController()
    this.#nudge = () => awake.abort()
    try {
      await until(awake.signal)
    } finally {
      this.#nudge = () => {}
    }
  }

  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = this.#parts.clock.wait(milliseconds, resolve)
    await Promise.race([promise, aborted(signal)])
    stop()
  }

  /** Until everything has ended, or so many milliseconds are over. */
  async #within(milliseconds: number): Promise<void> {
    if (!this.#loop || !(milliseconds > 0)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = this.#parts.clock.wait(milliseconds, resolve)
    await Promise.race([promise, this.#loop])
    stop()
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
