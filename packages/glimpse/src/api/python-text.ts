const longest = 1000

/**
 * A JSON value as Python would print it, which is how error texts of this API quote values: `'x'`, `True`, `None`.
 * Cut after 1000 characters.
 */
export function pythonText(value: unknown): string {
  const text = print(value)
  return text.length > longest ? `${text.slice(0, longest)}...` : text
}

function print(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (value === null || value === undefined) return 'None'
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`
  if (typeof value !== 'object') return JSON.stringify(value) ?? 'None'
  const entries = Object.entries(value).map(([key, one]) => `${quote(key)}: ${print(one)}`)
  return `{${entries.join(', ')}}`
}

function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')
  return `${mark}${mark === "'" ? escaped.replaceAll("'", "\\'") : escaped}${mark}`
}
