import assert from 'node:assert/strict'
import type { Claim } from '../jobs/job.ts'
import type { Jobboard } from '../jobs/jobboard.ts'
import type { Awaitable } from '../storage/backend.ts'
import {
  found,
  idsOf,
  type JobboardCase,
  lease,
  listed,
  named,
  next,
  refusesWith,
  type SuiteJobboard,
} from './jobboard-case.ts'

type Time = Pick<SuiteJobboard, 'pass'>

/** Whose a job is. */
export const claimCases: readonly JobboardCase[] = [
  { name: 'a claim tells who has the job, and for how long', run: tellsOwner },
  { name: 'a job that somebody holds is refused to all, its owner too', run: refusesHeld },
  { name: 'the best job is claimed, then the next best', run: claimsBest },
  { name: 'of many that claim at once, each gets another job', run: claimsApart },
  { name: 'who claims several gets the best of them, in their order', run: claimsSeveral },
  { name: 'who knows some factories gets their jobs only', run: claimsKnown },
  { name: 'a claim without an owner or a lease is refused', run: refusesWrongClaims },
  { name: 'a claim that ran out comes back, with a higher number', run: comesBack },
  { name: 'a renewed claim lasts from the renewal', run: renews },
  { name: 'a claim that ran out is its owner’s until somebody else claims', run: staysUntilTaken },
  { name: 'an owner who was overtaken is refused everything', run: refusesStale },
  { name: 'an owner with the right number and another name is refused', run: refusesOtherName },
  { name: 'who claims a job again is not taken for who it was before', run: refusesFormerSelf },
  { name: 'a consumed job is gone', run: consumes },
  { name: 'an abandoned job is free at once, in its place', run: abandons },
  { name: 'an abandoned job with a delay is not given before, but can be claimed', run: delays },
  { name: 'a job that is kept aside cannot be claimed, and tells why', run: trashes },
  { name: 'a job that is put back is in its place, with its attempts forgotten', run: putsBack },
]

async function tellsOwner(board: Jobboard): Promise<void> {
  await board.post(named('j'))
  const claimed = await board.claim('j', { owner: 'a', lease })
  assert.equal(claimed.state, 'CLAIMED')
  assert.equal(claimed.owner, 'a')
  assert.equal(claimed.attempts, 1)
  assert.ok(claimed.fence >= 1)
  assert.ok(claimed.expiresAt >= claimed.postedAt + lease)
  assert.deepEqual(await found(board, 'j'), claimed)
}

async function refusesHeld(board: Jobboard): Promise<void> {
  await board.post(named('j'))
  const before = await board.claim('j', { owner: 'a', lease })
  for (const owner of ['a', 'b']) await refusesWith('job-claimed', () => board.claim('j', { owner, lease }))
  await refusesWith('not-found', () => board.claim('unknown', { owner: 'a', lease }))
  assert.deepEqual(await board.claimNext({ owner: 'b', lease }), [])
  assert.deepEqual(await found(board, 'j'), before)
}

async function claimsBest(board: Jobboard): Promise<void> {
  await board.post([...named('n1', 'n2'), { id: 'low', factory: 'f', priority: 'LOW' }])
  await board.post([{ id: 'high', factory: 'f', priority: 'HIGH' }])
  const order: string[] = []
  for (let left = 4; left > 0; left--) order.push((await next(board)).id)
  assert.deepEqual(order, ['high', 'n1', 'n2', 'low'])
  assert.deepEqual(await board.claimNext({ owner: 'a', lease }), [])
}

async function claimsApart(board: Jobboard): Promise<void> {
  const ids = Array.from({ length: 20 }, (_, index) => `job ${index}`)
  await board.post(named(...ids))
  const owners = Array.from({ length: 30 }, (_, index) => `owner ${index}`)
  const claimed = (await Promise.all(owners.map(async (owner) => await board.claimNext({ owner, lease })))).flat()
  assert.deepEqual(idsOf(claimed).toSorted(), ids.toSorted())
  assert.equal(new Set(claimed.map(({ owner }) => owner)).size, 20)
}

