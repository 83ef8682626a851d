import type { IncomingHttpHeaders } from 'node:http'
import { ServiceError } from '../domain/errors.ts'
import type { ByteRange } from '../usecases/read-image.ts'

/**
 * The part of the data that a request asks for: by `Range`, or by `Content-Range`, which is wrong in a request but old
 * clients of this API send it.
 *
 * Source: RFC 9110 section 14; Glance's `get_range_from_request`. An end behind the last byte means the last byte.
 *
 * @param size of all data, in bytes.
 * @returns null when all is wanted.
 * @throws ServiceError `invalid` for several ranges; `range-not-satisfiable`.
 */
export function requestedRange(headers: IncomingHttpHeaders, size: number): ByteRange | null {
  const { range, 'content-range': contentRange } = headers
  if (range !== undefined) return parseRange(range, size)
  return contentRange === undefined ? null : parseContentRange(contentRange, size)
}

function parseRange(header: string, size: number): ByteRange {
  if (header.includes(',')) {
    const reason = 'Requests with multiple ranges are not supported. Make several requests of one range each.'
    throw new ServiceError('invalid', { reason })
  }
  const [, first = '', last = ''] = /^bytes *= *(\d*) *- *(\d*) *$/i.exec(header.trim()) ?? []
  if (first === '') return suffix(last, size)
  const start = Number(first)
  if (last !== '' && Number(last) < start) throw refuse('Invalid Range header.', size)
  checkStart(start, size, 'Range')
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}

/** The last `length` bytes. */
function suffix(length: string, size: number): ByteRange {
  if (length === '') throw refuse('Invalid Range header.', size)
  if (Number(length) === 0 || size === 0) throw refuse('Invalid Range header: it asks for no bytes.', size)
  return { start: Math.max(0, size - Number(length)), end: size }
}

function parseContentRange(header: string, size: number): ByteRange {
  const [, first, last, length] = /^bytes (\d+)-(\d+)\/(?:(\d+)|\*)$/.exec(header) ?? []
  const start = Number(first)
  const end = Number(last) + 1
  const fits = length === undefined || end <= Number(length)
  if (first === undefined || end <= start || !fits) throw refuse('Invalid Content-Range header.', size)
  checkStart(start, size, 'Content-Range')
  if (end > size) throw refuse(misplaced('stop', size, 'Content-Range'), size)
  return { start, end }
}

function checkStart(start: number, size: number, header: string): void {
  if (size === 0) throw refuse(`Invalid ${header} header: the image data has no bytes.`, size)
  if (start >= size) throw refuse(misplaced('start', size, header), size)
}

function misplaced(what: 'start' | 'stop', size: number, header: string): string {
  const article = what === 'start' ? 'Start position' : 'The stop position'
  return `Invalid ${what} position in ${header} header. ${article} MUST be in the inclusive range [0, ${size - 1}].`
}

function refuse(reason: string, size: number): ServiceError {
  return new ServiceError('range-not-satisfiable', { reason, size })
}
