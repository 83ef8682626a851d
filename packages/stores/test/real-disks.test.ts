import { describe, expect, it } from 'vitest'
import { FileDriver, Store } from '../src/index.ts'
import { makeReadOnly, mountedDisk, mountRefusal } from './disks.ts'
import { ChunkSource, collect, expectOnly, mebibyte, patternBytes, storeError, temporaryFolder } from './support.ts'

const both = ['md5', 'sha512']

describe.skipIf(mountRefusal)(`a disk that is full${mountRefusal}`, () => {
  it.each([undefined, 3 * mebibyte])(
    'ends a write (announced: %s), leaves nothing, and is usable again',
    async (size) => {
      const folder = await mountedDisk('1m')
      const store = new Store('file', new FileDriver(folder))
      const source = new ChunkSource(patternBytes(3 * mebibyte))
      const error = await storeError(store.write('key', source, { algorithms: both, size }), 'full')
      expect(error.message).toMatch(/^store 'file' is full: wrote \d+ bytes of image key, then ENOSPC$/)
      await expectOnly(folder, [])
      const fits = patternBytes(mebibyte - 65_536)
      await store.write('key', new ChunkSource(fits), { algorithms: both })
      expect((await collect(await store.read('key'))).equals(fits)).toBe(true)
    },
  )

  it('ends a small write too', async () => {
    const folder = await mountedDisk('64k')
    const store = new Store('file', new FileDriver(folder))
    await storeError(store.write('key', new ChunkSource(patternBytes(200_000)), { algorithms: both }), 'full')
    await expectOnly(folder, [])
  })

  it('ends a copy of a file and leaves nothing', async () => {
    const from = new Store('staging', new FileDriver(await temporaryFolder()))
    await from.write('key', new ChunkSource(patternBytes(3 * mebibyte)), { algorithms: [] })
    const folder = await mountedDisk('1m')
    const error = await storeError(new Store('file', new FileDriver(folder)).copyFrom(from, 'key'), 'full')
    expect(error.message).toBe("store 'file' is full: wrote 0 bytes of image key, then ENOSPC")
    await expectOnly(folder, [])
  })
})

describe.skipIf(mountRefusal)(`a disk that is read-only${mountRefusal}`, () => {
  it('refuses what changes it, and still reads', async () => {
    const folder = await mountedDisk('1m')
    const store = new Store('file', new FileDriver(folder))
    await store.write('old', new ChunkSource(patternBytes(1000)), { algorithms: both })
    makeReadOnly(folder)
    const source = new ChunkSource(patternBytes(1000))
    const refused = await storeError(store.write('new', source, { algorithms: both }), 'read-only')
    expect(refused.message).toBe("store 'file' does not let this process write image new: EROFS")
    expect(source.pulled).toBe(0)
    await storeError(store.delete('old'), 'read-only')
    const from = new Store('staging', new FileDriver(await temporaryFolder()))
    await from.write('new', new ChunkSource(patternBytes(1000)), { algorithms: [] })
    await storeError(store.copyFrom(from, 'new'), 'read-only')
    expect((await collect(await store.read('old'))).equals(patternBytes(1000))).toBe(true)
    await expectOnly(folder, ['old'])
  })

  it('refuses a folder that would have to be made', async () => {
    const disk = await mountedDisk('1m')
    makeReadOnly(disk)
    const store = new Store('file', new FileDriver(`${disk}/below`))
    await storeError(store.write('key', new ChunkSource(patternBytes(10)), { algorithms: both }), 'read-only')
    await expectOnly(disk, [])
  })
})
