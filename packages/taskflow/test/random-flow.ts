/** Random flows as plain data, as fast-check draws and shrinks them: what they mean is in random-facts.ts. */
import * as fc from 'fast-check'
import type { Depth, Pattern } from '../src/index.ts'

/** Which calls of one function fail: so many, from the first of them on; calls count from 1. */
export interface Failing {
  readonly from: number
  readonly count: number
}

export function fails({ from, count }: Failing, call: number): boolean {
  return call >= from && call < from + count
}

export const neverFails: Failing = { from: 1, count: 0 }

/** How an execute that fails does so. */
type Way = 'throws' | 'gives a failure' | 'gives no JSON'

export interface TaskPlan {
  readonly kind: 'task'
  readonly priority: number
  readonly failing: Failing
  readonly way: Way
  readonly revertFailing: Failing
  /** Whether it has a revert at all. */
  readonly revertible: boolean
  /** Whether execute, and whether revert, waits to be ended by the test. */
  readonly waits: boolean
  readonly revertWaits: boolean
  /** Whether an execute that waits fails as soon as its signal aborts. */
  readonly heeds: boolean
  /** Whether it tells how far it is. */
  readonly tells: boolean
  /** Which of the results that it can see it takes: positions, as far as they go round. */
  readonly needs: readonly number[]
  /** The same for its revert; none: what execute takes. */
  readonly revertNeeds: readonly number[]
  /** A symbol that several atoms provide, one that it takes, and whether it can do without. */
  readonly gives: Shared | null
  readonly wants: Shared | null
  readonly optional: boolean
  /** Whether it takes a constant in place of what it wants. */
  readonly injected: boolean
}

export type Shared = 's0' | 's1'

export type OwnDecision = 'RETRY' | 'REVERT' | 'REVERT_ALL' | 'throws' | 'nonsense'

type Strategy =
  | { readonly kind: 'times'; readonly attempts: number; readonly revertAll: boolean }
  | { readonly kind: 'forEach'; readonly values: readonly number[]; readonly revertAll: boolean }
  | { readonly kind: 'parameterizedForEach'; readonly values: readonly number[]; readonly revertAll: boolean }
  | { readonly kind: 'alwaysRevert' }
  | { readonly kind: 'alwaysRevertAll' }
  | {
      readonly kind: 'own'
      /** By attempt; after the last: REVERT. */
      readonly decisions: readonly OwnDecision[]
      readonly failing: Failing
      readonly revertFailing: Failing
      readonly waits: boolean
      readonly revertWaits: boolean
      readonly needs: readonly number[]
    }

export interface RetryPlan {
  readonly strategy: Strategy
  /** Milliseconds between attempts; nobody waits for them but the test. */
  readonly backoff: number
  /** A symbol that its value goes by in place of its own name. */
  readonly gives: Shared | null
}

export type Ballot = 'yes' | 'no' | 'by results' | 'throws' | 'waits'

export interface LinkPlan {
  /** Two children, by position as far as they go round; which comes first is said by {@link FlowPlan.ranks}. */
  readonly ends: readonly [number, number]
  readonly ballot: Ballot | null
  readonly depth: Depth
}

export interface FlowPlan {
  readonly kind: 'flow'
  readonly pattern: Pattern
  readonly retry: RetryPlan | null
  readonly children: readonly NodePlan[]
  /** Of a graph: a child may take from, and be linked behind, those of lower rank; equal ones count by position. */
  readonly ranks: readonly number[]
  readonly links: readonly LinkPlan[]
  /** Position of the child that a graph runs for, as far as it goes round. */
  readonly target: number | null
}

export type NodePlan = TaskPlan | FlowPlan

/** What may be in a flow; percentages are of executes, reverts, flows and links. */
export interface Ingredients {
  readonly failing: number
  readonly revertFailing: number
  readonly retries: number
  readonly deciders: number
  readonly deepest: number
}

export const everything: Ingredients = { failing: 25, revertFailing: 3, retries: 50, deciders: 60, deepest: 3 }

function chance(percent: number): fc.Arbitrary<boolean> {
  return percent === 0 ? fc.constant(false) : fc.integer({ min: 0, max: 99 }).map((drawn) => drawn >= 100 - percent)
}

function sometimes<T>(percent: number, drawn: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.tuple(chance(percent), drawn).map(([is, value]) => (is ? value : null))
}

function failing(percent: number): fc.Arbitrary<Failing> {
  const some = fc.record({ from: fc.constantFrom(1, 1, 1, 2, 3), count: fc.constantFrom(1, 1, 2, 3, 1_000) })
  return sometimes(percent, some).map((drawn) => drawn ?? neverFails)
}

