import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'

/** Every TypeScript block of the documents runs, and prints what its comments say. */
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = path.join(root, 'tmp', 'docs')
const run = promisify(execFile)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(['README.md', 'docs/taskflow.md'])('%s', (document) => {
  const blocks = [...readFileSync(path.join(root, document), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
    ([, code = '']) => ({
      code,
      first: code.split('\n').find((line) => line.startsWith('const')) ?? code.slice(0, 40),
    }),
  )

  it('has examples', () => {
    expect(blocks.length).toBeGreaterThan(0)
  })

  it.each(blocks)('the example with "$first" runs as it says', async ({ code }) => {
    mkdirSync(folder, { recursive: true })
    const file = path.join(
      folder,
      `${document.replaceAll(/\W/g, '-')}-${blocks.findIndex((block) => block.code === code)}.ts`,
    )
    writeFileSync(file, code)
    const { stdout } = await run(process.execPath, ['--conditions=@glimpse/source', file])
    const promised = [...code.matchAll(/^console\.log\(.*\) \/\/ (.+)$/gm)].map(([, text]) => text)
    for (const text of promised) expect(stdout.split('\n')).toContain(text)
  })
})
