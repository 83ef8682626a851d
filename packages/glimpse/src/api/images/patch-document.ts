import { invalid } from '../../domain/errors.ts'
import { checkNameLength, refuseFixedName } from '../../domain/fixed-names.ts'
import type { Json } from '../../domain/task.ts'
import type { PatchOperation } from '../../usecases/patch-image.ts'
import type { Check } from '../schema-check.ts'
import { parsePointer } from './json-pointer.ts'

type Raw = Readonly<Record<string, Json>>

const verbs = ['add', 'remove', 'replace'] as const
type Verb = (typeof verbs)[number]

/** How the two media types write an operation down. */
interface Dialect {
  readonly addsOnlyNew: boolean
  readonly verbOf: (raw: Raw) => Verb
  readonly pathOf: (raw: Raw, verb: Verb) => Json | undefined
}

/** Source: OpenStack Images API v2, "HTTP PATCH media types"; drafts 4 and 10 of JSON patch. */
const dialects: Readonly<Record<string, Dialect>> = {
  'application/openstack-images-v2.0-json-patch': {
    addsOnlyNew: true,
    verbOf: verbAsKey,
    pathOf: (raw, verb) => raw[verb],
  },
  'application/openstack-images-v2.1-json-patch': {
    addsOnlyNew: false,
    verbOf: verbAsValue,
    pathOf: (raw) => raw['path'],
  },
}

/** The media types of a patch, as `Accept-Patch` lists them. */
export const patchMediaTypes: readonly string[] = Object.keys(dialects)

/**
 * Reads a JSON patch of an image, in the dialect of its media type.
 *
 * @param check of a part of an image against the schema of images.
 * @throws ServiceError `invalid`, `schema`, `read-only` or `reserved`, for the first operation with a fault.
 */
export function parsePatch(body: unknown, mediaType: string, check: Check): PatchOperation[] {
  const dialect = dialects[mediaType]
  if (!dialect) throw invalid(`Image PATCH expects Content-Type one of: ${patchMediaTypes.join(', ')}`)
  if (!Array.isArray(body)) throw invalid('Request body must be a JSON array of operation objects.')
  return body.map((raw: unknown) => parseOperation(raw, dialect, check))
}

function parseOperation(raw: unknown, { addsOnlyNew, verbOf, pathOf }: Dialect, check: Check): PatchOperation {
  if (!isObject(raw)) throw invalid('Operations must be JSON objects.')
  const op = verbOf(raw)
  const pointer = pathOf(raw, op)
  if (pointer === undefined) throw invalid("Unable to find 'path' in JSON Schema change")
  if (typeof pointer !== 'string') throw invalid(`The path of an operation is a string, not ${JSON.stringify(pointer)}`)
  const path = parsePointer(pointer)
  checkDepth(op, path)
  if (op !== 'remove' && raw['value'] === undefined) {
    throw invalid(`Operation "${op}" requires a member named "value".`)
  }
  const name = path[0]!
  refuseFixedName(name)
  checkNameLength(name)
  if (op === 'remove') return { op, name }
  const value = raw['value']!
  check(Object.fromEntries([[name, path.length === 1 ? value : [value]]]))
  return { op, name, value, addsOnlyNew }
}

/** Only into the list of locations can a patch reach. */
function checkDepth(op: Verb, path: readonly string[]): void {
  const depth = path[0] === 'locations' && op !== 'replace' ? 2 : 1
  if (path.length !== depth) throw invalid(`Invalid JSON pointer for this resource: '/${path.join('/')}'`)
}

function verbAsValue({ op }: Raw): Verb {
  const available = `It must be one of the following: ${verbs.join(', ')}.`
  if (op === undefined || op === null) throw invalid(`Unable to find \`op\` in JSON Schema change. ${available}`)
  const verb = verbs.find((one) => one === op)
  if (verb) return verb
  throw invalid(`Invalid operation: \`${typeof op === 'string' ? op : JSON.stringify(op)}\`. ${available}`)
}

function verbAsKey(raw: Raw): Verb {
  const found = verbs.filter((verb) => Object.hasOwn(raw, verb))
  const members = 'member named "add", "remove", or "replace".'
  if (found.length > 1) throw invalid(`Operation objects must contain only one ${members}`)
  if (!found[0]) throw invalid(`Operation objects must contain exactly one ${members}`)
  return found[0]
}

function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
