import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { imageRepo } from '../../src/db/images.ts'
import { migrate } from '../../src/db/migrate.ts'
import { migrations } from '../../src/db/migrations/all.ts'
import { createRepos } from '../../src/db/repos.ts'
import { applicationId, openDatabase } from '../../src/db/sqlite.ts'
import { manualClock, openRepos, tempFile } from './temp-folder.ts'

const clock = manualClock()

function open(file: string) {
  return createRepos({ file, clock, taskTtlHours: 48 })
}

async function openMigrated(file: string, options?: Parameters<typeof openDatabase>[1]) {
  const db = openDatabase(file, options)
  onTestFinished(() => db.destroy())
  await migrate(db, clock)
  return db
}

describe('opening a database', () => {
  it('marks a new file as its own and keeps what is written for the next opening', async () => {
    const file = await tempFile()
    const first = await open(file)
    const image = await first.images.create({ id: 'a', name: 'cirros', owner: null })
    await first.close()
    const second = await openRepos(file)
    expect(await second.images.find('a')).toEqual(image)
    const raw = new DatabaseSync(file, { readOnly: true })
    expect(raw.prepare('pragma application_id').get()).toEqual({ application_id: applicationId })
    expect(raw.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' })
    raw.close()
  })

  it('works in memory', async () => {
    const { images } = await openRepos(':memory:')
    await images.create({ id: 'a', name: null, owner: null })
    expect((await images.find('a'))?.status).toBe('queued')
  })

  it('takes an empty file for a new one', async () => {
    const file = await tempFile()
    await writeFile(file, '')
    await (await open(file)).close()
    expect((await readFile(file)).subarray(0, 15).toString()).toBe('SQLite format 3')
  })

  it('names a file whose folder does not exist, and says what must', async () => {
    const file = join(dirname(await tempFile()), 'none', 'glimpse.db')
    await expect(open(file)).rejects.toMatchObject({
      code: 'unavailable',
      message: `Cannot use the database ${file}: the database cannot be opened; its folder must exist, and this user must have the right to write there`,
    })
  })

  it('refuses a folder', async () => {
    const file = await tempFile()
    await mkdir(file)
    await expect(open(file)).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(file) })
  })

  it('refuses a text file and leaves it as it is', async () => {
    const file = await tempFile('notes.txt')
    const text = 'not a database, '.repeat(100)
    await writeFile(file, text)
    await expect(open(file)).rejects.toMatchObject({
      code: 'unavailable',
      message: `Cannot use the database ${file}: the file is no SQLite database; name another file`,
    })
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  it.each([
    ['without an application_id', 'create table recipes (id)'],
    ['with its own application_id', 'pragma application_id = 7'],
  ])('refuses the SQLite file of another program %s, and leaves it as it is', async (_, statement) => {
    const file = await tempFile('recipes.db')
    const raw = new DatabaseSync(file)
    raw.exec(statement)
    raw.close()
    const before = await readFile(file)
    await expect(open(file)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`${file} is the SQLite database of another program`),
    })
    expect(await readFile(file)).toEqual(before)
  })

  it('refuses a damaged file and repairs nothing', async () => {
    const file = await tempFile()
    await (await open(file)).close()
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill(0xff, 4096))
    await expect(open(file)).rejects.toMatchObject({
      code: 'unavailable',
      message: `Cannot use the database ${file}: the database is damaged; restore a backup`,
    })
    expect(await readFile(file)).toEqual(bytes)
  })
})

