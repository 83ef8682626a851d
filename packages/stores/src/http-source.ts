import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { type BodyExtent, SourceBody } from './http-source-body.ts'
import { HttpSourceError } from './http-source-error.ts'
import { type Exchange, exchange, type HostLookup, lookupHost } from './http-source-exchange.ts'
import { checkUrl, describeUrl, type SourceFilter, stripCredentials } from './http-source-url.ts'
import { Watch, type WatchOptions } from './http-source-watch.ts'

export interface HttpSourceOptions extends WatchOptions {
  readonly filter: SourceFilter
  /** How many redirects are followed; 5 by default. Each target is checked as the first URL is. */
  readonly maxRedirects?: number
  /** Go on there; otherwise the body starts at 0. */
  readonly from?: ResumePoint | undefined
  /** Finds the addresses of a host; the system's resolver by default. */
  readonly lookup?: HostLookup
}

/** Where to go on in a source, and what an earlier answer said of it. */
export interface ResumePoint {
  /** The first byte that is wanted. */
  readonly offset: number
  /** Nothing is gone on with unless the source is still what this says. */
  readonly validator: string
  /** If given: nor unless the whole is still of this size, in bytes. */
  readonly size?: number | null | undefined
  /** If given: nor unless redirects still lead to this place, its query apart, which may be a signature. */
  readonly finalUrl?: string | undefined
}

/** A source that has answered. Whoever has one reads its body, or closes it. */
export interface HttpSource {
  /** Bytes of the whole source, as it announces; null if it does not. */
  readonly size: number | null
  /**
   * What `from` takes: a strong ETag, else the time of the last change if that was a second before the answer, at least.
   * Null: it cannot be resumed safely.
   */
  readonly validator: string | null
  /** Whether the body starts at `from.offset`; otherwise it starts at 0. */
  readonly resumed: boolean
  /** Where it came from after all redirects, without user, password and fragment. */
  readonly finalUrl: string
  /** Once only. Fails with an HttpSourceError; ending the loop early closes the connection. */
  readonly body: AsyncIterable<Uint8Array>
  /** Lets go of the connection, for whoever will not read the body. Does no harm later. */
  close(): void
}

/**
 * Opens an http(s) URL for reading, as a user named it: nothing that the filter refuses is connected to, whatever the
 * name resolves to, now or later, and wherever redirects lead.
 *
 * The idle timeout counts only while somebody waits for the source, so a slow reader is no silent source.
 *
 * @throws HttpSourceError, here and from the body.
 * @example
 * const source = await openHttpSource(url, { filter, idleTimeoutMs: 60_000, totalTimeoutMs: 0 })
 * for await (const chunk of source.body) await write(chunk)
 *
 * Source: reference/glance.md section 6 (CVE-2026-71196 to -71198, CVE-2026-34881); RFC 9110 sections 13 to 15.
 */
export async function openHttpSource(url: string, options: HttpSourceOptions): Promise<HttpSource> {
  const watch = new Watch(options)
  try {
    const on = { filter: options.filter, lookup: options.lookup ?? lookupHost, watch }
    return await open(url, options, on)
  } catch (error) {
    watch.close()
    throw error
  }
}

async function open(url: string, options: HttpSourceOptions, on: Exchange): Promise<HttpSource> {
  const { from, maxRedirects = 5 } = options
  const headers = from ? { range: `bytes=${from.offset}-`, 'if-range': from.validator } : {}
  const answer = await follow(checkUrl(url, options.filter), headers, maxRedirects, on)
  const status = answer.response.statusCode ?? 0
  if (status === 200) return toSource(answer, { offset: 0, size: readLength(answer.response) }, null, on.watch)
  const part = status === 206 && from ? readPart(answer, from) : null
  if (part && from) return toSource(answer, part, from, on.watch)
  answer.response.destroy()
  // The source has no such part any more, or gave another: it is read from its start.
  if (from && (status === 416 || status === 206)) return open(url, { ...options, from: undefined }, on)
  throw toStatusError(answer)
}

interface Answer {
  readonly url: URL
  readonly response: IncomingMessage
}

const redirectStatus = new Set([301, 302, 303, 307, 308])

async function follow(
  first: URL,
  headers: Readonly<Record<string, string>>,
  maxRedirects: number,
  on: Exchange,
): Promise<Answer> {
  let url = first
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const response = await explain(url === first ? null : first, () => exchange(url, headers, on))
    const location = redirectStatus.has(response.statusCode ?? 0) ? response.headers.location : undefined
    if (location === undefined) return { url, response }
    response.destroy()
    const target = URL.parse(location, url.href)?.href ?? location
    url = await explain(first, () => checkUrl(target, on.filter))
  }
  throw new HttpSourceError('redirects', `the source ${describeUrl(first)} redirected more than ${maxRedirects} times`)
}

/** Whoever named the first URL has not seen the one that the error speaks of. */
async function explain<T>(first: URL | null, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!first || !(error instanceof HttpSourceError) || error.code === 'aborted') throw error
    const { code, retryable, message } = error
    throw new HttpSourceError(code, `redirected by ${describeUrl(first)}: ${message}`, { cause: error, retryable })
  }
}

function toSource({ url, response }: Answer, extent: BodyExtent, from: ResumePoint | null, watch: Watch): HttpSource {
  const body = new SourceBody(response, extent, watch)
  return {
    size: extent.size,
    // An answer of a part need not repeat what the one who asks has said.
    validator: from ? from.validator : readValidator(response),
    resumed: from !== null,
    finalUrl: stripCredentials(url),
    body,
    close: () => body.close(),
  }
}

/** A time says for certain which version it is of only when it is over: another change may come in the same second. */
function readValidator({ headers }: IncomingMessage): string | null {
  const { etag, date = '', 'last-modified': modified = '' } = headers
  if (etag?.startsWith('"')) return etag
  return Date.parse(date) - Date.parse(modified) >= 1000 ? modified : null
}

function readLength({ headers }: IncomingMessage): number | null {
  const length = Number(headers['content-length'] ?? Number.NaN)
  return Number.isSafeInteger(length) ? length : null
}

/** Where the part is that the source sent; null unless it starts where it was asked to, in the same version. */
function readPart({ url, response: { headers } }: Answer, from: ResumePoint): BodyExtent | null {
  const { validator, size: expected = null, finalUrl } = from
  const [, start, end, whole] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? []
  const size = whole === '*' ? (expected ?? Number(end) + 1) : Number(whole)
  const current = validator.startsWith('"') ? headers.etag : headers['last-modified']
  const isOther = (current ?? validator) !== validator || (expected !== null && size !== expected)
  const isElsewhere = finalUrl !== undefined && placeOf(new URL(finalUrl)) !== placeOf(url)
  if (Number(start) !== from.offset || isOther || isElsewhere) return null
  return { offset: from.offset, size }
}

function placeOf({ origin, pathname }: URL): string {
  return `${origin}${pathname}`
}

const retryableStatus = new Set([408, 425, 429, 500, 502, 503, 504])

function toStatusError({ url, response }: Answer): HttpSourceError {
  const status = response.statusCode ?? 0
  // Not the words of the source, which may be anything.
  const words = STATUS_CODES[status] ?? 'an unknown status'
  const message = `the source ${describeUrl(url)} answered ${status} ${words}`
  return new HttpSourceError('status', message, { retryable: retryableStatus.has(status) })
}
