/**
 * Runs recorded cases of TaskFlow with the library: one JSON line a case on standard output, for `compare.py`.
 *
 *     npm run --silent conformance -- FILE.jsonl.gz [--engine serial|parallel] [--resume]
 */
import { parseArgs } from 'node:util'
import { readCases } from './cases.ts'
import { type Mode, resumeSpec, runSpec } from './run.ts'

try {
  const { file, mode, resume } = asked()
  for (const { spec, resume: recorded = [] } of readCases(file)) {
    if (!resume) print(await runSpec(spec, mode))
    else for (const one of recorded) print(await resumeSpec(spec, one, mode))
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  console.error('usage: npm run conformance -- FILE.jsonl.gz [--engine serial|parallel] [--resume]')
  process.exitCode = 2
}

function print(facts: object): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`)
}

function asked(): { readonly file: string; readonly mode: Mode; readonly resume: boolean } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { engine: { type: 'string', default: 'serial' }, resume: { type: 'boolean', default: false } },
  })
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new Error(`give one file, not ${positionals.length}`)
  const { engine, resume } = values
  if (engine === 'serial' || engine === 'parallel') return { file, mode: engine, resume }
  throw new Error(`there is no engine '${engine}'; there are serial and parallel`)
}
