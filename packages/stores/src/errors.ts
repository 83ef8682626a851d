/** Everything that a store can refuse or fail at. */
export type StoreErrorCode =
  | 'not-found'
  | 'exists'
  | 'full'
  | 'read-only'
  | 'too-large'
  | 'size-mismatch'
  | 'aborted'
  | 'invalid-key'
  | 'io'

/** Code to text. `{name}` is replaced by the detail of that name. Texts say what was given and what is allowed. */
export const storeErrorTable: Readonly<Record<StoreErrorCode, string>> = {
  'not-found': "store '{store}' has no image {key}",
  exists: "store '{store}' already has image {key}, and never overwrites one",
  full: "store '{store}' is full: wrote {written} bytes of image {key}, then {errno}",
  'read-only': "store '{store}' does not let this process {action}: {errno}",
  'too-large': "image {key} is too large for store '{store}': {given} bytes were given, {limit} bytes are allowed",
  'size-mismatch': "image {key} for store '{store}' was announced with {expected} bytes, and {given} bytes came",
  aborted: "store '{store}' was told to stop after {written} bytes of image {key}: {reason}",
  'invalid-key':
    "store '{store}' cannot have the key {given}: a key is 1 to 200 of A-Z a-z 0-9 . _ - and does not begin with a dot",
  io: "store '{store}' failed to {action}: {reason}",
}

/**
 * What is known of a failure; `store`, `key`, `action` and `written` (bytes) are always there by the time a user
 * of {@link Store} sees it. Sizes are in bytes.
 */
export type StoreErrorDetails = Readonly<Record<string, string | number>>

/**
 * A store said no, or broke.
 *
 * A driver may throw one with the few details that it knows; the store that holds the driver adds the rest.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly details: StoreErrorDetails

  constructor(code: StoreErrorCode, details: StoreErrorDetails = {}, options?: ErrorOptions) {
    super(
      storeErrorTable[code].replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? 'unknown')),
      options,
    )
    this.code = code
    this.details = details
  }
}

/** What an errno of a file system means for a store; any other is `io`. Source: errno(3). */
const codeOfErrno: Readonly<Record<string, StoreErrorCode>> = {
  ENOENT: 'not-found',
  EEXIST: 'exists',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EROFS: 'read-only',
  EACCES: 'read-only',
  EPERM: 'read-only',
}

/** The errno name of a system error (`ENOSPC`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined
}

/** The code for whatever a driver threw: its own if it is a {@link StoreError}, else by errno, else `io`. */
export function classifyError(error: unknown): StoreErrorCode {
  if (error instanceof StoreError) return error.code
  const errno = errnoOf(error)
  return (errno === undefined ? undefined : codeOfErrno[errno]) ?? 'io'
}

/**
 * A driver's error as users see it: with its code, what was going on, and the driver's error as cause.
 *
 * Paths are cut from a system error's text: what reaches an API user does not tell how a host is laid out.
 */
export function toStoreError(error: unknown, context: StoreErrorDetails): StoreError {
  if (error instanceof StoreError) {
    return new StoreError(error.code, { ...context, ...error.details }, { cause: error.cause ?? error })
  }
  const text = error instanceof Error ? error.message : String(error)
  const errno = errnoOf(error)
  const reason = errno === undefined ? text : text.replace(/ '.*$/s, '')
  return new StoreError(
    classifyError(error),
    { ...context, reason, ...(errno === undefined ? {} : { errno }) },
    { cause: error },
  )
}
