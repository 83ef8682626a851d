import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AtomRecord,
  atom,
  type Batch,
  controller,
  type Depth,
  type EngineOptions,
  type FlowNode,
  forEach,
  graph,
  type Link,
  linear,
  type PlainNode,
  type RetryNode,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { type Death, runThrough } from './crashing.ts'

const runs = Number(process.env['TASKFLOW_PROPERTY_RUNS'] ?? 300)

/**
 * A flow as data. What a task does depends on its place and on the attempt of the nearest retry alone: how often it was
 * begun is a matter of what else was ready then, which a restart may change.
 */
interface TaskPlan {
  readonly kind: 'task'
  /** Attempts of the nearest retry in which it fails; where there is none, the attempt is 1. */
  readonly failing: readonly number[]
  readonly waits: number
}

interface FlowPlan {
  readonly kind: 'flow'
  readonly pattern: 'linear' | 'unordered' | 'graph'
  readonly retry: { readonly kind: 'times' | 'forEach'; readonly attempts: number; readonly revertAll: boolean } | null
  readonly children: readonly (TaskPlan | FlowPlan)[]
  readonly links: readonly { readonly from: number; readonly to: number; readonly no: boolean; readonly depth: Depth }[]
}

const taskPlan: fc.Arbitrary<TaskPlan> = fc.record({
  kind: fc.constant('task' as const),
  failing: fc.oneof(
    { arbitrary: fc.constant<readonly number[]>([]), weight: 4 },
    { arbitrary: fc.constantFrom<readonly number[]>([1], [1, 2], [2], [1, 2, 3, 4, 5, 6, 7, 8]), weight: 1 },
  ),
  waits: fc.nat({ max: 3 }),
})

interface Kind {
  readonly patterns: readonly FlowPlan['pattern'][]
  readonly revertAll: boolean
}

function flowPlan(depth: number, kind: Kind): fc.Arbitrary<FlowPlan> {
  const child = depth === 0 ? taskPlan : fc.oneof(taskPlan, taskPlan, flowPlan(depth - 1, kind))
  const retry = fc.record({
    kind: fc.constantFrom('times' as const, 'forEach' as const),
    attempts: fc.integer({ min: 1, max: 3 }),
    revertAll: kind.revertAll ? fc.boolean() : fc.constant(false),
  })
  return fc.record({
    kind: fc.constant('flow' as const),
    pattern: fc.constantFrom(...kind.patterns),
    retry: fc.option(retry, { nil: null }),
    children: fc.array(child, { maxLength: 4 }),
    links: fc.array(
      fc.record({
        from: fc.nat({ max: 3 }),
        to: fc.nat({ max: 3 }),
        no: fc.boolean(),
        depth: fc.constantFrom<Depth>('ALL', 'FLOW', 'NEIGHBORS', 'ATOM', 'PART'),
      }),
      { maxLength: 3 },
    ),
  })
}

const death: fc.Arbitrary<Death> = fc.record({ at: fc.integer({ min: 1, max: 12 }), stored: fc.boolean() })

/** Told of each execute before anything else happens in it. */
type Witness = (atom: string, attempt: number) => void

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

interface Surroundings {
  readonly waits: boolean
  readonly witness: Witness
  /** Name of the nearest retry. */
  readonly retry: string | null
}

function build(plan: FlowPlan, outside: Surroundings, path = 'f'): FlowNode {
  const { witness } = outside
  const inside = plan.retry === null ? outside : { ...outside, retry: `${path}r` }
  const retry = plan.retry === null ? null : controllerOf(plan.retry, `${path}r`, witness)
  const children = plan.children.map((child, index): PlainNode => {
    const name = `${path}${index}`
    return child.kind === 'flow' ? build(child, inside, name) : atomOf(child, name, inside)
  })
  if (plan.pattern === 'linear') return linear(path, children, { retry })
  if (plan.pattern === 'unordered') return unordered(path, children, { retry })
  const links = plan.links.flatMap(({ from, to, no, depth }): Link[] => {
    const [a, b] = [children[Math.min(from, to)], children[Math.max(from, to)]]
    return a && b && a !== b ? [{ from: a, to: b, decider: () => !no, depth }] : []
  })
  return graph(path, children, { retry, links })
}

