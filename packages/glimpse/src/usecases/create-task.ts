import { randomUUID } from 'node:crypto'
import type { RequestContext } from '../domain/context.ts'
import { invalid } from '../domain/errors.ts'
import { type JsonObject, type Task, type TaskType, taskTypes } from '../domain/task.ts'
import { importImage } from './import-image.ts'
import { isObject, readImportRequest } from './import-request.ts'
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
    throw invalid(`'${type}' is not one of ${taskTypes.join(', ')}`)
  }
  const { image_id: image, import_req: request } = input
  if (type === 'api_image_import' && typeof image === 'string' && isObject(request)) {
    return await importImage(parts, context, image, readImportRequest(request))
  }
  if (type === 'import') {
    const { import_from: uri } = input
    checkSourceUri(parts.config.import.filter, typeof uri === 'string' ? uri : undefined, 'legacy import task')
  }
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

function isTaskType(type: string): type is TaskType {
  return (taskTypes as readonly string[]).includes(type)
}
