import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import type { Jobboard } from '../jobs/jobboard.ts'
import { type JobboardCase, lease, named, next, type SuiteJobboard } from './jobboard-case.ts'

type Time = Pick<SuiteJobboard, 'pass'>

/** What ends a wait. A wait may also end too early, so nothing here says that one goes on. */
export const waitingCases: readonly JobboardCase[] = [
  { name: 'who waits for what is there does not wait', run: endsAtOnce },
  { name: 'a wait ends with a posting', run: endsWithPosting },
  { name: 'a wait ends when a job is given back', run: endsWithAbandoned },
  { name: 'a wait ends when a claim runs out', run: endsWithLease },
  { name: 'a wait ends when a delay is over', run: endsWithDelay },
  { name: 'a wait ends when a job is put back', run: endsWithPutBack },
  { name: 'a wait ends with its signal, also one that came before', run: endsWithSignal },
  { name: 'who waits for jobs of his hears of his', run: endsWithKnown },
  { name: 'all who wait are told', run: endsForAll },
]

async function endsAtOnce(board: Jobboard): Promise<void> {
  await board.post(named('j'))
  await board.wait()
  await board.wait({ factories: ['f'] })
}

/** Waits until there is something to claim, as a wait may end too early. */
async function claimable(board: Jobboard, factories?: readonly string[]): Promise<string> {
  const wanted = factories ? { factories } : {}
  for (;;) {
    const [job] = await board.claimNext({ owner: 'w', lease }, wanted)
    if (job) return job.id
    await board.wait(wanted)
  }
}

async function endsWithPosting(board: Jobboard): Promise<void> {
  const waiting = claimable(board)
  await turn()
  await board.post(named('j'))
  assert.equal(await waiting, 'j')
}

async function endsWithAbandoned(board: Jobboard): Promise<void> {
  await board.post(named('j'))
  const job = await next(board)
  const waiting = claimable(board)
  await turn()
  await board.abandon(job)
  assert.equal(await waiting, 'j')
}

async function endsWithLease(board: Jobboard, { pass }: Time): Promise<void> {
  await board.post(named('j'))
  await next(board)
  const waiting = claimable(board)
  await turn()
  await pass(lease)
  assert.equal(await waiting, 'j')
}

async function endsWithDelay(board: Jobboard, { pass }: Time): Promise<void> {
  await board.post(named('j'))
  await board.abandon(await next(board), 5_000)
  const waiting = claimable(board)
  await turn()
  await pass(5_000)
  assert.equal(await waiting, 'j')
}

async function endsWithPutBack(board: Jobboard): Promise<void> {
  await board.post(named('j'))
  await board.trash(await next(board), 'broken')
  const waiting = claimable(board)
  await turn()
  await board.putBack('j')
  assert.equal(await waiting, 'j')
}

async function endsWithSignal(board: Jobboard): Promise<void> {
  const abort = new AbortController()
  const waiting = board.wait({ signal: abort.signal })
  await turn()
  abort.abort()
  await waiting
  await board.wait({ signal: AbortSignal.abort() })
}

async function endsWithKnown(board: Jobboard): Promise<void> {
  const waiting = claimable(board, ['g'])
  await turn()
  await board.post(named('j'))
  await turn()
  await board.post([{ id: 'k', factory: 'g' }])
  assert.equal(await waiting, 'k')
}

async function endsForAll(board: Jobboard): Promise<void> {
  const waiting = [claimable(board), claimable(board), claimable(board)]
  await turn()
  await board.post(named('a', 'b'))
  await board.post(named('c'))
  assert.deepEqual((await Promise.all(waiting)).toSorted(), ['a', 'b', 'c'])
}
