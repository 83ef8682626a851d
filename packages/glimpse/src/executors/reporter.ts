import type { AtomEvent, Listener, ProgressEvent } from '@glimpse/taskflow'
import type { Logger } from 'pino'
import type { Clock, TaskRepo } from '../domain/ports.ts'
import type { Attempt } from '../flows/download-retry.ts'
import type { ByteProgress } from '../flows/steps/meter.ts'
import { formatBytes } from './wording.ts'

const millisecondsBetweenMessages = 500

/** A step that has begun: when, in milliseconds, and for the how manieth time. */
interface Begun {
  readonly at: number
  readonly attempt: number
}

/**
 * Tells the operator of every step, and the user, through the task's message, of those that take long enough to be
 * asked for. A message that cannot be stored is logged and harms nothing.
 */
export class Reporter implements Listener {
  readonly #tasks: TaskRepo
  readonly #clock: Clock
  readonly #log: Logger
  readonly #task: string
  readonly #steps = new Map<string, Begun>()
  /** How many attempts the retry that was heard of last has; null before, as after a restart. */
  #attempts: number | null = null
  readonly #began: number
  #lastMessage: number
  #saying: Promise<void> = Promise.resolve()

  constructor(task: string, parts: { readonly tasks: TaskRepo; readonly clock: Clock; readonly log: Logger }) {
    this.#task = task
    this.#tasks = parts.tasks
    this.#clock = parts.clock
    this.#log = parts.log
    this.#began = this.#now()
    this.#lastMessage = this.#began
  }

  onAtom(event: AtomEvent): void {
    if (event.kind === 'retry') this.#onRetry(event)
    else if (event.state !== 'PENDING') this.#onStep(event)
  }

  onProgress({ atom: step, fraction, details }: ProgressEvent): void {
    if (details === null) return
    const text = `Step ${this.#nameOf(step)}: ${wordsOf(fraction, details as ByteProgress)}`
    this.#log.info({ step, fraction, ...details }, text)
    this.#say(text)
  }

  /** How long it has listened. */
  get seconds(): number {
    return (this.#now() - this.#began) / 1000
  }

  /** How often a step was attempted; 0 for one that has not begun. */
  attemptsAt(step: string): number {
    return this.#steps.get(step)?.attempt ?? 0
  }

  /** Resolves when the last message is stored, so that none comes after the task's end. */
  async settle(): Promise<void> {
    await this.#saying
  }

  #onStep({ atom: step, state, attempt, failure }: AtomEvent): void {
    const began = this.#steps.get(step)
    const ms = began && this.#now() - began.at
    const fields = { step, state, attempt, ms, cause: failure?.message }
    if (failure) this.#log.warn(fields, `step ${step}: ${state}`)
    else this.#log.info(fields, `step ${step}: ${state}`)
    if (state !== 'RUNNING' && state !== 'REVERTING') return
    this.#steps.set(step, { at: this.#now(), attempt })
    this.#say(state === 'RUNNING' ? `Step ${this.#nameOf(step)}` : `Undoing step ${step}`)
  }

  /** What a retry does itself is no step. Before a wait the user is told what for, however little time has passed. */
  #onRetry({ atom: retry, state, attempt, result, failure, wait = 0 }: AtomEvent): void {
    const fields = { retry, state, attempt, cause: failure?.message }
    if (state === 'SUCCESS') this.#attempts = (result as Attempt).of
    if (!failure) return
    if (state !== 'RETRYING') {
      this.#log.warn(fields, `retry ${retry}: ${state}`)
      return
    }
    const next = `attempt ${this.#nth(attempt + 1)} follows in ${(wait / 1000).toFixed(1)} s`
    const text = `Step ${failure.atom} failed: ${failure.message}; ${next}`
    this.#log.warn(fields, text)
    this.#lastMessage = Number.NEGATIVE_INFINITY
    this.#say(text)
  }

  #nameOf(step: string): string {
    const attempt = this.attemptsAt(step)
    return attempt > 1 ? `${step}, attempt ${this.#nth(attempt)}` : step
  }

  #nth(attempt: number): string {
    return this.#attempts === null ? `${attempt}` : `${attempt} of ${this.#attempts}`
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

function wordsOf(fraction: number, { bytes, total, bytesPerSecond, resumedAt }: ByteProgress): string {
  const resumed = resumedAt === undefined ? '' : `, resumed at ${formatBytes(resumedAt)}`
  const speed = `${formatBytes(bytesPerSecond)}/s${resumed}`
  if (total === null) return `${formatBytes(bytes)} so far, ${speed}`
  return `${Math.floor(fraction * 100)} % of ${formatBytes(total)}, ${speed}`
}
