import { expect, it } from 'vitest'
import { Sweeper } from '../../src/usecases/sweep/sweeper.ts'
import { imageId, startService } from '../api/service.ts'

/** Time that stands still; waits end when a test says so. */
function heldTimer() {
  const waits: { milliseconds: number; ended: () => void }[] = []
  return {
    waits,
    now: () => 0,
    wait(milliseconds: number, ended: () => void) {
      const wait = { milliseconds, ended }
      waits.push(wait)
      return () => {
        waits.splice(waits.indexOf(wait), 1)
      }
    },
  }
}

async function sweeperOf(interval: number) {
  const service = await startService()
  const timer = heldTimer()
  const passes: PromiseWithResolvers<void>[] = []
  const sweepJobs = async (): Promise<{ jobs: number; runs: number }> => {
    const pass = Promise.withResolvers<void>()
    passes.push(pass)
    await pass.promise
    return { jobs: passes.length, runs: 0 }
  }
  const sweeper = new Sweeper({ ...service.parts, sweepJobs }, { interval, timer })
  const begun = async (count: number): Promise<void> => {
    while (passes.length < count) await new Promise((resolve) => setImmediate(resolve))
  }
  return { sweeper, timer, passes, begun, service }
}

it('a sweeper sweeps at once, and again so long after the end of each pass', async () => {
  const { sweeper, timer, passes, begun, service } = await sweeperOf(300_000)
  sweeper.start()
  await begun(1)
  expect(timer.waits).toEqual([])
  passes[0]!.resolve()
  await sweeper.sweep()
  await new Promise((resolve) => setImmediate(resolve))
  expect(timer.waits.map(({ milliseconds }) => milliseconds)).toEqual([300_000])
  timer.waits[0]!.ended()
  await begun(2)
  passes[1]!.resolve()
  await sweeper.sweep()
  const told = service.logged.filter(({ msg }) => msg === 'swept what nobody else owns')
  expect(told).toMatchObject([{ level: 30, jobs: 1 }, { jobs: 2 }])
  await sweeper.stop()
})

it('a sweeper makes one pass at a time, and says nothing of one that found nothing', async () => {
  const service = await startService()
  const sweeper = new Sweeper({ ...service.parts, sweepJobs: null }, { interval: 1, timer: heldTimer() })
  const pass = sweeper.sweep()
  expect(sweeper.sweep()).toBe(pass)
  await pass
  expect(sweeper.sweep()).not.toBe(pass)
  await sweeper.stop()
  expect(service.logged.filter(({ msg }) => String(msg).includes('swe'))).toEqual([])
})

it('a sweeper with the interval 0 never sweeps', async () => {
  const { sweeper, timer, passes } = await sweeperOf(0)
  sweeper.start()
  await new Promise((resolve) => setImmediate(resolve))
  expect([timer.waits, passes]).toEqual([[], []])
})

it('a stop waits for the pass, which does no more, and none comes after it', async () => {
  const { sweeper, timer, passes, begun, service } = await sweeperOf(1_000)
  const { images, stores } = service.parts
  await service.createImage()
  await service.upload('data')
  await images.remove(imageId)
  service.clock.at = Date.now() + 7_200_000
  sweeper.start()
  await begun(1)
  const stopped = sweeper.stop()
  passes[0]!.resolve()
  await stopped
  expect(timer.waits).toEqual([])
  expect(await stores.default.has(imageId)).toBe(true)
  sweeper.start()
  await new Promise((resolve) => setImmediate(resolve))
  expect(passes).toHaveLength(1)
})

it('a stop waits no longer than three seconds for a pass that does not heed it', async () => {
  const { sweeper, timer, passes, begun } = await sweeperOf(1_000)
  sweeper.start()
  await begun(1)
  const stopped = sweeper.stop()
  expect(timer.waits.map(({ milliseconds }) => milliseconds)).toEqual([3_000])
  timer.waits[0]!.ended()
  await stopped
  passes[0]!.resolve()
})