async function claimsSeveral(board: Jobboard): Promise<void> {
  await board.post([...named('b', 'c', 'd'), { id: 'a', factory: 'f', priority: 'HIGH' }])
  assert.deepEqual(idsOf(await board.claimNext({ owner: 'a', lease }, { limit: 3 })), ['a', 'b', 'c'])
  assert.deepEqual(idsOf(await board.claimNext({ owner: 'a', lease }, { limit: 3 })), ['d'])
}

async function claimsKnown(board: Jobboard): Promise<void> {
  await board.post([
    { id: 'f', factory: 'f', priority: 'VERY_HIGH' },
    { id: 'g', factory: 'g' },
    { id: 'h', factory: 'h' },
  ])
  assert.deepEqual(await board.claimNext({ owner: 'a', lease }, { factories: [] }), [])
  const claimed = await board.claimNext({ owner: 'a', lease }, { factories: ['h', 'g', 'unknown'], limit: 9 })
  assert.deepEqual(idsOf(claimed), ['g', 'h'])
  assert.equal((await found(board, 'f')).state, 'UNCLAIMED')
}

async function refusesWrongClaims(board: Jobboard): Promise<void> {
  await board.post(named('j'))
  for (const claimant of [
    { owner: '', lease },
    { owner: 'a', lease: 0 },
    { owner: 'a', lease: Number.NaN },
  ]) {
    await refusesWith('invalid-flow', () => board.claim('j', claimant))
    await refusesWith('invalid-flow', () => board.claimNext(claimant))
  }
  assert.equal((await found(board, 'j')).attempts, 0)
}

async function comesBack(board: Jobboard, { pass }: Time): Promise<void> {
  await board.post(named('j', 'k'))
  const first = await board.claim('j', { owner: 'a', lease })
  await pass(lease - 1)
  await refusesWith('job-claimed', () => board.claim('j', { owner: 'b', lease }))
  await pass(1)
  assert.equal((await found(board, 'j')).state, 'UNCLAIMED')
  assert.deepEqual(idsOf(await board.list({ owner: 'a' })), [])
  const second = await next(board, 'b')
  assert.equal(second.id, 'j')
  assert.equal(second.attempts, 2)
  assert.ok(second.fence > first.fence)
  await pass(lease)
  const third = await board.claim('j', { owner: 'c', lease })
  assert.ok(third.fence > second.fence)
}

async function renews(board: Jobboard, { pass }: Time): Promise<void> {
  await board.post(named('j'))
  const claimed = await board.claim('j', { owner: 'a', lease })
  await pass(lease / 2)
  await board.renew(claimed, lease)
  const renewed = await found(board, 'j')
  assert.ok(renewed.expiresAt! >= claimed.expiresAt + lease / 2)
  assert.equal(renewed.fence, claimed.fence)
  assert.equal(renewed.attempts, 1)
  await pass(lease - 1)
  assert.deepEqual(await board.claimNext({ owner: 'b', lease }), [])
  await pass(1)
  assert.equal((await next(board, 'b')).id, 'j')
  await refusesWith('invalid-flow', () => board.renew(claimed, 0))
}

async function staysUntilTaken(board: Jobboard, { pass }: Time): Promise<void> {
  await board.post(named('j', 'k'))
  const [j, k] = await board.claimNext({ owner: 'a', lease }, { limit: 2 })
  await pass(2 * lease)
  await board.renew(j!, lease)
  assert.equal((await found(board, 'j')).state, 'CLAIMED')
  await board.consume(k!)
  assert.deepEqual(await listed(board), ['j'])
}

/** Everything that an owner may do with a job. */
function operations(board: Jobboard, claim: Claim): readonly (() => Awaitable<unknown>)[] {
  return [
    () => board.renew(claim, lease),
    () => board.abandon(claim),
    () => board.abandon(claim, 1_000),
    () => board.trash(claim, 'broken'),
    () => board.consume(claim),
  ]
}

async function refusesStale(board: Jobboard, { pass }: Time): Promise<void> {
  await board.post(named('j'))
  const stale = await board.claim('j', { owner: 'a', lease })
  await pass(lease)
  const current = await board.claim('j', { owner: 'b', lease })
  for (const operation of operations(board, stale)) await refusesWith('stale-owner', operation)
  assert.deepEqual(await found(board, 'j'), current)
  await board.consume(current)
  for (const operation of operations(board, stale)) await refusesWith('not-found', operation)
}

