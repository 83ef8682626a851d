/**
 * Imports examples one after another, and reports what each printed: `node example-runner.ts LIST REPORT`.
 *
 * The report is written when the process ends, however it ends, so that one example cannot silence the others.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { format } from 'node:util'

export interface Outcome {
  /** Why it did not run to its end; null: it did. */
  error: string | null
  /** What `console.log` was given. The line is that of the call, counted without the first of the file; 0: elsewhere. */
  readonly printed: { readonly line: number; readonly text: string }[]
}

/** How long what examples leave open may keep the process alive, in milliseconds. */
const patience = 5_000

const [, , list = '', report = ''] = process.argv
const outcomes: Outcome[] = []
const leaving = new Set<Outcome>()
let file = ''

console.log = (...values: unknown[]) => {
  const [, , caller = ''] = new Error('where').stack!.split('\n')
  const [, place = '', line = '1'] = /(file:.*?):(\d+):\d+\)?$/.exec(caller) ?? []
  const isHere = place !== '' && fileURLToPath(place) === file
  outcomes.at(-1)?.printed.push({ line: isHere ? Number(line) - 1 : 0, text: format(...values) })
}
process.on('uncaughtException', (error) => {
  const outcome = outcomes.at(-1)
  if (outcome) outcome.error = `it throws when nobody can catch it: ${format(error)}`
})
process.on('exit', () => writeFileSync(report, JSON.stringify(outcomes)))

for (file of JSON.parse(readFileSync(list, 'utf8')) as string[]) {
  const outcome: Outcome = { error: 'it does not end', printed: [] }
  outcomes.push(outcome)
  const open = process.getActiveResourcesInfo().length
  try {
    await import(pathToFileURL(file).href)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    if (outcome.error === 'it does not end') outcome.error = null
  } catch (error) {
    outcome.error = `it throws: ${format(error)}`
  }
  if (process.getActiveResourcesInfo().length > open) leaving.add(outcome)
}

setTimeout(() => {
  for (const outcome of leaving.size > 0 ? leaving : outcomes)
    outcome.error ??= 'it leaves something open, so that the process does not end'
  process.exit()
}, patience).unref()
