/**
 * A small typed client of the OpenStack Images API v2, for Node and browsers: `fetch`, streams, nothing else.
 *
 * @example
 * ```ts
 * const client = new GlimpseClient({ endpoint: 'http://127.0.0.1:9292' })
 * const { id } = await client.images.create({ name: 'debian', disk_format: 'qcow2', container_format: 'bare' })
 * const { requestId } = await client.images.import(id, { method: 'web-download', uri: 'https://example.org/debian.qcow2' })
 * const task = (await client.images.tasks(id)).find(({ request_id }) => request_id === requestId)
 * if (task) {
 *   const { status, message } = await client.tasks.waitFor(task.id, { onUpdate: ({ message }) => console.log(message) })
 *   if (status === 'failure') throw new Error(message)
 * }
 * for await (const { name, size } of client.images.list({ status: 'active' })) console.log(name, size)
 * ```
 *
 * @packageDocumentation
 */
export { type ClientOptions, GlimpseClient, type Info } from './client.ts'
export { ApiError, type ApiErrorDetails } from './errors.ts'
export type { ByteRange, DownloadOptions, ImageFilters, Images, ImportRequest } from './images.ts'
export type { FilterValue } from './pages.ts'
export type { NewTask, TaskFilters, Tasks, WaitOptions } from './tasks.ts'
export type { CallOptions, Fetch } from './transport.ts'
export type { UploadBody, UploadOptions } from './upload.ts'
export type {
  ImageChange,
  ImageView,
  LocationView,
  NewImage,
  StoreView,
  TaskStatus,
  TaskStub,
  TaskView,
  VersionView,
} from './views.ts'
