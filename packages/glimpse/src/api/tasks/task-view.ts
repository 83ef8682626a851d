import type { JsonObject, Task } from '../../domain/task.ts'
import { toMicroseconds, toSeconds } from '../times.ts'

type View = Readonly<Record<string, string | null | boolean | JsonObject>>

/** A task in a list: without what it was given, what came of it, and what it says. */
export function viewTaskStub(task: Task): View {
  return {
    id: task.id,
    type: task.type,
    status: task.status,
    owner: task.owner,
    created_at: toSeconds(task.createdAt),
    updated_at: toSeconds(task.updatedAt),
    ...(task.expiresAt === null ? {} : { expires_at: toSeconds(task.expiresAt) }),
    self: `/v2/tasks/${task.id}`,
    schema: '/v2/schemas/task',
  }
}

/** Source: OpenStack Images API v2, "Show task details". */
export function viewTask(task: Task): View {
  return {
    ...viewTaskStub(task),
    ...(task.imageId === null ? {} : { image_id: task.imageId }),
    ...(task.requestId === null ? {} : { request_id: task.requestId }),
    ...(task.userId === null ? {} : { user_id: task.userId }),
    input: task.input,
    result: task.result,
    message: task.message,
  }
}

/** A task among those of an image: other names, other times, as the API has it since version 2.12. */
export function viewTaskOfImage(task: Task): View {
  return {
    id: task.id,
    type: task.type,
    status: task.status,
    owner: task.owner,
    image_id: task.imageId,
    request_id: task.requestId,
    user_id: task.userId,
    input: task.input,
    result: task.result,
    message: task.message,
    created_at: toMicroseconds(task.createdAt),
    updated_at: toMicroseconds(task.updatedAt),
    expires_at: task.expiresAt === null ? null : toMicroseconds(task.expiresAt),
    deleted: false,
    deleted_at: null,
  }
}
