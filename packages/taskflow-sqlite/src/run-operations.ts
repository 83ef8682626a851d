import type { DatabaseSync } from 'node:sqlite'
import type { Cell } from './messages.ts'
import { type Operations, rowOf, rowsOf } from './operations.ts'
import { Refusal } from './refusal.ts'

/** Everything about runs and log books, but for what becomes of atoms. */
export function runOperations(database: DatabaseSync): Operations {
  return { ...bookOperations(database), ...creation(database), ...removal(database), ...listing(database) }
}

function bookOperations(database: DatabaseSync): Operations {
  const save = database.prepare(`insert into taskflow_books (id, name, meta) values (?, ?, ?)
    on conflict (id) do update set name = excluded.name, meta = excluded.meta`)
  const list = rowsOf(database, 'select id, name, meta from taskflow_books')
  return {
    saveBook: {
      writes: true,
      run: (cells) => {
        save.run(...cells)
        return null
      },
    },
    listBooks: { writes: false, run: () => list.all().flatMap((row) => [...rowOf(row)!]) },
  }
}

function creation(database: DatabaseSync): Operations {
  const known = database.prepare('select 1 from taskflow_flows where id = ?')
  const book = database.prepare('select 1 from taskflow_books where id = ?')
  const create = database.prepare(`insert into taskflow_flows
    (id, book, name, state, intention, fence, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?)`)
  const detail = database.prepare(
    'insert into taskflow_flow_details (flow, inputs, meta, plan, cancelled) values (?, ?, ?, ?, ?)',
  )
  const run = (cells: readonly Cell[]): null => {
    const [id = null, of = null] = cells
    if (known.get(id)) throw new Refusal('storage', `a run with the id '${id}' exists already`)
    if (of !== null && !book.get(of)) throw new Refusal('storage', `there is no log book with the id '${of}'`)
    const { lastInsertRowid } = create.run(...cells.slice(0, 8))
    detail.run(lastInsertRowid, ...cells.slice(8))
    return null
  }
  return { create: { writes: true, run } }
}

/** Tables with rows of runs, and how they call the run. */
const parts = [
  ['taskflow_flow_details', 'flow'],
  ['taskflow_atoms', 'flow'],
  ['taskflow_attempts', 'flow'],
  ['taskflow_attempt_failures', 'flow'],
  ['taskflow_flows', 'key'],
] as const

function removal(database: DatabaseSync): Operations {
  const removeBook = database.prepare('delete from taskflow_books where id = ?')
  const deletions = (which: string) =>
    parts.map(([table, column]) =>
      database.prepare(`delete from ${table} where ${column} in (select key from taskflow_flows where ${which} = ?)`),
    )
  const ofBook = deletions('book')
  const ofRun = deletions('id')
  return {
    removeBook: {
      writes: true,
      run: ([id = null]) => {
        for (const statement of [...ofBook, removeBook]) statement.run(id)
        return null
      },
    },
    remove: {
      writes: true,
      run: ([id = null]) => {
        for (const statement of ofRun) statement.run(id)
        return null
      },
    },
  }
}

function listing(database: DatabaseSync): Operations {
  const keyOf = rowsOf(database, 'select key from taskflow_flows where id = ?')
  const page = (where: string) =>
    rowsOf(database, `select key from taskflow_flows where ${where} and key > ? order by key limit ?`)
  const all = page('true')
  const byState = page('state = ?')
  const byBook = page('book = ? and state = ?')
  const read = flowReading(database)
  const keys = (book: Cell, states: readonly Cell[], after: Cell, limit: number): readonly Cell[] => {
    if (book === null && states.length === 0) return firsts(all.all(after, limit))
    // One look-up by the index for each state, as SQLite would sort all that are in several states.
    const found = states.flatMap((state) =>
      firsts(book === null ? byState.all(state, after, limit) : byBook.all(book, state, after, limit)),
    )
    return found.toSorted((a, b) => Number(a) - Number(b)).slice(0, limit)
  }
  const run = ([book = null, after = null, limit, ...states]: readonly Cell[]): readonly Cell[] => {
    const [afterKey = null] = after === null ? [0] : (rowOf(keyOf.get(after)) ?? [])
    if (afterKey === null) return []
    return keys(book, states, afterKey, Number(limit)).flatMap((key) => read(key)!.slice(1))
  }
  return { list: { writes: false, run } }
}

function firsts(rows: readonly unknown[]): readonly Cell[] {
  return rows.map((row) => rowOf(row)![0]!)
}

const flowColumns = `f.key, f.id, f.book, f.name, f.state, f.intention, f.fence, f.created_at, f.updated_at,
  d.inputs, d.meta, d.plan, d.cancelled`

/** The key of a run, and then the columns that a record is made of. */
function flowReading(database: DatabaseSync): (key: Cell) => readonly Cell[] | undefined {
  const read = rowsOf(
    database,
    `select ${flowColumns} from taskflow_flows f join taskflow_flow_details d on d.flow = f.key where f.key = ?`,
  )
  return (key) => rowOf(read.get(key))
}

/** As {@link flowReading}, by the id. */
export function flowById(database: DatabaseSync): (id: Cell) => readonly Cell[] | undefined {
  const read = rowsOf(
    database,
    `select ${flowColumns} from taskflow_flows f join taskflow_flow_details d on d.flow = f.key where f.id = ?`,
  )
  return (id) => rowOf(read.get(id))
}
