import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Config } from '../config/config.ts'
import type { RequestContext } from '../domain/context.ts'

/**
 * The id of a request: the one it brings along, so that it can be followed through several services, or a new one.
 *
 * @param longest characters that an id may have; 0 means any number. A longer one, or one with odd characters in it,
 *   is not taken over.
 */
export function requestIdOf({ 'x-openstack-request-id': given }: IncomingHttpHeaders, longest: number): string {
  const fits = typeof given === 'string' && /^[\x21-\x7e]+$/.test(given) && (longest === 0 || given.length <= longest)
  if (!fits) return `req-${randomUUID()}`
  return given.startsWith('req-') ? given : `req-${given}`
}

/** Nobody logs in so far: whoever asks is an administrator without a project, as in Glance without a flavor. */
export function contextOf(request: FastifyRequest): RequestContext {
  return { requestId: request.id, userId: null, projectId: null, roles: ['admin'], isAdmin: true }
}

/** Where the client reaches the service: as the deployer says, else as the client addressed it. */
export function baseUrlOf({ listen }: Config, request: FastifyRequest): string {
  return listen.publicEndpoint ?? `${request.protocol}://${request.host || `${listen.host}:${listen.port}`}`
}
