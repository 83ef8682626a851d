import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { entry } from '../../harness/service.ts'
import { dataFolders, importAndWait, newImage, Program, type Site, Stage } from './support.ts'

const data = randomBytes(1 << 16)

const stage = new Stage()
afterEach(() => stage.close())

interface Said {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function glimpse(stateDir: string, ...args: readonly string[]): Promise<Said> {
  const program = new Program(process.execPath, [entry, 'db', ...args, '--state-dir', stateDir])
  const code = await program.ended
  return { code, stdout: program.stdout, stderr: program.stderr }
}

const databaseIn = (stateDir: string): string => path.join(stateDir, 'glimpse.sqlite')

/** A service with an active image, which was staged and imported, and one that is queued. */
async function serveImages(): Promise<Site & { readonly id: string }> {
  const site = await stage.serve()
  const { id } = await newImage(site.client)
  await newImage(site.client, 'other')
  await site.client.images.stage(id, data)
  expect(await importAndWait(site.client, id, { method: 'glance-direct' })).toMatchObject({ status: 'success' })
  return { ...site, id }
}

describe('glimpse db sync', () => {
  it('makes the database, says what it applied, and has nothing to do the second time', async () => {
    const folder = await stage.folder()
    const first = await glimpse(folder, 'sync')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout.split('\n')).toEqual(
      expect.arrayContaining([`Database ${databaseIn(folder)}`, 'applied 0001-first', 'applied taskflow 1']),
    )
    const second = await glimpse(folder, 'sync')
    expect(second).toEqual({
      code: 0,
      stderr: '',
      stdout: `Database ${databaseIn(folder)}\nnothing to do: it is up to date\n`,
    })
    const { service } = await stage.serve('', folder)
    expect(await service.stop('SIGTERM')).toBe(0)
  })

  it.each(['sync', 'purge'])('%s refuses while a service runs, and says what to do', async (command) => {
    const { stateDir, service } = await stage.serve()
    const said = await glimpse(stateDir, command)
    const file = databaseIn(stateDir)
    expect(said).toEqual({
      code: 1,
      stdout: '',
      stderr: `glimpse: Another process serves the database ${file}; stop it first, or name another database\n`,
    })
    expect(service.running).toBe(true)
  })
})

