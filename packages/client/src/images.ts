import { type FilterValue, walkPages } from './pages.ts'
import { type CallOptions, fetchJson, fetchList, requestIdOf, segment, settle, type Transport } from './transport.ts'
import { sendBytes, type UploadBody, type UploadOptions } from './upload.ts'
import type { ImageChange, ImageView, NewImage, TaskView } from './views.ts'

/** Which images to list, under the API's own names; any other name asks for a property of that value. */
export interface ImageFilters {
  /** Images a page, not in all. */
  readonly limit?: number | undefined
  /** Begin behind the image of this id. */
  readonly marker?: string | undefined
  /** Such as `name:asc,created_at:desc`. */
  readonly sort?: string | undefined
  readonly name?: string | undefined
  readonly status?: string | undefined
  readonly visibility?: 'public' | 'private' | 'shared' | 'community' | 'all' | undefined
  readonly owner?: string | undefined
  readonly tag?: string | readonly string[] | undefined
  readonly [property: string]: FilterValue | undefined
}

/** Bytes `first` to `last`, the first of all being 0 and `last` included; or the `suffix` last ones. */
export type ByteRange = { readonly first: number; readonly last?: number | undefined } | { readonly suffix: number }

export interface DownloadOptions extends CallOptions {
  readonly range?: ByteRange | undefined
}

/** An import; which methods there are, `info.importMethods()` says. Source: OpenStack Images API v2, "Import an image". */
export interface ImportRequest extends CallOptions {
  /** Such as `web-download`, `glance-direct` or `copy-image`. */
  readonly method: string
  /** Where `web-download` takes the data from. */
  readonly uri?: string | undefined
  readonly stores?: readonly string[] | undefined
  readonly allStores?: boolean | undefined
  readonly allStoresMustSucceed?: boolean | undefined
}

/** Images, their data, and their imports. Every method rejects with an `ApiError` when the service says no. */
export interface Images {
  create(image?: NewImage, options?: CallOptions): Promise<ImageView>
  show(id: string, options?: CallOptions): Promise<ImageView>
  /** All images that match, newest first unless told otherwise; pages are fetched as the loop goes on. */
  list(filters?: ImageFilters, options?: CallOptions): AsyncGenerator<ImageView, void, void>
  update(id: string, changes: readonly ImageChange[], options?: CallOptions): Promise<ImageView>
  delete(id: string, options?: CallOptions): Promise<void>
  /** Fills a queued image. */
  upload(id: string, body: UploadBody, options?: UploadOptions): Promise<void>
  /**
   * The data, as a response whose body streams; read it or cancel it. Its status is 200, 206 when it is the range asked
   * for, or 204 when the image has no data. Checksums are not compared.
   */
  download(id: string, options?: DownloadOptions): Promise<Response>
  /** Lays the data ready for an import by `glance-direct`. */
  stage(id: string, body: UploadBody, options?: UploadOptions): Promise<void>
  /** Resolves once the import is accepted. The image's task of this `request_id` tells how it goes on. */
  import(id: string, request: ImportRequest): Promise<{ readonly requestId: string | undefined }>
  tasks(id: string, options?: CallOptions): Promise<readonly TaskView[]>
}

const patchType = 'application/openstack-images-v2.1-json-patch'

export function createImages(send: Transport): Images {
  return {
    create: (image = {}, { signal } = {}) =>
      fetchJson(send, { method: 'POST', path: '/v2/images', ...json(image), signal }),
    show: async (id, { signal } = {}) => fetchJson(send, { method: 'GET', path: at(id), signal }),
    list: (filters = {}, { signal } = {}) => walkPages(send, '/v2/images', 'images', filters, signal),
    update: async (id, changes, { signal } = {}) =>
      fetchJson(send, { method: 'PATCH', path: at(id), ...json(changes, patchType), signal }),
    delete: async (id, { signal } = {}) => {
      await settle(send, { method: 'DELETE', path: at(id), signal })
    },
    upload: async (id, body, options = {}) => sendBytes(send, at(id, '/file'), body, options),
    stage: async (id, body, options = {}) => sendBytes(send, at(id, '/stage'), body, options),
    download: async (id, { range, signal } = {}) =>
      send({ method: 'GET', path: at(id, '/file'), headers: downloadHeaders(range), signal }),
    import: async (id, request) => {
      const call = { method: 'POST', path: at(id, '/import'), ...json(importBody(request)) } as const
      return { requestId: requestIdOf(await settle(send, { ...call, signal: request.signal })) }
    },
    tasks: async (id, { signal } = {}) => fetchList(send, { method: 'GET', path: at(id, '/tasks'), signal }, 'tasks'),
  }
}

function at(id: string, rest = ''): string {
  return `/v2/images/${segment(id)}${rest}`
}

export function json(value: unknown, type = 'application/json'): { headers: Record<string, string>; body: string } {
  return { headers: { 'content-type': type }, body: JSON.stringify(value) }
}

/** What is undefined is left out: JSON has no such value. */
function importBody({ method, uri, stores, allStores, allStoresMustSucceed }: ImportRequest): unknown {
  return {
    method: { name: method, uri },
    stores,
    all_stores: allStores,
    all_stores_must_succeed: allStoresMustSucceed,
  }
}

/** Compressed on the way, the bytes of a range would be others than those asked for. */
function downloadHeaders(range: ByteRange | undefined): Record<string, string> {
  const headers = { accept: 'application/octet-stream, application/json;q=0.9', 'accept-encoding': 'identity' }
  return range === undefined ? headers : { ...headers, range: `bytes=${rangeText(range)}` }
}

/** Source: RFC 9110, section 14.1.2. */
function rangeText(range: ByteRange): string {
  const [first, last] = 'suffix' in range ? ['', range.suffix] : [range.first, range.last ?? '']
  const whole = [first, last].every((place) => place === '' || (Number.isSafeInteger(place) && Number(place) >= 0))
  if (whole && (first === '' || last === '' || first <= last)) return `${first}-${last}`
  throw new RangeError(`range is ${JSON.stringify(range)}: whole numbers from 0 are allowed, and first <= last`)
}
