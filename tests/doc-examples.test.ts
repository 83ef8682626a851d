import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Example, faultsOf } from './support/examples.ts'
import { root } from './support/project.ts'
import { examplesIn, importsFor, publicNames } from './support/public-names.ts'

/** What a reader of these packages can import is told of, with code that compiles and runs. */
const names = ['taskflow', 'taskflow-sqlite'].flatMap((folder) => publicNames(path.join(root, 'packages', folder)))
const documented = names.map((publicName) => ({
  name: publicName.name,
  from: publicName.from,
  file: path.relative(root, publicName.file),
  comment: publicName.comment,
  examples: examplesIn(publicName.comment ?? '').map(
    (code): Example => ({ name: publicName.name, imports: importsFor(code, names), code }),
  ),
}))

describe('every exported name has a doc comment with an example that runs', () => {
  let faults: Awaited<ReturnType<typeof faultsOf>>

  beforeAll(async () => {
    faults = await faultsOf(documented.flatMap(({ examples }) => examples))
  }, 120_000)

  it.each([...new Set(names.map(({ from }) => from))])('and every name of %s is known', async (from) => {
    const values = names.filter((name) => name.from === from && !name.isType).map(({ name }) => name)
    expect(values.toSorted()).toEqual(Object.keys((await import(from)) as object).toSorted())
  })

  it.each(documented)('$name of $from', ({ name, file, comment, examples }) => {
    expect(comment, `${name} has no doc comment in ${file}`).not.toBeNull()
    expect(examples.length, `${name} has no @example in ${file} with code on the lines below it`).not.toBe(0)
    for (const example of examples) {
      expect(example.code, `the example of ${name} does not use it`).toMatch(new RegExp(`\\b${name}\\b`))
      expect(faults.get(example), example.code).toEqual([])
    }
  })
})
