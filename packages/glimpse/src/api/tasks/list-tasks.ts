import { invalid } from '../../domain/errors.ts'
import type { TaskQuery } from '../../domain/ports.ts'
import { type TaskStatus, type TaskType, taskStatuses, taskTypes } from '../../domain/task.ts'
import { asQuestion, pageLimit, pageLinks } from '../paging.ts'
import type { Answer, Call } from '../route.ts'
import { uuidPattern } from '../schemas/image-schema.ts'
import { viewTaskStub } from './task-view.ts'

/** `GET /v2/tasks` */
export async function handleListTasks({ parts: { config, tasks }, query }: Call): Promise<Answer> {
  const limit = pageLimit(query, config.limits)
  const page = await asQuestion(tasks.list({ ...filtersOf(query), sort: sortOf(query), ...markerOf(query), limit }))
  const ids = page.map(({ id }) => id)
  return { status: 200, body: { tasks: page.map(viewTaskStub), ...pageLinks('/v2/tasks', query, ids, limit) } }
}

/** Both types can be asked for; Glance, by mistake, refuses `api_image_import`. */
function filtersOf(query: URLSearchParams): Pick<TaskQuery, 'type' | 'status' | 'owner' | 'imageId'> {
  for (const name of ['id', 'request_id', 'user_id', 'expires_at', 'created_at', 'updated_at']) {
    if (query.has(name)) throw invalid(`Unable to filter tasks by ${name}: filters are status, type, owner, image_id`)
  }
  const type = query.get('type')
  const status = query.get('status')
  const owner = query.get('owner')
  const imageId = query.get('image_id')
  if (type && !(taskTypes as readonly string[]).includes(type)) throw invalid(`Invalid type value: ${type}`)
  if (status && !(taskStatuses as readonly string[]).includes(status)) throw invalid(`Invalid status value: ${status}`)
  return {
    ...(type ? { type: type as TaskType } : {}),
    ...(status ? { status: status as TaskStatus } : {}),
    ...(owner === null ? {} : { owner }),
    ...(imageId === null ? {} : { imageId }),
  }
}

const sortKeys: Readonly<Record<string, TaskQuery['sort']['key']>> = {
  created_at: 'createdAt',
  updated_at: 'updatedAt',
  expires_at: 'expiresAt',
  id: 'id',
  status: 'status',
  type: 'type',
}

function sortOf(query: URLSearchParams): TaskQuery['sort'] {
  const name = query.get('sort_key') ?? 'created_at'
  const direction = query.get('sort_dir') ?? 'desc'
  const key = Object.hasOwn(sortKeys, name) ? sortKeys[name] : undefined
  if (direction !== 'asc' && direction !== 'desc') throw invalid(`Invalid sort direction: ${direction}`)
  if (key) return { key, direction }
  throw invalid(`Invalid sort key: ${name}. It must be one of the following: ${Object.keys(sortKeys).join(', ')}.`)
}

function markerOf(query: URLSearchParams): { marker?: string } {
  const marker = query.get('marker')
  if (!marker) return {}
  if (new RegExp(uuidPattern).test(marker)) return { marker }
  throw invalid('Invalid marker format')
}
