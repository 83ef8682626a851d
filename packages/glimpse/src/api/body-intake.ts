import type { FastifyRequest } from 'fastify'
import type { Config } from '../config/config.ts'
import { invalid, ServiceError } from '../domain/errors.ts'
import { mediaType } from './media-type.ts'
import type { Intake } from './route.ts'
import { compileCheck } from './schema-check.ts'

/** Bytes that a JSON body may have. */
export const jsonLimit = 1 << 20

/** Levels of lists and objects in a JSON body: what works on it after the parser may recurse. */
const mostLevels = 100

const dataType = 'application/octet-stream'

/**
 * Refuses a request by what its headers say of its body, before a byte of it is read.
 *
 * @throws ServiceError `invalid` for a body where none is expected; `unsupported-media-type`.
 */
export function checkBodyHeaders({ headers, method }: FastifyRequest, takes: Intake): void {
  const type = mediaType(headers)
  if (takes.kind === 'none') {
    const announced = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
    if (announced) throw invalid('A body is not expected with this request.')
  } else if (takes.kind === 'data') {
    if (type === dataType) return
    const reason = `Invalid content type ${type || 'None'}; ${dataType} is allowed`
    throw new ServiceError('unsupported-media-type', { reason })
  } else if (takes.mediaTypes && !takes.mediaTypes.includes(type)) {
    const allowed = takes.mediaTypes.join(', ')
    const reason = `Image ${method} expects Content-Type one of: ${allowed}`
    throw new ServiceError('unsupported-media-type', { reason, acceptPatch: allowed })
  }
}

/**
 * Gives the body that a handler gets: on routes that take JSON the parsed text, checked against the route's schema.
 *
 * @throws ServiceError `invalid`, `schema`, or what the route's precheck throws.
 */
export type BodyReader = (request: FastifyRequest) => unknown

export function bodyReader(takes: Intake, config: Config): BodyReader {
  if (takes.kind !== 'json') return () => undefined
  const check = compileCheck(takes.schema(config))
  return ({ body }) => {
    if (typeof body !== 'string' || body === '') throw invalid('Body expected in request.')
    const value = parseJson(body)
    takes.precheck?.(value, config)
    check(value)
    return value
  }
}

/** As everywhere in this API, a body is an object or a list. */
function parseJson(text: string): object {
  const value = attemptJson(text)
  if (!isNested(value)) throw invalid('Unexpected body type. Expected list/dict.')
  if (!isDeeper(value, mostLevels)) return value
  throw invalid(`The JSON in the request body is nested too deep: ${mostLevels} levels are allowed.`)
}

function isDeeper(value: unknown, levels: number): boolean {
  if (!isNested(value)) return false
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1))
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function attemptJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid('Malformed JSON in request body.', { cause: error })
  }
}
