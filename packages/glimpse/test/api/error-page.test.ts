import { describe, expect, it } from 'vitest'
import { acceptedType } from '../../src/api/accepted-type.ts'
import { renderProblem } from '../../src/api/error-page.ts'

const problem = { status: 409, explanation: `a <b> 'c' & "d"` }

const text = (status: number): string => renderProblem({ status, explanation: 'e', detail: 'd' }, undefined).body

/** The bodies are those that WebOb 1.8 makes of the same errors. */
describe('an error', () => {
  it('is plain text for who says nothing, or wants neither HTML nor JSON', () => {
    for (const accept of [undefined, '', 'text/plain', 'application/xml']) {
      expect(renderProblem({ status: 409, explanation: 'no\nway' }, accept)).toEqual({
        contentType: 'text/plain; charset=UTF-8',
        body: '409 Conflict\n\nno way\n\n   ',
      })
    }
  })

  it('keeps what looks like markup, in plain text', () => {
    expect(renderProblem(problem, undefined).body).toBe(`409 Conflict\n\na <b> 'c' & "d"\n\n   `)
  })

  it('is HTML for browsers and for who takes anything', () => {
    for (const accept of ['*/*', 'text/html']) {
      expect(renderProblem(problem, accept)).toEqual({
        contentType: 'text/html; charset=UTF-8',
        body: '<html>\n <head>\n  <title>409 Conflict</title>\n </head>\n <body>\n  <h1>409 Conflict</h1>\n  a &lt;b&gt; &#x27;c&#x27; &amp; &quot;d&quot;<br /><br />\n\n\n\n </body>\n</html>',
      })
    }
  })

  it('is JSON for who wants that', () => {
    const { contentType, body } = renderProblem(problem, 'application/json')
    expect([contentType, JSON.parse(body)]).toEqual([
      'application/json',
      { message: `a <b> 'c' & "d"<br /><br />\n\n\n`, code: '409 Conflict', title: 'Conflict' },
    ])
  })

  it('has the old titles of 413 and 416, and a second paragraph where there is one', () => {
    expect(text(413)).toBe('413 Request Entity Too Large\n\ne\n\n d  ')
    expect(text(416)).toBe('416 Request Range Not Satisfiable\n\ne\n\n d  ')
  })
})

describe('Accept', () => {
  it.each([
    ['text/html;q=0.5, application/json', 'application/json'],
    ['application/json;q=0.5, text/html;q=0.5', 'text/html'],
    ['application/*', 'application/json'],
    ['*/*, text/html;q=0', 'application/json'],
    ['TEXT/HTML', 'text/html'],
    ['text/html;q=x', undefined],
    [', ,', undefined],
  ])('%s chooses %s', (header, expected) => {
    expect(acceptedType(header, ['text/html', 'application/json'])).toBe(expected)
  })
})
