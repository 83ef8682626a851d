import { DatabaseSync } from 'node:sqlite'

interface StoredStep {
  readonly name: string
  readonly state: string
  readonly attempts: number
  readonly began: number | null
  readonly ended: number | null
}

/** What the database says of one task. */
export interface Snapshot {
  readonly task: string | null
  /** Whether its job is on the board. */
  readonly job: boolean
  /** The state of its run; null: there is none. */
  readonly run: string | null
  readonly steps: readonly StoredStep[]
}

/** Of a task that was never accepted. */
export const nothingStored: Snapshot = { task: null, job: false, run: null, steps: [] }

const work = ['taskflow_jobs', 'taskflow_flows', 'taskflow_flow_details', 'taskflow_atoms']
const tables = [...work, 'taskflow_attempts', 'taskflow_attempt_failures'] as const

/** Looks into the database of a service, alive or dead; what a dead one left in its log stays there. */
function look<T>(file: string, read: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  try {
    return read(database)
  } finally {
    database.close()
  }
}

export function snapshotOf(file: string, task: string): Snapshot {
  return look(file, (database) => {
    database.exec('begin')
    const one = (query: string): Record<string, unknown> | undefined => database.prepare(query).get(task)
    const job = one('select run from taskflow_jobs where id = ?')
    const flow = one('select key, state from taskflow_flows where id = ?')
    const atoms = database
      .prepare("select name, state, attempts, began_at, ended_at from taskflow_atoms where flow = ? and kind = 'task'")
      .all((flow?.['key'] as number | undefined) ?? -1)
    const steps = atoms.map(({ name, state, attempts, began_at, ended_at }) => ({
      name: name as string,
      state: state as string,
      attempts: attempts as number,
      began: began_at as number | null,
      ended: ended_at as number | null,
    }))
    const status = one('select status from tasks where id = ?')?.['status'] as string | undefined
    return { task: status ?? null, job: job !== undefined, run: (flow?.['state'] as string | undefined) ?? null, steps }
  })
}

/** A task that was not known before, and its image. */
export function newTask(file: string, known: ReadonlySet<string>): { id: string; image: string } | undefined {
  const rows = look(file, (database) => database.prepare('select id, image_id from tasks').all())
  const row = rows.find(({ id }) => !known.has(id as string))
  return row && { id: row['id'] as string, image: row['image_id'] as string }
}

/** Tables with rows that only unfinished work has, and images that are locked. */
export function leftIn(file: string): string[] {
  return look(file, (database) => {
    const count = (from: string): number => Number(database.prepare(`select count(*) as n from ${from}`).get()?.['n'])
    const locked = 'images where deleted_at is null and import_task is not null'
    return [...tables, locked].map((from) => `${count(from)} ${from}`).filter((text) => !text.startsWith('0 '))
  })
}

/**
 * Which transitions were the last that were stored: of all steps under way that they are, and of the step that ended
 * last that it did. Around the steps: how far the task was.
 */
export function hitsOf({ task, job, run, steps }: Snapshot): string[] {
  if (task === null) return ['not accepted']
  if (run === null) return [job ? (task === 'pending' ? 'accepted' : 'run gone, job there') : 'all put away']
  if (!job) return ['job gone, run there']
  const told = task === 'success' || task === 'failure'
  const underWay = steps.filter(({ state }) => state === 'RUNNING' || state === 'REVERTING')
  const ended = steps.filter((step) => step.ended !== null && !underWay.includes(step))
  const last = Math.max(...ended.map((step) => step.ended!))
  const lastEnded = ended.filter((step) => step.ended === last)
  const words = [...lastEnded, ...underWay].map(({ name, state }) => `${name} ${state}`)
  return [...(told ? ['task told'] : words), ...(words.length === 0 && !told ? ['run made'] : [])]
}
