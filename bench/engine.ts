/**
 * What does a task cost that does nothing; how does that grow with the flow; what do a full revert, a listener and the
 * memory cost? Beside a bare `await` loop, a minimal graph runner (the floor), Effect, p-graph and the real TaskFlow.
 */
import { type MemoryRow, measureFirst, measureMemory } from './engine/apart.ts'
import { type Case, type Goal, judge } from './engine/goals.ts'
import { hearing, ours, reverting } from './engine/ours.ts'
import { awaitLoop, effect, floor, pGraph } from './engine/peers.ts'
import { measurePython, type PythonFigures } from './engine/python.ts'
import {
  type Contender,
  exponentOf,
  type Laps,
  type Rules,
  race,
  rounded,
  startWork,
  warmUp,
  workSince,
} from './engine/rounds.ts'
import { executes, type Shape, shapes, sizes } from './engine/shapes.ts'

/** The best of so many rounds of each counts; a round is at least 50 ms. */
const usual: Rules = { rounds: 4, collect: false }
const forLargest: Rules = { rounds: 3, collect: true }
/** Where peers that grow faster than their flows stop. */
const largestOfPeers = 10_000
/** Who takes more milliseconds for one run is not asked for one of a flow ten times as large. */
const patience = 1_000
/** What our parallel engine has by default; the others are given as much. */
const workers = 10
const modes = ['serial', 'parallel'] as const
type Mode = (typeof modes)[number]

/** Microseconds an executed task, of one shape and size, by contender. */
interface Cell {
  readonly shape: Shape
  readonly tasks: number
  readonly figures: ReadonlyMap<string, Laps>
}

/** Microseconds a task; `ratio` is the revert over the forward run. */
interface RevertRow {
  readonly flow: string
  readonly tasks: number
  readonly forward: number
  readonly revert: number
  readonly ratio: number
}

/** Of who was not asked, having been too slow before. */
const absent: Laps = { build: Infinity, compile: Infinity, run: Infinity }

type Row = Readonly<Record<string, string | number | undefined>>

export async function measure(): Promise<object> {
  const python = await measurePython()
  const began = startWork()
  let cells: Cell[] = []
  let reverts: RevertRow[] = []
  for (const tasks of [1_000, 10]) for (const shape of shapes) await warmUp(contendersFor(shape, tasks), 300)
  for (const tasks of sizes) {
    for (const shape of shapes) cells.push(await measureCell(shape, tasks, cells))
    for (const shape of ['linear', 'layered'] as const) reverts.push(...(await measureReverts(shape, tasks)))
  }
  cells = cells.toSorted((a, b) => shapes.indexOf(a.shape) - shapes.indexOf(b.shape))
  reverts = reverts.toSorted((a, b) => b.flow.localeCompare(a.flow))
  const cost = cells.map(costRow)
  show('our engine, microseconds an executed task (build and compile: a task)', cost)
  const beside = modes.flatMap((mode) => cells.map((cell) => besideRow(cell, mode, python)))
  show('the run beside others, microseconds an executed task; `x floor`: ours over the floor', beside)
  const exponents = exponentRows(cells, python)
  show('cost exponent: slope of log(time) over log(size)', exponents)
  show('a full revert, microseconds a task', reverts)
  const { share } = workSince(began)
  const memory: MemoryRow[] = []
  for (const shape of shapes) memory.push(await measureMemory(shape, 100_000))
  show('memory: bytes a task that are held when a run is over', memory)
  const first = Math.min(...(await inTurns(5, () => measureFirst('layered', 1_000))))
  const goals = goalsOf(cells, reverts, memory, first)
  show(`goals; best of ${usual.rounds} rounds (${forLargest.rounds} of 100,000 tasks)`, goals)
  console.log(`the bench had ${Math.round(share * 100)} % of a core; below 90 % the figures are corrected, and rough`)
  return {
    share: rounded(share),
    cost,
    beside,
    exponents,
    reverts,
    memory,
    firstFlowMs: rounded(first),
    goals,
    python: python?.version ?? null,
  }
}

async function inTurns<T>(count: number, ask: () => Promise<T>): Promise<T[]> {
  const answers: T[] = []
  for (let turn = 0; turn < count; turn++) answers.push(await ask())
  return answers
}

