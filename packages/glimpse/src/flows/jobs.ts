import type { Flow } from '@glimpse/taskflow'
import { ServiceError } from '../domain/errors.ts'
import { imageFromProperties } from '../domain/image-properties.ts'
import type { JsonObject, NewTask } from '../domain/task.ts'
import { directImport } from './direct-import.ts'
import type { FlowParts } from './flow-parts.ts'
import { legacyImport } from './legacy-import.ts'
import { webImport } from './web-import.ts'

/** What a task is to do: a flow, what it starts from, and what the task will say when it has succeeded. */
export interface Job {
  readonly flow: Flow<never, unknown>
  readonly inputs: object
  readonly result: JsonObject
}

/** The input of an `api_image_import`, as the import call stores it. Its shape is Glance's, for those who read it. */
export interface ImportInput {
  readonly image_id: string
  readonly import_req: {
    readonly method: { readonly name: string; readonly uri?: string }
    readonly all_stores_must_succeed?: boolean
  }
  /** Ids of the stores. */
  readonly backend: readonly string[]
}

/** @throws ServiceError `invalid`: the task's input makes no sense. */
export function jobOf(task: NewTask, parts: FlowParts): Job {
  return task.type === 'import' ? legacyJob(task, parts) : importJob(task, parts)
}

function importJob(task: NewTask, parts: FlowParts): Job {
  const { image_id: image, import_req: request, backend: stores } = task.input as unknown as Partial<ImportInput>
  if (image === undefined || request === undefined || stores === undefined) {
    throw new ServiceError('invalid', { reason: 'Input to api_image_import task is empty.' })
  }
  const { method, all_stores_must_succeed: wantsAll = true } = request
  // An only store that failed is then told with its cause.
  const allMustSucceed = wantsAll || stores.length === 1
  const result = { image_id: image }
  const inputs = { image, task: task.id, allMustSucceed }
  if (method.name === 'glance-direct') return { flow: directImport(parts, stores), inputs, result }
  return { flow: webImport(parts, stores), inputs: { ...inputs, uri: method.uri ?? '' }, result }
}

function legacyJob(task: NewTask, parts: FlowParts): Job {
  const { import_from: uri, image_properties: properties } = task.input
  for (const field of ['import_from', 'import_from_format', 'image_properties']) {
    if (!Object.hasOwn(task.input, field)) {
      throw new ServiceError('invalid', { reason: `Input does not contain '${field}' field` })
    }
  }
  const image = imageFromProperties(task.imageId ?? '', task.owner, properties)
  const inputs = { uri: typeof uri === 'string' ? uri : '', image, task: task.id }
  return { flow: legacyImport(parts), inputs, result: { image_id: image.id } }
}
