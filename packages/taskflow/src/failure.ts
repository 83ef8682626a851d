/**
 * A failure as it is stored: plain data, no types that would have to be imported again to read it.
 *
 * @example
 * const stored: StoredFailure = Failure.from(new RangeError('too long'), 'copy').toJSON()
 * console.log(stored.names.join(), stored.message) // RangeError,Error too long
 */
export interface StoredFailure {
  readonly atom: string
  /** Class names of the error, its own first, up to but without `Object`. */
  readonly names: readonly string[]
  readonly message: string
  readonly code: string | null
  readonly stack: string | null
  /** The chain of `cause`s, nearest first. */
  readonly causes: readonly { readonly name: string; readonly message: string; readonly stack: string | null }[]
}

/**
 * A class of errors, or the name of one.
 *
 * @example
 * const transient: readonly FailureClass[] = [TypeError, 'TimeoutError']
 */
export type FailureClass = string | (new (...args: never[]) => unknown)

/** What is known of errors that were made from a stored failure, and are not of the classes that they tell of. */
const madeFrom = new WeakMap<object, StoredFailure>()

/** Longer chains than this are cut; a cause that is its own cause would have no end. */
const longestChain = 16

/**
 * An error of an atom that survives storage: which atom, what, why, where.
 *
 * Source: TaskFlow's `types.failure.Failure`.
 *
 * @example
 * const failure = Failure.from(new TypeError('no url'), 'download')
 * const restarted = Failure.fromStored(JSON.parse(JSON.stringify(failure)))
 * console.log(`${restarted}`, restarted.is(TypeError)) // download: TypeError: no url true
 */
export class Failure implements StoredFailure {
  readonly atom: string
  readonly names: readonly string[]
  readonly message: string
  readonly code: string | null
  readonly stack: string | null
  readonly causes: StoredFailure['causes']
  readonly #error: unknown

  private constructor(stored: StoredFailure, error?: unknown) {
    this.atom = stored.atom
    this.names = stored.names
    this.message = stored.message
    this.code = stored.code
    this.stack = stored.stack
    this.causes = stored.causes
    this.#error = error
  }

  /** Whatever was thrown by an atom; values that are not errors are described by their text. Never throws itself. */
  static from(thrown: unknown, atom: string): Failure {
    const known = typeof thrown === 'object' && thrown !== null ? madeFrom.get(thrown) : undefined
    if (known) return new Failure({ ...known, atom }, thrown)
    const error = asError(thrown)
    const code = read(error, 'code')
    const stored = {
      atom,
      names: classNames(error),
      message: messageOf(error),
      code: typeof code === 'string' ? code : null,
      stack: stackOf(error),
      causes: causesOf(error),
    }
    return new Failure(stored, thrown)
  }

  static fromStored(stored: StoredFailure): Failure {
    return new Failure(stored)
  }

  /**
   * Whether the error is of one of these classes, or of classes of these names: names also match after a restart,
   * when the class itself is gone.
   */
  is(...classes: readonly FailureClass[]): boolean {
    return classes.some((wanted) => this.names.includes(typeof wanted === 'string' ? wanted : wanted.name))
  }

  /** The error that was thrown; after a restart, one that reads like it. */
  toError(): unknown {
    if (this.#error !== undefined) return this.#error
    const [first, ...rest] = this.causes
    const cause = first && new Failure({ ...first, atom: this.atom, names: [first.name], code: null, causes: rest })
    const error = new Error(this.message, cause ? { cause: cause.toError() } : undefined)
    error.name = this.names[0] ?? 'Error'
    if (this.stack !== null) error.stack = this.stack
    if (this.code !== null) Object.assign(error, { code: this.code })
    madeFrom.set(error, this.toJSON())
    return error
  }

  toJSON(): StoredFailure {
    const { atom, names, message, code, stack, causes } = this
    return { atom, names, message, code, stack, causes }
  }

  toString(): string {
    return `${this.atom}: ${this.names[0] ?? 'Error'}: ${this.message}`
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(describe(thrown))
}

/** A property of an error; errors are anybody's objects, and a getter may throw. */
function read(error: object, key: string): unknown {
  try {
    return Reflect.get(error, key)
  } catch {
    return undefined
  }
}

function messageOf(error: Error): string {
  const message = read(error, 'message') ?? ''
  return typeof message === 'string' ? message : describe(message)
}

function stackOf(error: Error): string | null {
  const stack = read(error, 'stack')
  return typeof stack === 'string' ? stack : null
}

/** A name that the error gives itself stands first; one that it merely inherits stands where its class does. */
function classNames(error: Error): [string, ...string[]] {
  const names: string[] = []
  for (let proto: object | null = Object.getPrototypeOf(error); proto && proto !== Object.prototype; ) {
    const made = read(proto, 'constructor')
    if (typeof made === 'function' && made.name !== '' && !names.includes(made.name)) names.push(made.name)
    proto = Object.getPrototypeOf(proto)
  }
  const own = read(error, 'name')
  const [first = 'Error', ...rest] = names
  return typeof own === 'string' && own !== '' && !names.includes(own) ? [own, ...names] : [first, ...rest]
}

function causesOf(error: Error): StoredFailure['causes'] {
  const causes = []
  for (let cause = read(error, 'cause'); cause !== undefined && causes.length < longestChain; ) {
    const known = asError(cause)
    causes.push({ name: classNames(known)[0], message: messageOf(known), stack: stackOf(known) })
    cause = read(known, 'cause')
  }
  return causes
}

/** What was thrown, in words, when it is not an error. */
export function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  if (typeof thrown === 'number' || typeof thrown === 'bigint' || typeof thrown === 'symbol') return thrown.toString()
  try {
    return JSON.stringify(thrown) ?? String(thrown)
  } catch {
    return Object.prototype.toString.call(thrown)
  }
}
