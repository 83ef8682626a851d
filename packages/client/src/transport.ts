import { ApiError } from './errors.ts'
import { parseObject, parseProblem } from './problem.ts'

/** What the client needs of `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** What every call takes: a signal that ends it, whereupon it rejects with the signal's reason. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
}

export interface Call extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query behind the endpoint. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array>
}

/**
 * Makes a call and resolves once the answer has begun; its body is the caller's to read or cancel.
 *
 * @throws ApiError for every status but 2xx.
 */
export type Transport = (call: Call) => Promise<Response>

/** How much of an error's body is looked at, in bytes. */
const problemLimit = 64 * 1024

/** @param endpoint with or without `/v2` at its end. */
export function createTransport(endpoint: string, token: string | undefined, fetch: Fetch): Transport {
  const base = baseOf(endpoint)
  const access: Record<string, string> = token === undefined ? {} : { 'x-auth-token': token }
  return async (call) => {
    const { method, path, headers, body, signal } = call
    const init: RequestInit & { duplex?: 'half' } = {
      method,
      headers: { accept: 'application/json', ...access, ...headers },
      // No call of this API redirects, and fetch would take the token along to any other host.
      redirect: 'manual',
      ...(signal === undefined ? {} : { signal }),
      ...(body === undefined ? {} : { body, duplex: 'half' }),
    }
    const response = await heed(call, () => fetch(`${base}${path}`, init))
    if (response.ok) return response
    throw await refusalOf(call, response)
  }
}

/** @throws ApiError also when the answer is not a JSON object, as all answers of this API are. */
export async function fetchJson<T extends object>(send: Transport, call: Call): Promise<T> {
  const response = await send(call)
  const text = await heed(call, () => response.text())
  const value = parseObject(text)
  if (value !== undefined) return value as T
  throw misunderstood(call, `expected a JSON object, got ${JSON.stringify(text.slice(0, 100))}`, response)
}

/** @throws ApiError also when the answer has no list under that key. */
export async function fetchList<T>(send: Transport, call: Call, key: string): Promise<readonly T[]> {
  return listIn(call, key, await fetchJson<Readonly<Record<string, unknown>>>(send, call)) as readonly T[]
}

export function listIn(call: Call, key: string, body: Readonly<Record<string, unknown>>): readonly unknown[] {
  const { [key]: list } = body
  if (Array.isArray(list)) return list
  throw misunderstood(call, `expected a list under '${key}', got ${JSON.stringify(list)}`)
}

/** Makes a call whose answer has nothing to read, and gives its connection back. */
export async function settle(send: Transport, call: Call): Promise<Response> {
  const response = await send(call)
  await response.body?.cancel()
  return response
}

/** The service answered, but not as the API says. */
export function misunderstood({ method, path }: Call, explanation: string, response?: Response): ApiError {
  const { status = 200 } = response ?? {}
  const requestId = response && requestIdOf(response)
  return new ApiError({ status, title: 'Unexpected answer', explanation, requestId, method, path })
}

export function requestIdOf(response: Response): string | undefined {
  return response.headers.get('x-openstack-request-id') ?? undefined
}

/**
 * One piece of a path. An id that the path would swallow (`..`) must not turn a call into another one.
 *
 * @throws TypeError
 */
export function segment(id: string): string {
  if (id !== '' && id !== '.' && id !== '..') return encodeURIComponent(id)
  throw new TypeError(`'${id}' cannot be part of a path: an id or name is not empty, '.' or '..'`)
}

function baseOf(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') {
    return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/v2$/, '')
  }
  throw new TypeError(`endpoint is '${endpoint}': an http or https URL is needed, such as http://127.0.0.1:9292`)
}

/** Tells apart, when the network fails: aborted by the caller, or no answer. */
async function heed<T>({ method, path, signal }: Call, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    signal?.throwIfAborted()
    const explanation = reasonOf(error)
    throw new ApiError({ status: 0, title: 'No answer', explanation, method, path }, { cause: error })
  }
}

/** Why fetch failed: it says little itself, and an attempt at several addresses says nothing but a code. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return String(cause)
  return cause.message === '' && 'code' in cause ? String(cause.code) : cause.message
}

async function refusalOf(call: Call, response: Response): Promise<ApiError> {
  const text = await readStart(response, problemLimit)
  call.signal?.throwIfAborted()
  const { title, explanation } = parseProblem(response.headers.get('content-type') ?? '', text)
  const { method, path } = call
  const { status, statusText } = response
  const requestId = requestIdOf(response)
  return new ApiError({ status, title: title || statusText || 'Refused', explanation, requestId, method, path })
}

/** The first bytes of a body, as text; less of them where it breaks off, for the status still says something. */
async function readStart({ body }: Response, limit: number): Promise<string> {
  const reader = body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    while (text.length < limit) {
      const part = await reader?.read()
      if (part?.value === undefined) return text
      text += decoder.decode(part.value, { stream: true })
    }
    await reader?.cancel()
  } catch {
    return text
  }
  return text
}
