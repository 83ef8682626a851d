import type { FastifyError, FastifyRequest } from 'fastify'
import { ServiceError } from '../domain/errors.ts'
import { jsonLimit } from './body-intake.ts'
import type { Problem } from './error-page.ts'
import { mediaType } from './media-type.ts'

/** What an error is to the client. Anything that nobody meant to throw is a fault of ours, told without its text. */
export function problemOf(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof ServiceError) return serviceProblem(error, request)
  const status = (error as Partial<FastifyError>).statusCode ?? 500
  if (status === 413) return { status, explanation: `The request body is too large: ${jsonLimit} bytes are allowed.` }
  if (status >= 400 && status < 500 && error instanceof Error) return { status, explanation: error.message }
  const explanation = `Something failed that was not foreseen; the log of the service says what, under ${request.id}.`
  return { status: 500, explanation }
}

function serviceProblem({ code, status, message }: ServiceError, request: FastifyRequest): Problem {
  if (code !== 'unsupported-media-type') return { status, explanation: message }
  const given = mediaType(request.headers)
  return { status, explanation: `The request media type ${given} is not supported by this server.`, detail: message }
}

/** The headers that an answer with this error has to have. Source: RFC 9110 sections 10.2.1 and 15.5.17, RFC 5789. */
export function problemHeaders(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof ServiceError)) return {}
  const { allow, acceptPatch, size } = error.details
  return {
    ...(error.code === 'method-not-allowed' ? { allow: String(allow ?? '') } : {}),
    ...(error.code === 'unsupported-media-type' && acceptPatch ? { 'accept-patch': String(acceptPatch) } : {}),
    ...(error.code === 'range-not-satisfiable' ? { 'content-range': `bytes */${size ?? '*'}` } : {}),
  }
}
