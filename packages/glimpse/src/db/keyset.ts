import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { ServiceError } from '../domain/errors.ts'
import type { SortDirection } from '../domain/ports.ts'

/** One key of a sort. SQLite takes null for less than any value: first when ascending, last when descending. */
export interface SortTerm {
  readonly column: string
  readonly direction: SortDirection
  readonly nullable: boolean
}

export type Scalar = string | number | null

/**
 * A sort that is total: `created_at` and `id`, in the direction of the first key, where they are missing; and nothing
 * after `id`, which decides by itself (SQLite would sort for it all the same).
 */
export function completeSort(terms: readonly SortTerm[], fallback: SortDirection): SortTerm[] {
  const direction = terms[0]?.direction ?? fallback
  const sorted = [...terms]
  for (const column of ['created_at', 'id']) {
    if (!sorted.some((term) => term.column === column)) sorted.push({ column, direction, nullable: false })
  }
  return sorted.slice(0, 1 + sorted.findIndex(({ column }) => column === 'id'))
}

/**
 * True of the rows that come after the marker's row in this sort: later in the first key, or equal there and later in
 * the second, and so on. Pages cut this way neither repeat nor skip a row when others come and go between them.
 */
export function isAfter(terms: readonly SortTerm[], marker: Readonly<Record<string, Scalar>>): RawBuilder<SqlBool> {
  const branches: RawBuilder<SqlBool>[] = []
  const equal: RawBuilder<SqlBool>[] = []
  for (const term of terms) {
    const value = marker[term.column] ?? null
    const beyond = isBeyond(term, value)
    if (beyond) branches.push(sql`(${sql.join([...equal, beyond], sql` and `)})`)
    equal.push(sql<SqlBool>`${sql.ref(term.column)} is not distinct from ${value}`)
  }
  const after = sql<SqlBool>`(${sql.join(branches, sql` or `)})`
  const bound = boundFirst(terms, marker)
  return bound ? sql<SqlBool>`(${bound} and ${after})` : after
}

/** Undefined where nothing can be: descending after null. */
function isBeyond({ column, direction, nullable }: SortTerm, value: Scalar): RawBuilder<SqlBool> | undefined {
  const ref = sql.ref(column)
  if (value === null) return direction === 'asc' ? sql<SqlBool>`${ref} is not null` : undefined
  if (direction === 'asc') return sql<SqlBool>`${ref} > ${value}`
  return nullable ? sql<SqlBool>`(${ref} < ${value} or ${ref} is null)` : sql<SqlBool>`${ref} < ${value}`
}

/**
 * What follows from the rest for the first key, said apart so that an index is entered at the marker instead of at its
 * end. Not to be had for a value of a descending key with nulls, which come after every value: there it is walked.
 */
function boundFirst(
  [first]: readonly SortTerm[],
  marker: Readonly<Record<string, Scalar>>,
): RawBuilder<SqlBool> | undefined {
  if (first === undefined) return undefined
  const ref = sql.ref(first.column)
  const value = marker[first.column] ?? null
  if (first.direction === 'asc') return value === null ? undefined : sql<SqlBool>`${ref} >= ${value}`
  if (value === null) return sql<SqlBool>`${ref} is null`
  return first.nullable ? undefined : sql<SqlBool>`${ref} <= ${value}`
}

/** @throws ServiceError `invalid` when a limit is not a number of rows. */
export function checkLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 0) return limit
  throw new ServiceError('invalid', { reason: `limit is ${limit}, a whole number from 0 is allowed` })
}
