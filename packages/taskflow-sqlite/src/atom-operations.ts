import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { atomText, atomTextColumns } from './atom-text.ts'
import type { Cell } from './messages.ts'
import { type Operations, rowOf, rowsOf } from './operations.ts'
import { Refusal } from './refusal.ts'
import { flowById } from './run-operations.ts'

/**
 * Cells of a change of an atom, as `atomCells` makes them: the columns, and then what becomes of the history. Null: not
 * named.
 */
const forget = 14
const attempt = 15
const failedAtom = 16
const failure = 17
const changeCells = 18

/** Cells of a batch before its atoms. */
const batchCells = 6

const nameCell = 0
const kindCell = 1
const stateCell = 3

/** One text holds no more of a run's atoms than this many characters, unless a single one is larger. */
const longestText = 1 << 24

export function atomOperations(database: DatabaseSync): Operations {
  return { commit: { writes: true, run: committing(database) }, load: { writes: false, run: loading(database) } }
}

function committing(database: DatabaseSync): (cells: readonly Cell[]) => null {
  const find = rowsOf(database, 'select key, fence, ordinals from taskflow_flows where id = ?')
  const touch = database.prepare('update taskflow_flows set fence = ?, updated_at = ?, ordinals = ? where key = ?')
  const change = database.prepare(`update taskflow_flows
    set state = coalesce(?2, state), intention = coalesce(?3, intention) where key = ?1`)
  const cancel = database.prepare('update taskflow_flow_details set cancelled = ? where flow = ?')
  const changeAtom = atomChanging(database)
  return (cells) => {
    const [id = null, fence = null, at = null, state = null, intention = null, cancelled = null] = cells
    const found = rowOf(find.get(id))
    if (!found) throw new Refusal('storage', `there is no run with the id '${id}'`)
    const [key = null, stored, first] = found
    if (Number(fence) < Number(stored)) {
      throw new Refusal('stale-owner', `run '${id}' has owner number ${stored} by now; number ${fence} is refused`)
    }
    let ordinal = Number(first)
    for (let from = batchCells; from < cells.length; from += changeCells) {
      changeAtom(key, ordinal++, cells.slice(from, from + changeCells))
    }
    touch.run(fence, at, ordinal, key)
    if (state !== null || intention !== null) change.run(key, state, intention)
    if (cancelled !== null) cancel.run(cancelled, key)
    return null
  }
}

/** In the order of the cells of a change. */
const columns = [
  'name',
  'kind',
  'version',
  'state',
  'intention',
  'attempts',
  'result',
  'failure',
  'revert_result',
  'revert_failure',
  'progress',
  'meta',
  'began_at',
  'ended_at',
] as const

/** By column, what it gets where it is not named and the atom is new. */
const defaults: Readonly<Record<string, string>> = {
  kind: `'task'`,
  version: `'1.0'`,
  state: `'PENDING'`,
  intention: `'EXECUTE'`,
  attempts: '0',
}
/** What an atom that is PENDING again keeps. */
const lasting: ReadonlySet<string> = new Set(['name', 'kind', 'version', 'attempts'])

function atomChanging(database: DatabaseSync): (flow: Cell, ordinal: number, cells: readonly Cell[]) => void {
  const merge = upsert(database, (column, given) => `coalesce(${given}, ${column})`)
  const renew = upsert(database, (column, given) =>
    lasting.has(column) ? `coalesce(${given}, ${column})` : initial(column, given),
  )
  const update = updating(database)
  const history = historyChanging(database)
  return (flow, ordinal, cells) => {
    const name = cells[nameCell]!
    const pending = cells[stateCell] === 'PENDING'
    if (pending || cells[kindCell] !== null || !update(flow, cells)) {
      const statement = pending ? renew : merge
      statement.run(flow, ordinal, ...cells.slice(0, columns.length))
    }
    if (pending) history.lose(flow, name)
    if (cells[forget] !== null) history.forget(flow, name)
    if (cells[attempt] !== null) history.begin(flow, name, cells[attempt]!)
    if (cells[failedAtom] !== null) history.note(flow, name, cells[failedAtom]!, cells[failure]!)
  }
}

/**
 * The change of an atom that is known already, as most are: a statement for each set of columns that is ever named, as
 * it costs half of one for all columns. False: the atom is not known.
 */
function updating(database: DatabaseSync): (flow: Cell, cells: readonly Cell[]) => boolean {
  const statements = new Map<number, StatementSync>()
  return (flow, cells) => {
    let named = 0
    const given: Cell[] = []
    for (let column = 1; column < columns.length; column++) {
      if (cells[column] === null) continue
      named |= 1 << column
      given.push(cells[column]!)
    }
    let statement = statements.get(named)
    if (!statement) {
      const changes = columns.filter((_, column) => named & (1 << column)).map((column) => `${column} = ?`)
      if (changes.length === 0) changes.push('name = name')
      statement = database.prepare(`update taskflow_atoms set ${changes.join(', ')} where flow = ? and name = ?`)
      statements.set(named, statement)
    }
    return statement.run(...given, flow, cells[nameCell]!).changes !== 0
  }
}

