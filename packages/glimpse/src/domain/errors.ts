/**
 * Everything the service may say no with: one table, code to HTTP status and text.
 *
 * Texts follow Glance's where clients or their users read them (reference: Glance's api/v2 and common/exception).
 * `{name}` is replaced by the detail of that name.
 */
const errorTable = {
  invalid: { status: 400, text: '{reason}' },
  schema: { status: 400, text: "Provided object does not match schema '{schema}': {reason}" },
  forbidden: { status: 403, text: '{reason}' },
  'read-only': { status: 403, text: "Attribute '{name}' is read-only." },
  reserved: { status: 403, text: "Attribute '{name}' is reserved." },
  protected: { status: 403, text: 'Image {id} is protected and cannot be deleted.' },
  'not-found': { status: 404, text: '{reason}' },
  'image-not-found': { status: 404, text: 'No image found with ID {id}' },
  'task-not-found': { status: 404, text: 'No task found with ID {id}' },
  'method-not-allowed': { status: 405, text: '{reason}' },
  'image-exists': { status: 409, text: 'Image ID {id} already exists!' },
  'image-transition': { status: 409, text: 'Image status transition from {from} to {to} is not allowed' },
  'image-locked': { status: 409, text: 'Image has active task' },
  'task-transition': { status: 409, text: 'Task status transition from {from} to {to} is not allowed' },
  conflict: { status: 409, text: '{reason}' },
  gone: { status: 410, text: '{reason}' },
  'too-large': { status: 413, text: '{reason}' },
  'too-many-properties': {
    status: 413,
    text: 'The limit has been exceeded on the number of allowed image properties. Attempted: {attempted}, Maximum: {maximum}',
  },
  'too-many-tags': {
    status: 413,
    text: 'The limit has been exceeded on the number of allowed image tags. Attempted: {attempted}, Maximum: {maximum}',
  },
  'unsupported-media-type': { status: 415, text: '{reason}' },
  'range-not-satisfiable': { status: 416, text: '{reason}' },
  'data-left': { status: 500, text: 'Image {id} is deleted, but some of its data could not be removed: {reason}' },
  'not-implemented': { status: 501, text: '{reason}' },
  unavailable: { status: 503, text: '{reason}' },
} as const satisfies Record<string, { status: number; text: string }>

export type ErrorCode = keyof typeof errorTable

/** Says no to a request, or ends a task: the cause in words that its user can act on. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, string | number>>

  constructor(code: ErrorCode, details: Readonly<Record<string, string | number>> = {}, options?: ErrorOptions) {
    super(
      errorTable[code].text.replace(/\{(\w+)\}/g, (_, key: string) => String(details[key] ?? '')),
      options,
    )
    this.code = code
    this.details = details
  }

  /** The HTTP status that goes with the code. */
  get status(): number {
    return errorTable[this.code].status
  }
}

/** A request that makes no sense, for a reason that its user can act on. */
export function invalid(reason: string, options?: ErrorOptions): ServiceError {
  return new ServiceError('invalid', { reason }, options)
}
