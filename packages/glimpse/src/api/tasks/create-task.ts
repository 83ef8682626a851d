import { ServiceError } from '../../domain/errors.ts'
import { createTask, type TaskRequest } from '../../usecases/create-task.ts'
import type { Answer, Call } from '../route.ts'
import { viewTask } from './task-view.ts'

/** `POST /v2/tasks` */
export async function handleCreateTask({ parts, context, body, baseUrl }: Call): Promise<Answer> {
  const { type, input } = body as TaskRequest
  const task = await createTask(parts, context, { type, input })
  return { status: 201, headers: { location: `${baseUrl}/v2/tasks/${task.id}` }, body: viewTask(task) }
}

/** What the schema of a task, which is that of its views too, cannot ask for. */
export function requireTypeAndInput(body: object): void {
  for (const name of ['type', 'input']) {
    if (!Object.hasOwn(body, name)) throw new ServiceError('invalid', { reason: `Task '${name}' is required` })
  }
}
