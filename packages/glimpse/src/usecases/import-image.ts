import { randomUUID } from 'node:crypto'
import type { RequestContext } from '../domain/context.ts'
import { ServiceError } from '../domain/errors.ts'
import type { Image } from '../domain/image.ts'
import type { JsonObject, NewTask, Task } from '../domain/task.ts'
import type { ImportInput } from '../flows/jobs.ts'
import { requireFormats, requireImage } from './finding.ts'
import type { ImportRequest } from './import-request.ts'
import type { Parts } from './parts.ts'
import { checkSourceUri } from './source-uri.ts'

/**
 * Accepts an import: takes the image's import lock and stores the task, in one transaction, and starts it.
 *
 * @throws ServiceError; then nothing has changed.
 */
export async function importImage(
  parts: Parts,
  context: RequestContext,
  id: string,
  request: ImportRequest,
): Promise<Task> {
  const { config, images, tasks, executor, underWay } = parts
  const { method, allStoresMustSucceed = true } = request
  if (!(config.import.methods as readonly string[]).includes(method.name)) {
    throw new ServiceError('invalid', { reason: `Unknown import method name '${method.name}'.` })
  }
  const image = await requireImage(images, id)
  checkState(image, method.name)
  const stores = chooseStores(parts, request)
  if (!allStoresMustSucceed && !config.stores.multi) {
    throw new ServiceError('invalid', { reason: 'All_stores_must_succeed can only be set with enabled_backends' })
  }
  if (method.name === 'web-download') checkSourceUri(config.import.filter, method.uri, 'web-download')
  const importReq = importRequestOf(request)
  const input: ImportInput = { image_id: id, import_req: importReq, backend: stores }
  const from = method.name === 'glance-direct' ? 'uploading' : 'queued'
  const accepted: NewTask = {
    id: randomUUID(),
    type: 'api_image_import',
    owner: context.projectId,
    input: input as unknown as JsonObject,
    imageId: id,
    requestId: context.requestId,
    userId: context.userId,
  }
  const lock = { image: id, expected: { status: [from], importTask: null } } as const
  const task = await underWay.at(id, () => tasks.accept(accepted, lock))
  executor.submit(task)
  return task
}

/** The request as it came, for those who read the task. */
function importRequestOf({
  method,
  stores,
  allStores,
  allStoresMustSucceed,
}: ImportRequest): ImportInput['import_req'] {
  return {
    method,
    ...(stores === undefined ? {} : { stores }),
    ...(allStores === undefined ? {} : { all_stores: allStores }),
    ...(allStoresMustSucceed === undefined ? {} : { all_stores_must_succeed: allStoresMustSucceed }),
  }
}

function checkState(image: Image, method: string): void {
  if (image.importTask !== null) throw new ServiceError('image-locked')
  if (image.status === 'active') throw conflict('Image with status active cannot be target for import')
  if (image.status !== 'queued' && method === 'web-download') {
    throw conflict("Image needs to be in 'queued' state to use 'web-download' method")
  }
  if (image.status !== 'uploading' && method === 'glance-direct') {
    throw conflict("Image needs to be staged before 'glance-direct' method can be used")
  }
  if (method === 'glance-direct' && image.staged === null) {
    throw conflict('The data of the image is still being staged; import it when that has ended')
  }
  requireFormats(image, 'conflict', 'before import')
}

/** @returns ids of the stores that the data is to go to */
function chooseStores({ stores, config }: Parts, { stores: named, allStores, headerStore }: ImportRequest): string[] {
  if (!config.stores.multi) return [stores.default.id]
  if (allStores && (named !== undefined || headerStore !== undefined)) {
    throw new ServiceError('invalid', {
      reason: "All_stores parameter can't be used with x-image-meta-store header or stores parameter",
    })
  }
  if (named !== undefined && headerStore !== undefined) {
    throw new ServiceError('invalid', {
      reason: "Stores parameter and x-image-meta-store header can't be both specified",
    })
  }
  if (allStores) return [...stores.all.keys()]
  const chosen = named ?? (headerStore === undefined ? [stores.default.id] : [headerStore])
  for (const id of chosen) {
    if (!stores.all.has(id)) {
      throw new ServiceError('conflict', {
        reason: `Unknown store '${id}'; the stores are ${[...stores.all.keys()].join(', ')}`,
      })
    }
  }
  if (chosen.length === 0) throw new ServiceError('invalid', { reason: 'The list of stores is empty' })
  return [...new Set(chosen)]
}

function conflict(reason: string): ServiceError {
  return new ServiceError('conflict', { reason })
}
