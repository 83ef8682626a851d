import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Cell } from './messages.ts'

/** What the thread can be asked to do, by name. */
export interface Operation {
  readonly writes: boolean
  /**
   * Within a transaction that others may share.
   *
   * @throws Refusal before anything was written. Whatever else it throws undoes the whole transaction.
   */
  readonly run: (cells: readonly Cell[]) => readonly Cell[] | null
}

export type Operations = Readonly<Record<string, Operation>>

/** A statement that gives rows as arrays. */
export function rowsOf(database: DatabaseSync, text: string): StatementSync {
  const statement = database.prepare(text)
  statement.setReturnArrays(true)
  return statement
}

/** A row of a statement of {@link rowsOf}. */
export function rowOf(found: unknown): readonly Cell[] | undefined {
  return found as readonly Cell[] | undefined
}
