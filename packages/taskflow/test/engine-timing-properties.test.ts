import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  everything,
  type Failing,
  type FlowPlan,
  type NodePlan,
  neverFails,
  type RetryPlan,
  randomFlow,
} from './random-flow.ts'
import { eventText, type Protocol, runs, tell, unhurried } from './random-run.ts'
import { anyOptions, anyTiming, type Options, type Story } from './random-story.ts'

/** A plan in which one task at most fails, the one at that position, and everything can be undone. */
function withOneFailure(plan: FlowPlan, position: number, failing: Failing): FlowPlan {
  let tasks = 0
  const change = (node: NodePlan): NodePlan => {
    if (node.kind === 'flow')
      return { ...node, retry: node.retry && tame(node.retry), children: node.children.map(change) }
    return { ...node, failing: tasks++ === position ? failing : neverFails, revertFailing: neverFails }
  }
  return change(plan) as FlowPlan
}

/** A retry whose own functions do not fail. */
function tame({ strategy, ...plan }: RetryPlan): RetryPlan {
  if (strategy.kind === 'own')
    return { ...plan, strategy: { ...strategy, failing: neverFails, revertFailing: neverFails } }
  if (strategy.kind !== 'forEach' && strategy.kind !== 'parameterizedForEach') return { ...plan, strategy }
  return { ...plan, strategy: { ...strategy, values: strategy.values.length === 0 ? [1] : strategy.values } }
}

/**
 * Deciders that answer. With a narrower no, what takes the result of something that was passed by would be one more that
 * fails.
 */
function withWideDeciders(plan: FlowPlan): FlowPlan {
  const links = plan.links.map((link) => {
    const answers = link.ballot === 'throws' || link.ballot === 'waits' ? ('no' as const) : link.ballot
    return { ...link, ballot: answers, depth: 'ALL' as const }
  })
  const children = plan.children.map((child) => (child.kind === 'flow' ? withWideDeciders(child) : child))
  return { ...plan, links, children }
}

const onePlan = fc
  .record({
    plan: randomFlow({ ...everything, deciders: 40 }),
    position: fc.nat({ max: 8 }),
    failing: fc.record({ from: fc.constantFrom(1, 1, 2), count: fc.constantFrom(0, 1, 2, 1_000) }),
  })
  .map(({ plan, position, failing }) => withWideDeciders(withOneFailure(plan, position, failing)))

const oneFailure: fc.Arbitrary<Story> = fc
  .record({ plan: onePlan, options: anyOptions, timing: anyTiming(), again: fc.subarray<'run'>(['run']) })
  .map(({ plan, options, timing, again }) => {
    const resolving = { ...options, neverResolve: false }
    return {
      plan,
      options: resolving,
      ...timing,
      again,
      given: ['s0'],
      interruptions: [],
      stamped: false,
      storeFails: null,
    }
  })

/** What came of a run, without what only timing decides: whether what is undone had begun. */
function outcomeOf({ engine, model }: Protocol): unknown {
  const isWhole = engine.state === 'SUCCESS'
  const atoms = [...model.minds].map(([name, { state, result }]) => {
    if (state === 'SUCCESS') return [name, state, result?.value]
    return [name, isWhole ? state : 'nothing']
  })
  return { state: engine.state, atoms, failures: engine.failures.map(String) }
}

const modes: fc.Arbitrary<Options> = fc.oneof(
  fc.constant({ mode: 'serial' as const }),
  fc.integer({ min: 1, max: 6 }).map((maxWorkers) => ({ mode: 'parallel' as const, maxWorkers })),
)

describe('a flow in which one task at most fails', unhurried, () => {
  it('comes to the same with any number of workers, in any order of ends, and however often it is left off', async () => {
    const property = fc.asyncProperty(
      oneFailure,
      modes,
      anyTiming(),
      fc.boolean(),
      async (story, mode, timing, failFast) => {
        const one = await tell(story)
        const other = await tell({ ...story, ...timing, options: { ...story.options, ...mode, failFast } })
        expect(outcomeOf(other)).toEqual(outcomeOf(one))
      },
    )
    await fc.assert(property, { numRuns: runs(250) })
  })
})

describe('one flow, told twice', unhurried, () => {
  const stories = fc
    .record({ plan: randomFlow(), options: anyOptions, timing: anyTiming() })
    .map(({ plan, options, timing }): Story => {
      return { plan, options, ...timing, again: [], given: [], interruptions: [], stamped: true, storeFails: null }
    })

  it('takes the same course, event by event', async () => {
    const property = fc.asyncProperty(stories, async (story) => {
      const [one, other] = [await tell(story), await tell(story)]
      expect(other.entries).toEqual(one.entries)
      expect(coursesOf(other)).toEqual(coursesOf(one))
    })
    await fc.assert(property, { numRuns: runs(80) })
  })

  it('takes the same course in a serial engine and in one with room for one', async () => {
    const property = fc.asyncProperty(stories, async (story) => {
      const { maxWorkers: _, ...options } = story.options
      const serial = await tell({ ...story, options: { ...options, mode: 'serial' } })
      const parallel = await tell({ ...story, options: { ...options, mode: 'parallel', maxWorkers: 1 } })
      expect(parallel.entries).toEqual(serial.entries)
      expect(coursesOf(parallel)).toEqual(coursesOf(serial))
    })
    await fc.assert(property, { numRuns: runs(80) })
  })
})

function coursesOf({ events }: Protocol): readonly string[] {
  return events.map(eventText)
}