function initial(column: string, given: string): string {
  return column in defaults ? `coalesce(${given}, ${defaults[column]})` : given
}

/** @param update what a column becomes where the atom is known. */
function upsert(database: DatabaseSync, update: (column: string, given: string) => string): StatementSync {
  const given = columns.map((column, index) => [column, `?${index + 3}`] as const)
  const values = given.map(([column, parameter]) => initial(column, parameter))
  const updates = given.slice(1).map(([column, parameter]) => `${column} = ${update(column, parameter)}`)
  return database.prepare(`insert into taskflow_atoms (flow, ordinal, ${columns.join(', ')})
    values (?1, ?2, ${values.join(', ')}) on conflict (flow, name) do update set ${updates.join(', ')}`)
}

interface HistoryChanging {
  /** It has none any more. */
  lose(flow: Cell, name: Cell): void
  /** It has an empty one. */
  forget(flow: Cell, name: Cell): void
  begin(flow: Cell, name: Cell, value: Cell): void
  /** Nothing where it has no attempt, and the first failure of an atom stays. */
  note(flow: Cell, name: Cell, atom: Cell, failure: Cell): void
}

function historyChanging(database: DatabaseSync): HistoryChanging {
  const kept = rowsOf(database, 'select attempts_kept from taskflow_atoms where flow = ? and name = ?')
  const keep = database.prepare('update taskflow_atoms set attempts_kept = ? where flow = ? and name = ?')
  const attempts = database.prepare('delete from taskflow_attempts where flow = ? and atom = ?')
  const failures = database.prepare('delete from taskflow_attempt_failures where flow = ? and retry = ?')
  const begin = database.prepare('insert into taskflow_attempts (flow, atom, number, value) values (?, ?, ?, ?)')
  const note = database.prepare(`insert into taskflow_attempt_failures (flow, retry, number, atom, failure)
    values (?, ?, ?, ?, ?) on conflict do nothing`)
  const keptOf = (flow: Cell, name: Cell): Cell => rowOf(kept.get(flow, name))![0]!
  const empty = (flow: Cell, name: Cell, left: 0 | null): void => {
    const number = keptOf(flow, name)
    if (number === left) return
    for (const statement of number === null ? [] : [attempts, failures]) statement.run(flow, name)
    keep.run(left, flow, name)
  }
  return {
    lose: (flow, name) => empty(flow, name, null),
    forget: (flow, name) => empty(flow, name, 0),
    begin: (flow, name, value) => {
      const number = Number(keptOf(flow, name)) + 1
      begin.run(flow, name, number, value)
      keep.run(number, flow, name)
    },
    note: (flow, name, atom, failure) => {
      const number = Number(keptOf(flow, name))
      if (number > 0) note.run(flow, name, number, atom, failure)
    },
  }
}

/** Gives the columns of the run, and then texts: its atoms, each text a list in JSON. */
function loading(database: DatabaseSync): (cells: readonly Cell[]) => readonly Cell[] | null {
  const flow = flowById(database)
  const atoms = rowsOf(database, `select ${atomTextColumns} from taskflow_atoms where flow = ? order by ordinal`)
  const attempts = rowsOf(database, 'select atom, number, value from taskflow_attempts where flow = ? order by number')
  const failures = rowsOf(
    database,
    'select retry, number, atom, failure from taskflow_attempt_failures where flow = ? order by key',
  )
  return ([id = null]) => {
    const found = flow(id)
    if (!found) return null
    const [key = null, ...record] = found
    const histories = historiesOf(attempts.all(key).map(rowOf), failures.all(key).map(rowOf))
    const texts: string[] = []
    let gathered: string[] = []
    let length = 0
    const close = (): void => {
      texts.push(`[${gathered.join(',')}]`)
      gathered = []
      length = 0
    }
    for (const row of atoms.all(key)) {
      const text = atomText(rowOf(row)!, histories)
      if (length > 0 && length + text.length > longestText) close()
      gathered.push(text)
      length += text.length
    }
    close()
    return [...record, ...texts]
  }
}

type Rows = readonly (readonly Cell[] | undefined)[]

/** By retry, the texts of its attempts. */
function historiesOf(attempts: Rows, failures: Rows): ReadonlyMap<Cell, readonly string[]> {
  const failed = new Map<string, string[]>()
  for (const [retry, number, atom, failure] of failures as readonly (readonly Cell[])[]) {
    const key = `${number} ${retry}`
    const text = `${JSON.stringify(atom)}:${failure}`
    const known = failed.get(key)
    if (known) known.push(text)
    else failed.set(key, [text])
  }
  const histories = new Map<Cell, string[]>()
  for (const [retry = null, number, value] of attempts as readonly (readonly Cell[])[]) {
    const text = `{"value":${value},"failures":{${failed.get(`${number} ${retry}`)?.join(',') ?? ''}}}`
    const known = histories.get(retry)
    if (known) known.push(text)
    else histories.set(retry, [text])
  }
  return histories
}
