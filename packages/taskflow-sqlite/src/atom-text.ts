import type { Cell } from './messages.ts'

/** The parts of a record that are JSON in their columns already, by the column's place. */
const values = [
  [6, 'result'],
  [7, 'failure'],
  [8, 'revertResult'],
  [9, 'revertFailure'],
  [10, 'progress'],
  [11, 'meta'],
  [12, 'beganAt'],
  [13, 'endedAt'],
] as const
const attemptsKept = 14

/**
 * An `AtomRecord` in JSON, made of its row without reading the values in it: whoever wants the record reads it once.
 *
 * @param histories by retry, the texts of its attempts.
 */
export function atomText(row: readonly Cell[], histories: ReadonlyMap<Cell, readonly string[]>): string {
  const [name = null, kind, version, state, intention, attempts] = row
  let text = `{"name":${JSON.stringify(name)},"kind":"${kind}","version":${JSON.stringify(version)}`
  text += `,"state":"${state}","intention":"${intention}","attempts":${attempts}`
  for (const [index, key] of values) {
    const value = row[index]!
    if (value !== null) text += `,"${key}":${value}`
  }
  if (row[attemptsKept] !== null) text += `,"history":[${histories.get(name)?.join(',') ?? ''}]`
  return `${text}}`
}
