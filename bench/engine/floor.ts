/**
 * The floor: the least that runs a graph of tasks wired by names. It resolves names to edges, passes arguments by name
 * and counts unfinished predecessors; it has no states, record, listeners, revert, retry or checks.
 */
export interface FloorTask {
  /** Argument to symbol. */
  readonly rebind: Readonly<Record<string, string>>
  readonly provides: string
  readonly execute: (args: Readonly<Record<string, unknown>>) => Promise<unknown>
}

interface Giver {
  readonly argument: string
  readonly task: number
}

export interface FloorGraph {
  readonly tasks: readonly FloorTask[]
  /** Of each task: who gives its arguments, and the tasks that wait for it. */
  readonly givers: readonly (readonly Giver[])[]
  readonly takers: readonly (readonly number[])[]
}

export function connect(tasks: readonly FloorTask[]): FloorGraph {
  const bySymbol = new Map<string, number>()
  for (let at = 0; at < tasks.length; at++) bySymbol.set(tasks[at]!.provides, at)
  const takers: number[][] = tasks.map(() => [])
  const givers = tasks.map(({ rebind }, at) =>
    Object.keys(rebind).map((argument) => {
      const task = bySymbol.get(rebind[argument]!)
      if (task === undefined) throw new Error(`nobody provides '${rebind[argument]}'`)
      takers[task]!.push(at)
      return { argument, task }
    }),
  )
  return { tasks, givers, takers }
}

/** Gives the results, in the order of the tasks. */
export function runFloor({ tasks, givers, takers }: FloorGraph, capacity: number): Promise<readonly unknown[]> {
  const results: unknown[] = Array.from({ length: tasks.length })
  const unfinished = Int32Array.from(givers, ({ length }) => length)
  const ready: number[] = []
  for (let at = 0; at < tasks.length; at++) if (unfinished[at] === 0) ready.push(at)
  let [next, running, left] = [0, 0, tasks.length]
  return new Promise((resolve, reject) => {
    const start = (): void => {
      for (; running < capacity && next < ready.length; next++) {
        const at = ready[next]!
        const args: Record<string, unknown> = {}
        for (const { argument, task } of givers[at]!) args[argument] = results[task]
        running++
        tasks[at]!.execute(args).then((result) => end(at, result), reject)
      }
    }
    const end = (at: number, result: unknown): void => {
      results[at] = result
      running--
      for (const taker of takers[at]!) if (--unfinished[taker]! === 0) ready.push(taker)
      if (--left === 0) resolve(results)
      else start()
    }
    start()
  })
}
