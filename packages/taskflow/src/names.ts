import { TaskFlowError } from './errors.ts'

/**
 * The name, if it is one.
 *
 * @throws TaskFlowError `invalid-flow` when it is not a string or empty.
 */
export function checkName(owner: string, name: unknown): string {
  if (typeof name === 'string' && name !== '') return name
  throw new TaskFlowError('invalid-flow', `${owner} needs a name that is not empty, not ${JSON.stringify(name)}`)
}
