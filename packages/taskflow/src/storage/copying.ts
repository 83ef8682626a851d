import type { AtomChange } from './records.ts'

/** As a stored value would come back: plain data that shares nothing with the original. */
export function copy<T>(value: T): T {
  if (isPlain(value) || value === null) return value
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} cannot be stored`)
  if (Array.isArray(value)) return value.map((item: unknown) => copy(item ?? null)) as T
  const made: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue
    if (key === '__proto__') Object.defineProperty(made, key, { value: copy(item), enumerable: true })
    else made[key] = copy(item)
  }
  return made as T
}

/**
 * Most changes are a name and a state, which nobody can change any more; only what has parts needs copying. Spelled out,
 * as this is done twice for every atom that runs.
 */
export function copyChange(change: AtomChange): AtomChange {
  const { result, revertResult, failure, revertFailure, progress, meta, history, attempt, attemptFailure } = change
  const parts = failure ?? revertFailure ?? progress ?? meta ?? history ?? attempt ?? attemptFailure
  return parts === undefined && isPlain(result) && isPlain(revertResult) ? change : copy(change)
}

/** Whether there is nothing in it that could be changed, and JSON has it. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
      return true
    default:
      return value === null
  }
}
