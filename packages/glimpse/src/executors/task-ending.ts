import type { Logger } from 'pino'
import { ServiceError } from '../domain/errors.ts'
import type { Clock, ImageRepo, TaskRepo } from '../domain/ports.ts'
import type { JsonObject, NewTask, Task, TaskOutcome } from '../domain/task.ts'

export interface TaskEndingParts {
  readonly images: Pick<ImageRepo, 'find'>
  readonly tasks: TaskRepo
  readonly clock: Clock
  readonly log: Logger
}

/** What a task has come to. */
export interface TaskEnd {
  /** Why it failed; null when it did not. */
  readonly cause: string | null
  /** What it says when it has succeeded. */
  readonly result: JsonObject
  /** How long it took; of one that was resumed, nobody has counted. */
  readonly seconds: number
  /** Whether an earlier process had begun it. */
  readonly resumed: boolean
}

/** Tells tasks how they ended, the same for every executor. */
export class TaskEnding {
  readonly #tasks: TaskRepo
  readonly #log: Logger

  constructor({ tasks, log }: TaskEndingParts) {
    this.#tasks = tasks
    this.#log = log
  }

  async finish({ id }: Pick<Task, 'id'>, { cause, result, seconds, resumed }: TaskEnd, log: Logger): Promise<void> {
    const message = resumed ? 'Imported, after the service was started again' : `Imported in ${seconds.toFixed(1)} s`
    await this.#end(id, cause === null ? { status: 'success', result, message } : { status: 'failure', message: cause })
    log.info({ cause }, cause === null ? 'task succeeded' : 'task failed')
  }

  async fail(id: string, cause: string): Promise<void> {
    await this.#end(id, { status: 'failure', message: cause })
  }

  /** Only tasks that end make more of them, so this is when old ones go. */
  async expire(): Promise<void> {
    try {
      await this.#tasks.expire()
    } catch (error) {
      this.#log.warn({ err: error }, 'tasks whose time is over could not be deleted')
    }
  }

  /** One that has ended already was ended by a process that died before it could say so. */
  async #end(id: string, outcome: TaskOutcome): Promise<void> {
    try {
      await this.#tasks.finish(id, outcome)
    } catch (error) {
      if (!(error instanceof ServiceError && error.code === 'task-transition')) throw error
    }
  }
}

/** A log whose every line says which task it is about. */
export function logFor(log: Logger, task: Pick<NewTask, 'id' | 'imageId' | 'requestId'>): Logger {
  return log.child({ task: task.id, image: task.imageId, request_id: task.requestId })
}
