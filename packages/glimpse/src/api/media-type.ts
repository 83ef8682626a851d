import type { IncomingHttpHeaders } from 'node:http'

/** The media type of a request body without its parameters, in lower case; empty when there is none. */
export function mediaType({ 'content-type': header = '' }: IncomingHttpHeaders): string {
  return header.replace(/;.*$/s, '').trim().toLowerCase()
}
