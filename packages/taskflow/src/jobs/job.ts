import { randomUUID } from 'node:crypto'
import { TaskFlowError } from '../errors.ts'
import { findLoss, isLongerThan } from '../json.ts'
import { checkName } from '../names.ts'

/**
 * How urgent a job is; among those that wait, the more urgent is claimed first.
 *
 * @example
 * const urgent: JobPriority = 'VERY_HIGH'
 */
export type JobPriority = 'VERY_HIGH' | 'HIGH' | 'NORMAL' | 'LOW' | 'VERY_LOW'

/**
 * Every priority, the most urgent first. Source: TaskFlow's `JobPriority`.
 *
 * @example
 * console.log(jobPriorities.indexOf('NORMAL')) // 2
 */
export const jobPriorities: readonly JobPriority[] = ['VERY_HIGH', 'HIGH', 'NORMAL', 'LOW', 'VERY_LOW']

/**
 * Where a job is. `UNCLAIMED`: it waits for somebody, perhaps because the claim of whoever had it ran out. `CLAIMED`:
 * somebody works on it. `TRASHED`: it is kept aside, as nobody could have run it.
 *
 * @example
 * const onTheBoard: readonly JobState[] = ['UNCLAIMED', 'CLAIMED']
 */
export type JobState = 'UNCLAIMED' | 'CLAIMED' | 'TRASHED'

/**
 * A flow that somebody is to run: which factory builds it, and from what.
 *
 * @example
 * const posting: JobPosting = { factory: 'web-import', parameters: { image: 'a' }, priority: 'HIGH' }
 */
export interface JobPosting {
  /** Default: a new UUID. An id is for one job only, also when that one is gone. */
  readonly id?: string
  /** What people call it. Default: the name of its factory. */
  readonly name?: string
  /** Default `NORMAL`. */
  readonly priority?: JobPriority
  /** Name of the factory that builds its flow. */
  readonly factory: string
  /** What the factory is given; must survive JSON. Default: nothing. */
  readonly parameters?: Readonly<Record<string, unknown>>
  /** Id of its run in the storage. Default: the job's own. */
  readonly run?: string
  /** Id of the log book that the run belongs to; it must exist when the run begins. */
  readonly book?: string | null
  /** Whatever its poster wants to remember; must survive JSON. It is stored with the run, too. */
  readonly meta?: Readonly<Record<string, unknown>>
}

/**
 * The place of a job among all jobs: by priority, then in the order of posting.
 *
 * @example
 * const board = new MemoryJobboard()
 * const [first] = board.post([{ factory: 'f', name: 'a' }, { factory: 'f', name: 'b' }])
 * const place: JobPlace = first!
 * console.log(board.list({ after: place }).map(({ name }) => name).join()) // b
 */
export interface JobPlace {
  readonly priority: JobPriority
  /** Grows with every job that is posted. */
  readonly sequence: number
}

/**
 * A job, as the board knows it. Times are milliseconds since 1970, by the clock of the board.
 *
 * @example
 * const sayJob = ({ name, state, owner }: Job) => `${name}: ${state} ${owner ?? ''}`
 */
export interface Job extends Required<JobPosting>, JobPlace {
  readonly priority: JobPriority
  readonly state: JobState
  readonly postedAt: number
  /** How often it was claimed since it was posted or put back. */
  readonly attempts: number
  /** Number of its latest claim; every claim of it has a higher one than those before. 0 before the first. */
  readonly fence: number
  /** Who has claimed it, also when the claim ran out since; null when nobody has. */
  readonly owner: string | null
  /** When the claim ends by itself, or ended; null when there is none. */
  readonly expiresAt: number | null
  /** Whoever takes the best job is not given it before; null when it may be taken at once. */
  readonly notBefore: number | null
  /** Why it is kept aside, and since when; null while it is on the board. */
  readonly trashed: { readonly reason: string; readonly at: number } | null
}

/**
 * Whose a job is: every operation of an owner names it, and is refused once the job has another.
 *
 * @example
 * const claim: Claim = { id: 'j', owner: 'host-1', fence: 3 }
 */
export interface Claim {
  /** Id of the job. */
  readonly id: string
  readonly owner: string
  /** Number of the claim, see {@link Job.fence}; the storage of its run is given it, too. */
  readonly fence: number
}

/**
 * A job that its owner has just claimed: a {@link Claim}, with all that there is to know.
 *
 * @example
 * const sayClaim = ({ name, owner, fence }: ClaimedJob) => `${name}: ${owner} (${fence})`
 */
export interface ClaimedJob extends Job {
  readonly state: 'CLAIMED'
  readonly owner: string
  readonly expiresAt: number
}

/**
 * A posting with nothing left open: what every board makes of one first.
 *
 * @example
 * console.log(checkPosting({ factory: 'web-import' }).name) // web-import
 * @throws TaskFlowError `invalid-flow` when a part is not what it must be; `not-json`, naming the place in the value;
 *   `too-large` when parameters or meta are larger than a MiB.
 */
export function checkPosting(posting: JobPosting): Required<JobPosting> {
  const { id = randomUUID(), priority = 'NORMAL', parameters = {}, book = null, meta = {} } = posting
  const factory = checkName('the factory of a job', posting.factory)
  const owner = `job '${checkName('the id of a job', id)}'`
  if (!jobPriorities.includes(priority)) {
    const allowed = jobPriorities.join(', ')
    throw new TaskFlowError(
      'invalid-flow',
      `${owner}: priority must be one of ${allowed}, not ${JSON.stringify(priority)}`,
    )
  }
  checkStorable(owner, 'parameters', parameters)
  checkStorable(owner, 'meta', meta)
  const name = checkName('a job', posting.name ?? factory)
  const run = checkName('the run of a job', posting.run ?? id)
  return { id, name, priority, factory, parameters, run, book, meta }
}

/** Bytes that parameters and meta may have each: jobs are read often. */
const largest = 1 << 20

function checkStorable(owner: string, path: string, value: object): void {
  const loss = findLoss(value, path)
  if (loss !== null) throw new TaskFlowError('not-json', `${owner}: ${loss}, which JSON cannot store; give plain data`)
  if (!isLongerThan(value, largest)) return
  throw new TaskFlowError(
    'too-large',
    `${owner}: ${path} may have ${largest} bytes; give a reference to what is larger`,
  )
}

/** Whether a stands before b. */
export function isBefore(a: JobPlace, b: JobPlace): boolean {
  const urgency = jobPriorities.indexOf(a.priority) - jobPriorities.indexOf(b.priority)
  return urgency < 0 || (urgency === 0 && a.sequence < b.sequence)
}
