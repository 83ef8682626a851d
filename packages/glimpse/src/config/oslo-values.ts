import { ValueError } from './errors.ts'
import type { Option } from './options.ts'

/**
 * Reads the text of one value as its option's type.
 *
 * @throws ValueError saying what the option takes.
 *
 * Source: reference/glance.md 3.3.
 */
export function parseValue(text: string, option: Option): unknown {
  switch (option.type) {
    case 'string':
      return text === '' ? parseEmpty(option.default) : parseChoice(text, option.choices, option.notYet)
    case 'integer':
      return parseInteger(text, option.min, option.max)
    case 'boolean':
      return parseBoolean(text)
    case 'list':
      return parseList(text, option.bounds).map((item) => parseChoice(item, allOf(option)))
    case 'integers':
      return parseList(text, option.bounds).map((item) => parseInteger(item, option.min, option.max))
    default:
      return parseDict(text)
  }
}

/** `key =` unsets what may be unset. */
function parseEmpty(byDefault: string | null): string | null {
  if (byDefault === null || byDefault === '') return byDefault
  throw new ValueError('must not be empty')
}

/** What a list may name: also what is known but not here yet, because the reader drops that with a warning. */
function allOf(option: { choices?: readonly string[]; notYet?: readonly string[] }): string[] | undefined {
  return option.choices && [...option.choices, ...(option.notYet ?? [])]
}

function parseChoice(text: string, choices?: readonly string[], notYet?: readonly string[]): string {
  if (!choices || choices.includes(text)) return text
  const allowed = `must be one of ${choices.join(', ')}`
  throw new ValueError(notYet?.includes(text) ? `${allowed}; ${text} is not supported so far` : allowed)
}

function parseInteger(text: string, min: number, max: number): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new ValueError(`must be an integer from ${min} to ${max}`)
}

const booleans = new Map([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
])

function parseBoolean(text: string): boolean {
  const value = booleans.get(text.toLowerCase())
  if (value !== undefined) return value
  throw new ValueError(`must be one of ${[...booleans.keys()].join(', ')}`)
}

function parseList(text: string, bounds = false): string[] {
  const inner = bounds ? /^\[(.*)\]$/s.exec(text.trim())?.[1] : text
  if (inner === undefined) throw new ValueError('must be a list in brackets, such as [a,b]')
  return splitItems(inner).map(unquote)
}

function parseDict(text: string): Record<string, string> {
  const pairs = splitItems(text).map((item): [string, string] => {
    const colon = item.indexOf(':')
    const value = item.slice(colon + 1).trim()
    if (colon < 1 || value === '') throw new ValueError(`must be pairs such as a:b,c:d; "${item}" is none`)
    return [item.slice(0, colon).trim(), unquote(value)]
  })
  const repeated = pairs.find(([key], at) => pairs.findIndex(([other]) => other === key) !== at)
  if (repeated) throw new ValueError(`must name each key once; ${repeated[0]} comes twice`)
  return Object.fromEntries(pairs)
}

/** Cuts at commas, but for those in quotes. A quote opens at the start of an item or after a colon: `a, "b,c", d:'e,f'`. */
function splitItems(text: string): string[] {
  const items: string[] = ['']
  let quote = ''
  for (const sign of text) {
    const item = items.at(-1) ?? ''
    if (quote === '' && sign === ',') {
      items.push('')
      continue
    }
    if (sign === quote) quote = ''
    else if (quote === '' && /["']/.test(sign) && /(^|:)\s*$/.test(item)) quote = sign
    items[items.length - 1] = item + sign
  }
  if (quote !== '') throw new ValueError(`must close every ${quote}`)
  return withoutGaps(items.map((item) => item.trim()))
}

/** A comma may end a list, as in `a,b,`; an empty item elsewhere is a mistake. */
function withoutGaps(items: string[]): string[] {
  const kept = items.at(-1) === '' ? items.slice(0, -1) : items
  if (kept.includes('')) throw new ValueError('must have an item between two commas')
  return kept
}

/** Drops the quotes round a text that has no such quote inside. */
export function unquote(text: string): string {
  return /^(["'])((?:(?!\1).)*)\1$/s.exec(text)?.[2] ?? text
}
