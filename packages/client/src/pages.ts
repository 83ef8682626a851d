import { type Call, fetchJson, listIn, misunderstood, type Transport } from './transport.ts'

/** Several values make several parameters of one name: all of them have to hold. */
export type FilterValue = string | number | boolean | readonly string[]

/** Entries of all pages, a page fetched when it is reached. The service says what comes next; `limit` sizes a page. */
export async function* walkPages<T>(
  send: Transport,
  path: string,
  key: string,
  filters: Readonly<Record<string, FilterValue | undefined>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, void> {
  let query = queryOf(filters)
  for (;;) {
    const call: Call = { method: 'GET', path: `${path}${query}`, signal }
    const page = await fetchJson<Readonly<Record<string, unknown>>>(send, call)
    yield* listIn(call, key, page) as readonly T[]
    const { next } = page
    if (typeof next !== 'string') return
    // Only the query is taken from the link: the service may not know the path, or the host, that it is reached by.
    const following = new URL(next, 'http://service').search
    if (following === query) throw misunderstood(call, 'this page says that it is its own next page')
    query = following
  }
}

function queryOf(filters: Readonly<Record<string, FilterValue | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filters)) {
    for (const each of [value ?? []].flat()) query.append(name, String(each))
  }
  return query.size === 0 ? '' : `?${query.toString()}`
}
