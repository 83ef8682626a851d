import { describe, expect, it } from 'vitest'
import { classifyError, MemoryDriver, Store, StoreError } from '../src/index.ts'
import { ChunkSource, patternBytes, storeError } from './support.ts'

function systemError(code: string, text: string = `${code}: made up, open '/secret/place/key'`): Error {
  return Object.assign(new Error(text), { code })
}

describe('errors of a driver', () => {
  it.each([
    ['ENOENT', 'not-found'],
    ['EEXIST', 'exists'],
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EFBIG', 'full'],
    ['EROFS', 'read-only'],
    ['EACCES', 'read-only'],
    ['EPERM', 'read-only'],
    ['EIO', 'io'],
    ['ERR_INVALID_ARG_TYPE', 'io'],
  ])('%s means %s', (errno, code) => {
    expect(classifyError(systemError(errno))).toBe(code)
  })

  it('keep their own code when they have one, and are io when nothing else is known', () => {
    expect(classifyError(new StoreError('full'))).toBe('full')
    expect(classifyError(new Error('odd'))).toBe('io')
    expect(classifyError('odd')).toBe('io')
  })

  it.each([
    [systemError('ENOSPC'), 'full', "store 'm' is full: wrote 0 bytes of image key, then ENOSPC"],
    [systemError('EROFS'), 'read-only', "store 'm' does not let this process write image key: EROFS"],
    [systemError('EIO'), 'io', "store 'm' failed to write image key: EIO: made up, open"],
    [new Error('timed out'), 'io', "store 'm' failed to write image key: timed out"],
    ['text', 'io', "store 'm' failed to write image key: text"],
    [new StoreError('exists'), 'exists', "store 'm' already has image key, and never overwrites one"],
  ] as const)('reach the user with store and key, without paths: %s', async (thrown, code, message) => {
    const driver = new MemoryDriver()
    driver.create = () => {
      throw thrown
    }
    const write = new Store('m', driver).write('key', new ChunkSource(patternBytes(10)), { algorithms: [] })
    const error = await storeError(write, code)
    expect(error.message).toBe(message)
    expect(error.cause).toBe(thrown)
    expect(error.details).toMatchObject({ store: 'm', key: 'key', written: 0 })
  })

  it('say unknown for a detail that nobody gave', () => {
    expect(new StoreError('not-found', { store: 's' }).message).toBe("store 's' has no image unknown")
  })
})
