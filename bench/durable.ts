/**
 * What does durability cost a task? Beside the machine's own commits and syncs, and Python TaskFlow on SQLite. How long
 * does it take to take up a large run again, and do runs that are stored already slow anything down?
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rawCommit, rawSync } from './durable/limits.ts'
import { measurePythonStored, type PythonStored } from './durable/python.ts'
import { type Load, type Persisted, resumeTimes, runLoad, type Synchronous } from './durable/runs.ts'
import { besideStored, type StoredFigures } from './durable/stored.ts'
import { type Goal, judge } from './engine/goals.ts'
import { rounded } from './engine/rounds.ts'

/** The best of so many rounds counts; in each, the limits are measured right before. */
const rounds = 6
const resumed = 10_000
const stored = 100_000

/** Figures of others, from their own machines: not a comparison, but the order of magnitude. */
const recorded = {
  'DBOS Transact on PostgreSQL': '600 to 900 steps/s sequential, 1,500 many at once',
  'Python TaskFlow on SQLite': '22 to 28 atoms/s',
}

const loads: readonly Load[] = (['normal', 'full'] as const).flatMap((synchronous) =>
  (['linear', 'unordered'] as const).flatMap((shape) => [
    { shape, synchronous, flows: 1, tasks: synchronous === 'full' ? 200 : 3_000 },
    { shape, synchronous, flows: 100, tasks: 100 },
  ]),
)

/** Microseconds: a commit of one row, and a sync. */
type Limits = Record<Synchronous | 'sync', number>

interface Row {
  readonly load: string
  readonly synchronous: Synchronous
  readonly flows: number
  readonly shape: string
  readonly 'us a task': number
  readonly 'tasks/s': number
  readonly 'raw commits/s': number
  /** Tasks for each commit of one row that the machine could have made in the same time. */
  readonly 'tasks a raw commit': number
  readonly 'tasks a transaction': number
}

export async function measure(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-durable-'))
  try {
    return await measureIn(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function measureIn(folder: string): Promise<object> {
  const python = await measurePythonStored(folder)
  const limits = { normal: Infinity, full: Infinity, sync: Infinity }
  const figures = new Map<Load, Persisted>()
  for (let round = 0; round < rounds; round++) await measureRound(folder, limits, figures)
  const rows = loads.map((load) => rowOf(load, figures.get(load)!, limits))
  console.table(rows)
  const syncs = rounded(1e6 / limits.sync, 0)
  console.log(`the machine syncs ${syncs} times a second; elsewhere: ${JSON.stringify(recorded)}`)
  const resumes = (await resumeTimes(folder, resumed, 5)).map((time) => Math.round(time))
  console.log(`a run of ${resumed} finished atoms is taken up in ${resumes.join(', ')} ms`)
  const filled = await besideStored(folder, stored)
  console.table(filled)
  const goals = goalsOf(rows, resumes, filled)
  console.table(goals)
  const besides = python && rows.map((row) => besidePython(row, python)).filter((row) => row !== null)
  if (besides) console.table(besides)
  return {
    rows,
    syncs,
    resumeMs: { first: resumes[0], best: Math.min(...resumes) },
    stored: filled,
    goals,
    python,
    besidePython: besides,
    recorded,
  }
}

async function measureRound(folder: string, limits: Limits, figures: Map<Load, Persisted>): Promise<void> {
  for (const synchronous of ['normal', 'full'] as const) {
    limits[synchronous] = Math.min(limits[synchronous], rawCommit(folder, synchronous))
  }
  limits.sync = Math.min(limits.sync, rawSync(folder))
  for (const load of loads) {
    const figure = await runLoad(folder, load)
    const best = figures.get(load)
    if (!best || figure.task < best.task) figures.set(load, figure)
  }
}

function rowOf({ shape, flows, synchronous }: Load, { task, tasksPerTransaction }: Persisted, limits: Limits): Row {
  const raw = limits[synchronous]
  return {
    load: `${shape}, ${flows} at once, ${synchronous}`,
    synchronous,
    flows,
    shape,
    'us a task': rounded(task)!,
    'tasks/s': Math.round(1e6 / task),
    'raw commits/s': Math.round(1e6 / raw),
    'tasks a raw commit': rounded(raw / task)!,
    'tasks a transaction': rounded(tasksPerTransaction, 1)!,
  }
}

function goalsOf(
  rows: readonly Row[],
  resumes: readonly number[],
  { empty, filled }: Record<'empty' | 'filled', StoredFigures>,
): readonly Goal[] {
  const of = (synchronous: Synchronous, flows: number, value: (row: Row) => number) =>
    rows
      .filter((row) => row.synchronous === synchronous && row.flows === flows)
      .map((row) => ({ where: row.load, value: value(row) }))
  const time = (row: Row): number => row['us a task']
  return [
    judge('one flow, NORMAL: us a task (10,000 tasks/s)', 100, of('normal', 1, time)),
    judge('100 at once, NORMAL: us a task (30,000 tasks/s)', 33.3, of('normal', 100, time)),
    judge(
      '100 at once, FULL: transactions a task (20 tasks a sync)',
      0.05,
      of('full', 100, (row) => 1 / row['tasks a transaction']),
    ),
    judge(`take up ${resumed} finished atoms: ms`, 200, [{ where: 'the first time', value: resumes[0]! }]),
    judge(`beside ${stored} stored runs: times as long`, 1.2, [
      { where: 'a task', value: filled.task / empty.task },
      { where: 'a list', value: filled.list / empty.list },
    ]),
  ]
}

/** A transaction of ours is durable as theirs is, at FULL: SQLite's default, which they leave. */
function besidePython(row: Row, { rows }: PythonStored): object | null {
  const theirs = rows.find(({ shape }) => shape === row.shape)
  if (!theirs || row.synchronous !== 'full') return null
  const times = rounded(row['tasks/s'] / theirs.tasksPerSecond, 0)
  return { load: row.load, TaskFlow: rounded(theirs.tasksPerSecond, 1), ours: row['tasks/s'], 'ours x TaskFlow': times }
}
