import type { Failure, FailureClass } from './failure.ts'

/**
 * One attempt of a retry's flow: the value that the retry gave for it, and who failed.
 *
 * @example
 * const attempt: HistoryEntry<string> = { value: 'mirror-a', failures: new Map() }
 */
export interface HistoryEntry<V> {
  readonly value: V
  /** By atom, the first failure of each in this attempt. */
  readonly failures: ReadonlyMap<string, Failure>
}

/**
 * What a retry has been through: its attempts so far, oldest first.
 *
 * Source: TaskFlow's `retry.History`.
 *
 * @example
 * const history = new History<number>([{ value: 1, failures: new Map() }])
 * console.log(history.length, history.values.join()) // 1 1
 */
export class History<out V> {
  readonly entries: readonly HistoryEntry<V>[]
  /** Why the retry itself failed, if it did. */
  readonly failure: Failure | null

  constructor(entries: readonly HistoryEntry<V>[], failure: Failure | null = null) {
    this.entries = entries
    this.failure = failure
  }

  /** How many attempts there have been, the present one included. */
  get length(): number {
    return this.entries.length
  }

  /** The values given, one an attempt. */
  get values(): readonly V[] {
    return this.entries.map(({ value }) => value)
  }

  /** Whether an attempt failed with an error of one of these classes; the latest attempt is -1, the default any. */
  causedBy(classes: readonly FailureClass[], index?: number): boolean {
    const asked: readonly (HistoryEntry<V> | undefined)[] =
      index === undefined ? this.entries : [this.entries.at(index)]
    return asked.some((entry) => {
      return [...(entry?.failures.values() ?? [])].some((failure) => failure.is(...classes))
    })
  }
}
