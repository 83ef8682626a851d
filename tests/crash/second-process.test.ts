import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { dataFolders, download, fileGrows, filesIn, newImage, Stage, startImport } from '../black-box/support.ts'
import { Life } from './life.ts'
import { leftIn, snapshotOf } from './records.ts'

const data = randomBytes(4 << 20)
const stage = new Stage()
afterEach(() => stage.close())

let stateDir: string
let configFile: string
let database: string

beforeEach(async () => {
  stateDir = await stage.folder()
  configFile = path.join(stateDir, 'glance-api.conf')
  database = path.join(stateDir, 'glimpse.sqlite')
})

it('a second process on a database is refused with the reason, and harms nothing that the first has under way', async () => {
  const { client, service } = await stage.serve('', stateDir)
  const source = await stage.holdSource(data)
  const { id } = await newImage(client)
  const { id: task } = await startImport(client, id, { method: 'web-download', uri: source.url })
  const { images, staging } = dataFolders(stateDir)
  await fileGrows(staging, data.length / 4)
  const state = async () => [snapshotOf(database, task), await filesIn(images, staging)]
  const before = await state()
  await expectRefused(begin())
  expect(await state()).toEqual(before)
  source.release()
  expect(await client.tasks.waitFor(task, { intervalMs: 20 })).toMatchObject({ status: 'success' })
  expect((await download(client, id)).equals(data)).toBe(true)
  expect(service.log.filter(({ level }) => level >= 40)).toEqual([])
  expect(await service.stop('SIGTERM')).toBe(0)
  expect(leftIn(database)).toEqual([])
})

it('of processes that start at once on a new database one serves it, and all others are refused', async () => {
  await writeFile(configFile, '')
  const lives = [1, 2, 3, 4].map(begin)
  const addresses = await Promise.all(lives.map(({ listening }) => listening))
  const serving = addresses.flatMap((address, index) => (address === null ? [] : [index]))
  expect(serving).toHaveLength(1)
  for (const [index, life] of lives.entries()) if (!serving.includes(index)) await expectRefused(life)
  expect(await lives[serving[0]!]!.stop('SIGTERM')).toBe(0)
})

it('the death of the first lets the next one in at once, also one that was refused before', async () => {
  await writeFile(configFile, '')
  const first = begin()
  expect(await first.listening).not.toBeNull()
  await expectRefused(begin())
  expect(await first.stop('SIGKILL')).toBeNull()
  const next = begin()
  expect(await next.listening).not.toBeNull()
  expect(await next.stop('SIGTERM')).toBe(0)
})

function begin(): Life {
  const life = new Life(configFile, stateDir)
  stage.onClose(() => (life.alive ? life.stop('SIGKILL') : null))
  return life
}

async function expectRefused(life: Life): Promise<void> {
  const reason = `Another process serves the database ${database}; stop it first, or name another database`
  expect({ code: await life.ended, stderr: life.stderr, lines: life.lines }).toEqual({
    code: 1,
    stderr: `glimpse: ${reason}\n`,
    lines: [],
  })
}
