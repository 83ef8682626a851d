import { type Backoff, type Retry, retry } from '@glimpse/taskflow'
import { SourceDown } from './steps/source-down.ts'

/** Which attempt of a part of a flow this is, and how many there may be. */
export interface Attempt {
  readonly number: number
  readonly of: number
}

/** Tries a download again as long as its source fails in a way that may pass; gives up on everything else at once. */
export function downloadRetry(attempts: number, backoff: Backoff): Retry<object, Attempt> {
  return retry({
    backoff,
    execute: (_: object, { history }): Attempt => ({ number: history.length + 1, of: attempts }),
    onFailure: (_, { history }) =>
      history.length < attempts && history.causedBy([SourceDown], -1) ? 'RETRY' : 'REVERT',
  })
}
