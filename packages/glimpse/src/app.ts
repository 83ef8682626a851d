import { FileDriver, openHttpSource, type ResumePoint, Store } from '@glimpse/stores'
import { exponential, systemClock as systemTimer } from '@glimpse/taskflow'
import { jobStatement, SqliteStore } from '@glimpse/taskflow-sqlite'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { buildServer, closeServer } from './api/server.ts'
import type { Config } from './config/config.ts'
import type { Stores } from './data/stores.ts'
import { lockInstance } from './db/instance-lock.ts'
import { createRepos, type Repos } from './db/repos.ts'
import type { AlsoStore } from './db/tasks.ts'
import type { Clock } from './domain/ports.ts'
import type { NewTask } from './domain/task.ts'
import { ConductedExecutor, jobFor } from './executors/conducted.ts'
import type { TaskExecutor } from './executors/executor.ts'
import { sweepJobs } from './executors/leftover-jobs.ts'
import { TaskLifecycle } from './executors/lifecycle.ts'
import { plainRunner } from './executors/plain.ts'
import { downloadRetry } from './flows/download-retry.ts'
import type { FlowParts } from './flows/flow-parts.ts'
import { jobOf } from './flows/jobs.ts'
import type { Source } from './flows/steps/ports.ts'
import { makeSteps } from './flows/steps/steps.ts'
import type { Parts } from './usecases/parts.ts'
import { type Recovery, recover } from './usecases/recover.ts'
import { Sweeper } from './usecases/sweep/sweeper.ts'
import { UnderWay } from './usecases/under-way.ts'

/** The service, put together and ready to listen. */
export interface App {
  readonly parts: Parts
  readonly server: FastifyInstance
  /** What a start found unfinished. */
  readonly recovered: Recovery
  /** Removes what nobody else does, from when it is started until everything is closed. */
  readonly sweeper: Sweeper
  /** Stops taking requests, cancels what runs, waits for its reverts, and closes everything. */
  close(): Promise<void>
}

/** Puts the service together: the only place that builds parts. */
export async function createApp(config: Config, log: Logger, clock: Clock = systemClock): Promise<App> {
  const lock = lockInstance(config.database.file)
  const repos = await openRepos(config, clock)
  const flows = config.tasks.executor === 'taskflow' ? await SqliteStore.open({ file: config.database.file }) : null
  const stores = makeStores(config)
  const executor = makeExecutor(config, { repos, stores, flows, log, clock })
  const { images, tasks } = repos
  const parts: Parts = { config, stores, executor, clock, log, images, tasks, underWay: new UnderWay() }
  const recovered = await recover(parts)
  const server = buildServer(parts)
  await executor.start()
  const sweeper = makeSweeper(parts, flows)
  const close = async (): Promise<void> => {
    await Promise.all([sweeper.stop(), closeServer(server, shutdownGrace)])
    await executor.stop('The service was shut down while this task was running; try again')
    await flows?.close()
    await repos.close()
    lock.release()
  }
  return { parts, server, recovered, sweeper, close }
}

/** Accepted means stored: where tasks are jobs, the job is stored with the task. */
async function openRepos({ database, tasks }: Config, clock: Clock): Promise<Repos> {
  const alsoStore: AlsoStore = (task) => jobStatement(jobFor(task), clock.now().getTime())
  const jobs = tasks.executor === 'taskflow' ? { alsoStore } : {}
  return await createRepos({ file: database.file, clock, taskTtlHours: tasks.ttlHours, ...jobs })
}

/** How long a stop waits for requests that run, in milliseconds. */
const shutdownGrace = 3_000

const systemClock: Clock = { now: () => new Date() }

/** The stores as they are configured; nothing is made on disk. */
export function makeStores({ stores: { backends, default: id, stagingDir } }: Config): Stores {
  const all = new Map<string, Store>()
  for (const { id, dir, description } of backends) all.set(id, new Store(id, new FileDriver(dir), { description }))
  return { all, default: all.get(id)!, staging: new Store('os_glance_staging_store', new FileDriver(stagingDir)) }
}

interface ExecutorParts extends Pick<Parts, 'stores' | 'log' | 'clock'> {
  readonly repos: Repos
  /** Where runs and jobs are stored; null: they are not. */
  readonly flows: SqliteStore | null
}

function makeExecutor(config: Config, { repos, stores, flows, log, clock }: ExecutorParts): TaskExecutor {
  const { images, tasks } = repos
  const intake = { hashAlgo: config.hashingAlgorithm, sizeCap: config.limits.imageSizeCap }
  const flowParts: FlowParts = {
    steps: makeSteps({ images, stores, intake, openSource: sourceOpener(config) }),
    downloadRetry: retryFor(config),
    defaultStore: stores.default.id,
  }
  const { concurrency, engineMode, maxWorkers } = config.tasks
  const common = { images, tasks, clock, log, concurrency, jobOf: (task: NewTask) => jobOf(task, flowParts) }
  if (!flows) return new TaskLifecycle({ ...common, runFlow: plainRunner() })
  return new ConductedExecutor({ ...common, store: flows, engineMode, maxWorkers })
}

function makeSweeper(parts: Parts, flows: SqliteStore | null): Sweeper {
  const { config, tasks, log } = parts
  const jobs = flows && ((signal: AbortSignal) => sweepJobs({ store: flows, tasks, log, signal }))
  return new Sweeper({ ...parts, sweepJobs: jobs }, { interval: config.sweepIntervalMs, timer: systemTimer })
}

function sourceOpener({ import: { filter, idleTimeoutMs, totalTimeoutMs } }: Config) {
  return async (uri: string, signal: AbortSignal, from?: ResumePoint): Promise<Source> =>
    await openHttpSource(uri, { filter, signal, from, idleTimeoutMs, totalTimeoutMs })
}

/** Half of each wait is left to chance, so that many imports of one source do not come back to it at once. */
function retryFor({ import: { attempts, retryWaitMs, longestRetryWaitMs } }: Config): FlowParts['downloadRetry'] {
  return downloadRetry(attempts, exponential({ first: retryWaitMs, longest: longestRetryWaitMs, jitter: 0.5 }))
}
