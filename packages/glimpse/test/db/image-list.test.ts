import * as fc from 'fast-check'
import { CompiledQuery, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selectPage } from '../../src/db/image-list.ts'
import { migrate } from '../../src/db/migrate.ts'
import { createRepos } from '../../src/db/repos.ts'
import { openDatabase } from '../../src/db/sqlite.ts'
import type { Image, NewImage } from '../../src/domain/image.ts'
import type { ImageFilter, ImageQuery, ImageSortKey } from '../../src/domain/ports.ts'
import { manualClock, openRepos, type TestRepos } from './temp-folder.ts'

const all: ImageQuery = { filters: [], sort: [], limit: 1000 }

async function ids(images: TestRepos['images'], query: Partial<ImageQuery>): Promise<string[]> {
  return (await images.list({ ...all, ...query })).map(({ id }) => id)
}

/** SQLite's order of text is that of its UTF-8 bytes; null comes before any value. */
function compareValues(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null)
  if (typeof a === 'number') return a - Number(b)
  return Buffer.compare(Buffer.from(a), Buffer.from(String(b)))
}

function sortImages(images: readonly Image[], sort: ImageQuery['sort']): Image[] {
  const direction = sort[0]?.direction ?? 'desc'
  const terms = [...sort, { key: 'createdAt', direction } as const, { key: 'id', direction } as const]
  return images.toSorted((a, b) => {
    for (const { key, direction } of terms) {
      const order = compareValues(a[key], b[key])
      if (order !== 0) return direction === 'asc' ? order : -order
    }
    return 0
  })
}

async function readPages({ images }: TestRepos, query: ImageQuery): Promise<Image[]> {
  const read: Image[] = []
  for (;;) {
    const marker = read.at(-1)?.id
    const page = await images.list(marker === undefined ? query : { ...query, marker })
    read.push(...page)
    if (page.length < query.limit) return read
  }
}

const sortKeys = ['name', 'status', 'containerFormat', 'diskFormat', 'size', 'id', 'createdAt', 'updatedAt'] as const
const generated = fc.record({
  name: fc.option(fc.string({ unit: 'binary', maxLength: 2 })),
  size: fc.option(fc.nat({ max: 3 })),
  diskFormat: fc.option(fc.constantFrom('raw', 'qcow2')),
  containerFormat: fc.option(fc.constantFrom('bare', 'ova')),
  status: fc.constantFrom('queued', 'saving', 'active'),
  age: fc.nat({ max: 3 }),
  idle: fc.nat({ max: 2 }),
})
const generatedSort = fc.uniqueArray(
  fc.record({ key: fc.constantFrom<ImageSortKey>(...sortKeys), direction: fc.constantFrom('asc', 'desc') }),
  { maxLength: 4, selector: ({ key }) => key },
)

