import type { Cell } from './messages.ts'

/** Columns that hold JSON, and what they are called in a record. */
const values = [
  ['result', 'result'],
  ['failure', 'failure'],
  ['revertResult', 'revert_result'],
  ['revertFailure', 'revert_failure'],
  ['progress', 'progress'],
  ['meta', 'meta'],
] as const

/**
 * Columns of an atom for {@link atomText}: the beginning of its record as a text, which SQLite makes in half the time that
 * it takes to give all columns; the times, whose digits SQLite would round; of a retry its name.
 */
export const atomTextColumns: string = [
  [
    `'{"name":' || json_quote(name) || ',"kind":"' || kind || '","version":' || json_quote(version)`,
    `',"state":"' || state || '","intention":"' || intention || '","attempts":' || attempts`,
    ...values.map(([key, column]) => `iif(${column} is null, '', ',"${key}":' || ${column})`),
  ].join(' || '),
  'began_at',
  'ended_at',
  'iif(attempts_kept is null, null, name)',
].join(', ')

/**
 * An `AtomRecord` in JSON, made of its row without reading the values in it: whoever wants the record reads it once.
 *
 * @param histories by retry, the texts of its attempts.
 */
export function atomText(row: readonly Cell[], histories: ReadonlyMap<Cell, readonly string[]>): string {
  const [start, beganAt, endedAt, retry = null] = row
  let text = String(start)
  if (beganAt !== null) text += `,"beganAt":${beganAt}`
  if (endedAt !== null) text += `,"endedAt":${endedAt}`
  if (retry !== null) text += `,"history":[${histories.get(retry)?.join(',') ?? ''}]`
  return `${text}}`
}
