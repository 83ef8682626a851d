import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Outcome } from './support/example-runner.ts'
import { Project, root } from './support/project.ts'

/**
 * What the examples of the guides print is on the page: in the comment behind a `console.log` (docs.test.ts holds those
 * to it); a drawing in a block of `mermaid` after the example; all else in a block of `text` after it.
 * `npx vitest run --project unit tests/guides.test.ts -u` brings those blocks up to date.
 */
const guides = path.join(root, 'docs', 'guides')
const runner = fileURLToPath(new URL('./support/example-runner.ts', import.meta.url))
const patience = 60_000

/** What an example printed and no comment tells, less what the page has shown of it. */
interface Output {
  readonly example: number
  readonly drawings: string[]
  readonly lines: string[]
}

describe.each(readdirSync(guides).filter((name) => name.endsWith('.md')))('the guide %s', (guide) => {
  it('shows what its examples print and draw', { timeout: patience }, async () => {
    const file = path.join(guides, guide)
    const page = readFileSync(file, 'utf8')
    await expect(await refreshed(page)).toMatchFileSnapshot(file)
  })
})

describe('a page', () => {
  const block = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\`\n`
  const printing = (...texts: string[]): string =>
    block('ts', texts.map((text) => `console.log(${JSON.stringify(text)})`).join('\n'))

  it('is left as it is where it is right', { timeout: patience }, async () => {
    const page = [
      'First:\n',
      printing('flowchart TD\n  a --> b', 'one', 'flowchart TD\n  c', 'two'),
      block('mermaid', 'flowchart TD\n  a --> b'),
      'and\n',
      block('mermaid', 'flowchart TD\n  c'),
      block('text', 'one\ntwo'),
      block('ts', 'console.log(3) // 3'),
    ].join('')
    expect(await refreshed(page)).toBe(page)
  })

  it('gets the drawings and the lines that its examples print today', { timeout: patience }, async () => {
    const page = printing('flowchart TD\n  b', 'two') + block('text', 'one') + block('mermaid', 'flowchart TD\n  a')
    const right = printing('flowchart TD\n  b', 'two') + block('text', 'two') + block('mermaid', 'flowchart TD\n  b')
    expect(await refreshed(page)).toBe(right)
  })

  it.each([
    ['an example that fails', block('ts', 'throw new Error("it fails")'), 'it fails'],
    ['lines that it does not show', printing('one'), 'does not show'],
    ['a drawing that it does not show', printing('flowchart TD\n  a'), 'does not show'],
    ['a block of mermaid that nothing draws', printing() + block('mermaid', 'flowchart TD'), 'nothing draws'],
    ['a block of text that nothing prints', printing() + block('text', 'one'), 'nothing prints'],
  ])('with %s is refused', { timeout: patience }, async (_, page, why) => {
    await expect(refreshed(page)).rejects.toThrow(why)
  })
})

/** The page, with the blocks of `mermaid` and `text` as its examples print them. */
async function refreshed(page: string): Promise<string> {
  const blocks = [...page.matchAll(/^```(ts|mermaid|text)\n(.*?)^```$/gms)]
  const outputs = await outputsOf(blocks.filter(([, language]) => language === 'ts').map(([, , code = '']) => code))
  const parts: string[] = []
  let output: Output = { example: 0, drawings: [], lines: [] }
  let end = 0
  for (const { 0: whole, 1: language = '', index } of blocks) {
    const isExample = language === 'ts'
    if (isExample) {
      refuseHidden(output)
      output = outputs.shift()!
    }
    parts.push(page.slice(end, index), isExample ? whole : `\`\`\`${language}\n${shown(output, language)}\n\`\`\``)
    end = index + whole.length
  }
  refuseHidden(output)
  return [...parts, page.slice(end)].join('')
}

function shown({ example, drawings, lines }: Output, language: string): string {
  const text = language === 'mermaid' ? drawings.shift() : lines.splice(0).join('\n')
  if (text) return text
  const verb = language === 'mermaid' ? 'draws' : 'prints'
  throw new Error(`there is a block of ${language} after example ${example} that nothing ${verb}`)
}

function refuseHidden({ example, drawings, lines }: Output): void {
  const hidden = [...drawings, ...lines].join('\n')
  if (hidden !== '') throw new Error(`the page does not show all that example ${example} prints:\n${hidden}`)
}

async function outputsOf(examples: readonly string[]): Promise<Output[]> {
  using project = new Project('guides')
  // The runner counts lines after the first.
  const files = examples.map((code, at) => project.write(`example-${at + 1}.ts`, `export {}\n${code}`))
  const outcomes = await outcomesOf(project, files)
  return examples.map((code, at) => outputOf(at + 1, code, outcomes[at]!))
}

async function outcomesOf(project: Project, files: readonly string[]): Promise<readonly Outcome[]> {
  const list = project.write('files.json', JSON.stringify(files))
  const report = path.join(project.folder, 'report.json')
  const { promise: ended, resolve } = Promise.withResolvers<string>()
  const program = ['--conditions=@glimpse/source', '--disable-warning=ExperimentalWarning', runner, list, report]
  execFile(process.execPath, program, { cwd: root, timeout: patience }, (_, out, err) => resolve(out + err))
  const said = await ended
  if (!existsSync(report)) throw new Error(`the process that runs examples ended without a report: ${said}`)
  return JSON.parse(readFileSync(report, 'utf8')) as Outcome[]
}

function outputOf(example: number, code: string, { error, printed }: Outcome): Output {
  if (error !== null) throw new Error(`example ${example}: ${error}`)
  const source = code.split('\n')
  const isTold = (line: number): boolean => /console\.log\(.*\) \/\/ ./.test(source[line - 1] ?? '')
  const texts = printed.filter(({ line }) => !isTold(line)).map(({ text }) => text)
  const isDrawing = (text: string): boolean => text.startsWith('flowchart TD\n')
  return { example, drawings: texts.filter(isDrawing), lines: texts.filter((text) => !isDrawing(text)) }
}
