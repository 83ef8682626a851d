import type { IncomingHttpHeaders } from 'node:http'
import { ServiceError } from '../../domain/errors.ts'

/**
 * How many bytes of data a client says it sends: by `X-OpenStack-Image-Size`, else by `Content-Length`. Undefined: it
 * does not say, or says 0, which old clients send when they do not know.
 *
 * @throws ServiceError `invalid`.
 */
export function announcedSize(headers: IncomingHttpHeaders): number | undefined {
  const { 'x-openstack-image-size': own, 'content-length': length } = headers
  const given = own ?? length
  if (given === undefined) return undefined
  const size = typeof given === 'string' && /^\s*\d+\s*$/.test(given) ? Number(given) : NaN
  if (!Number.isSafeInteger(size)) {
    throw new ServiceError('invalid', { reason: 'Invalid or missing image size in request headers.' })
  }
  return size === 0 ? undefined : size
}
