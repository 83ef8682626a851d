import { lookup as lookupName } from 'node:dns/promises'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { HttpSourceError } from './http-source-error.ts'
import { checkAddress, describeUrl, readHost, readPort, type SourceFilter } from './http-source-url.ts'
import type { Watch } from './http-source-watch.ts'

export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** Finds all addresses of a name; rejects with an error that has a `code`, as `node:dns` does. */
export type HostLookup = (host: string) => Promise<readonly HostAddress[]>

export interface Exchange {
  readonly filter: SourceFilter
  readonly lookup: HostLookup
  readonly watch: Watch
}

/** Asks the system's resolver. */
export const lookupHost: HostLookup = async (host) => {
  const addresses = await lookupName(host, { all: true })
  return addresses.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

/** When a host has several addresses, how long one may take to answer before the next is tried. */
const addressTimeoutMs = 2000

/**
 * Sends one GET and waits for the head of its answer. The name is looked up once, all its addresses are checked, and
 * the connection goes to those and no others; TLS and the Host header still speak of the name.
 */
export async function exchange(url: URL, headers: http.OutgoingHttpHeaders, on: Exchange): Promise<IncomingMessage> {
  try {
    const addresses = await findAddresses(readHost(url), on)
    return await on.watch.wait(send(url, headers, addresses, on.watch.signal))
  } catch (error) {
    throw on.watch.failure ?? toConnectError(url, error)
  }
}

async function findAddresses(host: string, { filter, lookup, watch }: Exchange): Promise<readonly HostAddress[]> {
  const family = isIP(host)
  const addresses =
    family === 0 ? await watch.wait(lookup(host)) : [{ address: host, family: family === 6 ? 6 : 4 } as const]
  for (const { address } of addresses) checkAddress(address, host, filter)
  return addresses
}

function send(
  url: URL,
  headers: http.OutgoingHttpHeaders,
  addresses: readonly HostAddress[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const options = {
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: readPort(url),
    path: url.pathname + url.search,
    auth: readCredentials(url),
    headers: { 'user-agent': 'glimpse', 'accept-encoding': 'identity', ...headers },
    agent: false as const,
    lookup: pinTo(addresses),
    autoSelectFamilyAttemptTimeout: addressTimeoutMs,
    signal,
  }
  const request = (url.protocol === 'https:' ? https : http).request(options)
  request.once('response', (response) => {
    // Without this, a body that has no announced size would end in peace when its connection is reset.
    request.on('error', (error) => {
      if (!response.complete) response.destroy(error)
    })
    resolve(response)
  })
  request.on('error', reject)
  request.end()
  return promise
}

/** Answers with addresses that were checked, whoever asks and whatever for. */
function pinTo(addresses: readonly HostAddress[]): LookupFunction {
  return (host, { all }, callback) => {
    const [first] = addresses
    if (first === undefined) callback(Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' }), '')
    else if (all === true) callback(null, [...addresses])
    else callback(null, first.address, first.family)
  }
}

function readCredentials({ username, password }: URL): string | null {
  return username === '' && password === '' ? null : `${decode(username)}:${decode(password)}`
}

/** A stray percent sign is what it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const causes: Readonly<Record<string, { text: string; retryable: boolean }>> = {
  ECONNREFUSED: { text: 'nothing listens there', retryable: true },
  ECONNRESET: { text: 'it closed the connection without an answer', retryable: true },
  EPIPE: { text: 'it closed the connection without an answer', retryable: true },
  ETIMEDOUT: { text: 'it did not answer', retryable: true },
  EHOSTUNREACH: { text: 'there is no way to that host', retryable: true },
  ENETUNREACH: { text: 'there is no way to that network', retryable: true },
  EAI_AGAIN: { text: 'the name server did not answer', retryable: true },
  ENOTFOUND: { text: 'there is no host of that name', retryable: false },
}

function toConnectError(url: URL, error: unknown): HttpSourceError {
  if (error instanceof HttpSourceError) return error
  const code = readCode(error)
  const { text, retryable } = causes[code] ?? { text: 'it does not speak as it should', retryable: false }
  const message = `the source ${describeUrl(url)} cannot be reached: ${text} (${code})`
  return new HttpSourceError('connect', message, { cause: error, retryable })
}

function readCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
