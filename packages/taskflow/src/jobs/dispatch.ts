import type { Backoff } from '../backoff.ts'
import type { Clock } from '../engine/clock.ts'
import { Engine } from '../engine/engine.ts'
import type { EngineOptions } from '../engine/options.ts'
import { type ErrorCode, TaskFlowError } from '../errors.ts'
import type { Inspection } from '../inspection.ts'
import type { FlowState } from '../states.ts'
import type { Awaitable, Backend } from '../storage/backend.ts'
import type { Logger } from '../task.ts'
import type { FlowFactories, Prepared } from './factories.ts'
import type { ClaimedJob } from './job.ts'
import type { JobEvent } from './job-listener.ts'
import type { Jobboard } from './jobboard.ts'
import { isRefusal, Lease } from './lease.ts'
import { OwnedBackend } from './owned-backend.ts'

/**
 * How the engine of a job runs: all but what follows from the job itself.
 *
 * @example
 * const inParallel = (): JobEngineOptions => ({ mode: 'parallel', maxWorkers: 4 })
 */
export type JobEngineOptions = Omit<EngineOptions, 'id' | 'backend' | 'fence' | 'book' | 'meta'>

/** What jobs are dispatched with. */
export interface DispatchParts {
  readonly jobboard: Jobboard
  readonly backend: Backend
  readonly factories: Pick<FlowFactories, 'build'>
  readonly engine: (job: ClaimedJob) => JobEngineOptions
  readonly begin: (job: ClaimedJob, run: Inspection) => Awaitable<boolean>
  readonly end: (job: ClaimedJob, run: Inspection) => Awaitable<void>
  readonly lease: number
  readonly backoff: Backoff
  readonly clock: Clock
  readonly logger: Logger
  readonly tell: (event: Omit<JobEvent, 'conductor'>) => void
}

type Ending = Pick<JobEvent, 'change' | 'why' | 'delay'>

type AnyEngine = Engine<never, unknown>

/** States of a run that is over: its job is done, and nothing of it is run again. */
const over: ReadonlySet<FlowState> = new Set(['SUCCESS', 'REVERTED', 'FAILURE'])

/**
 * One claim of a job: its flow is built, begun or resumed, and run, and the board is told what came of it. Nobody else
 * writes to the run meanwhile, and once the claim is lost, nobody here does.
 *
 * Source: TaskFlow's conductor, `_dispatch_job` and `_on_job_done`: a flow that failed and was reverted is a job that is
 * done. Only what says nothing of the flow (storage, suspension) gives the job back.
 */
export class Dispatch {
  readonly job: ClaimedJob
  readonly #parts: DispatchParts
  readonly #lease: Lease
  #engine: AnyEngine | null = null
  #suspended = false
  #cut: string | null = null

  /** @param since when the claim was asked for. */
  constructor(parts: DispatchParts, job: ClaimedJob, since: number) {
    this.#parts = parts
    this.job = job
    this.#lease = new Lease(parts, job, since, (why) => this.#letGo(why))
  }

  /** Never rejects. */
  async run(): Promise<void> {
    this.#tell({ change: 'claimed', why: null })
    let ending: Ending
    try {
      ending = await this.#work()
    } catch (error) {
      ending = this.#abandoned(error)
    }
    const why = this.#lease.whyLost()
    this.#lease.end()
    await this.#finish(why === null ? ending : { change: 'lost', why })
  }

  /** Starts nothing more; the job goes back to the board once what is under way has ended. */
  suspend(): void {
    this.#suspended = true
    this.#engine?.suspend()
  }

  /** Aborts what is under way, and leaves it as if the process had died here: whoever is next does it again. */
  cut(why: string): void {
    this.#cut ??= why
    this.#suspended = true
    this.#lease.end()
    this.#letGo(why)
  }