async function refusesOtherName(board: Jobboard): Promise<void> {
  await board.post(named('j'))
  const claimed = await next(board)
  for (const operation of operations(board, { ...claimed, owner: 'b' })) await refusesWith('stale-owner', operation)
  assert.deepEqual(await found(board, 'j'), claimed)
}

async function refusesFormerSelf(board: Jobboard): Promise<void> {
  await board.post(named('j'))
  const former = await next(board)
  await board.abandon(former)
  for (const operation of operations(board, former)) await refusesWith('stale-owner', operation)
  const current = await next(board)
  assert.ok(current.fence > former.fence)
  for (const operation of operations(board, former)) await refusesWith('stale-owner', operation)
  await board.trash(current, 'broken')
  for (const operation of operations(board, current)) await refusesWith('stale-owner', operation)
  assert.equal((await found(board, 'j')).state, 'TRASHED')
}

async function consumes(board: Jobboard): Promise<void> {
  await board.post(named('j', 'k'))
  const job = await next(board)
  await board.consume(job)
  assert.equal(await board.find('j'), undefined)
  assert.deepEqual(await listed(board), ['k'])
  await refusesWith('not-found', () => board.consume(job))
  await refusesWith('not-found', () => board.claim('j', { owner: 'a', lease }))
}

async function abandons(board: Jobboard): Promise<void> {
  await board.post(named('j', 'k'))
  const job = await next(board)
  await board.abandon(job)
  const free = await found(board, 'j')
  const { state, owner, expiresAt, notBefore, attempts } = free
  assert.deepEqual(
    { state, owner, expiresAt, notBefore, attempts },
    { state: 'UNCLAIMED', owner: null, expiresAt: null, notBefore: null, attempts: 1 },
  )
  const again = await next(board, 'b')
  assert.deepEqual([again.id, again.attempts], ['j', 2])
}

async function delays(board: Jobboard, { pass }: Time): Promise<void> {
  await board.post(named('j', 'k'))
  await board.abandon(await next(board), 5_000)
  const delayed = await found(board, 'j')
  assert.equal(delayed.state, 'UNCLAIMED')
  assert.ok(delayed.notBefore! >= delayed.postedAt + 5_000)
  const other = await next(board)
  assert.equal(other.id, 'k')
  await board.consume(other)
  await pass(4_999)
  assert.deepEqual(await board.claimNext({ owner: 'a', lease }), [])
  await pass(1)
  const again = await next(board)
  assert.equal(again.id, 'j')
  assert.equal(again.notBefore, null)
  await board.abandon(again, 5_000)
  assert.equal((await board.claim('j', { owner: 'b', lease })).owner, 'b')
}

async function trashes(board: Jobboard, { pass }: Time): Promise<void> {
  await board.post(named('j'))
  const job = await next(board)
  await board.trash(job, 'no factory can build it')
  const kept = await found(board, 'j')
  assert.deepEqual([kept.state, kept.owner, kept.expiresAt], ['TRASHED', null, null])
  assert.equal(kept.trashed?.reason, 'no factory can build it')
  assert.ok(kept.trashed.at >= job.postedAt)
  await pass(2 * lease)
  assert.deepEqual(await board.claimNext({ owner: 'a', lease }), [])
  await refusesWith('not-found', () => board.claim('j', { owner: 'a', lease }))
  assert.deepEqual(idsOf(await board.list({ states: ['TRASHED'] })), ['j'])
}

async function putsBack(board: Jobboard): Promise<void> {
  await board.post(named('j', 'k'))
  for (const id of ['unknown', 'j']) await refusesWith('not-found', () => board.putBack(id))
  const job = await next(board)
  await board.trash(job, 'broken')
  await board.putBack('j')
  const free = await found(board, 'j')
  assert.deepEqual([free.state, free.attempts, free.trashed, free.owner], ['UNCLAIMED', 0, null, null])
  const again = await next(board)
  assert.deepEqual([again.id, again.attempts], ['j', 1])
  assert.ok(again.fence > job.fence)
  await refusesWith('not-found', () => board.putBack('j'))
}
