import type { IncomingHttpHeaders } from 'node:http'

const mediaTypePrefix = 'application/vnd.openstack.images-'

/**
 * The versions of the API that the service speaks, the newest of each group first, as Glance lists them. They are for
 * information: no route depends on one.
 *
 * Source: Glance's api/versions, without an image cache.
 */
export function versionsOf(multi: boolean): readonly string[] {
  const withStores = multi ? ['v2.13', 'v2.12', 'v2.11', 'v2.10', 'v2.9', 'v2.8'] : ['v2.9']
  return ['v2.15', ...withStores, 'v2.17', 'v2.7', 'v2.6', 'v2.5', 'v2.4', 'v2.3', 'v2.2', 'v2.1', 'v2.0']
}

/** @param baseUrl where clients reach the service, such as `http://host:9292`. */
export function viewVersions(multi: boolean, baseUrl: string): object {
  const links = [{ rel: 'self', href: `${baseUrl}/v2/` }]
  const versions = versionsOf(multi).map((id) => ({ id, status: id === 'v2.17' ? 'CURRENT' : 'SUPPORTED', links }))
  return { versions }
}

/** The paths that every request without a version gets, whatever it asked for. */
export const versionPaths = { choices: '/', list: '/versions' } as const

/**
 * The path under which a request is served: `/v2/...` for every version, since there is one API; else one of
 * {@link versionPaths}. A media type such as `application/vnd.openstack.images-v2` in `Accept` goes before the path.
 *
 * Source: Glance's version_negotiation.
 *
 * @example
 * negotiate('/v2.9/images?limit=1', {}, true) // '/v2/images?limit=1'
 */
export function negotiate(url: string, { accept = '' }: Pick<IncomingHttpHeaders, 'accept'>, multi: boolean): string {
  const [, first = '', rest = ''] = /^\/*([^/?]*)(.*)$/s.exec(url) ?? []
  if (first === 'versions') return versionPaths.list
  const byMediaType = accept.startsWith(mediaTypePrefix)
  const version = byMediaType ? accept.slice(mediaTypePrefix.length) : first
  if (version !== 'v2' && !versionsOf(multi).includes(version)) return versionPaths.choices
  return byMediaType ? `/v2${url}` : `/v2${rest}`
}