  #letGo(why: string): void {
    this.#engine?.abandon(new TaskFlowError('stale-owner', why))
  }

  async #work(): Promise<Ending> {
    if (this.#suspended) return this.#handedBack()
    let prepared: Prepared
    let options: JobEngineOptions
    try {
      prepared = this.#parts.factories.build(this.job.factory, this.job.parameters)
      options = this.#parts.engine(this.job)
    } catch (error) {
      return await this.#unrunnable(error)
    }
    let engine: AnyEngine
    try {
      engine = await this.#open(prepared, options)
    } catch (error) {
      return isTrouble(error) ? this.#abandoned(error) : await this.#unrunnable(error)
    }
    this.#engine = engine
    if (over.has(engine.state)) return await this.#over(engine, failuresOf(engine))
    if (!(await this.#parts.begin(this.job, engine))) return { change: 'consumed', why: 'it was not to run any more' }
    if (this.#suspended || this.#whyClosed() !== null) return this.#handedBack()
    return await this.#drive(engine)
  }

  async #drive(engine: AnyEngine): Promise<Ending> {
    try {
      await engine.run()
    } catch (error) {
      if (over.has(engine.state)) return await this.#over(engine, messageOf(error))
      return this.#suspended ? this.#handedBack() : this.#abandoned(error)
    }
    return await this.#over(engine, null)
  }

  /** Whoever waits for the end of the run is told before the board: a job that is gone is not looked at again. */
  async #over(engine: AnyEngine, why: string | null): Promise<Ending> {
    await this.#parts.end(this.job, engine)
    return { change: 'consumed', why }
  }

  /** The run that is stored, taken over; or a new one, stored, which is the same if the process died in between. */
  async #open({ flow, inputs }: Prepared, chosen: JobEngineOptions): Promise<AnyEngine> {
    const { clock, logger } = this.#parts
    const { id, run, book, fence, factory, parameters, meta } = this.job
    const options = {
      clock,
      logger,
      ...chosen,
      id: run,
      backend: new OwnedBackend(this.#parts.backend, () => this.#whyClosed()),
      fence,
      ...(book === null ? {} : { book }),
      meta: { ...meta, job: id, factory, parameters },
    }
    const resume = (): Promise<AnyEngine> => Engine.resume(flow, options)
    const begin = async (): Promise<AnyEngine> => {
      const engine = new Engine(flow, options)
      await engine.prepare(inputs as never)
      return engine
    }
    // Nobody has begun a run before the first claim, as a rule: to look for one would cost every job a look.
    return this.job.attempts === 1 ? await firstOf(begin, resume, 'storage') : await firstOf(resume, begin, 'not-found')
  }

  /** A run that is over is over, also when nobody can build its flow any more. */
  async #unrunnable(error: unknown): Promise<Ending> {
    const stored = await this.#parts.backend.load(this.job.run)
    const isOver = stored !== undefined && over.has(stored.flow.state)
    return { change: isOver ? 'consumed' : 'trashed', why: messageOf(error) }
  }

  #handedBack(): Ending {
    return { change: 'abandoned', why: this.#cut ?? 'the conductor was stopped', delay: 0 }
  }

  #abandoned(error: unknown): Ending {
    return { change: 'abandoned', why: messageOf(error), delay: this.#parts.backoff(this.job.attempts) }
  }

  /** Why nothing may be written any more; null while it may. */
  #whyClosed(): string | null {
    return this.#cut ?? this.#lease.whyLost()
  }

  async #finish(ending: Ending): Promise<void> {
    const { jobboard, logger } = this.#parts
    const { change, why, delay } = ending
    try {
      if (change === 'consumed') await jobboard.consume(this.job)
      else if (change === 'abandoned') await jobboard.abandon(this.job, delay)
      else if (change === 'trashed') await jobboard.trash(this.job, why ?? '')
      this.#tell(ending)
    } catch (error) {
      // Its claim runs out; whoever is next finds in storage how far it came.
      const text = `the board could not be told that job '${this.job.id}' is ${change}: ${messageOf(error)}`
      if (!isRefusal(error)) logger.error({ job: this.job.id, err: error }, text)
      this.#tell({ change: 'lost', why: text })
    }
  }

  #tell(ending: Ending): void {
    this.#parts.tell({ ...ending, job: this.job, state: this.#engine?.state ?? null })
  }
}

/** What the second gives where the first fails with that code; where there is nothing for it, why the first failed. */
async function firstOf<T>(first: () => Promise<T>, second: () => Promise<T>, code: ErrorCode): Promise<T> {
  try {
    return await first()
  } catch (error) {
    if (!isError(error, code)) throw error
    return await second().catch((later: unknown) => {
      throw isError(later, 'not-found') ? error : later
    })
  }
}

function isError(error: unknown, code: ErrorCode): boolean {
  return error instanceof TaskFlowError && error.code === code
}

/** Whether an error says nothing of the flow. */
function isTrouble(error: unknown): boolean {
  return !(error instanceof TaskFlowError) || error.code === 'storage' || error.code === 'stale-owner'
}

function failuresOf(engine: AnyEngine): string | null {
  const failures = engine.revertFailures.length > 0 ? engine.revertFailures : engine.failures
  return failures.length > 0 ? failures.map(({ atom, message }) => `${atom}: ${message}`).join('; ') : null
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
