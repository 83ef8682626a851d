import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SqliteStore } from '../src/index.ts'
import { makeReadOnly, mountedDisk, mountRefusal } from './disks.ts'
import { batch, begin, openStore, pending, refusal } from './stores.ts'

describe.skipIf(mountRefusal)(`on a disk of its own${mountRefusal}`, () => {
  it('a batch that finds the disk full is refused, and changes nothing', async () => {
    const file = join(mountedDisk('4m'), 'flows.sqlite')
    const store = await openStore({ file })
    const { backend } = store
    await backend.create(pending('r'))
    await backend.commit(batch('r', [begin('a')]))
    const large = batch('r', [begin('b', { result: 'x'.repeat(8 << 20) })], { change: { state: 'RUNNING' } })
    const [before, refused] = [await backend.load('r'), await refusal(backend.commit(large) as Promise<void>)]
    expect([refused.code, refused.message]).toEqual([
      'storage',
      `cannot use the database ${file}: its disk is full; free space there`,
    ])
    expect(await backend.load('r')).toEqual(before)
    await backend.commit(batch('r', [begin('c')]))
    expect((await backend.load('r'))?.atoms.map(({ name }) => name)).toEqual(['a', 'c'])
  })

  it('a file that may only be read is refused', async () => {
    const disk = mountedDisk('4m')
    const file = join(disk, 'flows.sqlite')
    await (await SqliteStore.open({ file })).close()
    makeReadOnly(disk)
    const { code, message } = await refusal(SqliteStore.open({ file }))
    expect(code).toBe('storage')
    expect(message).toBe(
      `cannot use the database ${file}: ${disk} may only be read; give this user the right to write to the file and to its folder`,
    )
  })
})