describe('glimpse db check', () => {
  it('says what there is beside a service that runs, and changes nothing', async () => {
    const { stateDir } = await serveImages()
    const before = await readFile(databaseIn(stateDir))
    const { code, stdout, stderr } = await glimpse(stateDir, 'check')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining([
        `Database ${databaseIn(stateDir)}`,
        'integrity: ok',
        'schema: 0001-first, up to date',
        expect.stringMatching(/^schema of taskflow: \d+, up to date$/),
        'images: 1 active, 1 queued',
        'tasks: 1 success',
        'jobs: none',
        'store os_glance_staging_store: 0 images as they should be, 0 problems',
        'store file: 1 images as they should be, 0 problems',
      ]),
    )
    expect((await readFile(databaseIn(stateDir))).equals(before)).toBe(true)
  })

  it('finds data that is missing, of another size, or not needed, after a kill too', async () => {
    const { stateDir, client, service, id } = await serveImages()
    const { id: cut } = await newImage(client)
    await client.images.upload(cut, data)
    const { id: gone } = await newImage(client)
    await client.images.delete(gone)
    await service.stop('SIGKILL')
    const { images } = dataFolders(stateDir)
    await rm(path.join(images, id))
    await truncate(path.join(images, cut), 10)
    for (const name of [gone, 'README.txt']) await writeFile(path.join(images, name), 'left')
    const { code, stdout } = await glimpse(stateDir, 'check')
    expect(code).toBe(1)
    expect(stdout).toContain('store file: 0 images as they should be, 2 problems')
    expect(stdout).toContain(`  image ${id} (active): its data is missing`)
    expect(stdout).toContain(`  image ${cut} (active): its data has 10 bytes, not ${data.length}`)
    expect(stdout).toContain(
      `  file ${gone} is not needed (the image is deleted); the service removes it while it runs`,
    )
    expect(stdout).toContain('  file README.txt has a name that no image ever had; the service leaves it alone')
    expect((await stat(path.join(images, gone))).size).toBe(4)
  })

  it('says that there is no database, or that the file is none', async () => {
    const folder = await stage.folder()
    const file = databaseIn(folder)
    const missing = await glimpse(folder, 'check')
    expect(missing).toMatchObject({ code: 1, stdout: '' })
    expect(missing.stderr).toContain(`There is no database ${file}; name another one`)
    await writeFile(file, 'this is no database, whatever else it may be')
    const other = await glimpse(folder, 'check')
    expect(other).toMatchObject({ code: 1, stdout: '' })
    expect(other.stderr).toMatch(new RegExp(`^glimpse: .*${file}.*\n$`))
    expect(await readFile(file, 'utf8')).toBe('this is no database, whatever else it may be')
  })

  it('finds damage in the file, and leaves it as it is', async () => {
    const { stateDir, service } = await serveImages()
    expect(await service.stop('SIGTERM')).toBe(0)
    const file = databaseIn(stateDir)
    const bytes = await readFile(file)
    const pageSize = bytes.readUInt16BE(16)
    for (let at = 4 * pageSize; at < bytes.length; at += pageSize) bytes.fill(0xa5, at, at + 200)
    await writeFile(file, bytes)
    const { code, stdout, stderr } = await glimpse(stateDir, 'check')
    expect(code).toBe(1)
    expect(stdout + stderr).toMatch(/integrity: .*; restore a backup|glimpse: .*damaged/)
    expect((await readFile(file)).equals(bytes)).toBe(true)
  })

  it('asks for no tables of taskflow where tasks are plain, and names stores that are not configured', async () => {
    const plain = '[task]\ntask_executor = plain\n'
    const { stateDir, client, service } = await stage.serve(`${plain}[DEFAULT]\nenabled_backends = one:file\n`)
    const { id } = await newImage(client)
    await client.images.upload(id, data)
    expect(await service.stop('SIGTERM')).toBe(0)
    const config = path.join(stateDir, 'glance-api.conf')
    const { code, stdout } = await glimpse(stateDir, 'check', '--config-file', config)
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('none, and none is needed') as unknown,
    })
    await writeFile(config, plain)
    const other = await glimpse(stateDir, 'check', '--config-file', config)
    expect(other.code).toBe(1)
    expect(other.stdout).toContain(`  image ${id} (active): its data is in the store 'one'`)
  })

  it('tells that the schema is older, and that sync mends it', async () => {
    const folder = await stage.folder()
    const file = databaseIn(folder)
    await writeFile(file, '')
    const { code, stdout } = await glimpse(folder, 'check')
    expect(code).toBe(1)
    expect(stdout).toContain('schema: older than this program (it lacks 0001-first); run: glimpse db sync')
    expect(await glimpse(folder, 'sync')).toMatchObject({ code: 0 })
    expect(await glimpse(folder, 'check')).toMatchObject({ code: 0 })
  })
})

describe('glimpse db purge', () => {
  it('removes what was deleted and what has ended, once the service is stopped', async () => {
    const { stateDir, client, service, id } = await serveImages()
    await client.images.delete(id)
    expect(await service.stop('SIGTERM')).toBe(0)
    const young = await glimpse(stateDir, 'purge')
    expect(young).toMatchObject({ code: 0, stderr: '' })
    expect(young.stdout).toContain('removed 0 tasks that had ended, 0 images that were deleted, before ')
    const all = await glimpse(stateDir, 'purge', '--age-in-days', '0')
    expect(all.stdout).toContain('removed 1 tasks that had ended, 1 images that were deleted, before ')
    expect((await glimpse(stateDir, 'check')).stdout).toContain('images: 1 queued\ntasks: none\njobs: none\n')
  })

  it.each([
    ['--age-in-days', '-1'],
    ['--max-rows', 'many'],
  ])('refuses %s %s', async (option, value) => {
    const folder = await stage.folder()
    await glimpse(folder, 'sync')
    const said = await glimpse(folder, 'purge', `${option}=${value}`)
    expect(said).toMatchObject({ code: 1, stdout: '' })
    expect(said.stderr).toBe(`glimpse: ${option} is '${value}'; a whole number from 0 to 999999999 is allowed\n`)
  })
})

it('a service sweeps after its start, and again and again', async () => {
  const folder = await stage.folder()
  const { images } = dataFolders(folder)
  await mkdir(images)
  await writeFile(path.join(images, 'README.txt'), 'not an image')
  const { service } = await stage.serve('[glimpse]\nsweep_interval = 1\n', folder)
  const msg = 'files whose names no image ever had are left alone'
  await service.line((line) => line.msg === msg)
  await writeFile(path.join(images, 'LICENSE.txt'), 'not an image')
  await service.line((line) => line.msg === msg && 'files' in line && line.files === 2)
  expect((await readdir(images)).toSorted()).toEqual(['LICENSE.txt', 'README.txt'])
  expect(await service.stop('SIGTERM')).toBe(0)
})
