import { StoreError } from './errors.ts'

/** Long enough for any id, short enough that a driver may add to it: file names end at 255 bytes. */
const keyPattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/

/** Whether every driver can take the key as it is, as a file name and as a part of a URL. */
export function isKey(key: string): boolean {
  return keyPattern.test(key)
}

/** @throws StoreError `invalid-key`, before anything is made of the key. */
export function checkKey(store: string, key: string): void {
  if (isKey(key)) return
  const given = key.length > 200 ? `of ${key.length} characters` : JSON.stringify(key)
  throw new StoreError('invalid-key', { store, key, written: 0, action: `use a key`, given })
}
