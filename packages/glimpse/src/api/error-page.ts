import { STATUS_CODES } from 'node:http'
import { acceptedType } from './accepted-type.ts'

/** An error as its page tells it. */
export interface Problem {
  readonly status: number
  /** What is wrong, for people. */
  readonly explanation: string
  /** A second paragraph. */
  readonly detail?: string
}

export interface Page {
  readonly contentType: string
  readonly body: string
}

/** Names that this API has always used where Node follows a newer RFC. */
const oldTitles: Readonly<Record<number, string>> = {
  413: 'Request Entity Too Large',
  416: 'Request Range Not Satisfiable',
}

/**
 * The body of an error: HTML, JSON or plain text, whichever the client takes, in the shape that clients of this API
 * know, that of Python's WebOb. Some of them scrape the text.
 *
 * @param accept the request's `Accept` header.
 */
export function renderProblem({ status, explanation, detail }: Problem, accept: string | undefined): Page {
  const title = oldTitles[status] ?? STATUS_CODES[status] ?? 'Unknown'
  const head = `${status} ${title}`
  const type = acceptedType(accept, ['text/html', 'application/json'])
  if (type === 'text/html') return { contentType: 'text/html; charset=UTF-8', body: html(head, explanation, detail) }
  if (type === 'application/json') {
    const message = paragraphs(explanation, detail)
    return { contentType: 'application/json', body: JSON.stringify({ message, code: head, title }) }
  }
  const text = `${oneLine(explanation)}\n\n ${oneLine(detail ?? '')}  `
  return { contentType: 'text/plain; charset=UTF-8', body: `${head}\n\n${text}` }
}

function paragraphs(explanation: string, detail = ''): string {
  return `${explanation}<br /><br />\n${detail}\n\n`
}

function html(head: string, explanation: string, detail?: string): string {
  const body = paragraphs(escape(explanation), detail === undefined ? undefined : escape(detail))
  return `<html>\n <head>\n  <title>${head}</title>\n </head>\n <body>\n  <h1>${head}</h1>\n  ${body}\n </body>\n</html>`
}

function oneLine(text: string): string {
  return text.replaceAll('\n', ' ').replaceAll('\r', '')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#x27;',
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => entities[mark]!)
}
