/** How a figure comes about: contenders take turns, and the best round of each counts. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Milliseconds, summed over the runs of a round; after {@link race} microseconds a task. */
export interface Laps {
  build: number
  compile: number
  run: number
}

export interface Contender {
  readonly name: string
  /** Builds, compiles and runs a flow once, and adds what each took. */
  readonly once: (laps: Laps) => Promise<void>
}

/** A round repeats small flows until it was at work for so many milliseconds. */
const roundLasts = 50
/** Who gets less of a core than this is held up by others, and is judged by the time it had. */
const undisturbed = 0.9
/** Who has taken so many milliseconds is not asked for another round. */
const patience = 4_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** How contenders are compared. */
export interface Rules {
  readonly rounds: number
  /**
   * Whether a round begins with a collected heap, so that nobody clears away what another left. Only for large flows: a
   * forced collection also discards code that was optimized for objects of which none is left, and it takes longer than
   * a round of small flows until that is made up for.
   */
  readonly collect: boolean
}

/**
 * The contenders take turns in every round, so that whatever else the machine does meets them all. Time is what the
 * clock says, or where others took a part of the core, that less their part.
 *
 * @param tasks how many tasks a run executes: what the figures are divided by.
 */
export async function race(
  contenders: readonly Contender[],
  tasks: number,
  { rounds, collect }: Rules,
): Promise<ReadonlyMap<string, Laps>> {
  const best = new Map(contenders.map(({ name }) => [name, { build: Infinity, compile: Infinity, run: Infinity }]))
  const spent = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const { name } = contender
      if ((spent.get(name) ?? 0) > patience) continue
      if (collect) collectGarbage()
      const began = performance.now()
      const laps = await once(contender, tasks)
      spent.set(name, (spent.get(name) ?? 0) + performance.now() - began)
      const known = best.get(name)!
      for (const key of ['build', 'compile', 'run'] as const) known[key] = Math.min(known[key], laps[key])
    }
  }
  return best
}

/** Runs each for a while, unmeasured, until the just-in-time compiler has seen it. */
export async function warmUp(contenders: readonly Contender[], milliseconds: number): Promise<void> {
  for (const { once } of contenders) {
    const began = startWork()
    while (workSince(began).busy < milliseconds) await once({ build: 0, compile: 0, run: 0 })
  }
}

/** A clock that adds what has passed since it was last asked. */
export function stopwatch(laps: Laps): (key: keyof Laps) => void {
  let began = performance.now()
  return (key) => {
    const now = performance.now()
    laps[key] += now - began
    began = now
  }
}

/** The slope of log(time) over log(size), by least squares. */
export function exponentOf(points: readonly { readonly size: number; readonly time: number }[]): number {
  const logs = points.map(({ size, time }) => [Math.log(size), Math.log(time)] as const)
  const [x, y] = [0, 1].map((axis) => logs.reduce((sum, point) => sum + point[axis]!, 0) / logs.length) as [
    number,
    number,
  ]
  const over = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0)
  return over / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0)
}

export function rounded(value: number | undefined, digits = 2): number | undefined {
  return value === undefined || !Number.isFinite(value) ? undefined : Number(value.toFixed(digits))
}

async function once({ once }: Contender, tasks: number): Promise<Laps> {
  const laps = { build: 0, compile: 0, run: 0 }
  const began = startWork()
  let runs = 0
  do {
    await once(laps)
    runs++
  } while (workSince(began).busy < roundLasts)
  const { share } = workSince(began)
  const perTask = (1_000 * (share < undisturbed ? share : 1)) / (runs * tasks)
  return { build: laps.build * perTask, compile: laps.compile * perTask, run: laps.run * perTask }
}

export interface Work {
  readonly clock: number
  readonly cpu: NodeJS.CpuUsage
}

export function startWork(): Work {
  return { clock: performance.now(), cpu: process.threadCpuUsage() }
}

/** How many milliseconds this thread had a core since then, and what share of the time that was. */
export function workSince({ clock, cpu }: Work): { readonly busy: number; readonly share: number } {
  const { user, system } = process.threadCpuUsage(cpu)
  const busy = (user + system) / 1_000
  return { busy, share: Math.min(1, busy / (performance.now() - clock)) }
}
