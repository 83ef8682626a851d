import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { startCommitting } from './processes.ts'
import { batch, begin, freshFile, openStore, pending, refusal } from './stores.ts'

async function makeRuns(file: string, ...ids: readonly string[]): Promise<void> {
  const store = await openStore({ file })
  for (const id of ids) await store.backend.create(pending(id))
  await store.close()
}

describe.each(['normal', 'full'] as const)('a process that is killed, synchronous %s', (synchronous) => {
  it.each([1, 20, 150])('has lost no batch that was acknowledged, after %i', async (lines) => {
    const file = freshFile()
    await makeRuns(file, 'r')
    const child = startCommitting(synchronous, file)
    await child.heard(lines)
    child.process.kill('SIGKILL')
    const acknowledged = (await child.gone()).length
    const { backend } = await openStore({ file })
    const { atoms = [], flow } = (await backend.load('r')) ?? {}
    const numbers = atoms.filter(({ name }) => name !== 'latest').map(({ result }) => Number(result))
    expect(numbers.length).toBeGreaterThanOrEqual(acknowledged)
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    // All of a batch, or nothing of it.
    expect(atoms.find(({ name }) => name === 'latest')?.result).toBe(numbers.length)
    expect(flow?.updatedAt).toBe(numbers.length)
  })
})

describe('two processes on one file', () => {
  it('write at one time, and each finds what it wrote', async () => {
    const file = freshFile()
    await makeRuns(file, 'a', 'b')
    const children = ['a', 'b'].map((id) => startCommitting('normal', file, id))
    const { backend } = await openStore({ file, busyTimeout: 30_000 })
    await backend.create(pending('mine'))
    for (const child of children) expect(await child.gone()).toHaveLength(200)
    for (const id of ['a', 'b']) expect((await backend.load(id))?.atoms).toHaveLength(201)
    expect((await backend.list()).map(({ id }) => id)).toEqual(['a', 'b', 'mine'])
  })
})

describe('while another process has the file locked', () => {
  it('the event loop turns, reads are answered, and writes are stored when it lets go', async () => {
    const file = freshFile()
    await makeRuns(file, 'r')
    const { backend } = await openStore({ file, busyTimeout: 30_000 })
    const child = startCommitting('lock', file)
    await child.heard(1)
    const written = backend.commit(batch('r', [begin('a')]))
    let stored = false
    void Promise.resolve(written).then(() => (stored = true))
    for (let turns = 0; turns < 1_000; turns++) await new Promise((resolve) => setImmediate(resolve))
    expect(stored).toBe(false)
    child.process.stdin?.write('go on\n')
    await written
    expect((await backend.load('r'))?.atoms).toHaveLength(1)
  })

  it('writes are refused after the time to wait, in words to act on, and reads are not', async () => {
    const file = freshFile()
    await makeRuns(file, 'r')
    const { backend } = await openStore({ file, busyTimeout: 10 })
    const child = startCommitting('lock', file)
    await child.heard(1)
    const [refused, read] = await Promise.all([
      refusal(backend.commit(batch('r', [begin('a')])) as Promise<void>),
      backend.load('r'),
    ])
    expect([refused.code, refused.message]).toEqual([
      'storage',
      `cannot use the database ${file}: another connection keeps it locked; let that one end its transaction, or wait longer with busyTimeout`,
    ])
    expect(read?.flow.id).toBe('r')
    child.process.stdin?.write('go on\n')
    await child.gone()
    await backend.commit(batch('r', [begin('b')]))
    expect((await backend.load('r'))?.atoms.map(({ name }) => name)).toEqual(['b'])
  })
})

describe('a transaction that cannot be stored whole', () => {
  it('is refused with the words of SQLite, and the next one is stored', async () => {
    const file = freshFile()
    await makeRuns(file, 'r')
    const { backend } = await openStore({ file })
    const database = new DatabaseSync(file)
    database.exec(`create trigger full before insert on taskflow_atoms when new.name = 'large'
      begin select raise(abort, 'no room for it'); end`)
    database.close()
    const [refused] = await Promise.all([
      refusal(backend.commit(batch('r', [begin('small'), begin('large')])) as Promise<void>),
      backend.commit(batch('r', [begin('next')])),
    ])
    expect([refused.code, refused.message]).toEqual(['storage', `cannot use the database ${file}: no room for it`])
    expect((await backend.load('r'))?.atoms.map(({ name }) => name)).toEqual(['next'])
  })
})
