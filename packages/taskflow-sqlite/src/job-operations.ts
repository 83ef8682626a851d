import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Cell } from './messages.ts'
import { type Operations, rowOf, rowsOf } from './operations.ts'
import { Refusal } from './refusal.ts'

/** Everything about jobs. Times come with the calls: the caller has the clock. */
export function jobOperations(database: DatabaseSync): Operations {
  return { ...posting(database), ...reading(database), ...claiming(database), ...ending(database) }
}

/**
 * What a job is made of, in the order in which it is read.
 *
 * @param now the parameter that has the time, which decides about the state.
 */
const jobColumns = (
  now: string,
): string => `sequence, id, name, priority, factory, parameters, run, book, meta, posted_at, attempts, fence, owner,
  expires_at, not_before, trash_reason, trashed_at,
  case when trashed_at is not null then 'TRASHED' when expires_at > ${now} then 'CLAIMED' else 'UNCLAIMED' end as state`

const postedCells = 8

/** A row of its own for each job, also for callers that store it in a transaction of theirs. */
export const insertJob = `insert into taskflow_jobs
  (posted_at, id, name, priority, factory, parameters, run, book, meta) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`

function posting(database: DatabaseSync): Operations {
  const known = database.prepare('select 1 from taskflow_jobs where id = ?')
  const insert = database.prepare(insertJob)
  const read = byId(database)
  const run = ([now = null, ...cells]: readonly Cell[]): readonly Cell[] => {
    const jobs: (readonly Cell[])[] = []
    for (let from = 0; from < cells.length; from += postedCells) jobs.push(cells.slice(from, from + postedCells))
    const ids = new Set<Cell>()
    for (const [id = null] of jobs) {
      if (ids.has(id) || known.get(id)) throw new Refusal('storage', `there is a job with the id '${id}' already`)
      ids.add(id)
    }
    for (const job of jobs) insert.run(now, ...job)
    return jobs.flatMap(([id = null]) => read(now, id)!)
  }
  return { postJobs: { writes: true, run } }
}

function reading(database: DatabaseSync): Operations {
  const read = byId(database)
  const list = rowsOf(
    database,
    `select * from (select ${jobColumns('?1')} from taskflow_jobs)
     where (?2 is null or (owner = ?2 and state = 'CLAIMED')) and (?3 is null or book = ?3)
       and (?4 is null or (priority, sequence) > (?4, ?5))
       and (?6 is null or state in (select value from json_each(?6)))
       and (?7 is null or factory in (select value from json_each(?7)))
     order by priority, sequence limit ?8`,
  )
  const soonest = rowsOf(database, 'select min(free_at) from taskflow_jobs where trashed_at is null')
  const soonestOf = rowsOf(
    database,
    `select min(free_at) from taskflow_jobs
     where trashed_at is null and factory in (select value from json_each(?))`,
  )
  return {
    findJob: { writes: false, run: ([now = null, id = null]) => read(now, id) ?? null },
    listJobs: { writes: false, run: (cells) => list.all(...cells).flatMap((row) => [...rowOf(row)!]) },
    soonestJob: {
      writes: false,
      run: ([factories = null]) => rowOf(factories === null ? soonest.get() : soonestOf.get(factories)) ?? null,
    },
  }
}

function claiming(database: DatabaseSync): Operations {
  const holder = rowsOf(database, 'select owner, expires_at, trashed_at from taskflow_jobs where id = ?')
  const best = (factories: string): StatementSync =>
    rowsOf(
      database,
      `select id from taskflow_jobs where trashed_at is null and free_at <= ? ${factories}
       order by priority, sequence limit ?`,
    )
  const bestOfAll = best('')
  const bestOf = best('and factory in (select value from json_each(?))')
  const give = database.prepare(`update taskflow_jobs set owner = ?, expires_at = ?, free_at = ?, not_before = null,
    fence = fence + 1, attempts = attempts + 1 where id = ?`)
  const read = byId(database)
  const claim = (now: Cell, id: Cell, owner: Cell, endsAt: number): readonly Cell[] => {
    give.run(owner, endsAt, endsAt, id)
    return read(now, id)!
  }
  return {
    claimJob: {
      writes: true,
      run: ([now = null, id = null, owner = null, lease = null]) => {
        const [by = null, expiresAt = null, trashedAt = null] = rowOf(holder.get(id)) ?? [null, null, 0]
        if (trashedAt !== null) throw new Refusal('not-found', `there is no job with the id '${id}' on the board`)
        if (Number(expiresAt) > Number(now)) throw new Refusal('job-claimed', `job '${id}' is claimed by '${by}'`)
        return claim(now, id, owner, Number(now) + Number(lease))
      },
    },
    claimJobs: {
      writes: true,
      run: ([now = null, owner = null, lease = null, limit = null, factories = null]) => {
        const found = factories === null ? bestOfAll.all(now, limit) : bestOf.all(now, factories, limit)
        return found.flatMap((row) => claim(now, rowOf(row)![0]!, owner, Number(now) + Number(lease)))
      },
    },
  }
}

/**
 * What an owner does with a job. Each gives null when it was done; else nothing was, and it tells whose the job is: its
 * owner, the number of the claim and since when it is kept aside, or no cells where there is no such job.
 */
function ending(database: DatabaseSync): Operations {
  const claimed = rowsOf(database, 'select owner, fence, trashed_at from taskflow_jobs where id = ?')
  const owned = (run: (id: Cell, cells: readonly Cell[]) => void) => ({
    writes: true,
    run: ([id = null, owner = null, fence = null, ...cells]: readonly Cell[]): readonly Cell[] | null => {
      const found = rowOf(claimed.get(id)) ?? []
      if (found[0] !== owner || found[1] !== fence) return found
      run(id, cells)
      return null
    },
  })
  const renew = database.prepare('update taskflow_jobs set expires_at = ?, free_at = ? where id = ?')
  const abandon = database.prepare(
    'update taskflow_jobs set owner = null, expires_at = null, not_before = ?, free_at = coalesce(?, 0) where id = ?',
  )
  const consume = database.prepare('delete from taskflow_jobs where id = ?')
  const trash = database.prepare(
    'update taskflow_jobs set owner = null, expires_at = null, trash_reason = ?, trashed_at = ? where id = ?',
  )
  const putBack = database.prepare(`update taskflow_jobs set trash_reason = null, trashed_at = null, attempts = 0,
    free_at = coalesce(not_before, 0) where id = ? and trashed_at is not null`)
  return {
    renewJob: owned((id, [endsAt = null]) => renew.run(endsAt, endsAt, id)),
    abandonJob: owned((id, [notBefore = null]) => abandon.run(notBefore, notBefore, id)),
    consumeJob: owned((id) => consume.run(id)),
    trashJob: owned((id, [reason = null, at = null]) => trash.run(reason, at, id)),
    putBackJob: {
      writes: true,
      run: ([id = null]) => {
        if (putBack.run(id).changes > 0) return null
        throw new Refusal('not-found', `no job with the id '${id}' is kept aside`)
      },
    },
  }
}

function byId(database: DatabaseSync): (now: Cell, id: Cell) => readonly Cell[] | undefined {
  const read = rowsOf(database, `select ${jobColumns('?')} from taskflow_jobs where id = ?`)
  return (now, id) => rowOf(read.get(now, id))
}
