/**
 * Answers questions of speed: `npm run bench` for all, `npm run bench -- engine` for one. Every answer is a ratio to a
 * limit or a peer measured in the same run; results also go to bench/results/QUESTION.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

const questions: Record<string, () => Promise<{ measure: () => Promise<object> }>> = {
  engine: () => import('./engine.ts'),
  executors: () => import('./executors.ts'),
  data: () => import('./data.ts'),
  durable: () => import('./durable.ts'),
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in questions))
if (unknown.length > 0) {
  console.error(`no such question: ${unknown.join(', ')}; there are ${Object.keys(questions).join(', ')}`)
  process.exit(1)
}
const results = fileURLToPath(new URL('results', import.meta.url))
mkdirSync(results, { recursive: true })
for (const name of asked.length > 0 ? asked : Object.keys(questions)) {
  console.log(`\n== ${name}`)
  const { measure } = await questions[name]!()
  const machine = { node: process.version, cores: cpus().length, model: cpus()[0]?.model, memory: totalmem() }
  writeFileSync(`${results}/${name}.json`, `${JSON.stringify({ machine, ...(await measure()) }, null, 2)}\n`)
}
