import { mkdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { syncLog } from '../../src/db/sync-log.ts'
import { openRepos, tempFile } from './temp-folder.ts'

it('brings the log of a database that is in use to the disk', async () => {
  const file = await tempFile()
  const { images } = await openRepos(file)
  await images.create({ id: 'a', name: null, owner: null })
  await expect(syncLog(file)).resolves.toBeUndefined()
})

it('has nothing to do where there is no log', async () => {
  await expect(syncLog(await tempFile())).resolves.toBeUndefined()
})

it('tells of a log that cannot be opened', async () => {
  const file = await tempFile()
  await mkdir(`${file}-wal`)
  await expect(syncLog(file)).rejects.toMatchObject({ code: 'EISDIR' })
})
