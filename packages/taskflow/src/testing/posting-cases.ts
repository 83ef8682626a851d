import assert from 'node:assert/strict'
import { type JobPosting, jobPriorities } from '../jobs/job.ts'
import type { Jobboard } from '../jobs/jobboard.ts'
import { found, idsOf, type JobboardCase, lease, listed, named, next, refusesWith } from './jobboard-case.ts'

/** What is on a board, and how it is read. */
export const postingCases: readonly JobboardCase[] = [
  { name: 'a job reads as it was posted, and is free', run: readsAsPosted },
  { name: 'what a posting leaves open has a default', run: fillsIn },
  { name: 'an unknown job is not found', run: findsNothing },
  { name: 'jobs are listed by priority, then in the order of their posting', run: listsInOrder },
  { name: 'jobs are listed by state, factory, owner and book', run: filters },
  { name: 'pages go on behind a job, also when it is gone', run: pages },
  { name: 'a posting with an id that is taken posts nothing at all', run: refusesTakenId },
  { name: 'the id of a job that is kept aside is taken', run: refusesTrashedId },
  { name: 'a posting that is not one posts nothing at all', run: refusesWrongPostings },
  { name: 'a posting shares nothing with its poster, nor a job with its reader', run: sharesNothing },
  { name: 'nothing can be posted, too', run: postsNothing },
  { name: 'many can be posted at once', run: postsMany },
]

async function readsAsPosted(board: Jobboard): Promise<void> {
  const posting: Required<JobPosting> = {
    id: 'j',
    name: 'import of ü',
    priority: 'HIGH',
    factory: 'web-import',
    parameters: { image: 'a', sizes: [1, 2.5], deep: { none: null, '': 'ü\u0000"' } },
    run: 'r',
    book: 'b',
    meta: { user: 'me' },
  }
  const posted = await board.post([posting])
  const { sequence, postedAt } = posted[0]!
  assert.ok(Number.isSafeInteger(sequence) && Number.isFinite(postedAt))
  const job = {
    ...posting,
    sequence,
    postedAt,
    state: 'UNCLAIMED' as const,
    attempts: 0,
    fence: 0,
    owner: null,
    expiresAt: null,
    notBefore: null,
    trashed: null,
  }
  assert.deepEqual(posted, [job])
  assert.deepEqual(await board.find('j'), job)
  assert.deepEqual(await board.list(), [job])
}

async function fillsIn(board: Jobboard): Promise<void> {
  const [job, other] = await board.post([{ factory: 'f' }, { factory: 'f', id: 'j' }])
  assert.ok(job && other && job.id !== '' && job.id !== other.id)
  const { name, priority, parameters, run, book, meta } = job
  const defaults = { name: 'f', priority: 'NORMAL', parameters: {}, run: job.id, book: null, meta: {} }
  assert.deepEqual({ name, priority, parameters, run, book, meta }, defaults)
  assert.equal(other.run, 'j')
}

async function findsNothing(board: Jobboard): Promise<void> {
  assert.equal(await board.find('unknown'), undefined)
  assert.deepEqual(await board.list(), [])
}

async function listsInOrder(board: Jobboard): Promise<void> {
  const lanes = jobPriorities.toReversed()
  for (const round of ['1', '2']) {
    await board.post(lanes.map((priority) => ({ id: `${priority} ${round}`, factory: 'f', priority })))
  }
  const expected = jobPriorities.flatMap((priority) => [`${priority} 1`, `${priority} 2`])
  assert.deepEqual(await listed(board), expected)
  await board.claim('VERY_HIGH 1', { owner: 'a', lease })
  assert.deepEqual(await listed(board), expected, 'a claim does not move a job')
}

