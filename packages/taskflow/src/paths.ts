import { TaskFlowError } from './errors.ts'
import { describe } from './failure.ts'
import type { Path } from './nodes.ts'

/**
 * The part of a value that a path leads to.
 *
 * @example
 * console.log(valueAt({ disks: ['a', 'b'] }, ['disks', 1])) // b
 * @throws TaskFlowError `missing-value`, saying what is there instead; `owner` begins the sentence.
 */
export function valueAt(
  value: unknown,
  path: Path,
  owner: () => string = () => 'a value is asked for a part',
): unknown {
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) {
      const has =
        typeof at === 'object' && at !== null
          ? `it has ${Object.keys(at).join(', ') || 'nothing'}`
          : `it is ${describe(at)}`
      throw new TaskFlowError('missing-value', `${owner()}, '${key}', which is not there: ${has}`)
    }
    at = (at as Record<string | number, unknown>)[key]
  }
  return at
}
