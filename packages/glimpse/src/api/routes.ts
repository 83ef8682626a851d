import { handleCreateImage, refuseLinks } from './images/create-image.ts'
import { handleDeleteImage } from './images/delete-image.ts'
import { handleDownloadData } from './images/download-data.ts'
import { handleImportImage, importSchema, precheckImport } from './images/import-image.ts'
import { handleListImageTasks } from './images/list-image-tasks.ts'
import { handleListImages } from './images/list-images.ts'
import { patchMediaTypes } from './images/patch-document.ts'
import { handlePatchImage } from './images/patch-image.ts'
import { handleShowImage } from './images/show-image.ts'
import { handleStageData } from './images/stage-data.ts'
import { handleUploadData } from './images/upload-data.ts'
import { handleShowImportMethods } from './info/show-import-methods.ts'
import { handleShowStores } from './info/show-stores.ts'
import type { Handler, Intake, Method, Route } from './route.ts'
import { namedImageSchema } from './schemas/image-schema.ts'
import { patchSchema } from './schemas/patch-schema.ts'
import { showImageSchema, showImagesSchema, showTaskSchema, showTasksSchema } from './schemas/show-schema.ts'
import { newTaskSchema } from './schemas/task-schema.ts'
import { handleCreateTask, requireTypeAndInput } from './tasks/create-task.ts'
import { handleDeleteTask } from './tasks/delete-task.ts'
import { handleListTasks } from './tasks/list-tasks.ts'
import { handleShowTask } from './tasks/show-task.ts'

const nothing: Intake = { kind: 'none' }
const data: Intake = { kind: 'data' }
const newImage: Intake = { kind: 'json', schema: namedImageSchema, precheck: refuseLinks }
const patch: Intake = { kind: 'json', schema: () => patchSchema, mediaTypes: patchMediaTypes }
const importRequest: Intake = { kind: 'json', schema: () => importSchema, precheck: precheckImport }
const newTask: Intake = { kind: 'json', schema: () => newTaskSchema, precheck: requireTypeAndInput }

/**
 * Every operation of the API but the lists of versions, which belong to no version.
 *
 * Source: OpenStack Images API v2; the policy rules are Glance's.
 */
export const routes: readonly Route[] = [
  route('GET', '/v2/images', 'get_images', nothing, handleListImages),
  route('POST', '/v2/images', 'add_image', newImage, handleCreateImage),
  route('GET', '/v2/images/:id', 'get_image', nothing, handleShowImage),
  route('PATCH', '/v2/images/:id', 'modify_image', patch, handlePatchImage),
  route('DELETE', '/v2/images/:id', 'delete_image', nothing, handleDeleteImage),
  route('GET', '/v2/images/:id/file', 'download_image', nothing, handleDownloadData),
  route('PUT', '/v2/images/:id/file', 'upload_image', data, handleUploadData),
  route('PUT', '/v2/images/:id/stage', 'modify_image', data, handleStageData),
  route('POST', '/v2/images/:id/import', 'modify_image', importRequest, handleImportImage),
  route('GET', '/v2/images/:id/tasks', 'get_image', nothing, handleListImageTasks),
  route('GET', '/v2/tasks', 'tasks_api_access', nothing, handleListTasks),
  route('POST', '/v2/tasks', 'tasks_api_access', newTask, handleCreateTask),
  route('GET', '/v2/tasks/:id', 'tasks_api_access', nothing, handleShowTask),
  route('DELETE', '/v2/tasks/:id', 'tasks_api_access', nothing, handleDeleteTask),
  route('GET', '/v2/info/import', null, nothing, handleShowImportMethods),
  route('GET', '/v2/info/stores', null, nothing, handleShowStores),
  route('GET', '/v2/schemas/image', null, nothing, showImageSchema),
  route('GET', '/v2/schemas/images', null, nothing, showImagesSchema),
  route('GET', '/v2/schemas/task', null, nothing, showTaskSchema),
  route('GET', '/v2/schemas/tasks', null, nothing, showTasksSchema),
]

function route(method: Method, path: string, policy: string | null, takes: Intake, handle: Handler): Route {
  return { method, path, policy, takes, handle }
}
