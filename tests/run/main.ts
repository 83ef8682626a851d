/**
 * Every check there is, in one command; ends with a line of counts. What a machine lacks is installed where that is
 * possible, else its tests are skipped by name; with CI=true a missing program is a failure.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { runSuites } from './suites.ts'
import { provideTools } from './tools.ts'

interface Check {
  readonly name: string
  readonly command: readonly string[]
}

const checks: readonly Check[] = [
  { name: 'build', command: ['tsc', '-b', 'tsconfig.build.json'] },
  { name: 'types of tests, benches and demo', command: ['tsc'] },
  { name: 'format', command: ['biome', 'check', '.'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'unused code', command: ['knip'] },
]

const counts = { passed: 0, failed: 0, skipped: 0 }

for (const tool of provideTools()) console.log(tool)
for (const { name, command } of checks) {
  const [program = '', ...args] = command
  console.log(`\n== ${name}: ${command.join(' ')}`)
  const { status } = spawnSync(program, args, { stdio: 'inherit' })
  counts[status === 0 ? 'passed' : 'failed']++
}
for (const project of ['unit', 'black-box', 'crash']) {
  console.log(`\n== tests: ${project}`)
  const report = runSuites(project)
  counts.passed += report.passed
  counts.failed += report.failed
  counts.skipped += report.skipped
}
rmSync('tmp', { recursive: true, force: true })
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1