const shared = fc.constantFrom<Shared>('s0', 's1')
const picks = fc.array(fc.nat({ max: 30 }), { maxLength: 3 })
const fewPicks = fc.array(fc.nat({ max: 30 }), { maxLength: 1 })

function anyTask({ failing: percent, revertFailing }: Ingredients): fc.Arbitrary<TaskPlan> {
  return fc.record({
    kind: fc.constant('task' as const),
    priority: fc.constantFrom(0, 0, 0, 0, 1, -1),
    failing: failing(percent),
    way: fc.constantFrom<Way>('throws', 'throws', 'gives a failure', 'gives no JSON'),
    revertFailing: failing(revertFailing),
    revertible: chance(95),
    waits: fc.boolean(),
    revertWaits: fc.boolean(),
    heeds: fc.boolean(),
    tells: chance(20),
    needs: picks,
    revertNeeds: fc.oneof({ arbitrary: fc.constant([]), weight: 4 }, { arbitrary: fewPicks, weight: 1 }),
    gives: sometimes(30, shared),
    wants: sometimes(30, shared),
    optional: chance(30),
    injected: chance(10),
  })
}

const strategies: fc.Arbitrary<Strategy> = fc.oneof<fc.Arbitrary<Strategy>[]>(
  fc.record({ kind: fc.constant('times' as const), attempts: fc.nat({ max: 3 }), revertAll: chance(25) }),
  fc
    .record({ isGiven: fc.boolean(), values: fc.array(fc.nat({ max: 2 }), { maxLength: 3 }), revertAll: chance(25) })
    .map(({ isGiven, ...each }): Strategy => ({ kind: isGiven ? 'parameterizedForEach' : 'forEach', ...each })),
  fc.constant({ kind: 'alwaysRevert' as const }),
  fc.constant({ kind: 'alwaysRevertAll' as const }),
)

function anyRetry({ revertFailing }: Ingredients): fc.Arbitrary<RetryPlan> {
  const decision = fc.constantFrom<OwnDecision>(
    ...(['RETRY', 'RETRY', 'RETRY', 'RETRY', 'REVERT', 'REVERT', 'REVERT_ALL', 'throws', 'nonsense'] as const),
  )
  const own = fc.record({
    kind: fc.constant('own' as const),
    decisions: fc.array(decision, { maxLength: 3 }),
    failing: failing(10),
    revertFailing: failing(revertFailing),
    waits: chance(30),
    revertWaits: chance(30),
    needs: fewPicks,
  })
  return fc.record({
    strategy: fc.oneof({ arbitrary: own, weight: 1 }, { arbitrary: strategies, weight: 2 }),
    backoff: fc.constantFrom(0, 0, 0, 5, 50),
    gives: sometimes(20, shared),
  })
}

function anyLink({ deciders }: Ingredients): fc.Arbitrary<LinkPlan> {
  const ballots = ['yes', 'yes', 'no', 'no', 'by results', 'by results', 'by results', 'throws', 'waits'] as const
  return fc.record({
    ends: fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 })),
    ballot: sometimes(deciders, fc.constantFrom<Ballot>(...ballots)),
    depth: fc.constantFrom<Depth>('ALL', 'FLOW', 'NEIGHBORS', 'ATOM', 'PART'),
  })
}

/** Flows of every pattern, nested, empty ones among them. */
export function randomFlow(ingredients: Ingredients = everything): fc.Arbitrary<FlowPlan> {
  const flowOf = (node: fc.Arbitrary<NodePlan>, minLength: number): fc.Arbitrary<FlowPlan> =>
    fc.record({
      kind: fc.constant('flow' as const),
      pattern: fc.constantFrom<Pattern>('linear', 'unordered', 'graph', 'graph'),
      retry: sometimes(ingredients.retries, anyRetry(ingredients)),
      children: fc.array(node, { minLength, maxLength: 4 }),
      ranks: fc.array(fc.nat({ max: 3 }), { maxLength: 4 }),
      links: fc.array(anyLink(ingredients), { maxLength: 4 }),
      target: sometimes(6, fc.nat({ max: 3 })),
    })
  const { node } = fc.letrec<{ node: NodePlan; task: NodePlan; flow: NodePlan }>((tie) => ({
    node: fc.oneof(
      { maxDepth: ingredients.deepest, depthSize: 'medium' },
      { arbitrary: tie('task'), weight: 3 },
      { arbitrary: tie('flow'), weight: 3 },
    ),
    task: anyTask(ingredients),
    flow: flowOf(tie('node'), 0),
  }))
  return fc.oneof({ arbitrary: flowOf(node, 2), weight: 9 }, { arbitrary: flowOf(node, 0), weight: 1 })
}
