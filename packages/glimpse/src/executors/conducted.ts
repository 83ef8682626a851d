import { hostname } from 'node:os'
import {
  type ClaimedJob,
  Conductor,
  type Clock as EngineClock,
  type EngineMode,
  flowFactories,
  type Inspection,
  type JobEngineOptions,
  type JobEvent,
  type JobPosting,
  systemClock,
} from '@glimpse/taskflow'
import type { SqliteStore } from '@glimpse/taskflow-sqlite'
import type { Logger } from 'pino'
import type { NewTask } from '../domain/task.ts'
import type { Job } from '../flows/jobs.ts'
import type { TaskExecutor } from './executor.ts'
import { Reporter } from './reporter.ts'
import { logFor, TaskEnding, type TaskEndingParts } from './task-ending.ts'
import { causeOf } from './wording.ts'

/** Builds the flow of every task, from the task as it was accepted. */
const factory = 'task'

/** Milliseconds for which a claim is good; the process holds it as long as it lives. */
const lease = 30_000

/** Milliseconds that what is under way has when the service stops, and once more to heed that it was aborted. */
const cut = 3_000

/** What is stored of a task beside its row: the job that runs its flow. */
export function jobFor({ id, type, owner, input, imageId, requestId, userId }: NewTask): JobPosting {
  return { id, name: type, factory, parameters: { task: { id, type, owner, input, imageId, requestId, userId } } }
}

export interface ConductedParts extends TaskEndingParts {
  /** Finds out what a task is to do. @throws ServiceError when its input makes no sense; the task fails with it. */
  readonly jobOf: (task: NewTask) => Job
  readonly store: Pick<SqliteStore, 'backend' | 'jobboard'>
  readonly engineMode: EngineMode
  /** Steps of one flow that run at the same time, in a parallel engine. */
  readonly maxWorkers: number
  /** Tasks that run at the same time; more wait their turn. */
  readonly concurrency: number
  /** Waits between the attempts of a retry. */
  readonly engineClock?: EngineClock
}

/** A task that runs here. */
interface Conducted {
  readonly reporter: Reporter
  readonly log: Logger
}

/**
 * Runs every task as a job: the job is stored with the task, each step before it begins and when it has ended, so that
 * whoever has the job next goes on where the last one was. A failure that no retry solves reverts everything, whatever an
 * inner retry has a say in, and begins nothing more: so the end is the one that `plain` comes to.
 */
export class ConductedExecutor implements TaskExecutor {
  readonly #parts: ConductedParts
  readonly #ending: TaskEnding
  readonly #conductor: Conductor
  readonly #running = new Map<string, Conducted>()
  /** What is still to be done about jobs that are off the board. */
  readonly #clearing = new Set<Promise<void>>()

  constructor(parts: ConductedParts) {
    this.#parts = parts
    this.#ending = new TaskEnding(parts)
    const { store, concurrency, log, jobOf } = parts
    this.#conductor = new Conductor({
      name: `glimpse-${hostname()}-${process.pid}`,
      jobboard: store.jobboard,
      backend: store.backend,
      factories: flowFactories({
        [factory]: ({ task }: { task: NewTask }) => {
          const { flow, inputs } = jobOf(task)
          return { flow, inputs: { ...inputs } }
        },
      }),
      engine: (job) => this.#optionsFor(job),
      begin: (job, run) => this.#begin(job, run),
      end: (job, run) => this.#end(job, run),
      listeners: [{ onJob: (event) => this.#onJob(event) }],
      maxJobs: concurrency,
      lease,
      logger: log,
    })
  }

  /** The process that had claims before this one is gone: nobody else serves this database. */
  async start(): Promise<void> {
    const { jobboard } = this.#parts.store
    for (const { id, owner, fence } of await jobboard.list({ states: ['CLAIMED'] })) {
      await jobboard.abandon({ id, owner: owner ?? '', fence })
    }
    this.#conductor.start()
  }

  submit(): void {
    this.#parts.store.jobboard.wake()
  }

  async keeps(task: string): Promise<boolean> {
    const job = await this.#parts.store.jobboard.find(task)
    return job !== undefined && job.trashed === null
  }

  async drain(): Promise<void> {
    await this.#conductor.idle()
    await Promise.all(this.#clearing)
  }

  /** What runs is left as it is stored, and goes on with the next start. */
  async stop(): Promise<void> {
    await this.#conductor.stop({ grace: 0, cut })
    await Promise.all(this.#clearing)
  }

  #optionsFor({ id, parameters }: ClaimedJob): JobEngineOptions {
    const { task } = parameters as { task: NewTask }
    const log = logFor(this.#parts.log, task)
    const reporter = new Reporter(id, { ...this.#parts, log })
    this.#running.set(id, { reporter, log })
    const { engineMode: mode, maxWorkers, engineClock: clock = systemClock } = this.#parts
    const alike = { onRevertFailure: 'continue', deferReverts: true, failFast: true } as const
    return { ...alike, mode, maxWorkers, clock, listeners: [reporter], logger: log }
  }

  /** A task that has ended, or is gone, is not run. */
  async #begin({ id, attempts }: ClaimedJob, { state }: Inspection): Promise<boolean> {
    const task = await this.#parts.tasks.find(id)
    if (task?.status === 'pending') await this.#parts.tasks.begin(id)
    if (state !== 'PENDING') this.#running.get(id)?.log.info({ attempts }, 'task goes on where it was')
    return task?.status === 'pending' || task?.status === 'processing'
  }

  async #end({ id, parameters, attempts }: ClaimedJob, run: Inspection): Promise<void> {
    const { reporter, log } = this.#running.get(id)!
    await reporter.settle()
    const task = await this.#parts.tasks.find(id)
    if (task?.status !== 'pending' && task?.status !== 'processing') return
    const { failures, revertFailures } = run
    const end = { failures, revertFailures, cancelled: null }
    const cause = causeOf(end, (step) => run.atom(step)?.attempt ?? 0)
    const { result } = this.#parts.jobOf((parameters as { task: NewTask }).task)
    await this.#ending.finish(task, { cause, result, seconds: reporter.seconds, resumed: attempts > 1 }, log)
  }

  /** What the board was told may be told to the task once more: whoever comes second finds it done. */
  #onJob({ job, change, why }: JobEvent): void {
    if (change === 'claimed') return
    const log = this.#running.get(job.id)?.log ?? this.#parts.log.child({ task: job.id })
    this.#running.delete(job.id)
    if (change === 'abandoned' || change === 'lost') log.warn({ change, why }, 'task is left for later')
    const cleared = this.#clear(job, change, why)
      .catch((error: unknown) => log.error({ err: error }, 'the end of a task could not be stored'))
      .finally(() => this.#clearing.delete(cleared))
    this.#clearing.add(cleared)
  }

  async #clear({ id, run }: ClaimedJob, change: JobEvent['change'], why: string | null): Promise<void> {
    if (change === 'trashed') await this.#ending.fail(id, why ?? 'it cannot be run')
    else if (change === 'consumed') await this.#parts.store.backend.remove(run)
    else return
    await this.#ending.expire()
  }
}
