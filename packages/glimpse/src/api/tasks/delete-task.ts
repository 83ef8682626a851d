import { ServiceError } from '../../domain/errors.ts'
import type { Answer } from '../route.ts'

/** `DELETE /v2/tasks/ID`: tasks go by themselves. */
export function handleDeleteTask(): Answer {
  const reason =
    'This operation is currently not permitted on tasks. They are auto deleted after reaching the time based on ' +
    'their expires_at property.'
  throw new ServiceError('method-not-allowed', { reason, allow: 'GET' })
}
