import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { download, filesIn, importAndWait, newImage, type Site, Stage } from './support.ts'

/** With the filler it does not fit on a disk of 4 MiB; without, it does. */
const data = randomBytes(2 << 20)
const filler = Buffer.alloc(3 << 20, 1)

const stage = new Stage()
afterEach(() => stage.close())

/** A file system of its own in memory, with a folder to be made in it. */
class Disk {
  readonly mount: string
  readonly folder: string
  readonly filler: string

  constructor(mount: string) {
    this.mount = mount
    this.folder = path.join(mount, 'data')
    this.filler = path.join(mount, 'filler')
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount], { stdio: 'ignore' })
  }

  static async make(): Promise<Disk> {
    const mount = await stage.folder()
    const disk = new Disk(mount)
    stage.onClose(() => disk.unmount())
    return disk
  }

  async fill(): Promise<void> {
    await writeFile(this.filler, filler)
  }

  async free(): Promise<void> {
    await rm(this.filler)
  }

  remount(as: 'ro' | 'rw'): void {
    execFileSync('mount', ['-o', `remount,${as}`, this.mount], { stdio: 'pipe' })
  }

  unmount(): void {
    execFileSync('umount', [this.mount], { stdio: 'pipe' })
  }
}

interface Trouble {
  readonly name: string
  readonly status: number
  readonly cause: RegExp
  begin(disk: Disk): void | Promise<void>
  end(disk: Disk): void | Promise<void>
}

const troubles: readonly Trouble[] = [
  {
    name: 'full',
    status: 413,
    cause: /Image storage media is full: store '.*' is full: wrote \d+ bytes of image .*, then ENOSPC/,
    begin: (disk) => disk.fill(),
    end: (disk) => disk.free(),
  },
  ...[
    { name: 'read-only and empty', prepare: () => undefined },
    { name: 'read-only and has the folder', prepare: (disk: Disk) => mkdirSync(disk.folder, { recursive: true }) },
  ].map(({ name, prepare }) => ({
    name,
    status: 503,
    cause: /Insufficient permissions on image storage media: store '.*' does not let this process .*: EROFS/,
    begin: (disk: Disk) => {
      prepare(disk)
      disk.remount('ro')
    },
    end: (disk: Disk) => disk.remount('rw'),
  })),
]

const why = mayMount() ? '' : ' (skipped: this user may not mount a tmpfs)'

describe.skipIf(why !== '').each(troubles)(`a disk that is $name${why}`, ({ status, cause, begin, end }) => {
  const refusal = { status, explanation: expect.stringMatching(cause) as string }

  it('refuses an upload, leaves nothing of it, and takes it when it is put right', async () => {
    const site = await serveFromDisks()
    const { client, images } = site
    const { id } = await newImage(client)
    await begin(images)
    await expect(client.images.upload(id, data)).rejects.toMatchObject(refusal)
    await expectClean(site, id, 'queued')
    await end(images)
    await client.images.upload(id, data)
    await expectActive(site, id)
  })

  it('refuses to stage, leaves nothing of it, and takes it when it is put right', async () => {
    const site = await serveFromDisks()
    const { client, staging } = site
    const { id } = await newImage(client)
    await begin(staging)
    await expect(client.images.stage(id, data)).rejects.toMatchObject(refusal)
    await expectClean(site, id, 'queued')
    await end(staging)
    await client.images.stage(id, data)
    expect(await importAndWait(client, id, { method: 'glance-direct' })).toMatchObject({ status: 'success' })
    await expectActive(site, id)
  })

  it.each(['plain', 'taskflow'])(
    'fails a web-download with the cause, and the next succeeds (%s)',
    async (executor) => {
      const site = await serveFromDisks(executor)
      const { client, staging } = site
      const source = await stage.holdSource(data)
      source.release()
      const { id } = await newImage(client)
      await begin(staging)
      const request = { method: 'web-download', uri: source.url }
      const { status, message } = await importAndWait(client, id, request)
      expect({ status, message }).toEqual({ status: 'failure', message: expect.stringMatching(cause) as string })
      expect(message).not.toContain('undoing')
      await expectClean(site, id, 'queued')
      await end(staging)
      expect(await importAndWait(client, id, request)).toMatchObject({ status: 'success' })
      await expectActive(site, id)
    },
  )

  it.each(['plain', 'taskflow'])(
    'fails an import of staged data and keeps the data for the next (%s)',
    async (executor) => {
      const site = await serveFromDisks(executor)
      const { client, images, staging } = site
      const { id } = await newImage(client)
      await client.images.stage(id, data)
      await begin(images)
      const { status, message } = await importAndWait(client, id, { method: 'glance-direct' })
      expect({ status, message }).toEqual({ status: 'failure', message: expect.stringMatching(cause) as string })
      expect(message).not.toContain('undoing')
      await expectClean(site, id, 'uploading', [path.join(staging.folder, id)])
      await end(images)
      expect(await importAndWait(client, id, { method: 'glance-direct' })).toMatchObject({ status: 'success' })
      await expectActive(site, id)
    },
  )
})

interface DiskSite extends Site {
  readonly images: Disk
  readonly staging: Disk
}

/** A service whose store and staging area are on a disk each. */
async function serveFromDisks(executor = 'taskflow'): Promise<DiskSite> {
  const [images, staging] = [await Disk.make(), await Disk.make()]
  const site = await stage.serve(`
[DEFAULT]
enabled_backends = disk:file
[disk]
filesystem_store_datadir = ${images.folder}
[os_glance_staging_store]
filesystem_store_datadir = ${staging.folder}
[task]
task_executor = ${executor}
`)
  return { ...site, images, staging }
}

/** Not locked, nothing on the disks but what is named and what the test itself put there, and no file open. */
async function expectClean(site: DiskSite, id: string, status: string, files: readonly string[] = []): Promise<void> {
  const { client, images, staging } = site
  const image = await client.images.show(id)
  expect(image).toMatchObject({ status })
  expect(Object.keys(image)).not.toContain('os_glance_import_task')
  const found = await filesIn(images.mount, staging.mount)
  expect(found.filter((file) => file !== images.filler && file !== staging.filler)).toEqual(files)
  await expectNothingOpen(site)
}

async function expectActive(site: DiskSite, id: string): Promise<void> {
  const { client, images } = site
  expect(await client.images.show(id)).toMatchObject({ status: 'active', size: data.length })
  expect((await download(client, id)).equals(data)).toBe(true)
  await expectClean(site, id, 'active', [path.join(images.folder, id)])
}

async function expectNothingOpen({ service, images, staging }: DiskSite): Promise<void> {
  for (const { mount } of [images, staging]) expect(await service.openFiles(mount)).toEqual([])
}

function mayMount(): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), 'glimpse-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmdirSync(folder)
  }
}
