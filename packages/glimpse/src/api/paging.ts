import type { Config } from '../config/config.ts'
import { ServiceError } from '../domain/errors.ts'

/**
 * How many entries a list may have: what `limit` says, at most the deployer's maximum.
 *
 * @throws ServiceError `invalid`.
 */
export function pageLimit(query: URLSearchParams, { pageDefault, pageMax }: Config['limits']): number {
  const given = query.get('limit')
  if (given === null) return Math.min(pageDefault, pageMax)
  if (!/^\s*[+-]?\d+\s*$/.test(given)) throw new ServiceError('invalid', { reason: 'limit param must be an integer' })
  if (Number(given) < 0) throw new ServiceError('invalid', { reason: 'limit param must be positive' })
  return Math.min(Number(given), pageMax)
}

/** The links of a list: to its first page, and to the next one where this one is full. */
export interface PageLinks {
  readonly first: string
  readonly next?: string
  readonly schema: string
}

/**
 * @param path of the list, such as `/v2/images`.
 * @param ids of the entries of this page.
 */
export function pageLinks(path: string, query: URLSearchParams, ids: readonly string[], limit: number): PageLinks {
  const kept = new URLSearchParams(query)
  kept.delete('marker')
  const link = (params: URLSearchParams): string => (params.size === 0 ? path : `${path}?${params.toString()}`)
  const last = ids.at(-1)
  const links = { first: link(kept), schema: path.replace('/v2/', '/v2/schemas/') }
  if (last === undefined || ids.length < limit) return links
  const next = new URLSearchParams(kept)
  next.append('marker', last)
  return { ...links, next: link(next) }
}

/** A marker that does not exist is a wrong question, not a missing page. */
export async function asQuestion<T>(list: Promise<T>): Promise<T> {
  try {
    return await list
  } catch (error) {
    const missing = error instanceof ServiceError && error.status === 404
    throw missing ? new ServiceError('invalid', { reason: error.message }, { cause: error }) : error
  }
}
