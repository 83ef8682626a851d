import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './example-runner.ts'
import { type Complaint, Project, root } from './project.ts'

/** A piece of code that stands in a document. */
export interface Example {
  readonly name: string
  /** What the document leaves out because it is plain: imports, in one line. */
  readonly imports: string
  readonly code: string
}

const runner = fileURLToPath(new URL('./example-runner.ts', import.meta.url))
const patience = 60_000

/** What is wrong with each example: it must compile, run, and print what its comments say. */
export async function faultsOf(examples: readonly Example[]): Promise<ReadonlyMap<Example, readonly string[]>> {
  using project = new Project('examples')
  const files = examples.map(({ imports, code }, at) => project.write(`example-${at}.ts`, `${imports}\n${code}\n`))
  const [complaints, outcomes] = await Promise.all([project.complaints(), run(project, files)])
  const elsewhere = complaints.filter(({ file }) => !file.startsWith('example-'))
  if (elsewhere.length > 0) throw new Error(`what examples import does not compile: ${elsewhere.map(say).join('\n')}`)
  return new Map(
    examples.map((example, at) => {
      const own = complaints.filter(({ file }) => file === path.basename(files[at]!))
      return [example, [...own.map(say), ...faultsOfRun(example, outcomes[at])]]
    }),
  )
}

function faultsOfRun({ code }: Example, outcome: Outcome | undefined): readonly string[] {
  if (!outcome) return ['it was not run, because one before it ended the process']
  const { error, printed } = outcome
  const faults = error === null ? [] : [error]
  for (const [at, text] of code.split('\n').entries()) {
    const [, promised] = /\bconsole\.log\(.*\) \/\/ (.+)$/.exec(text) ?? []
    if (promised === undefined) continue
    const told = printed.filter(({ line }) => line === at + 1).map(({ text }) => text)
    if (told.length === 0) faults.push(`line ${at + 1} prints nothing instead of: ${promised}`)
    for (const other of told.filter((text) => text !== promised)) {
      faults.push(`line ${at + 1} prints: ${other}\ninstead of: ${promised}`)
    }
  }
  return faults
}

/** The line of the example, not of its file: one line of imports stands before it. */
function say({ line, code, message }: Complaint): string {
  return `line ${line - 1}: ${code}: ${message}`
}

/** All in one process; each is imported when the one before it has ended. */
async function run(project: Project, files: readonly string[]): Promise<readonly Outcome[]> {
  const list = project.write('files.json', JSON.stringify(files))
  const report = path.join(project.folder, 'report.json')
  const flags = ['--conditions=@glimpse/source', '--disable-warning=ExperimentalWarning']
  const { promise, resolve, reject } = Promise.withResolvers<readonly Outcome[]>()
  execFile(process.execPath, [...flags, runner, list, report], { cwd: root, timeout: patience }, (_, out, err) => {
    if (existsSync(report)) resolve(JSON.parse(readFileSync(report, 'utf8')) as Outcome[])
    else reject(new Error(`the process that runs examples ended, or was stopped, without a word: ${out}${err}`))
  })
  return await promise
}
