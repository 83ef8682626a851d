import { ServiceError } from '../../domain/errors.ts'

export interface Comparison {
  readonly op: string
  readonly operand: string
}

/**
 * Splits `in:a,b` or `gte:2026-11-23T00:00:00Z` at its operator. Without one, and for a time, `eq` is meant: a value
 * with a colon in it is written `eq:a:b`.
 */
export function parseComparison(value: string): Comparison {
  const at = value.indexOf(':')
  if (at < 0 || parseTime(value) !== undefined) return { op: 'eq', operand: value }
  return { op: value.slice(0, at), operand: value.slice(at + 1) }
}

const timePattern = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/** @returns the ISO 8601 time in UTC; a time without a zone is one in UTC. Undefined: it is none. */
export function parseTime(text: string): string | undefined {
  const [, day, clock = '00:00', zone = 'Z'] = timePattern.exec(text) ?? []
  if (day === undefined) return undefined
  const offset =
    zone === 'Z' ? zone : zone.replace(/^(.\d\d):?(\d\d)?$/, (_, hours, minutes = '00') => `${hours}:${minutes}`)
  const time = new Date(`${day}T${clock}${offset}`)
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

/**
 * Splits a list at its commas. An entry in double quotes may hold commas, and with a backslash before them, quotes.
 *
 * @example
 * splitList('a,"b,c",d') // ['a', 'b,c', 'd']
 * @throws ServiceError `invalid` for a quote in the wrong place.
 */
export function splitList(text: string): string[] {
  checkQuotes(text)
  const entries = text.matchAll(/"((?:[^"\\]|\\.)*)",?|([^,]+),?|,/gs)
  return [...entries].map(([, quoted, bare]) => (quoted ?? bare ?? '').replace(/\\(["\\])/g, '$1'))
}

function checkQuotes(text: string): void {
  let open = false
  for (const { index: at } of text.matchAll(/(?<!\\)"/g)) {
    if (!open && at > 0 && text[at - 1] !== ',') throw wrong(text, 'There is no comma before opening quotation mark.')
    if (open && at + 1 < text.length && text[at + 1] !== ',') {
      throw wrong(text, 'There is no comma after closing quotation mark.')
    }
    open = !open
  }
  if (open) throw wrong(text, 'The quote is not closed.')
}

function wrong(text: string, why: string): ServiceError {
  return new ServiceError('invalid', { reason: `Invalid filter value ${text}. ${why}` })
}
