import { HttpSourceError } from '@glimpse/stores'

/** The source of a download cannot be read now, but perhaps later. Its name says so to a retry. */
export class SourceDown extends Error {
  override readonly name = 'SourceDown'
}

/** What is thrown for an error of a source: others than those that may pass are given back as they are. */
export function passing(error: unknown): unknown {
  if (!(error instanceof HttpSourceError && error.retryable)) return error
  return new SourceDown(error.message, { cause: error })
}
