import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { link, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileDriver, Store } from '../src/index.ts'
import { adoptFile, type FolderCalls, folderCalls, publishPart } from '../src/publish.ts'
import { ChunkSource, expectOnly, keysOf, patternBytes, storeError, temporaryFolder } from './support.ts'

const index = new URL('../src/index.ts', import.meta.url).href

function refusing(call: keyof FolderCalls, code: string): FolderCalls {
  return { ...folderCalls, [call]: () => Promise.reject(Object.assign(new Error(`${code}: refused`), { code })) }
}

/** A part in a folder of its own, and the name it is to get. */
async function makePart(): Promise<{ folder: string; from: string; file: string }> {
  const folder = await temporaryFolder()
  const from = join(folder, '.key.1.part')
  await writeFile(from, 'image')
  return { folder, from, file: join(folder, 'key') }
}

describe('parts of broken writes', () => {
  it('are all that a killed process leaves, and are removed by a sweep', async () => {
    const folder = await temporaryFolder()
    const program = `
      import { FileDriver, Store } from ${JSON.stringify(index)}
      async function* endless() { for (;;) yield new Uint8Array(65536) }
      const onProgress = () => process.stdout.write('.')
      const store = new Store('file', new FileDriver(${JSON.stringify(folder)}))
      await store.write('key', endless(), { algorithms: ['md5', 'sha512'], limit: 1e9, onProgress })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'close')
    const left = await readdir(folder)
    expect(left).toHaveLength(1)
    expect(left[0]).toMatch(/^\.key\.[0-9a-f]{16}\.part$/)
    const store = new Store('file', new FileDriver(folder))
    expect(await store.has('key')).toBe(false)
    expect(await keysOf(store.list())).toEqual([])
    expect(await store.removeParts()).toBe(1)
    await expectOnly(folder, [])
  })

  it('are spared while this driver writes them, and those of others by their time', async () => {
    const folder = await temporaryFolder()
    const driver = new FileDriver(folder)
    const writer = await driver.create('mine')
    for (const [name, seconds] of [
      ['.old.1.part', 1000],
      ['.new.2.part', 3000],
    ] as const) {
      await writeFile(join(folder, name), 'x')
      await utimes(join(folder, name), seconds, seconds)
    }
    expect(await driver.sweepParts({ unchangedSince: new Date(2_000_000) })).toBe(1)
    expect(await readdir(folder)).toHaveLength(2)
    expect(await driver.sweepParts()).toBe(1)
    await writer.write(patternBytes(10))
    await writer.commit()
    expect(await driver.sweepParts()).toBe(0)
    await expectOnly(folder, ['mine'])
  })

  it('that somebody removed while they were written fail the commit', async () => {
    const folder = await temporaryFolder()
    const [driver, other] = [new FileDriver(folder), new FileDriver(folder)]
    const writer = await driver.create('key')
    expect(await other.sweepParts()).toBe(1)
    await expect(writer.commit()).rejects.toMatchObject({
      code: 'io',
      details: { reason: 'its part was removed before it was complete' },
    })
    await writer.abort()
    await expectOnly(folder, [])
  })
})

describe('a folder', () => {
  it('is made again when it was removed, and lists nothing until then', async () => {
    const folder = join(await temporaryFolder(), 'a', 'b')
    const store = new Store('file', new FileDriver(folder))
    expect(await keysOf(store.list())).toEqual([])
    expect(await store.removeParts()).toBe(0)
    for (const key of ['one', 'two']) {
      await store.write(key, new ChunkSource(patternBytes(10)), { algorithms: [] })
      await expectOnly(folder, [key])
      await rm(folder, { recursive: true })
    }
  })

  it('lists only images: no folders, no hidden files, no foreign names', async () => {
    const folder = await temporaryFolder()
    const store = new Store('file', new FileDriver(folder))
    await mkdir(join(folder, 'sub'))
    await writeFile(join(folder, '.hidden'), '')
    await writeFile(join(folder, 'a name'), '')
    await store.write('key', new ChunkSource(patternBytes(10)), { algorithms: [] })
    expect(await keysOf(store.list())).toEqual(['key'])
    expect(await store.removeParts()).toBe(0)
  })

  it('refuses the key of an image that is there before the source is pulled', async () => {
    const store = new Store('file', new FileDriver(await temporaryFolder()))
    await store.write('key', new ChunkSource(patternBytes(10)), { algorithms: [] })
    const source = new ChunkSource(patternBytes(10))
    await storeError(store.write('key', source, { algorithms: [] }), 'exists')
    expect(source.pulled).toBe(0)
  })
})

describe('publishing where links are refused', () => {
  it.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])('with %s renames', async (errno) => {
    const { folder, from, file } = await makePart()
    await publishPart(from, file, refusing('link', errno))
    await expectOnly(folder, ['key'])
    expect(await readFile(file, 'utf8')).toBe('image')
  })

  it('never overwrites', async () => {
    const { folder, from, file } = await makePart()
    await writeFile(file, 'first')
    await expect(publishPart(from, file, refusing('link', 'EPERM'))).rejects.toMatchObject({ code: 'exists' })
    expect(await readFile(file, 'utf8')).toBe('first')
    await expectOnly(folder, ['key', '.key.1.part'])
  })

  it('lets one of two publish at a time, and a guard of a dead process is swept', async () => {
    const { folder, from, file } = await makePart()
    await writeFile(join(folder, '.key.publish.part'), '')
    await expect(publishPart(from, file, refusing('link', 'EPERM'))).rejects.toMatchObject({ code: 'EEXIST' })
    expect(await new FileDriver(folder).sweepParts()).toBe(2)
    await expectOnly(folder, [])
  })

  it('says when the part is gone', async () => {
    const { folder, from, file } = await makePart()
    await rm(from)
    await expect(publishPart(from, file, refusing('link', 'EPERM'))).rejects.toMatchObject({ code: 'io' })
    await expectOnly(folder, [])
  })

  it('copies a file that is to be taken over', async () => {
    const { folder, from, file } = await makePart()
    await adoptFile(from, join(folder, '.key.2.part'), file, undefined, refusing('link', 'EPERM'))
    await expectOnly(folder, ['key', '.key.1.part'])
    expect(await readFile(file, 'utf8')).toBe('image')
  })

  it('leaves no copy when the signal is aborted while it is made', async () => {
    const { folder, from, file } = await makePart()
    const [controller, reason] = [new AbortController(), new Error('enough')]
    const calls: FolderCalls = {
      ...folderCalls,
      link: async () => {
        controller.abort(reason)
        throw Object.assign(new Error('EXDEV: refused'), { code: 'EXDEV' })
      },
    }
    const adoption = adoptFile(from, join(folder, '.key.2.part'), file, controller.signal, calls)
    await expect(adoption).rejects.toBe(reason)
    await expectOnly(folder, ['.key.1.part'])
  })

  it.each(['EIO', 'ENOSPC', 'EACCES'])('with %s, which says nothing about links, fails', async (errno) => {
    const { folder, from, file } = await makePart()
    await expect(publishPart(from, file, refusing('link', errno))).rejects.toMatchObject({ code: errno })
    await expectOnly(folder, ['.key.1.part'])
  })
})

describe('a folder that cannot be made durable', () => {
  it('takes the name back', async () => {
    const folder = await temporaryFolder()
    const [from, file] = [join(folder, '.key.1.part'), join(folder, 'key')]
    await writeFile(from, 'image')
    await expect(publishPart(from, file, refusing('sync', 'EIO'))).rejects.toMatchObject({ code: 'EIO' })
    await expectOnly(folder, ['.key.1.part'])
    const adoption = adoptFile(from, join(folder, '.key.2.part'), file, undefined, refusing('sync', 'EIO'))
    await expect(adoption).rejects.toMatchObject({ code: 'EIO' })
    await expectOnly(folder, ['.key.1.part'])
  })

  it('because its file system knows no such call is as durable as it gets', async () => {
    const folder = await temporaryFolder()
    const [from, file] = [join(folder, '.key.1.part'), join(folder, 'key')]
    await writeFile(from, 'image')
    await publishPart(from, file, refusing('sync', 'EINVAL'))
    await expectOnly(folder, ['key'])
  })

  it('keeps an image although the other name of its file stays', async () => {
    const folder = await temporaryFolder()
    const store = new Store('file', new FileDriver(folder))
    await writeFile(join(folder, 'key'), 'image')
    await link(join(folder, 'key'), join(folder, '.key.1.part'))
    expect(await store.removeParts()).toBe(1)
    expect(await store.size('key')).toBe(5)
  })
})
