/** What must hold in every trace of every engine. Source: `flow-oracle/README.md`, "Order". */

/** An atom, and the state that it entered. */
export type Transition = readonly [atom: string, state: string]

/** What an atom may enter from each state; `RETRYING` is for retries alone. */
const next: Readonly<Record<string, readonly string[]>> = {
  PENDING: ['RUNNING', 'IGNORE'],
  RUNNING: ['SUCCESS', 'FAILURE'],
  SUCCESS: ['REVERTING', 'RETRYING'],
  FAILURE: ['REVERTING'],
  RETRYING: ['RUNNING'],
  REVERTING: ['REVERTED', 'REVERT_FAILURE'],
  REVERTED: ['PENDING'],
  IGNORE: ['PENDING'],
}

/**
 * What a trace breaks, of rules 1 to 3, given which atom is directly before which.
 *
 * @param initial states of atoms before the trace, where they are not PENDING.
 */
export function differencesInOrder(
  edges: readonly (readonly [string, string])[],
  trace: readonly Transition[],
  initial: ReadonlyMap<string, string> = new Map(),
): readonly string[] {
  const behind = closureOf(edges)
  const before = closureOf(edges.map(([from, to]) => [to, from]))
  const states = new Map(initial)
  const wrong: string[] = []
  const hold = (step: string, others: Iterable<string>, allowed: readonly string[]): void => {
    for (const other of others) {
      const state = states.get(other) ?? 'PENDING'
      if (!allowed.includes(state)) wrong.push(`${step} while ${other} is ${state}`)
    }
  }
  for (const [at, [name, state]] of trace.entries()) {
    const step = `trace[${at}]: ${name} ${state}`
    if (state === 'RUNNING') hold(step, before.get(name) ?? [], ['SUCCESS', 'IGNORE'])
    if (state === 'REVERTING') {
      hold(step, behind.get(name) ?? [], ['PENDING', 'REVERTED', 'IGNORE'])
      if ((states.get(name) ?? 'PENDING') === 'PENDING') wrong.push(`${step} but never executed`)
    }
    states.set(name, state)
  }
  return wrong
}

/** What a trace breaks of rule 4, which `compare.py` leaves out: the transitions that an atom may make. */
export function forbiddenTransitions(
  trace: readonly Transition[],
  isRetry: (atom: string) => boolean,
): readonly string[] {
  const states = new Map<string, string>()
  const wrong: string[] = []
  for (const [at, [name, state]] of trace.entries()) {
    const old = states.get(name) ?? 'PENDING'
    const allowed = next[old]?.includes(state) && (state !== 'RETRYING' || isRetry(name))
    if (!allowed) wrong.push(`trace[${at}]: ${name} from ${old} to ${state}`)
    states.set(name, state)
  }
  return wrong
}

/** For each name with anything behind it, all that is behind it, near or far. */
function closureOf(edges: readonly (readonly [string, string])[]): ReadonlyMap<string, ReadonlySet<string>> {
  const after = Map.groupBy(edges, ([from]) => from)
  const reached = (start: string): Set<string> => {
    const seen = new Set<string>()
    const todo = [start]
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      for (const [, to] of after.get(name) ?? []) if (!seen.has(to) && seen.add(to)) todo.push(to)
    }
    return seen
  }
  return new Map([...after.keys()].map((name) => [name, reached(name)]))
}