function show(title: string, rows: readonly object[]): void {
  console.log(`\n${title}`)
  const given = ([, value]: [string, unknown]): boolean => value !== undefined
  console.table(rows.map((row) => Object.fromEntries(Object.entries(row).filter(given))))
}

function contendersFor(shape: Shape, tasks: number): readonly Contender[] {
  const plain = shape !== 'retry-heavy'
  const contenders = [
    ours('ours serial', shape, tasks, { mode: 'serial' }),
    ours('ours parallel', shape, tasks, { mode: 'parallel' }),
    ours('ours serial, a listener', shape, tasks, { mode: 'serial', listeners: [hearing()] }),
    awaitLoop('await loop', shape, tasks),
  ]
  if (plain) contenders.push(floor('floor serial', shape, tasks, 1), floor('floor parallel', shape, tasks, workers))
  if (tasks > largestOfPeers) return contenders
  for (const [mode, capacity] of [
    ['serial', 1],
    ['parallel', workers],
  ] as const) {
    if (mode === 'parallel' && shape === 'linear') continue
    contenders.push(effect(`Effect ${mode}`, shape, tasks, capacity))
    if (plain) contenders.push(pGraph(`p-graph ${mode}`, shape, tasks, capacity))
  }
  return contenders
}

async function measureCell(shape: Shape, tasks: number, known: readonly Cell[]): Promise<Cell> {
  const before = known.findLast((cell) => cell.shape === shape)
  const contenders = contendersFor(shape, tasks).filter(({ name }) => !before || isFast(before, name))
  return { shape, tasks, figures: await race(contenders, executes(shape, tasks), rulesFor(tasks)) }
}

function rulesFor(tasks: number): Rules {
  return tasks === sizes.at(-1) ? forLargest : usual
}

function isFast({ shape, tasks, figures }: Cell, name: string): boolean {
  const { build, compile, run } = figures.get(name) ?? absent
  return ((build + compile + run) * executes(shape, tasks)) / 1_000 < patience
}

/** Build and compile are the same in both modes: the better counts. */
function costRow({ shape, tasks, figures }: Cell): Row {
  const per = executes(shape, tasks) / tasks
  const best = (key: 'build' | 'compile'): number =>
    per * Math.min(...modes.map((mode) => (figures.get(`ours ${mode}`) ?? absent)[key]))
  const run = (name: string): number | undefined => rounded(figures.get(name)?.run)
  return {
    shape,
    tasks,
    build: rounded(best('build')),
    compile: rounded(best('compile')),
    serial: run('ours serial'),
    parallel: run('ours parallel'),
    'serial, a listener': run('ours serial, a listener'),
  }
}

function besideRow({ shape, tasks, figures }: Cell, mode: Mode, python: PythonFigures | null): Row {
  const run = (name: string): number | undefined => figures.get(name)?.run
  const [own, least] = [run(`ours ${mode}`), run(`floor ${mode}`)]
  const real = mode === 'serial' ? pythonRun(python, shape, tasks) : undefined
  return {
    flow: `${shape} ${mode}`,
    tasks,
    ours: rounded(own),
    'await loop': rounded(run('await loop')),
    floor: rounded(least),
    Effect: rounded(run(`Effect ${mode}`)),
    'p-graph': rounded(run(`p-graph ${mode}`)),
    TaskFlow: rounded(real, 0),
    'x floor': own && least && rounded(own / least, 1),
    'TaskFlow x ours': own && real && rounded(real / own, 0),
  }
}

function pythonRun(python: PythonFigures | null, shape: Shape, tasks: number): number | undefined {
  return python?.rows.find((row) => row.shape === shape && row.tasks === tasks)?.run
}

/** Over all sizes, and over the last two, where a fixed cost hides nothing. */
function exponentRows(cells: readonly Cell[], python: PythonFigures | null): readonly Row[] {
  return shapes.flatMap((shape) => {
    const own = cells.filter((cell) => cell.shape === shape)
    const names = [...own[0]!.figures.keys()]
    const rows = names.map((name) =>
      exponentRow(
        shape,
        name,
        own.flatMap((cell) => timesOf(cell, name)),
      ),
    )
    const real = (python?.rows ?? []).filter((row) => row.shape === shape)
    const points = real.map(({ tasks, ...laps }) => ({ size: tasks, ...laps }))
    return real.length > 0 ? [...rows, exponentRow(shape, 'TaskFlow serial', points)] : rows
  })
}

