import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atom, type Batch, flowFactories, linear, type PlainNode, task } from '../src/index.ts'
import { altered, lease, Mortal, Office, settle } from './conducting.ts'
import { ManualClock, turn } from './workbench.ts'

const runs = Number(process.env['TASKFLOW_PROPERTY_RUNS'] ?? 200)

/** A process that conducts: until it dies, or is stopped, or for as long as anybody asks. */
interface Life {
  readonly maxJobs: number
  /** It dies at this operation on board or storage; the operation takes place, or does not. */
  readonly operations: number
  readonly lastCounts: boolean
  /** Time stands still for it: it never learns that its claims ran out. */
  readonly standing: boolean
  readonly stopped: boolean
  /** Thirds of a lease that pass before the next begins. */
  readonly passes: number
}

interface JobPlan {
  /** Which of its tasks fails; none when there are fewer. */
  readonly failing: number
  /** Turns of the event loop that each task takes. */
  readonly waits: number
}

const life: fc.Arbitrary<Life> = fc.record({
  maxJobs: fc.integer({ min: 1, max: 3 }),
  operations: fc.integer({ min: 1, max: 60 }),
  lastCounts: fc.boolean(),
  standing: fc.boolean(),
  stopped: fc.boolean(),
  passes: fc.nat({ max: 4 }),
})

const jobPlan: fc.Arbitrary<JobPlan> = fc.record({ failing: fc.nat({ max: 6 }), waits: fc.nat({ max: 12 }) })

const names: readonly string[] = ['a', 'b', 'c']

/** An office whose storage keeps what it accepted, and whose tasks tell when they ran without leave. */
class Watched extends Office {
  readonly accepted: Batch[] = []
  readonly faults: string[] = []
  readonly storage = altered(this.backend, {
    commit: (batch) => {
      this.backend.commit(batch)
      this.accepted.push(batch)
    },
  })
  readonly plans: readonly JobPlan[]

  constructor(plans: readonly JobPlan[]) {
    super()
    this.plans = plans
    this.board.post(plans.map((_, job) => ({ id: `${job}`, factory: 'f', parameters: { job } })))
  }

  override get factories(): ReturnType<typeof flowFactories> {
    return flowFactories({ f: ({ job }: { job: number }) => linear('f', this.#tasks(job)) })
  }

  #tasks(job: number): readonly PlainNode[] {
    const { failing, waits } = this.plans[job]!
    const work = async (name: string, state: string): Promise<void> => {
      const stored = this.backend.load(`${job}`)?.atoms.find((atom) => atom.name === name)?.state
      if (stored !== state) this.faults.push(`${name} of ${job} began in ${stored}`)
      for (let turns = 0; turns < waits; turns++) await turn()
    }
    return names.map((name, at) =>
      atom(
        task({
          name,
          execute: async () => {
            await work(name, 'RUNNING')
            if (at === failing) throw new Error('broken')
            return at
          },
          revert: async () => await work(name, 'REVERTING'),
        }),
      ),
    )
  }

  begin(name: string, { maxJobs, operations, lastCounts, standing, stopped }: Life): void {
    const mortal = new Mortal({ board: this.board, backend: this.storage }, operations, lastCounts)
    const clock = standing ? new ManualClock() : this.clock
    const conductor = this.hire(name, { jobboard: mortal.board, backend: mortal.backend, maxJobs, clock })
    if (stopped) void settle().then(() => conductor.stop())
  }

  /** One that does not die does what is left. */
  async finish(): Promise<void> {
    const last = this.hire('last', { backend: this.storage, maxJobs: 2 })
    for (let rounds = 0; rounds < 8 && this.jobs.length > 0; rounds++) {
      await this.clock.pass(lease)
      await last.idle()
    }
    await last.stop()
  }
}

function endOf({ failing }: JobPlan): string {
  if (failing >= names.length) return 'flow SUCCESS, a SUCCESS, b SUCCESS, c SUCCESS'
  return ['flow', ...names.slice(0, failing + 1)].map((name) => `${name} REVERTED`).join(', ')
}

describe('whoever dies, hangs or is stopped, and whenever', { timeout: 120_000 }, () => {
  it('every job is done, by one owner at a time, and nothing that succeeded is done again', async () => {
    const story = fc.record({
      plans: fc.array(jobPlan, { minLength: 1, maxLength: 4 }),
      lives: fc.array(life, { maxLength: 5 }),
    })
    let deaths = 0
    await fc.assert(
      fc.asyncProperty(story, async ({ plans, lives }) => {
        const office = new Watched(plans)
        for (const [nth, each] of lives.entries()) {
          office.begin(`${nth}`, each)
          await settle()
          for (let passed = 0; passed < each.passes; passed++) await office.clock.pass(lease / 3)
        }
        await office.finish()
        expect(office.jobs).toEqual([])
        expect(office.faults).toEqual([])
        for (const [job, plan] of plans.entries()) expect(office.states(`${job}`)).toBe(endOf(plan))
        const consumed = office.heard.filter((event) => event.includes('consumed')).map((event) => event.at(-1))
        expect(new Set(consumed).size, 'no job ends twice').toBe(consumed.length)
        for (const job of plans.keys()) checkBatches(office.accepted.filter(({ flow }) => flow === `${job}`))
        deaths += office.heard.filter((event) => event.includes('claimed')).length - plans.length
      }),
      { numRuns: runs },
    )
    expect(deaths, 'somebody has to be interrupted').toBeGreaterThan(runs / 10)
  })
})

/** What storage accepted for a run: owners in their order, and each success once. */
function checkBatches(batches: readonly Batch[]): void {
  const fences = batches.map(({ fence }) => fence)
  expect(fences).toEqual(fences.toSorted((a, b) => a - b))
  const done = batches.flatMap(({ atoms }) => atoms.filter(({ state }) => state === 'SUCCESS').map(({ name }) => name))
  expect(new Set(done).size, done.join()).toBe(done.length)
}