async function filters(board: Jobboard): Promise<void> {
  await board.post([
    { id: 'free', factory: 'f' },
    { id: 'mine', factory: 'f', book: 'x' },
    { id: 'yours', factory: 'g', book: 'x' },
    { id: 'aside', factory: 'h', book: 'y' },
  ])
  await board.claim('mine', { owner: 'a', lease })
  await board.claim('yours', { owner: 'b', lease })
  await board.trash(await board.claim('aside', { owner: 'a', lease }), 'broken')
  assert.deepEqual(idsOf(await board.list({ states: ['UNCLAIMED'] })), ['free'])
  assert.deepEqual(idsOf(await board.list({ states: ['TRASHED', 'CLAIMED'] })), ['mine', 'yours', 'aside'])
  assert.deepEqual(idsOf(await board.list({ states: [] })), [])
  assert.deepEqual(idsOf(await board.list({ factories: ['g', 'h'] })), ['yours', 'aside'])
  assert.deepEqual(idsOf(await board.list({ factories: [] })), [])
  assert.deepEqual(idsOf(await board.list({ owner: 'a' })), ['mine'])
  assert.deepEqual(idsOf(await board.list({ book: 'x' })), ['mine', 'yours'])
  assert.deepEqual(idsOf(await board.list({ book: 'x', owner: 'b', states: ['CLAIMED'], limit: 5 })), ['yours'])
}

async function pages(board: Jobboard): Promise<void> {
  await board.post([...named('a', 'b', 'c', 'd'), { id: 'first', factory: 'f', priority: 'HIGH' }])
  const page = await board.list({ limit: 2 })
  assert.deepEqual(idsOf(page), ['first', 'a'])
  const last = page.at(-1)!
  assert.deepEqual(idsOf(await board.list({ after: last, limit: 2 })), ['b', 'c'])
  await board.consume(await board.claim('a', { owner: 'a', lease }))
  assert.deepEqual(idsOf(await board.list({ after: last, limit: 2 })), ['b', 'c'])
  assert.deepEqual(idsOf(await board.list({ after: await found(board, 'd') })), [])
  assert.deepEqual(idsOf(await board.list({ limit: 0 })), [])
}

async function refusesTakenId(board: Jobboard): Promise<void> {
  await board.post(named('a'))
  await refusesWith('storage', () => board.post(named('b', 'a', 'c')))
  await refusesWith('storage', () => board.post(named('d', 'd')))
  assert.deepEqual(await listed(board), ['a'])
}

async function refusesTrashedId(board: Jobboard): Promise<void> {
  await board.post(named('a'))
  await board.trash(await next(board), 'broken')
  await refusesWith('storage', () => board.post(named('a')))
}

async function refusesWrongPostings(board: Jobboard): Promise<void> {
  const wrong: readonly [JobPosting, 'invalid-flow' | 'not-json'][] = [
    [{ factory: '' }, 'invalid-flow'],
    [{ factory: 'f', id: '' }, 'invalid-flow'],
    [{ factory: 'f', priority: 'URGENT' as never }, 'invalid-flow'],
    [{ factory: 'f', parameters: { at: new Date() } }, 'not-json'],
    [{ factory: 'f', meta: { size: 1n } }, 'not-json'],
  ]
  for (const [posting, code] of wrong) {
    await refusesWith(code, () => board.post([...named('a'), posting]))
  }
  assert.deepEqual(await listed(board), [])
}

async function sharesNothing(board: Jobboard): Promise<void> {
  const parameters = { list: [1] }
  const [posted] = await board.post([{ id: 'j', factory: 'f', parameters }])
  parameters.list.push(2)
  ;(posted!.parameters as typeof parameters).list.push(3)
  ;((await found(board, 'j')).parameters as typeof parameters).list.push(4)
  ;((await next(board)).parameters as typeof parameters).list.push(5)
  assert.deepEqual((await found(board, 'j')).parameters, { list: [1] })
}

async function postsNothing(board: Jobboard): Promise<void> {
  assert.deepEqual(await board.post([]), [])
}

async function postsMany(board: Jobboard): Promise<void> {
  const ids = Array.from({ length: 2_500 }, (_, index) => `job ${index}`)
  assert.deepEqual(idsOf(await board.post(named(...ids))), ids)
  assert.deepEqual(await listed(board), ids.slice(0, 1_000), 'a list has 1,000 unless it is told otherwise')
  assert.deepEqual(idsOf(await board.list({ limit: 5_000 })), ids)
}
