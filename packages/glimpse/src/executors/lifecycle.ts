import pLimit from 'p-limit'
import type { Logger } from 'pino'
import type { Clock, ImageRepo, TaskRepo } from '../domain/ports.ts'
import type { Task } from '../domain/task.ts'
import type { Job } from '../flows/jobs.ts'
import type { FlowRunner, TaskExecutor } from './executor.ts'
import { Reporter } from './reporter.ts'
import { causeOf } from './wording.ts'

export interface LifecycleParts {
  readonly images: Pick<ImageRepo, 'find'>
  readonly tasks: TaskRepo
  readonly clock: Clock
  readonly log: Logger
  /** Finds out what a task is to do. @throws ServiceError when its input makes no sense; the task fails with it. */
  readonly jobOf: (task: Task) => Job
  readonly runFlow: FlowRunner
  /** Tasks that run at the same time; more wait their turn. */
  readonly concurrency: number
}

/** The way of a task from pending to its end, the same for every executor. */
export class TaskLifecycle implements TaskExecutor {
  readonly #parts: LifecycleParts
  readonly #limit: ReturnType<typeof pLimit>
  readonly #unfinished = new Set<Promise<void>>()
  readonly #stopping = new AbortController()

  constructor(parts: LifecycleParts) {
    this.#parts = parts
    this.#limit = pLimit(parts.concurrency)
  }

  submit(task: Task): void {
    const end = this.#limit(() => this.#run(task))
      .catch((error: unknown) => {
        this.#parts.log.error({ err: error, task: task.id }, 'the end of a task could not be stored')
      })
      .then(() => this.#expire())
    this.#unfinished.add(end)
    void end.finally(() => this.#unfinished.delete(end))
  }

  async drain(): Promise<void> {
    while (this.#unfinished.size > 0) await Promise.all(this.#unfinished)
  }

  async stop(reason: string): Promise<void> {
    this.#stopping.abort(reason)
    await this.drain()
  }

  async #run(task: Task): Promise<void> {
    const { tasks, log } = this.#parts
    const taskLog = log.child({ task: task.id, image: task.imageId, request_id: task.requestId })
    try {
      await tasks.begin(task.id)
      const { cause, message, result } = await this.#perform(task, taskLog)
      if (cause === null) await tasks.finish(task.id, { status: 'success', result, message })
      else await tasks.finish(task.id, { status: 'failure', message: cause })
      taskLog.info({ cause }, cause === null ? 'task succeeded' : 'task failed')
    } catch (error) {
      taskLog.error({ err: error }, 'task broke down')
      await tasks.finish(task.id, { status: 'failure', message: `The service failed: ${textOf(error)}` })
    }
  }

  /** Only tasks that end make more of them, so this is when old ones go. */
  async #expire(): Promise<void> {
    try {
      await this.#parts.tasks.expire()
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'tasks whose time is over could not be deleted')
    }
  }

  async #perform(task: Task, log: Logger): Promise<{ cause: string | null; message: string; result: Job['result'] }> {
    const { clock, jobOf, runFlow } = this.#parts
    let job: Job
    try {
      job = jobOf(task)
    } catch (error) {
      return { cause: textOf(error), message: '', result: {} }
    }
    const reporter = new Reporter(task.id, { ...this.#parts, log })
    const began = clock.now().getTime()
    const options = { id: task.id, listener: reporter, logger: log, signal: this.#stopping.signal }
    const end = await runFlow(job.flow, job.inputs, options)
    await reporter.settle()
    const seconds = ((clock.now().getTime() - began) / 1000).toFixed(1)
    const stoppedTooLate = end.cancelled !== null && (await this.#hasFilledImage(task))
    const cause = stoppedTooLate ? null : causeOf(end, (step) => reporter.attemptsAt(step))
    return { cause, message: `Imported in ${seconds} s`, result: job.result }
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