describe('reading a listing page by page', () => {
  it('gives every image once, in order, whatever the sort and the size of a page', async () => {
    const repos = await openRepos()
    const start = repos.clock.at
    let run = 0
    const property = fc.asyncProperty(
      fc.array(generated, { maxLength: 15 }),
      generatedSort,
      fc.integer({ min: 1, max: 6 }),
      async (given, sort, limit) => {
        const owner = `run-${run++}`
        const made: Image[] = []
        for (const [i, { name, age, idle, status, ...set }] of given.entries()) {
          const id = `${owner}-${(i * 7) % 16}`
          repos.clock.at = start + age
          await repos.images.create({ id, name, owner })
          repos.clock.at += idle
          const change = status === 'queued' ? { set } : { set: { ...set, status } }
          made.push(await repos.images.update(id, change))
        }
        const filters = [{ field: 'owner', op: 'eq', value: owner }] as const
        expect(await readPages(repos, { filters, sort, limit })).toEqual(sortImages(made, sort))
      },
    )
    await fc.assert(property, { numRuns: 150 })
  })

  it('goes on after an image that was deleted between two pages', async () => {
    const { images, clock } = await openRepos()
    for (const id of ['a', 'b', 'c']) {
      clock.at += 1
      await images.create({ id, name: null, owner: null })
    }
    await images.remove('b')
    expect(await ids(images, { marker: 'b' })).toEqual(['a'])
    expect(await ids(images, {})).toEqual(['c', 'a'])
  })

  it('does not find a marker that never was', async () => {
    const { images } = await openRepos()
    await expect(images.list({ ...all, marker: 'none' })).rejects.toMatchObject({
      code: 'image-not-found',
      details: { id: 'none' },
    })
  })

  it.each([-1, 1.5, Number.NaN])('refuses a limit of %s', async (limit) => {
    const { images } = await openRepos()
    await expect(images.list({ ...all, limit })).rejects.toMatchObject({
      code: 'invalid',
      message: `limit is ${limit}, a whole number from 0 is allowed`,
    })
  })

  it('gives nothing for a limit of 0', async () => {
    const { images } = await openRepos()
    await images.create({ id: 'a', name: null, owner: null })
    expect(await ids(images, { limit: 0 })).toEqual([])
  })

  it('gives each image its own tags, properties and locations', async () => {
    const { images } = await openRepos()
    for (const id of ['a', 'b', 'c']) {
      const parts: Partial<NewImage> = id === 'b' ? {} : { tags: [id, 'both'], properties: { [id]: id } }
      await images.create({ id, name: null, owner: null, ...parts })
    }
    await images.update('c', { addLocations: [{ store: 's', url: 'file:///c' }] })
    const found = [await images.find('a'), await images.find('b'), await images.find('c')]
    expect(await images.list({ ...all, sort: [{ key: 'id', direction: 'asc' }] })).toEqual(found)
  })
})

