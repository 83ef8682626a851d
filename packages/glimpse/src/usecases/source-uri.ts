import { checkUrl, HttpSourceError } from '@glimpse/stores'
import type { ImportFilter } from '../config/config.ts'
import { invalid } from '../domain/errors.ts'

/**
 * What can be said of a URL before it is opened.
 *
 * @param purpose of the URL, as the text names it: `web-download`.
 * @throws ServiceError `invalid`, with the rule that it breaks
 */
export function checkSourceUri(filter: ImportFilter, uri: string | undefined, purpose: string): void {
  try {
    checkUrl(uri ?? '', filter)
  } catch (error) {
    if (!(error instanceof HttpSourceError)) throw error
    throw invalid(`URI for ${purpose} does not pass filtering: ${error.message}`, { cause: error })
  }
}
