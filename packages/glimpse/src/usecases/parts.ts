import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import type { Stores } from '../data/stores.ts'
import type { Clock, ImageRepo, TaskRepo } from '../domain/ports.ts'
import type { TaskExecutor } from '../executors/executor.ts'
import type { UnderWay } from './under-way.ts'

/** What a use case works with; made once, in app.ts. */
export interface Parts {
  readonly config: Config
  readonly images: ImageRepo
  readonly tasks: TaskRepo
  readonly stores: Stores
  readonly executor: TaskExecutor
  /** Requests that write to images tell it. */
  readonly underWay: UnderWay
  readonly clock: Clock
  readonly log: Logger
}
