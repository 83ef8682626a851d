import { describe, expect, it } from 'vitest'
import { type AtomState, atomTransitions, type FlowState, flowTransitions, retryTransitions } from '../src/index.ts'

/** Everything that can be reached from a state. */
function reachable<S extends string>(table: { readonly [State in S]: readonly S[] }, from: S): ReadonlySet<S> {
  const found = new Set<S>([from])
  for (const state of found) for (const next of table[state]) found.add(next)
  return found
}

function before(wanted: AtomState): string[] {
  const sources = Object.entries(atomTransitions).filter(([, next]) => next.includes(wanted))
  return sources.map(([state]) => state)
}

describe('the table of states', () => {
  it('of flows and of atoms lets every state be reached from PENDING', () => {
    const flows = Object.keys(flowTransitions) as FlowState[]
    const atoms = Object.keys(atomTransitions) as AtomState[]
    const tasks = atoms.filter((state) => state !== 'RETRYING')
    expect([...reachable(flowTransitions, 'PENDING')].toSorted()).toEqual(flows.toSorted())
    expect([...reachable(atomTransitions, 'PENDING')].toSorted()).toEqual(tasks.toSorted())
    expect([...reachable(retryTransitions, 'PENDING')].toSorted()).toEqual(atoms.toSorted())
  })

  it('lets nothing happen to an atom whose revert failed', () => {
    expect(atomTransitions.REVERT_FAILURE).toEqual([])
  })

  it('never lets a flow or an atom go where it is', () => {
    for (const [state, next] of [...Object.entries(flowTransitions), ...Object.entries(atomTransitions)]) {
      expect(next).not.toContain(state)
    }
  })

  it('lets an atom execute only from PENDING, and revert only when it has ended', () => {
    expect(before('RUNNING')).toEqual(['PENDING'])
    expect(before('REVERTING')).toEqual(['SUCCESS', 'FAILURE'])
  })
})
