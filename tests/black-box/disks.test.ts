import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { GlimpseClient } from '@glimpse/client'
import { afterEach, describe, expect, it } from 'vitest'
import { entry } from '../../harness/service.ts'
import { download, filesIn, importAndWait, newImage, Program, type Site, Stage } from './support.ts'

/** Beside 3 MiB of other things it does not fit on a disk of 4 MiB; alone, it does. */
const data = randomBytes(2 << 20)

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

  /** Fills it up to that many bytes or to its end. */
  async fill(bytes: number): Promise<void> {
    await writeFile(this.filler, Buffer.alloc(bytes, 1)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOSPC') throw error
    })
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
    begin: (disk) => disk.fill(3 << 20),
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

describe.skipIf(why !== '').each(troubles)(`a disk that is $name${why}`, (trouble) => {
  const { status, cause } = trouble
  const refusal = { status, explanation: expect.stringMatching(cause) as string }

  it('refuses an upload, leaves nothing of it, and takes it when it is put right', async () => {
    const site = await serveFromDisks()
    const { client, images } = site
    const { id } = await newImage(client)
    await trouble.begin(images)
    await expect(client.images.upload(id, data)).rejects.toMatchObject(refusal)
    await expectClean(site, id, 'queued')
    await trouble.end(images)
    await client.images.upload(id, data)
    await expectActive(site, id)
  })

  it('refuses to stage, leaves nothing of it, and takes it when it is put right', async () => {
    const site = await serveFromDisks()
    const { client, staging } = site
    const { id } = await newImage(client)
    await trouble.begin(staging)
    await expect(client.images.stage(id, data)).rejects.toMatchObject(refusal)
    await expectClean(site, id, 'queued')
    await trouble.end(staging)
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
      await trouble.begin(staging)
      const request = { method: 'web-download', uri: source.url }
      const { status, message } = await importAndWait(client, id, request)
      expect({ status, message }).toEqual({ status: 'failure', message: expect.stringMatching(cause) as string })
      expect(message).not.toContain('undoing')
      await expectClean(site, id, 'queued')
      await trouble.end(staging)
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
      await trouble.begin(images)
      const { status, message } = await importAndWait(client, id, { method: 'glance-direct' })
      expect({ status, message }).toEqual({ status: 'failure', message: expect.stringMatching(cause) as string })
      expect(message).not.toContain('undoing')
      await expectClean(site, id, 'uploading', [path.join(staging.folder, id)])
      await trouble.end(images)
      expect(await importAndWait(client, id, { method: 'glance-direct' })).toMatchObject({ status: 'success' })
      await expectActive(site, id)
    },
  )
})

describe.skipIf(why !== '')(`a disk that is full of other things${why}`, () => {
  it('where the database is refuses changes with 503, answers questions, and goes on when there is room', async () => {
    const disk = await Disk.make()
    const program = await serveWith(`[database]\nconnection = sqlite:///${disk.mount}/glimpse.sqlite\n`)
    const client = await clientOf(program)
    const { id } = await newImage(client)
    await disk.fill(4 << 20)
    await expect(fillDatabase(client)).rejects.toMatchObject({
      status: 503,
      explanation: 'Cannot use the database: the disk of the database is full; free space there',
    })
    expect(await client.images.show(id)).toMatchObject({ status: 'queued' })
    await disk.free()
    await client.images.upload(id, data)
    expect(await client.images.show(id)).toMatchObject({ status: 'active' })
    expect(await program.stop('SIGTERM')).toBe(0)
  })
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

async function serveWith(config: string): Promise<Program> {
  const folder = await stage.folder()
  const file = path.join(folder, 'glance-api.conf')
  await writeFile(file, config)
  const args = ['serve', '--config-file', file, '--state-dir', path.join(folder, 'state'), '--port', '0']
  const program = new Program(process.execPath, [entry, ...args])
  stage.onClose(() => program.stop())
  return program
}

async function clientOf(program: Program): Promise<GlimpseClient> {
  const [, endpoint = ''] = await program.says(/at (http:\S+),/)
  return new GlimpseClient({ endpoint })
}

/** A full disk has room for some changes yet: in the last page of a file, and in pages that are free. */
async function fillDatabase(client: GlimpseClient): Promise<never> {
  for (;;) await newImage(client, 'x'.repeat(255))
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
