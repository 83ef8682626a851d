/** What the body of an error says. */
export interface Problem {
  /** The status in words; empty when the body does not say. */
  readonly title: string
  readonly explanation: string
}

/**
 * Reads the body of an error. Services of this API answer with text/plain or text/html, newer ones and the middleware
 * before them with JSON in several shapes.
 *
 * Every pattern below takes time linear in the text: a body is whatever a server, or what stands in for it, sends.
 *
 * @param type the `Content-Type` of the body.
 */
export function parseProblem(type: string, text: string): Problem {
  if (/\bjson\b/i.test(type)) return fromJson(text) ?? fromText(text)
  return /\bhtml\b/i.test(type) ? fromHtml(text) : fromText(text)
}

function fromText(text: string): Problem {
  const [, title = '', explanation = text] = /^\d{3} ([^\n]*)\n([^]*)$/.exec(text.trimStart()) ?? []
  return { title: title.trim(), explanation: squeeze(explanation) }
}

function fromHtml(html: string): Problem {
  const [, title = ''] = /<title>([^<]*)/i.exec(html) ?? []
  const body = html.replace(/<(title|h1)\b[^<>]*>[^<]*/gi, ' ').replace(/<[^<>]*>/g, ' ')
  return { title: withoutStatus(unescape(title)), explanation: squeeze(unescape(body)) }
}

/** The fault is the object itself (`{message, title}`) or one inside (`{error: {}}`, `{badRequest: {}}`, `{errors: [{}]}`). */
function fromJson(text: string): Problem | undefined {
  const value = parseObject(text)
  if (value === undefined) return undefined
  const fault = 'message' in value ? value : (Object.values(value).flat().find(isObject) ?? value)
  const pick = (...keys: string[]): string =>
    keys.map((key) => fault[key]).find((found) => typeof found === 'string') ?? ''
  const explanation = pick('message', 'explanation', 'detail', 'description').replace(/<br ?\/?>/gi, ' ')
  return { title: withoutStatus(pick('title', 'error', 'code')), explanation: squeeze(explanation) }
}

/** @returns undefined when the text is anything but a JSON object. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withoutStatus(title: string): string {
  return title.trim().replace(/^\d{3}\b */, '')
}

function squeeze(text: string): string {
  return text.split(/\s+/).filter(Boolean).join(' ')
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

function unescape(html: string): string {
  return html.replace(
    /&(?:#x([\da-f]{1,6})|#(\d{1,7})|([a-z]{2,6}));/gi,
    (whole, hex?: string, decimal?: string, name = '') => {
      if (hex === undefined && decimal === undefined) return entities[name] ?? whole
      const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole
    },
  )
}
