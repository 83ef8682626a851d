export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Entries by name, to be compared. */
export function sorted(record: Readonly<Record<string, unknown>>): readonly (readonly [string, unknown])[] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** Names in a row. */
export function listed(names: Iterable<string>): string {
  return [...names].join(', ')
}

/** What the model refuses. */
class Refusal extends Error {
  override readonly name = 'Refusal'
}

export function refuse(why: string): never {
  throw new Refusal(why)
}
