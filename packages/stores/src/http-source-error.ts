/** Why a source cannot be read. */
export type HttpSourceErrorCode =
  | 'invalid-url'
  | 'refused'
  | 'connect'
  | 'status'
  | 'redirects'
  | 'timeout'
  | 'truncated'
  | 'aborted'

/**
 * A source cannot be read, or not to its end. The message is for the user who named the source: it says the cause, and
 * neither the user and password nor the query of a URL.
 */
export class HttpSourceError extends Error {
  override readonly name = 'HttpSourceError'
  readonly code: HttpSourceErrorCode
  /** Whether the same request may succeed later. */
  readonly retryable: boolean

  constructor(code: HttpSourceErrorCode, message: string, options: ErrorOptions & { retryable?: boolean } = {}) {
    super(message, options)
    this.code = code
    this.retryable = options.retryable ?? false
  }
}
