/** What an {@link ApiError} knows. */
export interface ApiErrorDetails {
  readonly status: number
  readonly title: string
  readonly explanation: string
  readonly requestId?: string | undefined
  readonly method: string
  readonly path: string
}

/**
 * The service said no, or gave no answer that could be understood.
 *
 * Arguments that are wrong before anything is sent are a `TypeError` or a `RangeError`; a call that was aborted rejects
 * with its signal's reason; an upload whose source fails rejects with what the source threw.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The HTTP status; 0 when no whole answer came (refused, reset), and `cause` says why. */
  readonly status: number
  /** The status in words, such as `Conflict`. */
  readonly title: string
  /** What the service says is wrong; empty when it says nothing. */
  readonly explanation: string
  /** The service's name for this request, to find it in its log. */
  readonly requestId: string | undefined
  readonly method: string
  /** Path and query, without the endpoint. */
  readonly path: string

  constructor({ status, title, explanation, requestId, method, path }: ApiErrorDetails, options?: ErrorOptions) {
    const head = `${method} ${path}: ${status === 0 ? '' : `${status} `}${title}`
    const detail = explanation === '' ? '' : `: ${explanation}`
    super(`${head}${detail}${requestId === undefined ? '' : ` (${requestId})`}`, options)
    this.status = status
    this.title = title
    this.explanation = explanation
    this.requestId = requestId
    this.method = method
    this.path = path
  }
}
