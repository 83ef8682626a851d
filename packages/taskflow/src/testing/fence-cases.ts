import assert from 'node:assert/strict'
import type { Backend } from '../storage/backend.ts'
import { type BackendCase, batch, begin, begun, pending, refuses, stored, written } from './backend-case.ts'

/** A run has one owner at a time: the one with the highest number. */
export const fenceCases: readonly BackendCase[] = [
  { name: 'a batch of an owner with a lower number is refused, and changes nothing', run: refusesLower },
  { name: 'batches of one owner are taken', run: takesEqual },
  { name: 'an owner with a higher number takes the run over', run: storesHigher },
  { name: 'each run has an owner of its own', run: keepsOwnersApart },
]

async function refusesLower(backend: Backend): Promise<void> {
  await backend.create(pending('r', { fence: 5 }))
  await backend.commit(batch('r', [begin('a')], { fence: 5 }))
  const before = await stored(backend, 'r')
  const change = { state: 'FAILURE', intention: 'REVERT', cancelled: { reason: 1 } } as const
  const late = [begin('a', { result: 1 }), begin('b')]
  for (const fence of [4, 0, -1]) {
    await refuses(() => backend.commit(batch('r', late, { fence, at: 9, change })), 'stale-owner')
  }
  assert.deepEqual(await stored(backend, 'r'), before)
}

async function takesEqual(backend: Backend): Promise<void> {
  await backend.create(pending('r', { fence: 5 }))
  await backend.commit(batch('r', [begin('a')], { fence: 5 }))
  await backend.commit(batch('r', [begin('b')], { fence: 5 }))
  assert.deepEqual(await stored(backend, 'r'), { flow: written('r', { fence: 5 }), atoms: [begun('a'), begun('b')] })
}

async function storesHigher(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.commit(batch('r', [begin('a')], { fence: 2 ** 40 }))
  await backend.commit(batch('r', [], { fence: 2 ** 40 + 1 }))
  const taken = { flow: written('r', { fence: 2 ** 40 + 1 }), atoms: [begun('a')] }
  assert.deepEqual(await stored(backend, 'r'), taken)
  await refuses(() => backend.commit(batch('r', [begin('a', { result: 1 })], { fence: 2 ** 40 })), 'stale-owner')
  await refuses(() => backend.commit(batch('r', [], { fence: 0 })), 'stale-owner')
  assert.deepEqual(await stored(backend, 'r'), taken)
}

async function keepsOwnersApart(backend: Backend): Promise<void> {
  await backend.create(pending('r'))
  await backend.create(pending('s'))
  await backend.commit(batch('r', [begin('a')], { fence: 8 }))
  await backend.commit(batch('s', [begin('a')]))
  assert.deepEqual([(await stored(backend, 'r')).flow.fence, (await stored(backend, 's')).flow.fence], [8, 0])
}