type Point = Laps & { readonly size: number }

function timesOf({ tasks, figures }: Cell, name: string): Point[] {
  const laps = figures.get(name)
  return laps ? [{ size: tasks, ...laps }] : []
}

function exponentRow(shape: Shape, engine: string, points: readonly Point[]): Row {
  const slope = (of: readonly Point[], key: 'compile' | 'run'): number | undefined =>
    rounded(exponentOf(of.map((point) => ({ size: point.size, time: point[key] * point.size }))), 3)
  return {
    shape,
    engine,
    largest: points.at(-1)!.size,
    compile: slope(points, 'compile'),
    run: slope(points, 'run'),
    'run, last two sizes': slope(points.slice(-2), 'run'),
  }
}

async function measureReverts(shape: Shape, tasks: number): Promise<readonly RevertRow[]> {
  const contenders = modes.flatMap((mode) => [
    ours(`forward ${mode}`, shape, tasks, { mode }),
    reverting(`both ${mode}`, shape, tasks, { mode }),
  ])
  if (tasks === sizes[0]) await warmUp(contenders, 300)
  const figures = await race(contenders, tasks, rulesFor(tasks))
  return modes.map((mode) => {
    const [forward, both] = [figures.get(`forward ${mode}`)!.run, figures.get(`both ${mode}`)!.run]
    return {
      flow: `${shape} ${mode}`,
      tasks,
      forward: rounded(forward)!,
      revert: rounded(both - forward)!,
      ratio: rounded(both / forward - 1)!,
    }
  })
}

function goalsOf(
  cells: readonly Cell[],
  reverts: readonly RevertRow[],
  memory: readonly MemoryRow[],
  first: number,
): readonly Goal[] {
  const thousand = cells.find(({ shape, tasks }) => shape === 'layered' && tasks === 1_000)!
  const whole = modes.map((mode) => {
    const { build, compile, run } = thousand.figures.get(`ours ${mode}`)!
    return { where: mode, value: build + compile + run }
  })
  const plain = cells.filter(({ shape }) => shape !== 'retry-heavy')
  const heavy = cells.filter(({ shape }) => shape === 'retry-heavy')
  return [
    judge('run: us a task', 3, plain.flatMap(runsOf)),
    judge('run: us an executed task, retry-heavy', 3, heavy.flatMap(runsOf)),
    judge(
      'compile: us a task',
      3,
      cells.map((cell) => caseOf(cell, '', Number(costRow(cell)['compile'] ?? Infinity))),
    ),
    judge('run: exponent, all sizes', 1.05, slopes(cells, 'run')),
    judge('run: exponent, the last two sizes', 1.05, slopes(cells, 'run', -2)),
    judge('compile: exponent, all sizes', 1.05, slopes(cells, 'compile')),
    judge(
      'revert: times the forward run',
      1.5,
      reverts.map(({ flow, tasks, ratio }) => ({ where: `${flow} ${tasks}`, value: ratio })),
    ),
    judge(
      'memory: bytes a task',
      1_024,
      memory.map(({ shape, all }) => ({ where: shape, value: all })),
    ),
    judge('layered 20 x 50, built, compiled and run: ms', 15, whole),
    judge('the same, as the first flow of a process: ms', 15, [{ where: 'serial', value: first }]),
  ]
}

function runsOf(cell: Cell): readonly Case[] {
  return modes.map((mode) => caseOf(cell, ` ${mode}`, (cell.figures.get(`ours ${mode}`) ?? absent).run))
}

function caseOf({ shape, tasks }: Cell, detail: string, value: number): Case {
  return { where: `${shape}${detail} ${tasks}`, value }
}

function slopes(cells: readonly Cell[], key: 'compile' | 'run', from = 0): readonly Case[] {
  return shapes.flatMap((shape) =>
    modes.map((mode) => {
      const points = cells.filter((cell) => cell.shape === shape).flatMap((cell) => timesOf(cell, `ours ${mode}`))
      const taken = points.slice(from).map((point) => ({ size: point.size, time: point[key] * point.size }))
      return { where: `${shape} ${mode}`, value: exponentOf(taken) }
    }),
  )
}
