import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { Inside, leftBehind, wrongCounts } from './random-inside.ts'
import { runs, tell, unhurried } from './random-run.ts'
import { randomStory } from './random-story.ts'

const inside = new Inside()
afterAll(() => inside.close())

describe('whatever a run has come to', unhurried, () => {
  it('its counts are those that a scan of the plan would find, before every batch and at rest', async () => {
    const property = fc.asyncProperty(randomStory(), async (story) => {
      await tell(story, (engine) => {
        expect(wrongCounts(inside.runOf(engine))).toEqual([])
      })
    })
    await fc.assert(property, { numRuns: runs(150) })
  })

  it('nothing that it needed on the way is left when it is over', async () => {
    const property = fc.asyncProperty(randomStory(), async (story) => {
      const { engine } = await tell(story)
      // A flow in FAILURE may be run again, and then goes on with what it had not come to.
      if (engine.state !== 'FAILURE') expect(leftBehind(inside.runOf(engine))).toEqual([])
    })
    await fc.assert(property, { numRuns: runs(150) })
  })
})
