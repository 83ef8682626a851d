import { checkUrl, HttpSourceError } from '@glimpse/stores'
import type { ImportFilter } from '../config/config.ts'
import { ServiceError } from '../domain/errors.ts'

/** What can be said of a URL before it is opened. @throws ServiceError `invalid`, with the rule that it breaks */
export function checkSourceUri(filter: ImportFilter, uri: string | undefined): void {
  try {
    checkUrl(uri ?? '', filter)
  } catch (error) {
    if (!(error instanceof HttpSourceError)) throw error
    const reason = `URI for web-download does not pass filtering: ${error.message}`
    throw new ServiceError('invalid', { reason }, { cause: error })
  }
}
