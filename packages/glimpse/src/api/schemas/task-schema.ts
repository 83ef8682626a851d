import { type TObjectOptions, type TSchema, Type } from 'typebox'
import { taskStatuses, taskTypes } from '../../domain/task.ts'
import type { NamedSchema } from '../route.ts'
import { collectionSchema } from './collection-schema.ts'
import { uuidPattern } from './image-schema.ts'

const stub: Readonly<Record<string, TSchema>> = {
  id: Type.String({ description: 'The id of the task, a UUID', pattern: uuidPattern }),
  type: Type.Unsafe({ type: 'string', description: 'What the task does', enum: [...taskTypes] }),
  status: Type.Unsafe({ type: 'string', description: 'How far the task is', enum: [...taskStatuses] }),
  owner: Type.Unsafe({ type: ['null', 'string'], description: 'The project that the task works for' }),
  image_id: Type.String({ description: 'The image that the task works on' }),
  request_id: Type.String({ description: 'The request that started the task' }),
  user_id: Type.String({ description: 'The user who started the task' }),
  expires_at: Type.Unsafe({ type: ['null', 'string'], description: 'When the ended task will be forgotten, ISO 8601' }),
  created_at: Type.String({ description: 'When the task was accepted, ISO 8601' }),
  updated_at: Type.String({ description: 'When the task last changed, ISO 8601' }),
  self: Type.Unsafe({ type: 'string', readOnly: true }),
  schema: Type.Unsafe({ type: 'string', readOnly: true }),
}

const rest: Readonly<Record<string, TSchema>> = {
  input: Type.Unsafe({ type: ['null', 'object'], description: 'What the task was given' }),
  result: Type.Unsafe({ type: ['null', 'object'], description: 'What came of the task' }),
  message: Type.String({ description: 'What the task does now, or why it failed' }),
}

/** A task. Source: OpenStack Images API v2, "Show task schema". The owner may be null: see the project's noauth mode. */
export const taskSchema: TSchema = objectOf({ ...stub, ...rest }, { name: 'task' })

export const tasksSchema: TSchema = collectionSchema('tasks', objectOf(stub, { name: 'task' }))

/** What `POST /v2/tasks` takes: a whole task's schema, of which only `type` and `input` count. */
export const newTaskSchema: NamedSchema = {
  name: 'task',
  schema: objectOf(
    { ...stub, ...rest, input: Type.Unsafe({ type: 'object' }) },
    { name: 'task', additionalProperties: false },
  ),
}

function objectOf(properties: Readonly<Record<string, TSchema>>, options: TObjectOptions): TSchema {
  const entries = Object.entries(properties).map(([name, schema]) => [name, Type.Optional(schema)])
  return Type.Object(Object.fromEntries(entries), options)
}
