import { describe, expect, it } from 'vitest'
import {
  type Claim,
  type Claimant,
  type ClaimedJob,
  type Job,
  type Jobboard,
  type JobPosting,
  type JobQuery,
  MemoryJobboard,
  type WaitOptions,
  type Wanted,
} from '../src/index.ts'
import { jobboardSuite, type SuiteJobboard } from '../src/testing/index.ts'
import { ManualClock } from './workbench.ts'

type Make = (clock: ManualClock) => Jobboard

function suiteOf(make: Make, cleanup: () => Promise<void> = async () => {}): ReturnType<typeof jobboardSuite> {
  return jobboardSuite(async (): Promise<SuiteJobboard> => {
    const clock = new ManualClock()
    return { jobboard: make(clock), pass: async (milliseconds) => await clock.pass(milliseconds), cleanup }
  })
}

describe('the memory jobboard', () => {
  for (const { name, run } of suiteOf((clock) => new MemoryJobboard({ clock }))) it(name, run)
})

/** A board that is right but for what a subclass changes. */
class Flawed implements Jobboard {
  protected readonly inner: MemoryJobboard
  protected readonly clock: ManualClock
  constructor(clock: ManualClock) {
    this.clock = clock
    this.inner = new MemoryJobboard({ clock })
  }
  post(postings: readonly JobPosting[]): readonly Job[] {
    return this.inner.post(postings)
  }
  find(id: string): Job | undefined {
    return this.inner.find(id)
  }
  list(query?: JobQuery): readonly Job[] {
    return this.inner.list(query)
  }
  claim(id: string, claimant: Claimant): ClaimedJob {
    return this.inner.claim(id, claimant)
  }
  claimNext(claimant: Claimant, wanted?: Wanted): readonly ClaimedJob[] | Promise<readonly ClaimedJob[]> {
    return this.inner.claimNext(claimant, wanted)
  }
  renew(claim: Claim, lease: number): void {
    this.inner.renew(claim, lease)
  }
  abandon(claim: Claim, delay?: number): void {
    this.inner.abandon(claim, delay)
  }
  consume(claim: Claim): void {
    this.inner.consume(claim)
  }
  trash(claim: Claim, reason: string): void {
    this.inner.trash(claim, reason)
  }
  putBack(id: string): void {
    this.inner.putBack(id)
  }
  async wait(options?: WaitOptions): Promise<void> {
    await this.inner.wait(options)
  }
  close(): void {
    this.inner.close()
  }
}

/** Posts row by row, so that a refused posting leaves the rows before it. */
class PostingOneByOne extends Flawed {
  override post(postings: readonly JobPosting[]): readonly Job[] {
    return postings.flatMap((posting) => this.inner.post([posting]))
  }
}

/** Claims in two steps: reads first, and writes a turn later. */
class Racing extends Flawed {
  override async claimNext(claimant: Claimant, wanted?: Wanted): Promise<readonly ClaimedJob[]> {
    const free = this.inner.list({ states: ['UNCLAIMED'], limit: wanted?.limit ?? 1 })
    await Promise.resolve()
    return free.map(({ id }) => {
      try {
        return this.inner.claim(id, claimant)
      } catch {
        return { ...this.inner.find(id)!, owner: claimant.owner } as ClaimedJob
      }
    })
  }
}

/** Takes any owner of that name for the owner. */
class TrustingNames extends Flawed {
  override consume(claim: Claim): void {
    this.inner.consume({ ...claim, fence: this.inner.find(claim.id)?.fence ?? claim.fence })
  }
}

/** Takes any owner of that number for the owner. */
class TrustingNumbers extends Flawed {
  override consume(claim: Claim): void {
    this.inner.consume({ ...claim, owner: this.inner.find(claim.id)?.owner ?? claim.owner })
  }
}

/** Refuses an owner whose time is over, though nobody has the job. */
class Strict extends Flawed {
  override renew(claim: Claim, lease: number): void {
    const job = this.inner.find(claim.id)
    if (job?.state === 'UNCLAIMED') throw new Error('too late')
    this.inner.renew(claim, lease)
  }
}

