import { type ErrorCode, Failure, type StoredFailure, TaskFlowError, WrappedFailure } from '@glimpse/taskflow'
import { byCodePoint } from './values.ts'

/** What a task raises because its spec says so. */
export class SpecifiedError extends Error {
  override readonly name = 'SpecifiedError'
}

/** What TaskFlow calls our errors; a code that is not here is one that it does not have. */
const taskFlowNames: Partial<Record<ErrorCode, string>> = {
  'invalid-flow': 'ValueError',
  'duplicate-name': 'Duplicate',
  'missing-dependencies': 'MissingDependencies',
  'ambiguous-dependency': 'AmbiguousDependency',
  'dependency-cycle': 'DependencyFailure',
  'invalid-state': 'InvalidState',
  'missing-value': 'NotFound',
  'no-more-values': 'NotFound',
  'invalid-decision': 'ValueError',
}

/** A failure as it is stored, from the words of the cases. */
export function storedFailure(atom: string, text: string): StoredFailure {
  const names = text.startsWith('!') ? [text.slice(1)] : [SpecifiedError.name, 'Error']
  return { atom, names, message: text, code: null, stack: null, causes: [] }
}

/** The name of the exception that TaskFlow raises in the place of this error. */
export function typeOf(error: unknown): string {
  return typeNameOf(Failure.from(error, ''))
}

/** A failure in the words of the cases: the message that its spec gave it, or else `!` and the type. */
export function textOf(failure: StoredFailure): string {
  return failure.names.includes(SpecifiedError.name) ? failure.message : `!${typeNameOf(failure)}`
}

/** What a run raised, sorted. */
export function textsOf(thrown: unknown): string[] {
  const failures = thrown instanceof WrappedFailure ? thrown.failures : [Failure.from(thrown, '')]
  return failures.map(textOf).toSorted(byCodePoint)
}

function typeNameOf({ code, names }: StoredFailure): string {
  if (code === null || !names.includes(TaskFlowError.name)) return names[0] ?? 'Error'
  return taskFlowNames[code as ErrorCode] ?? code
}
