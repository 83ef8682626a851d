import type { ErrorCode } from '@glimpse/taskflow'

/** What SQLite takes and gives. Values are JSON by the time they get here. */
export type Cell = string | number | null

/** The name of an operation and what it takes. */
export type Call = readonly [operation: string, cells: readonly Cell[]]

/** Why a call was refused: it has changed nothing. */
export interface Refused {
  readonly code: ErrorCode
  readonly message: string
  readonly cause: Error | null
}

/** What became of a call; null where there is nothing to tell. */
export type Outcome = readonly Cell[] | Refused | null

/** What the thread says: first whether it could open the file, then what became of calls, in their order. */
export interface Report {
  readonly outcomes: readonly Outcome[]
  /** How many writing transactions were committed so far. */
  readonly transactions: number
}

/** What the thread is started with. */
export interface ThreadData {
  readonly file: string
  readonly synchronous: 'normal' | 'full'
  readonly busyTimeout: number
  readonly check: boolean
  /** A number that the caller raises with every message, so that a sleeping thread wakes. */
  readonly bell: Int32Array
}

export function isRefused(outcome: Outcome): outcome is Refused {
  return outcome !== null && 'code' in outcome
}
