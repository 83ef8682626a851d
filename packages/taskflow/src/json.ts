import { TaskFlowError } from './errors.ts'

/**
 * A value that is the same after it was stored and read again.
 *
 * @example
 * const properties: JsonValue = { os: 'linux', disks: [{ size: 10 }, { size: 20, label: null }] }
 * const count = task({ name: 'count', execute: ({ of }: { of: JsonValue }) => Object.keys(of ?? {}).length })
 * console.log(await run(flow('f', (f) => f.add(count, { of: properties })), {})) // 2
 */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined }

type Lost =
  | Date
  | RegExp
  | URL
  | Error
  | Promise<unknown>
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBuffer
  | ArrayBufferView
  | bigint
  | symbol
  | ((...args: never[]) => unknown)

/** The first place in T that JSON loses, as a sentence; `never` when there is none. Looks six levels deep. */
type Loss<T, Path extends string, Depth extends readonly 0[] = []> = Depth['length'] extends 6
  ? never
  : 0 extends 1 & T
    ? never
    : T extends JsonValue | undefined
      ? never
      : T extends Lost
        ? `${Path} is not JSON`
        : T extends readonly (infer E)[]
          ? undefined extends E
            ? `${Path}[] may be undefined`
            : Loss<E, `${Path}[]`, [...Depth, 0]>
          : T extends object
            ? { [K in keyof T & string]: Loss<T[K], `${Path}.${K}`, [...Depth, 0]> }[keyof T & string]
            : never

/** `unknown` where T survives storage, else the sentence that says which part does not. */
export type Safe<T, Path extends string> = [Loss<T, Path>] extends [never] ? unknown : Loss<T, Path>

/** Values nested deeper are refused: reading and writing them would run out of stack sooner or later. */
const deepest = 500

/**
 * The path of the first part of a value that JSON would lose or change, or null. A property that is `undefined` counts
 * as absent.
 *
 * @example
 * console.log(findLoss({ sizes: [1, 2], at: new Date() }, 'result')) // result.at is a Date
 */
export function findLoss(value: unknown, path: string, above: readonly object[] = []): string | null {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return null
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${path} is ${value}`
  if (typeof value !== 'object') return `${path} is a ${typeof value}`
  if (above.includes(value)) return `${path} contains itself`
  if (above.length === deepest) return `${path} is nested deeper than ${deepest} levels`
  const inside = [...above, value]
  if (Array.isArray(value))
    return firstLoss(value.keys(), (key) =>
      value[key] === undefined ? `${path}[${key}] is undefined` : findLoss(value[key], `${path}[${key}]`, inside),
    )
  const proto: unknown = Object.getPrototypeOf(value)
  if (proto !== Object.prototype && proto !== null) return `${path} is ${kindOf(value)}`
  const record = value as Record<string, unknown>
  return firstLoss(Object.keys(record).values(), (key) => findLoss(record[key], `${path}.${key}`, inside))
}

/**
 * Whether the JSON of a value that {@link findLoss} has nothing against is longer than so many characters. It is not
 * made to find out; numbers, keys and marks are reckoned, and no more is looked at than it takes.
 */
export function isLongerThan(value: unknown, limit: number): boolean {
  if (typeof value === 'string') return value.length > limit
  if (typeof value !== 'object' || value === null) return false
  return lengthWithin(value, limit) > limit
}

function lengthWithin(value: unknown, limit: number): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value !== 'object' || value === null) return 5
  let length = 2
  const isList = Array.isArray(value)
  for (const [key, item] of Object.entries(value)) {
    length += (isList ? 1 : key.length + 4) + lengthWithin(item, limit - length)
    if (length > limit) break
  }
  return length
}

function kindOf(value: object): string {
  const { constructor: made }: { constructor?: unknown } = value
  return typeof made === 'function' && made.name !== '' ? `a ${made.name}` : 'an object of a class without a name'
}

function firstLoss<K>(keys: IterableIterator<K>, look: (key: K) => string | null): string | null {
  for (const key of keys) {
    const loss = look(key)
    if (loss !== null) return loss
  }
  return null
}

/** @throws TaskFlowError `not-json`, naming the owner of the value and the path in it; `too-large` */
export function assertStorable(value: unknown, owner: string, path: string, maxBytes: number): void {
  const loss = findLoss(value, path)
  if (loss !== null) {
    const message = `${owner}: ${loss}, which JSON cannot store; give plain data, or a reference to it`
    throw new TaskFlowError('not-json', message)
  }
  if (!isLongerThan(value, maxBytes)) return
  const remedy = 'Put the bytes into a file or a store, and give a reference to them, or raise maxValueBytes'
  throw new TaskFlowError('too-large', `${owner} is larger than the ${maxBytes} bytes that a value may have. ${remedy}`)
}
