import { readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Complaint, Project, root } from '../../../tests/support/project.ts'
import { type Importable, importsFor, publicNames } from '../../../tests/support/public-names.ts'

/** A mistake, and what the compiler said of it when somebody last read that. */
interface WrongFlow {
  readonly title: string
  readonly code: string
}

const golden = path.join(import.meta.dirname, 'golden', 'wrong-flows.md')
const block = /```ts\n(.*?)```\n(?:\n```text\n.*?```\n)?/gs

const [intro = '', ...sections] = readFileSync(golden, 'utf8').split(/^(?=## )/m)
const [given = ''] = codeIn(intro)
const wrongFlows = sections.map((section): WrongFlow => {
  const [code = ''] = codeIn(section)
  return { title: section.slice(3, section.indexOf('\n')), code }
})

describe('the compiler', () => {
  const told = new Map<WrongFlow, readonly Complaint[]>()

  beforeAll(async () => {
    using project = new Project('wrong-flows')
    const names = publicNames(path.join(root, 'packages', 'taskflow'))
    const parts = [...given.matchAll(/^export (const|interface) (\w+)/gm)].map(
      ([, kind, name = '']): Importable => ({ name, from: './given.ts', isType: kind === 'interface' }),
    )
    project.write('given.ts', `${importsFor(given, names)}\n${given}`)
    for (const [at, { code }] of wrongFlows.entries()) {
      project.write(`${at}.ts`, `${importsFor(code, [...names, ...parts])}\n${code}`)
    }
    const complaints = await project.complaints()
    for (const [at, wrong] of wrongFlows.entries()) {
      told.set(
        wrong,
        complaints.filter(({ file }) => file === `${at}.ts`),
      )
    }
    expect(complaints.filter(({ file }) => !/^\d+\.ts$/.test(file))).toEqual([])
  }, 120_000)

  it('is shown each mistake by a title of its own', () => {
    expect(new Set(wrongFlows.map(({ title }) => title)).size).toBe(wrongFlows.length)
    expect(wrongFlows.length).toBeGreaterThan(50)
  })

  it.each(wrongFlows)('refuses: $title', (wrong) => {
    expect(told.get(wrong)).not.toEqual([])
  })

  it('says of each what the golden file says', async () => {
    const written = sections.map((section, at) => {
      const wrong = wrongFlows[at]!
      return section.replace(
        block,
        () => `\`\`\`ts\n${wrong.code}\`\`\`\n\n\`\`\`text\n${say(wrong, told.get(wrong)!)}\`\`\`\n`,
      )
    })
    await expect([intro, ...written].join('')).toMatchFileSnapshot(golden)
  })
})

function codeIn(text: string): readonly string[] {
  return [...text.matchAll(block)].map(([, code = '']) => code)
}

/** As the compiler shows it on a terminal: the line, where in it, and why. */
function say({ code }: WrongFlow, complaints: readonly Complaint[]): string {
  const lines = ['', ...code.split('\n')]
  return complaints
    .map(({ line, column, code, message }) => {
      return `${line - 1}: ${lines[line - 1]}\n${' '.repeat(`${line - 1}: `.length + column - 1)}^ ${code}\n${message}\n`
    })
    .join('\n')
}
