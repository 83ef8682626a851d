/**
 * Runs recorded cases of TaskFlow with the library: one JSON line a case on standard output, for `compare.py`.
 *
 *     npm run --silent conformance -- FILE.jsonl.gz [--engine serial|parallel]
 */
import { parseArgs } from 'node:util'
import { readCases } from './cases.ts'
import { type Mode, runSpec } from './run.ts'

try {
  const { file, mode } = asked()
  for (const { spec } of readCases(file)) {
    process.stdout.write(`${JSON.stringify(await runSpec(spec, mode))}\n`)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  console.error('usage: npm run conformance -- FILE.jsonl.gz [--engine serial|parallel]')
  process.exitCode = 2
}

function asked(): { readonly file: string; readonly mode: Mode } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { engine: { type: 'string', default: 'serial' } },
  })
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new Error(`give one file, not ${positionals.length}`)
  const { engine } = values
  if (engine === 'serial' || engine === 'parallel') return { file, mode: engine }
  throw new Error(`there is no engine '${engine}'; there are serial and parallel`)
}
