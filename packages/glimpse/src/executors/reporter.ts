import type { AtomEvent, Listener, ProgressEvent } from '@glimpse/taskflow'
import type { Logger } from 'pino'
import type { Clock, TaskRepo } from '../domain/ports.ts'
import type { ByteProgress } from '../flows/steps/meter.ts'
import { formatBytes } from './wording.ts'

const millisecondsBetweenMessages = 500

/**
 * Tells the operator of every step, and the user, through the task's message, of those that take long enough to be
 * asked for. A message that cannot be stored is logged and harms nothing.
 */
export class Reporter implements Listener {
  readonly #tasks: TaskRepo
  readonly #clock: Clock
  readonly #log: Logger
  readonly #task: string
  readonly #began = new Map<string, number>()
  #lastMessage: number
  #saying: Promise<void> = Promise.resolve()

  constructor(task: string, parts: { readonly tasks: TaskRepo; readonly clock: Clock; readonly log: Logger }) {
    this.#task = task
    this.#tasks = parts.tasks
    this.#clock = parts.clock
    this.#log = parts.log
    this.#lastMessage = this.#now()
  }

  onAtom({ atom: step, state, failure }: AtomEvent): void {
    const began = this.#began.get(step)
    const ms = began === undefined ? undefined : this.#now() - began
    const fields = { step, state, ms, cause: failure?.message }
    if (failure) this.#log.warn(fields, `step ${step}: ${state}`)
    else this.#log.info(fields, `step ${step}: ${state}`)
    if (state !== 'RUNNING' && state !== 'REVERTING') return
    this.#began.set(step, this.#now())
    this.#say(state === 'RUNNING' ? `Step ${step}` : `Undoing step ${step}`)
  }

  onProgress({ atom: step, fraction, details }: ProgressEvent): void {
    const text = `Step ${step}: ${wordsOf(fraction, details as ByteProgress)}`
    this.#log.info({ step, fraction, ...details }, text)
    this.#say(text)
  }

  /** Resolves when the last message is stored, so that none comes after the task's end. */
  async settle(): Promise<void> {
    await this.#saying
  }

  #say(message: string): void {
    if (this.#now() - this.#lastMessage < millisecondsBetweenMessages) return
    this.#lastMessage = this.#now()
    this.#saying = this.#saying
      .then(() => this.#tasks.say(this.#task, message))
      .catch((error: unknown) => this.#log.warn({ err: error }, 'the message of a task could not be stored'))
  }

  #now(): number {
    return this.#clock.now().getTime()
  }
}

function wordsOf(fraction: number, { bytes, total, bytesPerSecond }: ByteProgress): string {
  const speed = `${formatBytes(bytesPerSecond)}/s`
  if (total === null) return `${formatBytes(bytes)} so far, ${speed}`
  return `${Math.floor(fraction * 100)} % of ${formatBytes(total)}, ${speed}`
}
