import type { Path } from '../nodes.ts'
import { legible, worded } from './labels.ts'

/** What is written for a value that is not to be seen. */
export const mask = '***'

/** How a value is written. */
export interface ValueStyle {
  /** What goes by one of these keys, however deep, is masked. */
  readonly maskedKeys: ReadonlySet<string>
  /** Characters that a text may have; longer ones are cut. */
  readonly longest: number
}

/** So many levels, and so many entries of each, are written; what is more is counted. */
const deepest = 4
export const widest = 8
const firstIndices: readonly number[] = [...Array.from({ length: widest }).keys()]

/**
 * A value in one line that JSON's readers will understand. It may be anything, also what has getters that throw, or
 * contains itself.
 *
 * @param hidden parts that are masked besides.
 */
export function valueText(value: unknown, style: ValueStyle, hidden: readonly Path[] = []): string {
  const text = legible(write(value, style, hidden, 0))
  return text.length > style.longest ? `${text.slice(0, style.longest)}...` : text
}

function write(value: unknown, style: ValueStyle, hidden: readonly Path[], depth: number): string {
  if (hidden.some((path) => path.length === 0)) return mask
  if (typeof value === 'string') return JSON.stringify(value.slice(0, style.longest + 1))
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`
  if (typeof value !== 'object' || value === null) return String(value)
  try {
    return writeObject(value, style, hidden, depth)
  } catch {
    return '[unreadable]'
  }
}

function writeObject(value: object, style: ValueStyle, hidden: readonly Path[], depth: number): string {
  const isList = Array.isArray(value)
  const proto: unknown = Object.getPrototypeOf(value)
  if (!isList && proto !== Object.prototype && proto !== null) return `[${classOf(value)}]`
  const names: readonly (string | number)[] = isList ? firstIndices : Object.keys(value)
  const size = isList ? value.length : names.length
  const [open, close] = isList ? '[]' : '{}'
  if (size > 0 && depth === deepest) return `${open}...${close}`
  const entries = names.slice(0, Math.min(widest, size)).map((key) => {
    const text = style.maskedKeys.has(String(key)) ? mask : writeEntry(value, key, style, hidden, depth)
    return isList ? text : `${worded(String(key))}: ${text}`
  })
  return `${open}${shortened(entries, size).join(', ')}${close}`
}

function writeEntry(
  value: object,
  key: string | number,
  style: ValueStyle,
  hidden: readonly Path[],
  depth: number,
): string {
  const inside = hidden.filter(([first]) => String(first) === String(key)).map(([, ...rest]) => rest)
  return write(Reflect.get(value, key), style, inside, depth + 1)
}

/** The first of so many, and how many they leave out. */
export function shortened(texts: readonly string[], size: number): readonly string[] {
  return size > texts.length ? [...texts, `... and ${size - texts.length} more`] : texts
}

function classOf(value: object): string {
  const { constructor: made }: { constructor?: unknown } = value
  return typeof made === 'function' && made.name !== '' ? made.name : 'object'
}
