import pLimit from 'p-limit'
import type { Logger } from 'pino'
import type { Task } from '../domain/task.ts'
import type { Job } from '../flows/jobs.ts'
import type { FlowRunner, TaskExecutor } from './executor.ts'
import { Reporter } from './reporter.ts'
import { logFor, type TaskEnd, TaskEnding, type TaskEndingParts } from './task-ending.ts'
import { causeOf } from './wording.ts'

export interface LifecycleParts extends TaskEndingParts {
  /** Finds out what a task is to do. @throws ServiceError when its input makes no sense; the task fails with it. */
  readonly jobOf: (task: Task) => Job
  readonly runFlow: FlowRunner
  /** Tasks that run at the same time; more wait their turn. */
  readonly concurrency: number
}

/** The way of a task from pending to its end in this process's memory: what the process takes with it is lost. */
export class TaskLifecycle implements TaskExecutor {
  readonly #parts: LifecycleParts
  readonly #ending: TaskEnding
  readonly #limit: ReturnType<typeof pLimit>
  readonly #unfinished = new Set<Promise<void>>()
  /** Ids of the tasks that it has not brought to their end yet. */
  readonly #submitted = new Set<string>()
  readonly #stopping = new AbortController()

  constructor(parts: LifecycleParts) {
    this.#parts = parts
    this.#ending = new TaskEnding(parts)
    this.#limit = pLimit(parts.concurrency)
  }

  async start(): Promise<void> {}

  async keeps(task: string): Promise<boolean> {
    return this.#submitted.has(task)
  }

  submit(task: Task): void {
    const end = this.#limit(() => this.#run(task))
      .catch((error: unknown) => {
        this.#parts.log.error({ err: error, task: task.id }, 'the end of a task could not be stored')
      })
      .then(() => this.#ending.expire())
    this.#unfinished.add(end)
    this.#submitted.add(task.id)
    void end.finally(() => {
      this.#unfinished.delete(end)
      this.#submitted.delete(task.id)
    })
  }

  async drain(): Promise<void> {
    while (this.#unfinished.size > 0) await Promise.all(this.#unfinished)
  }

  async stop(reason: string): Promise<void> {
    this.#stopping.abort(reason)
    await this.drain()
  }

  async #run(task: Task): Promise<void> {
    const taskLog = logFor(this.#parts.log, task)
    try {
      await this.#parts.tasks.begin(task.id)
      await this.#ending.finish(task, await this.#perform(task, taskLog), taskLog)
    } catch (error) {
      taskLog.error({ err: error }, 'task broke down')
      await this.#ending.fail(task.id, `The service failed: ${textOf(error)}`)
    }
  }

  async #perform(task: Task, log: Logger): Promise<TaskEnd> {
    const { jobOf, runFlow } = this.#parts
    const reporter = new Reporter(task.id, { ...this.#parts, log })
    const ended = (cause: string | null, result: Job['result']): TaskEnd => ({
      cause,
      result,
      seconds: reporter.seconds,
      resumed: false,
    })
    let job: Job
    try {
      job = jobOf(task)
    } catch (error) {
      return ended(textOf(error), {})
    }
    const options = { id: task.id, listener: reporter, logger: log, signal: this.#stopping.signal }
    const end = await runFlow(job.flow, job.inputs, options)
    await reporter.settle()
    const stoppedTooLate = end.cancelled !== null && (await this.#hasFilledImage(task))
    return ended(stoppedTooLate ? null : causeOf(end, (step) => reporter.attemptsAt(step)), job.result)
  }

  /** An active image is what a task is for. Stopped after that, it has not failed, and could not be tried again. */
  async #hasFilledImage({ id, imageId }: Task): Promise<boolean> {
    const image = imageId === null ? undefined : await this.#parts.images.find(imageId)
    return image?.status === 'active' && image.importTask === id
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
