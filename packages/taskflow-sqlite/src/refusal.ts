import type { ErrorCode } from '@glimpse/taskflow'
import type { Refused } from './messages.ts'

/** SQLite's result codes that a user or deployer can act on. Source: sqlite.org/rescode.html. */
const resultCodes: Readonly<Record<number, string>> = {
  5: 'another connection keeps it locked; let that one end its transaction, or wait longer with busyTimeout',
  8: 'it may only be read; give this user the right to write to the file and to its folder',
  10: 'its disk cannot be read or written; check the disk',
  11: 'it is damaged; restore a backup',
  13: 'its disk is full; free space there',
  14: 'it cannot be opened; its folder must exist, and this user must have the right to write there',
  18: 'a value is larger than SQLite takes; store the bytes elsewhere, and a reference here',
  26: 'it is no SQLite database; name another file',
}

/** An operation is refused. It may be thrown only before the operation has written anything. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** SQLite's primary result code of an error; undefined when SQLite did not throw it. */
export function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff
}

/** What was thrown, in words to act on where there are any. */
export function refusedBy(thrown: unknown, file: string): Refused {
  if (thrown instanceof Refusal) return { code: thrown.code, message: thrown.message, cause: null }
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown))
  const text = resultCodes[resultCode(thrown) ?? 0] ?? cause.message
  return { code: 'storage', message: `cannot use the database ${file}: ${text}`, cause }
}
