import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { Program, Stage } from './support.ts'

const demo = fileURLToPath(new URL('../../demo/main.ts', import.meta.url))

const stage = new Stage()
afterEach(() => stage.close())

it('the demo shows imports that succeed, one that fails with its cause, and equal bytes', async () => {
  const program = new Program(process.execPath, [demo])
  stage.onClose(() => program.stop('SIGTERM'))
  const code = await program.ended
  expect({ code, stderr: program.stderr }).toEqual({ code: 0, stderr: '' })
  for (const line of [
    /^Made a qcow2 image of 24 MiB/m,
    /^The service listens on http:\/\/127\.0\.0\.1:\d+$/m,
    / {4}the task says: step download failed after 3 attempts: the source closed the connection after \d+ of \d+ bytes$/m,
    / {4}the image is queued$/m,
    / {6}Step download: \d+ % of [\d.]+ MiB, [\d.]+ MiB\/s$/m,
    / {4}download {13}undone in [\d.]+ s$/m,
    / {4}\S{36} {2}failure {2}step download failed/m,
    /^Timeline of the failure$/m,
    /^Everything went as it should\.$/m,
  ])
    expect(program.stdout).toMatch(line)
  expect(program.stdout.match(/the image is active$/gm)).toHaveLength(3)
  expect(program.stdout.match(/sha512 \w{16}\.\.\. equal$/gm)).toHaveLength(3)
  expect(program.stdout).not.toContain('DIFFERENT')
})
