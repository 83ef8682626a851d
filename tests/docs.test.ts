import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Example, faultsOf } from './support/examples.ts'
import { root } from './support/project.ts'

/** Every TypeScript block of the documents compiles, runs by itself, and prints what its comments say. */
const documents = ['README.md', ...globSync(['docs/*.md', 'docs/guides/*.md'], { cwd: root }).toSorted()].map(
  (file) => ({
    file,
    examples: [...readFileSync(path.join(root, file), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(
      ([, code = '']): Example => ({
        name: code.split('\n').find((line) => line.startsWith('const')) ?? code.slice(0, 40),
        imports: 'export {}',
        code,
      }),
    ),
  }),
)
const withExamples = documents.filter(({ examples }) => examples.length > 0)

describe('the examples of the documents', () => {
  let faults: Awaited<ReturnType<typeof faultsOf>>

  beforeAll(async () => {
    faults = await faultsOf(withExamples.flatMap(({ examples }) => examples))
  }, 120_000)

  it.each(['README.md', 'docs/taskflow.md'])('are there in %s', (file) => {
    expect(withExamples.map((document) => document.file)).toContain(file)
  })

  describe.each(withExamples)('$file', ({ examples }) => {
    it.each(examples)('the example with "$name" runs as it says', (example) => {
      expect(faults.get(example)).toEqual([])
    })
  })
})