class IgnoringFactories extends Flawed {
  override claimNext(claimant: Claimant, wanted: Wanted = {}): readonly ClaimedJob[] {
    return this.inner.claimNext(claimant, wanted.limit === undefined ? {} : { limit: wanted.limit })
  }
}

class IgnoringDelays extends Flawed {
  override abandon(claim: Claim): void {
    this.inner.abandon(claim)
  }
}

/** Claims by id only what could be had as the best. */
class Punctual extends Flawed {
  override claim(id: string, claimant: Claimant): ClaimedJob {
    if ((this.inner.find(id)?.notBefore ?? 0) > this.clock.now()) throw new Error('not yet')
    return this.inner.claim(id, claimant)
  }
}

/** Finds the next page by looking for the last job of the one before. */
class PagingById extends Flawed {
  override list(query: JobQuery = {}): readonly Job[] {
    const { after, limit = 1_000, ...rest } = query
    const all = this.inner.list({ ...rest, limit: 10_000 })
    const from = after ? all.findIndex(({ sequence }) => sequence === after.sequence) + 1 : 0
    return all.slice(after && from === 0 ? all.length : from).slice(0, limit)
  }
}

/** Tells one of those who wait. */
class TellingOne extends Flawed {
  #waiting = false
  override async wait(options: WaitOptions = {}): Promise<void> {
    if (this.#waiting) await new Promise(() => {})
    this.#waiting = true
    await this.inner.wait(options)
    this.#waiting = false
  }
}

/** Every case that does not pass; one that has not ended after so many turns has not. */
async function failingCases(make: Make): Promise<readonly string[]> {
  const failed: string[] = []
  for (const { name, run } of suiteOf(make)) {
    const ended = run().then(
      () => true,
      () => false,
    )
    const late = (async () => {
      for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve))
      return false
    })()
    if (!(await Promise.race([ended, late]))) failed.push(name)
  }
  return failed
}

describe('the suite finds a board that', () => {
  it.each<[string, Make, string]>([
    ['posts half', (clock) => new PostingOneByOne(clock), 'a posting with an id that is taken posts nothing at all'],
    ['gives one job to two', (clock) => new Racing(clock), 'of many that claim at once, each gets another job'],
    [
      'takes a former owner for the present one',
      (clock) => new TrustingNames(clock),
      'who claims a job again is not taken for who it was before',
    ],
    [
      'does not look at names',
      (clock) => new TrustingNumbers(clock),
      'an owner with the right number and another name is refused',
    ],
    [
      'goes by the time instead of the number',
      (clock) => new Strict(clock),
      'a claim that ran out is its owner’s until somebody else claims',
    ],
    [
      'gives jobs of any factory',
      (clock) => new IgnoringFactories(clock),
      'who knows some factories gets their jobs only',
    ],
    [
      'knows no delays',
      (clock) => new IgnoringDelays(clock),
      'an abandoned job with a delay is not given before, but can be claimed',
    ],
    [
      'refuses a claim before its time',
      (clock) => new Punctual(clock),
      'an abandoned job with a delay is not given before, but can be claimed',
    ],
    ['loses its place', (clock) => new PagingById(clock), 'pages go on behind a job, also when it is gone'],
    ['tells one of many', (clock) => new TellingOne(clock), 'all who wait are told'],
  ])('%s', async (_, make, name) => {
    expect(await failingCases(make)).toContain(name)
  })

  it('is right in everything, and says nothing then', async () => {
    expect(await failingCases((clock) => new Flawed(clock))).toEqual([])
  })
})

describe('the suite cleans up', () => {
  it('after a case that passes and after one that fails', async () => {
    let made = 0
    let cleaned = 0
    const cases = suiteOf(
      (clock) => (made++ % 2 ? new MemoryJobboard({ clock }) : new PostingOneByOne(clock)),
      async () => void cleaned++,
    )
    for (const { run } of cases) await run().catch(() => {})
    expect(cleaned).toBe(made)
  })
})
