import type { FlowState } from '../states.ts'
import type { Logger } from '../task.ts'
import type { ClaimedJob } from './job.ts'

/**
 * What became of a job in the hands of a conductor. `claimed`: it begins; `consumed`: it is done, well or not;
 * `abandoned`: it is back on the board; `trashed`: it cannot be run; `lost`: somebody else has it, or may have it.
 *
 * @example
 * const ends: readonly JobChange[] = ['consumed', 'abandoned', 'trashed', 'lost']
 */
export type JobChange = 'claimed' | 'consumed' | 'abandoned' | 'trashed' | 'lost'

/**
 * Something became of a job.
 *
 * @example
 * const sayEvent = ({ change, job, why }: JobEvent) => `${job.name} ${change} ${why ?? ''}`
 */
export interface JobEvent {
  readonly change: JobChange
  /** As it was claimed. */
  readonly job: ClaimedJob
  /** Name of the conductor. */
  readonly conductor: string
  /** Of its run, as it is known here; null where there is none. */
  readonly state: FlowState | null
  /** Why it was not finished, or how its run failed; null where there is nothing to tell. */
  readonly why: string | null
  /** Of an abandoned one: milliseconds before it is claimed again. */
  readonly delay?: number
}

/**
 * Is told what becomes of jobs, after the board knows it. What a listener throws is logged and harms nothing.
 *
 * @example
 * const changes: string[] = []
 * const listener: JobListener = { onJob: ({ job, change }) => changes.push(`${job.name} ${change}`) }
 * const factories = flowFactories({ nothing: () => flow('nothing', () => {}) })
 * const jobboard = new MemoryJobboard()
 * jobboard.post([factories.posting('nothing', {})])
 * const backend = new MemoryBackend()
 * const conductor = new Conductor({ name: 'host-1', jobboard, backend, factories, listeners: [listener] })
 * conductor.start()
 * await conductor.idle()
 * await conductor.stop()
 * console.log(changes.join()) // nothing claimed,nothing consumed
 */
export interface JobListener {
  onJob(event: JobEvent): void
}

export function tellJob(listeners: readonly JobListener[], logger: Logger, event: JobEvent): void {
  const log = (error: unknown): void => {
    logger.error({ job: event.job.id, err: error }, 'a listener of a conductor failed; the conductor goes on')
  }
  for (const listener of listeners) {
    try {
      const given: unknown = listener.onJob(event)
      if (given instanceof Promise) given.catch(log)
    } catch (error) {
      log(error)
    }
  }
}
