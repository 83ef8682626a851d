import { ServiceError } from '../../domain/errors.ts'
import type { Answer, Call } from '../route.ts'
import { viewTask } from './task-view.ts'

/** `GET /v2/tasks/ID` */
export async function handleShowTask({ parts: { tasks }, params }: Call): Promise<Answer> {
  const id = params['id']!
  const task = await tasks.find(id)
  if (!task) throw new ServiceError('task-not-found', { id })
  return { status: 200, body: viewTask(task) }
}