describe('filtering a listing', () => {
  let repos: TestRepos
  beforeAll(async () => {
    const clock = manualClock('2026-01-01T00:00:00.000Z')
    repos = { ...(await createRepos({ file: ':memory:', clock, taskTtlHours: 1 })), clock, file: ':memory:' }
    const { images } = repos
    const made: NewImage[] = [
      { id: 'a', name: 'one', owner: 'p1', tags: ['x', 'y'], properties: { os: 'linux', n: '10' }, minDisk: 1 },
      { id: 'b', name: 'two', owner: 'p1', tags: ['y'], properties: { os: 'bsd' }, visibility: 'public', minRam: 5 },
      { id: 'c', name: null, owner: null, protected: true, diskFormat: 'raw', containerFormat: 'bare' },
      { id: 'd', name: 'five', owner: 'p2', hidden: true, properties: { tag: 'x' } },
    ]
    for (const image of made) {
      await images.create(image)
      clock.at += 1000
    }
    await images.update('a', { set: { status: 'active', size: 10, checksum: 'c1', hashValue: 'h1' } })
    await images.update('b', { set: { status: 'active', size: 20 } })
    await images.create({ id: 'gone', name: 'one', owner: 'p1', tags: ['x'] })
    await images.remove('gone')
  })
  afterAll(() => repos.close())

  const cases: [ImageFilter, string][] = [
    [{ field: 'id', op: 'eq', value: 'b' }, 'b'],
    [{ field: 'id', op: 'in', value: ['a', 'c', 'gone', 'none'] }, 'ac'],
    [{ field: 'id', op: 'in', value: [] }, ''],
    [{ field: 'name', op: 'eq', value: 'one' }, 'a'],
    [{ field: 'name', op: 'eq', value: null }, 'c'],
    [{ field: 'name', op: 'neq', value: 'one' }, 'bcd'],
    [{ field: 'name', op: 'neq', value: null }, 'abd'],
    [{ field: 'status', op: 'eq', value: 'active' }, 'ab'],
    [{ field: 'status', op: 'in', value: ['queued', 'deleted'] }, 'cd'],
    [{ field: 'status', op: 'eq', value: 'deleted' }, ''],
    [{ field: 'visibility', op: 'eq', value: 'public' }, 'b'],
    [{ field: 'owner', op: 'eq', value: 'p1' }, 'ab'],
    [{ field: 'owner', op: 'neq', value: 'p1' }, 'cd'],
    [{ field: 'containerFormat', op: 'eq', value: 'bare' }, 'c'],
    [{ field: 'diskFormat', op: 'in', value: ['raw', 'qcow2'] }, 'c'],
    [{ field: 'protected', op: 'eq', value: true }, 'c'],
    [{ field: 'hidden', op: 'eq', value: false }, 'abc'],
    [{ field: 'hidden', op: 'neq', value: false }, 'd'],
    [{ field: 'size', op: 'gte', value: 10 }, 'ab'],
    [{ field: 'size', op: 'gt', value: 10 }, 'b'],
    [{ field: 'size', op: 'lte', value: 10 }, 'a'],
    [{ field: 'size', op: 'lt', value: 10 }, ''],
    [{ field: 'size', op: 'in', value: [20, 30] }, 'b'],
    [{ field: 'size', op: 'eq', value: 10 }, 'a'],
    [{ field: 'minDisk', op: 'gt', value: 0 }, 'a'],
    [{ field: 'minRam', op: 'eq', value: 5 }, 'b'],
    [{ field: 'checksum', op: 'eq', value: 'c1' }, 'a'],
    [{ field: 'hashValue', op: 'eq', value: 'h1' }, 'a'],
    [{ field: 'createdAt', op: 'eq', value: '2026-01-01T00:00:01Z' }, 'b'],
    [{ field: 'createdAt', op: 'gt', value: '2026-01-01T00:00:01Z' }, 'cd'],
    [{ field: 'createdAt', op: 'lte', value: '2026-01-01T01:00:01+01:00' }, 'ab'],
    [{ field: 'updatedAt', op: 'lt', value: '2026-01-01T00:00:04Z' }, 'cd'],
    [{ field: 'tag', op: 'eq', value: 'y' }, 'ab'],
    [{ field: 'tag', op: 'neq', value: 'x' }, 'bcd'],
    [{ field: 'tag', op: 'in', value: ['x', 'z'] }, 'a'],
    [{ field: 'tag', op: 'eq', value: null }, 'cd'],
    [{ field: 'property', property: 'os', op: 'eq', value: 'linux' }, 'a'],
    [{ field: 'property', property: 'os', op: 'neq', value: 'linux' }, 'bcd'],
    [{ field: 'property', property: 'os', op: 'in', value: ['linux', 'bsd'] }, 'ab'],
    [{ field: 'property', property: 'os', op: 'eq', value: null }, 'cd'],
    [{ field: 'property', property: 'os', op: 'neq', value: null }, 'ab'],
    [{ field: 'property', property: 'n', op: 'eq', value: 10 }, 'a'],
    [{ field: 'property', property: 'tag', op: 'eq', value: 'x' }, 'd'],
  ]
  it.each(cases)('%j gives "%s"', async (filter, expected) => {
    expect(await ids(repos.images, { filters: [filter], sort: [{ key: 'id', direction: 'asc' }] })).toEqual(
      expected.split(''),
    )
  })

  it('joins filters by "and", also two of one kind', async () => {
    const tags = ['x', 'y'].map((value): ImageFilter => ({ field: 'tag', op: 'eq', value }))
    expect(await ids(repos.images, { filters: tags })).toEqual(['a'])
    expect(await ids(repos.images, { filters: [...tags, { field: 'owner', op: 'eq', value: 'p2' }] })).toEqual([])
  })

  const refused: [ImageFilter, string][] = [
    [{ field: 'name', op: 'in', value: 'one' }, 'The filter name in is given "one", it takes an array'],
    [{ field: 'name', op: 'eq', value: ['one'] }, 'The filter name eq is given ["one"], it takes one value'],
    [{ field: 'size', op: 'gt', value: null }, 'The filter size gt is given null, it takes a value other than null'],
    [{ field: 'size', op: 'gt', value: '10' }, 'The filter size is given "10", it takes a number'],
    [{ field: 'hidden', op: 'eq', value: 'yes' }, 'The filter hidden is given "yes", it takes true or false'],
    [
      { field: 'createdAt', op: 'eq', value: 'now' },
      'The filter createdAt is given "now", it takes a time in ISO 8601',
    ],
    [
      { field: 'property', op: 'eq', value: 'x' },
      'The filter property eq is given "x", it takes the name of the property',
    ],
  ]
  it.each(refused)('refuses %j', async (filter, message) => {
    await expect(repos.images.list({ ...all, filters: [filter] })).rejects.toMatchObject({ code: 'invalid', message })
  })
})

