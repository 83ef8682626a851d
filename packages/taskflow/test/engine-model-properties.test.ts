import { describe, it } from 'vitest'
import { anyOptions, checkStories, randomStory } from './random-run.ts'

/*
 * Each story is followed by the model of random-model.ts, which finds what may happen next by scans of everything: it
 * sees every batch before it is stored, and the run when it rests.
 */
describe('any flow, any engine, any timing: every batch is what TaskFlow makes of what came before', () => {
  it('while the run is left alone', async () => {
    await checkStories(randomStory({ interruptions: 0, drives: 'whole' }), 250)
  })

  it('while it is suspended, cancelled, aborted and left off in the middle', async () => {
    await checkStories(randomStory(), 250)
  })

  it('where nothing is reverted or retried', async () => {
    const options = anyOptions.map((drawn) => ({ ...drawn, neverResolve: true }))
    await checkStories(randomStory({ options }), 80)
  })

  it('where reverts fail', async () => {
    await checkStories(randomStory({ failing: 40, revertFailing: 30 }), 120)
  })

  it('where retries are in retries', async () => {
    await checkStories(randomStory({ failing: 40, retries: 95, deciders: 0, revertFailing: 0 }), 150)
  })

  it('where deciders pass by much', async () => {
    await checkStories(randomStory({ failing: 5, retries: 20, deciders: 100 }), 200)
  })
})
