import { describe, it } from 'vitest'
import type { FlowPlan } from './random-flow.ts'
import { checkStories, unhurried } from './random-run.ts'
import { anyOptions, randomStory } from './random-story.ts'

/*
 * Each story is followed by the model of random-model.ts, which finds what may happen next by scans of everything: it
 * sees every batch before it is stored, and the run when it rests.
 */
describe('any flow, any engine, any timing: every batch is what TaskFlow makes of what came before', unhurried, () => {
  it('while the run is left alone', async () => {
    await checkStories(randomStory({ interruptions: 0, drives: 'whole' }), 200)
  })

  it('while it is suspended, cancelled, aborted and left off in the middle', async () => {
    await checkStories(randomStory(), 200)
  })

  it('where nothing is reverted or retried', async () => {
    const options = anyOptions.map((drawn) => ({ ...drawn, neverResolve: true }))
    await checkStories(randomStory({ options }), 60)
  })

  it('where reverts fail', async () => {
    await checkStories(randomStory({ failing: 40, revertFailing: 30 }), 100)
  })

  it('where retries are in retries', async () => {
    await checkStories(randomStory({ failing: 40, retries: 95, deciders: 0, revertFailing: 0 }), 120)
  })

  it('where deciders pass by much', async () => {
    await checkStories(randomStory({ failing: 5, retries: 20, deciders: 100 }), 150)
  })

  it('where what was undone in part is run again', async () => {
    const options = anyOptions.map((drawn) => ({ ...drawn, deferReverts: false }))
    const ingredients = { failing: 30, retries: 70, deciders: 90, revertFailing: 0, deepest: 2 }
    const stories = randomStory({ options, ...ingredients, interruptions: 0 }).map((story) => {
      return { ...story, plan: graphOf(story.plan), again: ['run', 'run'] as const }
    })
    await checkStories(stories, 150)
  })
})

/**
 * Parts of the flow can give up alone, as no retry is around them; the last of them waits for all others, so that what
 * passes it by and what is undone before it meet.
 */
function graphOf(plan: FlowPlan): FlowPlan {
  const last = plan.children.length - 1
  const plain = plan.children.map((_, at) => ({ ends: [at, last] as const, ballot: null, depth: 'ALL' as const }))
  const links = plan.links.map((link) => ({ ...link, ballot: link.ballot && ('no' as const), depth: 'ALL' as const }))
  return { ...plan, pattern: 'graph', retry: null, target: null, ranks: [], links: [...plain, ...links] }
}
