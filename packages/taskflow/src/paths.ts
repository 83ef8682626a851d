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
      throw new TaskFlowError('missing-value', `${owner()}, '${key}', which is not there: ${wordsOn(at)}`)
    }
    at = (at as Record<string | number, unknown>)[key]
  }
  return at
}

function wordsOn(value: unknown): string {
  if (Array.isArray(value)) return `it is a list of ${value.length}`
  if (typeof value !== 'object' || value === null) return `it is ${describe(value)}`
  return `it has ${Object.keys(value).join(', ') || 'nothing'}`
}
