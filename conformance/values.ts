/** How values are written in recorded cases. Source: `flow-oracle/README.md`, "What a task does". */
import { Buffer } from 'node:buffer'
import type { JsonValue } from '@glimpse/taskflow'

/** The order of python's strings: that of code points, which is that of UTF-8, and not that of JavaScript's strings. */
export function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** FNV-1a of 32 bits over the text's UTF-8. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** A string as it is; anything else as JSON with sorted keys and without spaces. */
export function render(value: JsonValue): string {
  return typeof value === 'string' ? value : jsonOf(value)
}

/** `k1=v1,k2=v2`, sorted by name. */
export function renderNamed(values: Readonly<Record<string, JsonValue>>): string {
  const sorted = Object.entries(values).toSorted(([a], [b]) => byCodePoint(a, b))
  return sorted.map(([name, value]) => `${name}=${render(value)}`).join(',')
}

const longest = 60

/** A call in words; one that is longer than 60 code points as its head and a hash of the whole. */
export function renderCall(head: string, args: Readonly<Record<string, JsonValue>>): string {
  const call = `${head}(${renderNamed(args)})`
  if (Array.from(call).length <= longest) return call
  return `${head}~${fnv1a(call).toString(16).padStart(8, '0')}`
}

function jsonOf(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isList(value)) return `[${value.map(jsonOf).join(',')}]`
  const keys = Object.keys(value).toSorted(byCodePoint)
  return `{${keys.map((key) => `${JSON.stringify(key)}:${jsonOf(value[key] ?? null)}`).join(',')}}`
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value)
}
