import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { SqliteStore } from '../src/index.ts'
import { migrations } from '../src/migrations.ts'
import { batch, begin, freshFile, freshFolder, openStore, pending, refusal } from './stores.ts'

/** A database with tables of ours or others in it. */
function makeDatabase(statements: string): string {
  const file = freshFile()
  const database = new DatabaseSync(file)
  database.exec(statements)
  database.close()
  return file
}

async function refusalOf(file: string): Promise<string> {
  const { code, message } = await refusal(SqliteStore.open({ file }))
  expect(code).toBe('storage')
  const start = `cannot use the database ${file}: `
  expect(message.startsWith(start), message).toBe(true)
  return message.slice(start.length)
}

/** A file of ours with runs in it, of several pages. */
async function makeFilled(): Promise<string> {
  const file = freshFile()
  const { backend } = await SqliteStore.open({ file })
  await backend.create(pending('r'))
  const atoms = Array.from({ length: 500 }, (_, index) => begin(`atom ${index}`, { result: 'x'.repeat(200) }))
  await backend.commit(batch('r', atoms))
  await backend.close()
  return file
}

describe('a file is refused, and stays as it is, when', () => {
  it('its folder is not there', async () => {
    const folder = join(freshFolder(), 'none')
    expect(await refusalOf(join(folder, 'x'))).toBe(`its folder ${folder} does not exist; make it first`)
    expect(existsSync(folder)).toBe(false)
  })

  it('it is no database', async () => {
    const file = freshFile()
    const text = 'this is a text of more than a hundred characters, '.repeat(10)
    writeFileSync(file, text)
    expect(await refusalOf(file)).toBe('it is no SQLite database; name another file')
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('it is a folder', async () => {
    const folder = join(freshFolder(), 'folder')
    mkdirSync(folder)
    expect(await refusalOf(folder)).toMatch(/^it cannot be opened;/)
  })

  it('it is damaged', async () => {
    const file = await makeFilled()
    const bytes = readFileSync(file)
    bytes.fill(0xa5, bytes.length / 2)
    writeFileSync(file, bytes)
    expect(await refusalOf(file)).toMatch(/^it is damaged.*; restore a backup$/s)
    expect(readFileSync(file).equals(bytes)).toBe(true)
  })

  it('it is newer than this program', async () => {
    const file = await makeFilled()
    const database = new DatabaseSync(file)
    database.exec('insert into taskflow_migrations (id, applied_at) values (99, 0)')
    database.close()
    const known = migrations.at(-1)?.id
    expect(await refusalOf(file)).toBe(
      `it is newer than this program: its tables have migration 99, the last one known here is ${known}; run the version that made it, or restore a backup`,
    )
  })

  it('it was marked by another program', async () => {
    const file = makeDatabase('pragma application_id = 7')
    const bytes = readFileSync(file)
    expect(await refusalOf(file)).toBe(
      'it belongs to another program (its application_id is 7, that of taskflow is 1414219351); name another file',
    )
    expect(readFileSync(file).equals(bytes)).toBe(true)
  })

  it('another program has made tables with our names', async () => {
    const file = makeDatabase('create table mine (x); create table taskflow_flows (x)')
    expect(await refusalOf(file)).toBe('another program has made the table taskflow_flows in it; name another file')
  })
})

describe('a file of an application', () => {
  it('is shared: its tables and its mark stay, and ours come beside them', async () => {
    const file = makeDatabase('pragma application_id = 7; create table images (id text); insert into images values (1)')
    const { backend } = await openStore({ file })
    await backend.create(pending('r'))
    const database = new DatabaseSync(file)
    expect(database.prepare('pragma application_id').get()).toEqual({ application_id: 7 })
    database.exec(`insert into images values ('2')`)
    expect(database.prepare('select count(*) as count from images').get()).toEqual({ count: 2 })
    database.close()
    await backend.commit(batch('r', [begin('a')]))
    expect((await backend.load('r'))?.atoms).toHaveLength(1)
  })

  it('is ours alone where it was empty', async () => {
    const file = makeDatabase('')
    await (await openStore({ file })).close()
    const database = new DatabaseSync(file)
    expect(database.prepare('pragma application_id').get()).toEqual({ application_id: 0x544b4657 })
    database.close()
  })
})
