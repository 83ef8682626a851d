import { isIP } from 'node:net'
import { classifyAddress } from './address-filter.ts'
import { HttpSourceError } from './http-source-error.ts'

/**
 * Which sources may be read. For each of scheme, host and port: if the allow list has entries, it alone rules; else the
 * block list. A host that is allowed by name may have any address; all others must have public ones.
 *
 * Source: reference/glance.md 3.2 and 6, glance-image-import.conf's import_filtering_opts.
 */
export interface SourceFilter {
  readonly allowedSchemes: readonly string[]
  readonly disallowedSchemes: readonly string[]
  readonly allowedHosts: readonly string[]
  readonly disallowedHosts: readonly string[]
  readonly allowedPorts: readonly number[]
  readonly disallowedPorts: readonly number[]
}

const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443 }

/**
 * Does all that can be done without the network: the URL's form, scheme, host and port, and its address if it names one
 * (in whatever notation). Names are resolved and checked when the source is opened.
 *
 * @throws HttpSourceError `invalid-url` or `refused`.
 * @example checkUrl('http://2130706433/x', filter) // refused: the address 127.0.0.1 is loopback
 */
export function checkUrl(text: string, filter: SourceFilter): URL {
  const url = parseUrl(text)
  const scheme = url.protocol.slice(0, -1)
  const port = readPort(url)
  const host = readHost(url)
  checkLists('scheme', scheme, filter.allowedSchemes, filter.disallowedSchemes)
  checkLists('host', host, filter.allowedHosts.map(normalizeHost), filter.disallowedHosts.map(normalizeHost))
  checkLists('port', port, filter.allowedPorts, filter.disallowedPorts)
  if (isIP(host) !== 0) checkAddress(host, host, filter)
  return url
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) {
    throw new HttpSourceError('invalid-url', `the source "${maskText(text)}" is no URL; write http(s)://HOST/PATH`)
  }
  const url = new URL(text)
  if (url.protocol in { 'http:': 0, 'https:': 0 }) return url
  throw new HttpSourceError('refused', `the scheme ${url.protocol.slice(0, -1)} cannot be read; use http or https`)
}

/** A text that is no URL has no parts to choose from: whatever may be a password goes. */
function maskText(text: string): string {
  return text.replace(/^([^/]*\/\/)?.*@/s, '$1').replace(/[?#].*$/s, '')
}

function checkLists<T extends string | number>(
  what: string,
  value: T,
  allowed: readonly T[],
  disallowed: readonly T[],
): void {
  const option = `import_filtering_opts.${allowed.length > 0 ? 'allowed' : 'disallowed'}_${what}s`
  if (allowed.length > 0 && !allowed.includes(value)) {
    const wanted = what === 'host' ? '' : `: ${allowed.join(', ')}`
    throw new HttpSourceError(
      'refused',
      `the ${what} ${value} is not among those that the operator allows (${option}${wanted})`,
    )
  }
  if (allowed.length === 0 && disallowed.includes(value)) {
    throw new HttpSourceError('refused', `the operator does not allow the ${what} ${value} (${option})`)
  }
}

/**
 * Checks one address of a host.
 *
 * @throws HttpSourceError `refused`, if it is not public and the host not allowed by name.
 */
export function checkAddress(address: string, host: string, filter: SourceFilter): void {
  const kind = classifyAddress(address)
  if (kind === null || filter.allowedHosts.map(normalizeHost).includes(host)) return
  const whose = address === host ? '' : ` of ${host}`
  throw new HttpSourceError(
    'refused',
    `the address ${address}${whose} is ${kind}; only an operator can allow it (import_filtering_opts.allowed_hosts)`,
  )
}

/** The port that is connected to, written or not. */
export function readPort(url: URL): number {
  return url.port === '' ? (defaultPorts[url.protocol.slice(0, -1)] ?? 0) : Number(url.port)
}

/** The host without brackets, and without the dot that may end a name and would let it slip through a list. */
export function readHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
}

/** A host of a list, in the spelling that a URL's host has after parsing. */
function normalizeHost(host: string): string {
  const text = isIP(host) === 6 ? `http://[${host}]` : `http://${host}`
  return URL.canParse(text) ? readHost(new URL(text)) : host.toLowerCase()
}

/** A URL as messages show it: without user, password, query (which may hold a signature) and fragment. */
export function describeUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?...'}`
}

/** A URL without user, password and fragment. */
export function stripCredentials(url: URL): string {
  const stripped = new URL(url)
  stripped.username = ''
  stripped.password = ''
  stripped.hash = ''
  return stripped.href
}
