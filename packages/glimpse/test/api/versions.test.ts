import { describe, expect, it } from 'vitest'
import { negotiate, versionsOf } from '../../src/api/versions.ts'
import { imageId, startService } from './service.ts'

const links = [{ rel: 'self', href: 'http://h:1/v2/' }]
const tell = (ids: readonly string[]): object => ({
  versions: ids.map((id) => ({ id, status: id === 'v2.17' ? 'CURRENT' : 'SUPPORTED', links })),
})

describe('versions', () => {
  it('are choices for who names none, and a list for who asks for it', async () => {
    const { request } = await startService({ multi: false })
    const expected = tell(['v2.15', 'v2.9', 'v2.17', 'v2.7', 'v2.6', 'v2.5', 'v2.4', 'v2.3', 'v2.2', 'v2.1', 'v2.0'])
    for (const [url, status] of [
      ['/', 300],
      ['/v1/images', 300],
      ['/images', 300],
      ['/versions', 200],
      ['/versions/x', 200],
    ] as const) {
      const answer = await request({ method: 'GET', url, headers: { host: 'h:1' } })
      expect([url, answer.statusCode, answer.json()]).toEqual([url, status, expected])
    }
    const posted = await request({ method: 'POST', url: '/v3/x', payload: '{', headers: { host: 'h:1' } })
    expect([posted.statusCode, posted.json()]).toEqual([300, expected])
  })

  it('with several stores are more', () => {
    expect(versionsOf(true)).toContain('v2.13')
    expect(versionsOf(false)).not.toContain('v2.13')
  })

  it('sends who forgets the last slash to the place that has it', async () => {
    const { request } = await startService()
    const answer = await request({ url: '/v2', headers: { host: 'h:1' } })
    expect([answer.statusCode, answer.headers.location]).toEqual([302, 'http://h:1/v2/'])
  })

  it('are all the same API', async () => {
    const { request, createImage } = await startService()
    await createImage()
    const byPath = await request({ url: `/v2.9/images/${imageId}` })
    const byType = await request({
      url: `/images/${imageId}`,
      headers: { accept: 'application/vnd.openstack.images-v2.1' },
    })
    expect([byPath.statusCode, byType.statusCode]).toEqual([200, 200])
  })

  it.each([
    ['/v2/images?a=/versions', undefined, '/v2/images?a=/versions'],
    ['/v2.17/images', undefined, '/v2/images'],
    ['//v2/images', undefined, '/v2/images'],
    ['/v2', undefined, '/v2'],
    ['/v2?x=1', undefined, '/v2?x=1'],
    ['/v2.10/images', undefined, '/'],
    ['/v2x/images', undefined, '/'],
    ['', undefined, '/'],
    ['/images', 'application/vnd.openstack.images-v2', '/v2/images'],
    ['/v2/images', 'application/vnd.openstack.images-v3', '/'],
  ])('%s with Accept %s is served as %s', (url, accept, expected) => {
    expect(negotiate(url, accept === undefined ? {} : { accept }, false)).toBe(expected)
  })
})
