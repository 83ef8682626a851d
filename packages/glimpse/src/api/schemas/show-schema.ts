import type { TSchema } from 'typebox'
import type { Config } from '../../config/config.ts'
import type { Handler } from '../route.ts'
import { imageSchema, imagesSchema } from './image-schema.ts'
import { taskSchema, tasksSchema } from './task-schema.ts'

/** A handler that answers with a schema. */
function showSchema(schemaFor: (config: Config) => TSchema): Handler {
  return ({ parts: { config } }) => ({ status: 200, body: schemaFor(config) })
}

export const showImageSchema: Handler = showSchema(imageSchema)
export const showImagesSchema: Handler = showSchema(imagesSchema)
export const showTaskSchema: Handler = showSchema(() => taskSchema)
export const showTasksSchema: Handler = showSchema(() => tasksSchema)
