import { requireImage } from '../../usecases/finding.ts'
import type { Answer, Call } from '../route.ts'
import { viewTaskOfImage } from '../tasks/task-view.ts'

/** `GET /v2/images/ID/tasks`: those of the caller's project, the oldest first. An administrator sees all. */
export async function handleListImageTasks({ parts, context, params }: Call): Promise<Answer> {
  const { config, images, tasks } = parts
  const { id } = await requireImage(images, params['id']!)
  if (!context.isAdmin && context.projectId === null) return { status: 200, body: { tasks: [] } }
  const found = await tasks.list({
    imageId: id,
    sort: { key: 'createdAt', direction: 'asc' },
    limit: config.limits.pageMax,
    ...(context.isAdmin || context.projectId === null ? {} : { owner: context.projectId }),
  })
  return { status: 200, body: { tasks: found.map(viewTaskOfImage) } }
}