function atomOf(plan: TaskPlan, name: string, { waits, witness, retry }: Surroundings): PlainNode {
  const work = (nth: number): string => {
    if (plan.failing.includes(nth)) throw new Error(`${name}#${nth}`)
    return `${name}@${nth}`
  }
  const described = task({
    name,
    execute: ({ nth = 1 }: { nth?: number }, { attempt }) => {
      witness(name, attempt)
      return waits ? turns(plan.waits).then(() => work(nth)) : work(nth)
    },
    revert: () => (waits ? turns(plan.waits).then(() => `undone ${name}`) : `undone ${name}`),
  })
  return atom(described, retry === null ? {} : { rebind: { nth: retry } })
}

function controllerOf(
  { kind, attempts, revertAll }: NonNullable<FlowPlan['retry']>,
  name: string,
  witness: Witness,
): RetryNode {
  const inner = kind === 'times' ? times(attempts, { revertAll }) : forEach([1, 2, 3].slice(0, attempts), { revertAll })
  const execute: typeof inner.execute = (args, context) => {
    witness(name, context.history.length + 1)
    return inner.execute(args, context)
  }
  return controller({ ...inner, execute }, { name, provides: name })
}

/** What a process that died had stored as done is never done again. */
class DoneOnce {
  readonly #attempts = new Map<string, number>()
  readonly #done = new Set<string>()
  readonly again: string[] = []

  readonly execute: Witness = (name, attempt) => {
    if (this.#done.has(`${name}#${attempt}`)) this.again.push(`${name}#${attempt}`)
  }

  readonly stored = ({ atoms }: Batch): void => {
    for (const { name, kind, state, attempts } of atoms) {
      if (kind === 'retry') continue
      if (attempts !== undefined) this.#attempts.set(name, attempts)
      if (state === 'SUCCESS') this.#done.add(`${name}#${this.#attempts.get(name)}`)
    }
  }
}

function standing({ name, kind, state, result, failure, history = [] }: AtomRecord): object {
  const values = history.map(({ value, failures }) => [value, Object.keys(failures).toSorted()])
  return { name, kind, state, result: state === 'SUCCESS' ? result : null, failure: failure?.message, values }
}

/** Which atoms began, or were passed by, before a failure was noticed is a matter of time; what stands in the end is not. */
function outcome({ name, state, result }: AtomRecord): object | null {
  if (state === 'SUCCESS') return { name, result }
  return state === 'PENDING' || state === 'REVERTED' || state === 'IGNORE' ? null : { name, state }
}

function byName(records: readonly AtomRecord[]): readonly AtomRecord[] {
  return records.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function compare(
  plan: FlowPlan,
  deaths: readonly Death[],
  options: EngineOptions,
  view: (record: AtomRecord) => object | null,
): Promise<void> {
  const waits = options.mode === 'parallel'
  const whole = await runThrough(() => build(plan, { waits, witness: () => {}, retry: null }), options, [])
  const once = new DoneOnce()
  const witness = once.execute
  const broken = await runThrough(() => build(plan, { waits, witness, retry: null }), options, deaths, once.stored)
  const [wanted, got] = [whole.backend.load('r')!, broken.backend.load('r')!]
  expect(once.again).toEqual([])
  expect(got.flow.state).toBe(wanted.flow.state)
  const views = (records: readonly AtomRecord[]): object[] => byName(records).flatMap((record) => view(record) ?? [])
  expect(views(got.atoms)).toEqual(views(wanted.atoms))
  if (view === standing) expect(broken.failures).toEqual(whole.failures)
}

const deaths = fc.array(death, { maxLength: 12 })
/** Where siblings fail in different ways, which of them is heard first may decide about more than the other. */
const anyPattern: Kind = { patterns: ['linear', 'unordered', 'graph'], revertAll: false }

describe('a run whose process dies again and again', () => {
  it('ends as one that was never interrupted: states, results, histories, failures', async () => {
    const plans = flowPlan(3, { patterns: ['linear'], revertAll: true })
    const property = fc.asyncProperty(plans, deaths, fc.boolean(), async (plan, at, deferReverts) => {
      await compare(plan, at, { failFast: true, deferReverts }, standing)
    })
    await fc.assert(property, { numRuns: runs })
  })

  it('leaves the same standing where siblings are ready at once', async () => {
    const property = fc.asyncProperty(flowPlan(2, anyPattern), deaths, fc.boolean(), async (plan, at, failFast) => {
      await compare(plan, at, { failFast }, outcome)
    })
    await fc.assert(property, { numRuns: runs })
  })

  it('leaves the same standing where several atoms are under way at once', async () => {
    const property = fc.asyncProperty(flowPlan(2, anyPattern), deaths, fc.boolean(), async (plan, at, failFast) => {
      await compare(plan, at, { mode: 'parallel', failFast, deferReverts: true }, outcome)
    })
    await fc.assert(property, { numRuns: runs })
  })
})
