/** What does a task cost that does nothing, and how does that grow? Beside a bare `await` loop over the same functions. */
import { atom, Engine, linear, type PlainNode, task, unordered } from '@glimpse/taskflow'

const sizes = [10, 1_000, 100_000]
/** Tasks for each figure, spread over as many runs as that takes; the best of several rounds counts. */
const tasksPerRound = 100_000
const rounds = 5

const noop = task({ name: 'noop', execute: async () => 1 })

interface Row {
  readonly shape: string
  readonly tasks: number
  /** Microseconds a task. */
  readonly build: number
  readonly compile: number
  readonly run: number
  readonly awaitLoop: number
  readonly ratio: number
}

export async function measure(): Promise<{ rows: Row[] }> {
  const rows: Row[] = []
  for (const [shape, pattern] of Object.entries({ linear, unordered })) {
    for (const mode of ['serial', 'parallel'] as const) {
      for (const size of sizes) rows.push(await measureFlow(`${shape} ${mode}`, pattern, mode, size))
    }
  }
  console.table(rows)
  const linearRuns = rows.filter((row) => row.shape === 'linear serial').map((row) => row.run)
  console.log(
    `linear serial, ${sizes.at(-1)} tasks against ${sizes[0]}: ${(linearRuns.at(-1)! / linearRuns[0]!).toFixed(2)}`,
  )
  return { rows }
}

async function measureFlow(
  shape: string,
  pattern: typeof linear,
  mode: 'serial' | 'parallel',
  size: number,
): Promise<Row> {
  const best = { build: Infinity, compile: Infinity, run: Infinity, awaitLoop: Infinity }
  const runs = Math.max(1, Math.round(tasksPerRound / size))
  for (let round = 0; round < rounds; round++) {
    const sum = { build: 0, compile: 0, run: 0, awaitLoop: 0 }
    for (let run = 0; run < runs; run++) await once(sum, pattern, mode, size)
    for (const key of Object.keys(best) as (keyof typeof best)[]) {
      best[key] = Math.min(best[key], (sum[key] * 1_000) / (runs * size))
    }
  }
  const rounded = Object.fromEntries(Object.entries(best).map(([key, value]) => [key, Number(value.toFixed(3))]))
  return { shape, tasks: size, ...(rounded as typeof best), ratio: Number((best.run / best.awaitLoop).toFixed(1)) }
}

async function once(
  sum: { build: number; compile: number; run: number; awaitLoop: number },
  pattern: typeof linear,
  mode: 'serial' | 'parallel',
  size: number,
): Promise<void> {
  let began = performance.now()
  const lap = (key: keyof typeof sum): void => {
    const now = performance.now()
    sum[key] += now - began
    began = performance.now()
  }
  const children: PlainNode[] = []
  for (let index = 0; index < size; index++) children.push(atom(noop, { name: `t${index}`, provides: `s${index}` }))
  const flow = pattern('bench', children)
  lap('build')
  const engine = new Engine(flow, { mode })
  lap('compile')
  await engine.run({})
  lap('run')
  const values: unknown[] = []
  for (let index = 0; index < size; index++) values.push(await noop.execute({}, undefined as never))
  lap('awaitLoop')
}
