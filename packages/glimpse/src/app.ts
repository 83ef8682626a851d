import { FileDriver, openHttpSource, Store } from '@glimpse/stores'
import { exponential } from '@glimpse/taskflow'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { buildServer, closeServer } from './api/server.ts'
import type { Config } from './config/config.ts'
import type { Stores } from './data/stores.ts'
import { createRepos } from './db/repos.ts'
import type { Clock } from './domain/ports.ts'
import type { FlowRunner, TaskExecutor } from './executors/executor.ts'
import { TaskLifecycle } from './executors/lifecycle.ts'
import { plainRunner } from './executors/plain.ts'
import { taskflowRunner } from './executors/taskflow.ts'
import { downloadRetry } from './flows/download-retry.ts'
import type { FlowParts } from './flows/flow-parts.ts'
import { jobOf } from './flows/jobs.ts'
import type { Source } from './flows/steps/ports.ts'
import { makeSteps } from './flows/steps/steps.ts'
import type { Parts } from './usecases/parts.ts'
import { type Recovery, recover } from './usecases/recover.ts'

/** The service, put together and ready to listen. */
export interface App {
  readonly parts: Parts
  readonly server: FastifyInstance
  /** What a start found unfinished. */
  readonly recovered: Recovery
  /** Stops taking requests, cancels what runs, waits for its reverts, and closes everything. */
  close(): Promise<void>
}

/** Puts the service together: the only place that builds parts. */
export async function createApp(config: Config, log: Logger, clock: Clock = systemClock): Promise<App> {
  const repos = await createRepos({ file: config.database.file, clock, taskTtlHours: config.tasks.ttlHours })
  const stores = makeStores(config)
  const executor = makeExecutor(config, repos, stores, { log, clock })
  const parts: Parts = { config, stores, executor, clock, log, images: repos.images, tasks: repos.tasks }
  const recovered = await recover(parts)
  const server = buildServer(parts)
  const close = async (): Promise<void> => {
    await closeServer(server, shutdownGrace)
    await executor.stop('The service was shut down while this task was running; try again')
    await repos.close()
  }
  return { parts, server, recovered, close }
}

/** How long a stop waits for requests that run, in milliseconds. */
const shutdownGrace = 3_000

const systemClock: Clock = { now: () => new Date() }

function makeStores({ stores: { backends, default: id, stagingDir } }: Config): Stores {
  const all = new Map<string, Store>()
  for (const { id, dir, description } of backends) all.set(id, new Store(id, new FileDriver(dir), { description }))
  return { all, default: all.get(id)!, staging: new Store('os_glance_staging_store', new FileDriver(stagingDir)) }
}

function makeExecutor(
  config: Config,
  { images, tasks }: Pick<Parts, 'images' | 'tasks'>,
  stores: Stores,
  { log, clock }: Pick<Parts, 'log' | 'clock'>,
): TaskExecutor {
  const intake = { hashAlgo: config.hashingAlgorithm, sizeCap: config.limits.imageSizeCap }
  const flowParts: FlowParts = {
    steps: makeSteps({ images, stores, intake, openSource: sourceOpener(config) }),
    downloadRetry: retryFor(config),
    defaultStore: stores.default.id,
  }
  const runFlow: FlowRunner = config.tasks.executor === 'plain' ? plainRunner() : taskflowRunner(config.tasks)
  const { concurrency } = config.tasks
  return new TaskLifecycle({
    images,
    tasks,
    clock,
    log,
    runFlow,
    concurrency,
    jobOf: (task) => jobOf(task, flowParts),
  })
}

function sourceOpener({ import: { filter, idleTimeoutMs, totalTimeoutMs } }: Config) {
  return async (uri: string, signal: AbortSignal): Promise<Source> =>
    await openHttpSource(uri, { filter, signal, idleTimeoutMs, totalTimeoutMs })
}

/** Half of each wait is left to chance, so that many imports of one source do not come back to it at once. */
function retryFor({ import: { attempts, retryWaitMs, longestRetryWaitMs } }: Config): FlowParts['downloadRetry'] {
  return downloadRetry(attempts, exponential({ first: retryWaitMs, longest: longestRetryWaitMs, jitter: 0.5 }))
}
