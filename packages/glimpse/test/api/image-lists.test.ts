import { describe, expect, it } from 'vitest'
import { parseComparison, parseTime, splitList } from '../../src/api/images/filter-values.ts'
import { filtersOf } from '../../src/api/images/filters.ts'
import { sortOf } from '../../src/api/images/sorting.ts'
import { type Service, startService } from './service.ts'

interface Page {
  readonly images: readonly { readonly name: string }[]
  readonly first: string
  readonly next?: string
}

const images = [
  { name: 'a', disk_format: 'raw', tags: ['x', 'y'], visibility: 'public' },
  { name: 'b,c', disk_format: 'iso', tags: ['x'], os_distro: 'debian', owner: 'p1' },
  { name: 'd:e', disk_format: 'raw', min_ram: 512, protected: true },
  { name: 'hidden', os_hidden: true },
  { name: 'community', visibility: 'community' },
]

/** One image a minute. */
async function filled(): Promise<Service> {
  const service = await startService()
  for (const image of images) {
    await service.send('POST', '/v2/images', image)
    service.clock.at += 60_000
  }
  return service
}

async function page({ request }: Service, url: string): Promise<Page> {
  const answer = await request({ url })
  if (answer.statusCode !== 200) throw new Error(answer.body)
  return answer.json<Page>()
}

async function names(service: Service, query: string): Promise<string[]> {
  return (await page(service, `/v2/images?${query}`)).images.map(({ name }) => name)
}

describe('a list of images', () => {
  it.each([
    ['', ['d:e', 'b,c', 'a']],
    ['name=a', ['a']],
    ['name=in:a,"b,c"', ['b,c', 'a']],
    ['name=eq:d:e', ['d:e']],
    ['disk_format=raw', ['d:e', 'a']],
    ['disk_format=in:iso,vdi', ['b,c']],
    ['status=queued&limit=1', ['d:e']],
    ['tag=x', ['b,c', 'a']],
    ['tag=x&tag=y', ['a']],
    ['os_distro=debian', ['b,c']],
    ['owner=p1', ['b,c']],
    ['min_ram_min=512', ['d:e']],
    ['min_ram_max=511', ['b,c', 'a']],
    ['min_ram=512', ['d:e']],
    ['min_disk=0&min_disk_max=0&min_disk_min=0&name=a', ['a']],
    ['size_min=1', []],
    ['checksum=x', []],
    ['os_hash_value=x', []],
    ['visibility=public', ['a']],
    ['visibility=community', ['community']],
    ['visibility=all', ['community', 'd:e', 'b,c', 'a']],
    ['os_hidden=true', ['hidden']],
    ['os_hidden=TRUE', ['hidden']],
    ['protected=true', ['d:e']],
    ['protected=false', ['b,c', 'a']],
    ['member_status=all', ['d:e', 'b,c', 'a']],
    ['created_at=gt:2026-11-23T12:00:00Z', ['d:e', 'b,c']],
    ['created_at=lte:2026-11-23T13:01:00%2B01:00', ['b,c', 'a']],
    ['created_at=2026-11-23T12:01:00', ['b,c']],
    ['updated_at=neq:2026-11-23T12:01:00Z', ['d:e', 'a']],
    ['name=eq:what?', []],
    ['deleted=true', ['d:e', 'b,c', 'a']],
    ['constructor=x', []],
    ['sort=name', ['d:e', 'b,c', 'a']],
    ['sort=name:asc', ['a', 'b,c', 'd:e']],
    ['sort=disk_format:asc,name:desc', ['b,c', 'd:e', 'a']],
    ['sort_key=name&sort_dir=asc', ['a', 'b,c', 'd:e']],
    ['sort_dir=asc', ['a', 'b,c', 'd:e']],
    ['sort_key=disk_format&sort_dir=asc&sort_key=name&sort_dir=asc', ['b,c', 'a', 'd:e']],
    ['limit=0', []],
  ])('for %j', async (query, expected) => {
    expect(await names(await filled(), query)).toEqual(expected)
  })

  it('comes in pages, each of which names the next and keeps the question', async () => {
    const service = await filled()
    const first = await page(service, '/v2/images?tag=x&tag=x&limit=1&sort=name:asc')
    expect(first).toMatchObject({
      first: '/v2/images?tag=x&tag=x&limit=1&sort=name%3Aasc',
      next: expect.stringMatching(
        /^\/v2\/images\?tag=x&tag=x&limit=1&sort=name%3Aasc&marker=[0-9a-f-]{36}$/,
      ) as unknown,
    })
    const second = await page(service, first.next!)
    const third = await page(service, second.next!)
    expect([first, second, third].map(({ images }) => images.map(({ name }) => name))).toEqual([['a'], ['b,c'], []])
    expect(third.next).toBeUndefined()
    expect(second.first).toBe(first.first)
  })

  it('has no more entries than the deployer allows', async () => {
    const service = await startService({
      overrides: { 'DEFAULT.api_limit_max': '2', 'DEFAULT.limit_param_default': '1' },
    })
    for (const name of ['a', 'b', 'c']) await service.send('POST', '/v2/images', { name })
    expect(await names(service, '')).toHaveLength(1)
    expect(await names(service, 'limit=99')).toHaveLength(2)
  })
})

const sort = (query: string) => sortOf(new URLSearchParams(query))

describe('the order', () => {
  it('without a wish is by time, the newest first', () => {
    expect(sort('')).toEqual([
      { key: 'createdAt', direction: 'desc' },
      { key: 'id', direction: 'desc' },
    ])
  })

  it('breaks ties in the one direction that is given', () => {
    expect(sort('sort_key=size&sort_dir=asc')).toEqual([
      { key: 'size', direction: 'asc' },
      { key: 'createdAt', direction: 'asc' },
      { key: 'id', direction: 'asc' },
    ])
  })
})

describe('filters', () => {
  it('leave those of the community to a project that may own some', () => {
    const context = { requestId: 'req-x', userId: null, projectId: 'p1', roles: [], isAdmin: false }
    expect(filtersOf(new URLSearchParams(), context)).toEqual([{ field: 'hidden', op: 'eq', value: false }])
  })

  it.each([
    ['a', 'eq', 'a'],
    ['in:a:b', 'in', 'a:b'],
    [':a', '', 'a'],
    ['2026-11-23T12:00:00+01:00', 'eq', '2026-11-23T12:00:00+01:00'],
  ])('%s compares by %s', (value, op, operand) => {
    expect(parseComparison(value)).toEqual({ op, operand })
  })

  it.each([
    ['2026-11-23', '2026-11-23T00:00:00.000Z'],
    ['2026-11-23T12:30', '2026-11-23T12:30:00.000Z'],
    ['2026-11-23 12:30:01.5Z', '2026-11-23T12:30:01.500Z'],
    ['2026-11-23T12:30:01+0130', '2026-11-23T11:00:01.000Z'],
    ['2026-11-23T12:30:01-01', '2026-11-23T13:30:01.000Z'],
    ['2026-13-23', undefined],
    ['x2026-11-23', undefined],
  ])('the time %s is %s', (text, expected) => {
    expect(parseTime(text)).toBe(expected)
  })

  it.each([
    ['a', ['a']],
    ['a,b', ['a', 'b']],
    ['"a,b",c', ['a,b', 'c']],
    ['"a\\"b"', ['a"b']],
    ['', []],
  ])('the list %s is %j', (text, expected) => {
    expect(splitList(text)).toEqual(expected)
  })
})
