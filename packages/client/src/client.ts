import { createImages, type Images } from './images.ts'
import { createTasks, type Tasks } from './tasks.ts'
import {
  type CallOptions,
  createTransport,
  type Fetch,
  fetchJson,
  fetchList,
  listIn,
  segment,
  type Transport,
} from './transport.ts'
import type { StoreView, VersionView } from './views.ts'

/** What the service can do. Rejects with an `ApiError`. */
export interface Info {
  /** Names that `images.import` may be given as its method. */
  importMethods(options?: CallOptions): Promise<readonly string[]>
  /** A service that has one store only answers 404. */
  stores(options?: CallOptions): Promise<readonly StoreView[]>
}

export interface ClientOptions {
  /** Where the service is, with or without `/v2`, such as `http://127.0.0.1:9292`. */
  readonly endpoint: string
  /** Sent as `X-Auth-Token`. */
  readonly token?: string | undefined
  /** Takes the place of the runtime's own `fetch`: for a proxy, other time limits, or a log. */
  readonly fetch?: Fetch | undefined
}

/**
 * A client of the OpenStack Images API v2, for Node and browsers. It keeps nothing between calls, never retries, and
 * buffers no image.
 *
 * @throws TypeError when the endpoint is not an http or https URL.
 */
export class GlimpseClient {
  readonly images: Images
  readonly tasks: Tasks
  readonly info: Info
  readonly #send: Transport

  constructor({ endpoint, token, fetch = globalThis.fetch }: ClientOptions) {
    // Called as a plain function: a browser's fetch refuses to be a method of anything but its window.
    this.#send = createTransport(endpoint, token, (url, init) => fetch(url, init))
    this.images = createImages(this.#send)
    this.tasks = createTasks(this.#send)
    this.info = createInfo(this.#send)
  }

  /** The versions of the API that the service speaks. */
  async versions({ signal }: CallOptions = {}): Promise<readonly VersionView[]> {
    return fetchList(this.#send, { method: 'GET', path: '/versions', signal }, 'versions')
  }

  /** A JSON schema by its name, such as `image` or `metadefs/namespace`. */
  async schema(name: string, { signal }: CallOptions = {}): Promise<Readonly<Record<string, unknown>>> {
    const path = `/v2/schemas/${name.split('/').map(segment).join('/')}`
    return fetchJson(this.#send, { method: 'GET', path, signal })
  }
}

function createInfo(send: Transport): Info {
  return {
    importMethods: async ({ signal } = {}) => {
      const call = { method: 'GET', path: '/v2/info/import', signal } as const
      const { 'import-methods': methods } = await fetchJson<{ 'import-methods'?: object }>(send, call)
      return listIn(call, 'value', { ...methods }) as readonly string[]
    },
    stores: async ({ signal } = {}) => fetchList(send, { method: 'GET', path: '/v2/info/stores', signal }, 'stores'),
  }
}
