import { randomUUID } from 'node:crypto'
import type { RequestContext } from '../domain/context.ts'
import { ServiceError } from '../domain/errors.ts'
import { type JsonObject, type Task, type TaskType, taskTypes } from '../domain/task.ts'
import { type ImportRequest, importImage } from './import-image.ts'
import type { Parts } from './parts.ts'
import { checkSourceUri } from './source-uri.ts'

export interface TaskRequest {
  readonly type: string
  readonly input: JsonObject
}

/**
 * Accepts a task of the legacy tasks API and starts it. An `api_image_import` that names its image and its request is
 * that import; what else is wrong with an input fails the task, as it does in Glance.
 *
 * @throws ServiceError
 */
export async function createTask(parts: Parts, context: RequestContext, { type, input }: TaskRequest): Promise<Task> {
  if (!isTaskType(type)) {
    throw new ServiceError('invalid', { reason: `'${type}' is not one of ${taskTypes.join(', ')}` })
  }
  const { image_id: image, import_req: request } = input
  if (type === 'api_image_import' && typeof image === 'string' && isObject(request)) {
    return await importImage(parts, context, image, importRequestOf(request))
  }
  if (type === 'import') checkSourceUri(parts.config.import.filter, stringOrNothing(input['import_from']))
  const task = await parts.tasks.accept({
    id: randomUUID(),
    type,
    owner: context.projectId,
    input,
    imageId: type === 'import' ? randomUUID() : null,
    requestId: context.requestId,
    userId: context.userId,
  })
  parts.executor.submit(task)
  return task
}

function importRequestOf(request: JsonObject): ImportRequest {
  const { method, stores, all_stores: allStores, all_stores_must_succeed: allStoresMustSucceed } = request
  if (!isObject(method) || typeof method['name'] !== 'string') {
    throw new ServiceError('invalid', { reason: "Import request requires a 'name' field." })
  }
  const uri = stringOrNothing(method['uri'])
  return {
    method: { name: method['name'], ...(uri === undefined ? {} : { uri }) },
    ...(Array.isArray(stores) ? { stores: stores.map(String) } : {}),
    ...(typeof allStores === 'boolean' ? { allStores } : {}),
    ...(typeof allStoresMustSucceed === 'boolean' ? { allStoresMustSucceed } : {}),
  }
}

function isTaskType(type: string): type is TaskType {
  return (taskTypes as readonly string[]).includes(type)
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function stringOrNothing(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