describe('migrating', () => {
  const later = { id: '0002-later', statements: ['create table later (id text) strict'] }

  it('refuses a database that is newer, with its file and what to do', async () => {
    const file = await tempFile()
    const db = await openMigrated(file)
    await migrate(db, clock, [...migrations, later])
    await expect(open(file)).rejects.toMatchObject({
      code: 'unavailable',
      message: `The database ${file} is newer than this program: it has 0002-later, the last known is 0001-first; run the version that made it, or restore a backup from before`,
    })
  })

  it('adds what is new to what there is', async () => {
    const db = await openMigrated(await tempFile())
    await imageRepo(db, clock).create({ id: 'a', name: null, owner: null })
    await migrate(db, clock, [...migrations, later])
    await migrate(db, clock, [...migrations, later])
    const rows = await db.selectFrom('schema_migrations').selectAll().orderBy('id').execute()
    expect(rows).toEqual([
      { id: '0001-first', applied_at: clock.now().toISOString() },
      { id: '0002-later', applied_at: clock.now().toISOString() },
    ])
    expect(await imageRepo(db, clock).find('a')).toBeDefined()
  })

  it('leaves nothing behind of a migration that fails', async () => {
    const db = await openMigrated(await tempFile())
    const broken = { id: '0003-broken', statements: ['create table half (id text)', 'create nonsense'] }
    await expect(migrate(db, clock, [...migrations, later, broken])).rejects.toThrow('syntax error')
    const { rows } = await sql`select name from sqlite_schema where name in ('later', 'half')`.execute(db)
    expect(rows).toEqual([])
    expect(await db.selectFrom('schema_migrations').select('id').execute()).toEqual([{ id: '0001-first' }])
  })

  it('ends well for many that open a new file at once', async () => {
    const file = await tempFile()
    const all = await Promise.all(Array.from({ length: 5 }, () => open(file)))
    await all[0]?.images.create({ id: 'a', name: null, owner: null })
    for (const repos of all) expect(await repos.images.find('a')).toBeDefined()
    for (const repos of all) await repos.close()
  })
})

describe('a database in trouble', () => {
  it('waits for another connection to give the write lock back, and lets the process go on meanwhile', async () => {
    const { file, images } = await openRepos()
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    const created = images.create({ id: 'a', name: null, owner: null })
    setImmediate(() => other.exec('commit'))
    await expect(created).resolves.toMatchObject({ id: 'a' })
    other.close()
  })

  it('says that it is locked when another connection keeps the write lock', async () => {
    const file = await tempFile()
    const images = imageRepo(await openMigrated(file, { busyTimeoutMs: 0 }), clock)
    const other = new DatabaseSync(file)
    other.exec('begin immediate')
    await expect(images.create({ id: 'a', name: null, owner: null })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'Cannot use the database: another process keeps the database locked; try again',
    })
    expect(await images.find('a')).toBeUndefined()
    other.exec('rollback')
    other.close()
    await expect(images.create({ id: 'a', name: null, owner: null })).resolves.toMatchObject({ id: 'a' })
  })

  it('says that its disk is full, and keeps what it had', async () => {
    const db = await openMigrated(await tempFile())
    const images = imageRepo(db, clock)
    await images.create({ id: 'a', name: null, owner: null })
    await sql`pragma max_page_count = 1`.execute(db)
    const properties = { big: 'x'.repeat(1_000_000) }
    await expect(images.update('a', { set: { name: 'new' }, setProperties: properties })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the disk of the database is full; free space there'),
    })
    expect(await images.find('a')).toMatchObject({ name: null, properties: {} })
  })

  it('says that it may only be read', async () => {
    const db = await openMigrated(await tempFile())
    await sql`pragma query_only = 1`.execute(db)
    await expect(imageRepo(db, clock).create({ id: 'a', name: null, owner: null })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('may only be read'),
    })
  })

  it('refuses calls after it is closed', async () => {
    const repos = await open(await tempFile())
    await repos.close()
    await expect(repos.images.find('a')).rejects.toThrow('destroyed')
  })

  it('keeps no more statements prepared than it may, and still runs those it let go', async () => {
    const db = await openMigrated(await tempFile())
    for (let i = 0; i < 600; i++) await sql`select ${sql.lit(i % 300)} as n`.execute(db)
    expect((await sql`select ${sql.lit(0)} as n`.execute(db)).rows).toEqual([{ n: 0 }])
  })
})