describe('the plan of a listing of 100,000 images', () => {
  const db = openDatabase(':memory:')
  beforeAll(async () => {
    await migrate(db, manualClock())
    await sql`
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000)
      insert into images (id, name, status, visibility, protected, hidden, owner, size, min_disk, min_ram,
        importing_stores, failed_stores, created_at, updated_at)
      select printf('%06d', i), case when i % 3 then 'n' || (i % 1000) end, 'active', 'shared', 0, 0, 'p' || (i % 50), i,
        0, 0, '[]', '[]', strftime('%Y-%m-%dT%H:%M:%fZ', i, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%fZ', i, 'unixepoch')
      from n`.execute(db)
  })
  afterAll(() => db.destroy())

  async function plan(query: Partial<ImageQuery>): Promise<string[]> {
    const { marker, ...rest } = query
    const row = marker
      ? await db.selectFrom('images').selectAll().where('id', '=', marker).executeTakeFirst()
      : undefined
    const { sql: text, parameters } = selectPage(db, { ...all, limit: 25, ...rest }, row).compile()
    const { rows } = await db.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${text}`, [...parameters]),
    )
    return rows.map(({ detail }) => detail)
  }

  /** SQLite's SCAN with an index and no sort after it is a walk in the order asked for, which ends with the page. */
  it('walks the index by age, and sorts nothing', async () => {
    expect(await plan({})).toEqual(['SCAN images USING INDEX images_by_created_at'])
  })

  it('enters the index by age at the marker', async () => {
    const search = 'SEARCH images USING INDEX images_by_created_at (created_at<?)'
    expect(await plan({ marker: '050000' })).toEqual([search])
  })

  it("enters the index by owner at the owner's marker", async () => {
    const filters = [{ field: 'owner', op: 'eq', value: 'p1' }] as const
    const search = 'SEARCH images USING INDEX images_by_owner (owner=? AND created_at<?)'
    expect(await plan({ filters, marker: '050000' })).toEqual([search])
  })

  it.each(sortKeys)('sorts nothing to sort by %s', async (key) => {
    for (const direction of ['asc', 'desc'] as const) {
      for (const marker of ['050000', '050001']) {
        const [step, ...more] = await plan({ sort: [{ key, direction }], marker })
        expect(step).toMatch(/^(SCAN|SEARCH) images USING (INDEX images_by_|PRIMARY KEY)/)
        expect(more).toEqual([])
      }
    }
  })

  it('enters the index by name at a marker without a name, the last of a descending sort', async () => {
    const query = { sort: [{ key: 'name', direction: 'desc' }], marker: '050001' } as const
    expect(await plan(query)).toEqual(['SEARCH images USING INDEX images_by_name (name=?)'])
  })

  it.each(['checksum', 'hashValue'] as const)('finds by %s with an index', async (field) => {
    const [step] = await plan({ filters: [{ field, op: 'eq', value: 'x' }] })
    expect(step).toMatch(/^SEARCH images USING INDEX images_by_(checksum|hash_value)/)
  })
})
