import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AtomState, atomTransitions, type EngineOptions, type FlowState, flowTransitions } from '../src/index.ts'
import { type AtomFacts, randomTree, type Tree } from './random-flow.ts'
import { type Deed, type Protocol, runTree } from './random-run.ts'

const bound = fc.integer({ min: 1, max: 5 })
const anyOptions: fc.Arbitrary<EngineOptions> = fc.oneof(
  fc.constant({ mode: 'serial' as const }),
  bound.map((maxWorkers) => ({ mode: 'parallel' as const, maxWorkers })),
)
const anyChoices = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 12 })

/** Position of each deed of each atom. */
function positions({ entries }: Protocol, deed: Deed): ReadonlyMap<string, number> {
  return new Map(entries.flatMap((entry, index) => (entry.deed === deed ? [[entry.name, index] as const] : [])))
}

function namesOf({ entries }: Protocol, ...deeds: readonly Deed[]): string[] {
  return entries.filter(({ deed }) => deeds.includes(deed)).map(({ name }) => name)
}

function checkOrder(protocol: Protocol): void {
  const executed = positions(protocol, 'executed')
  for (const { name, before } of protocol.atoms) {
    const begun = positions(protocol, 'execute').get(name)
    if (begun === undefined) continue
    for (const earlier of before) expect(executed.get(earlier), `${earlier} before ${name}`).toBeLessThan(begun)
  }
}

function checkOnce(protocol: Protocol): void {
  for (const deed of ['execute', 'revert'] as const) {
    const names = namesOf(protocol, deed)
    expect(new Set(names).size).toBe(names.length)
  }
}

function checkArguments({ entries, atoms }: Protocol): void {
  const results = new Map(entries.filter(({ deed }) => deed === 'executed').map(({ name, result }) => [name, result]))
  const before = new Map(atoms.map((facts) => [facts.name, facts.before]))
  for (const { name, deed, args } of entries) {
    if (deed !== 'execute' && deed !== 'revert') continue
    expect(args).toEqual(
      Object.fromEntries([...(before.get(name) ?? [])].map((earlier) => [earlier, results.get(earlier)])),
    )
  }
}

function checkReverts(protocol: Protocol): void {
  const executed = namesOf(protocol, 'execute')
  const failed = namesOf(protocol, 'failed')
  expect(namesOf(protocol, 'revert').toSorted()).toEqual(failed.length > 0 ? executed.toSorted() : [])
  if (failed.length === 0) return
  const firstFailure = protocol.entries.findIndex(({ deed }) => deed === 'failed')
  const reverts = positions(protocol, 'revert')
  const reverted = positions(protocol, 'reverted')
  for (const position of reverts.values()) expect(position).toBeGreaterThan(firstFailure)
  const ran = new Set(executed)
  for (const { name, before } of protocol.atoms) {
    if (!ran.has(name)) continue
    for (const earlier of before)
      expect(reverted.get(name), `${name} before ${earlier}`).toBeLessThan(reverts.get(earlier) ?? -1)
  }
}

function wanted({ entries }: Protocol, name: string): AtomState {
  const deeds = entries.filter((entry) => entry.name === name).map(({ deed }) => deed)
  const states: Record<Deed, AtomState> = {
    execute: 'RUNNING',
    executed: 'SUCCESS',
    failed: 'FAILURE',
    revert: 'REVERTING',
    reverted: 'REVERTED',
    'revert failed': 'REVERT_FAILURE',
  }
  const last = deeds.at(-1)
  return last ? states[last] : 'PENDING'
}

function checkStored(protocol: Protocol): void {
  for (const { name } of protocol.atoms) expect(protocol.states[name], name).toBe(wanted(protocol, name))
}

function checkTransitions({ trace, state }: Protocol): void {
  const atoms = new Map<string, AtomState>()
  for (const event of trace.atoms) {
    expect(event.oldState).toBe(atoms.get(event.atom) ?? 'PENDING')
    expect(atomTransitions[event.oldState]).toContain(event.state)
    atoms.set(event.atom, event.state)
  }
  let flow: FlowState = 'PENDING'
  for (const event of trace.flows) {
    expect(event.oldState).toBe(flow)
    expect(flowTransitions[event.oldState]).toContain(event.state)
    flow = event.state
  }
  expect(flow).toBe(state)
}

async function checkRuns(
  tree: fc.Arbitrary<Tree>,
  check: (protocol: Protocol, options: EngineOptions) => void,
  numRuns: number = 200,
): Promise<void> {
  const property = fc.asyncProperty(tree, anyOptions, anyChoices, async (drawn, options, choices) => {
    check(await runTree(drawn, options, choices), options)
  })
  await fc.assert(property, { numRuns })
}

/** Whether nothing can run beside an atom: everything else is before it or after it. */
function standsAlone({ name, before }: AtomFacts, atoms: readonly AtomFacts[]): boolean {
  return atoms.every((other) => other.name === name || before.has(other.name) || other.before.has(name))
}

describe('whatever the flow, the mode, the bound and the order in which tasks end', () => {
  it('an atom executes only after everything before it, with what that returned, and once', async () => {
    await checkRuns(randomTree({ failing: 10 }), (protocol) => {
      checkOrder(protocol)
      checkOnce(protocol)
      checkArguments(protocol)
    })
  })

  it('a flow without failures executes everything and reverts nothing', async () => {
    await checkRuns(randomTree(), (protocol) => {
      expect(namesOf(protocol, 'execute').toSorted()).toEqual(protocol.atoms.map(({ name }) => name).toSorted())
      expect(namesOf(protocol, 'revert')).toEqual([])
      expect(protocol.state).toBe('SUCCESS')
    })
  })

  it('after a failure everything that executed is reverted, nothing else is, and each after what came after it', async () => {
    await checkRuns(randomTree({ failing: 20 }), (protocol) => {
      checkReverts(protocol)
      expect(protocol.state).toBe(namesOf(protocol, 'failed').length > 0 ? 'REVERTED' : 'SUCCESS')
    })
  })

  it('after a failed revert nothing before it is reverted, and the flow ends in FAILURE', async () => {
    await checkRuns(randomTree({ failing: 30, revertFailing: 20 }), (protocol) => {
      const stuck = namesOf(protocol, 'revert failed')
      const reverts = positions(protocol, 'revert')
      for (const { name, before } of protocol.atoms) {
        if (stuck.includes(name)) for (const earlier of before) expect(reverts.has(earlier)).toBe(false)
      }
      const failed = namesOf(protocol, 'failed').length > 0
      expect(protocol.state).toBe(stuck.length > 0 ? 'FAILURE' : failed ? 'REVERTED' : 'SUCCESS')
    })
  })

  it('after a failed revert that is passed over everything that executed is reverted or said not to be', async () => {
    const tree = randomTree({ failing: 30, revertFailing: 20 })
    const property = fc.asyncProperty(tree, anyOptions, anyChoices, async (drawn, options, choices) => {
      const protocol = await runTree(drawn, { ...options, onRevertFailure: 'continue' }, choices)
      const executed = namesOf(protocol, 'execute').toSorted()
      const failed = namesOf(protocol, 'failed').length > 0
      expect(namesOf(protocol, 'reverted', 'revert failed').toSorted()).toEqual(failed ? executed : [])
    })
    await fc.assert(property, { numRuns: 200 })
  })

  it('what is stored is what happened, and every change of state is in the table', async () => {
    await checkRuns(randomTree({ failing: 20, revertFailing: 10 }), (protocol) => {
      checkStored(protocol)
      checkTransitions(protocol)
    })
  })

  it('the bound is kept', async () => {
    await checkRuns(randomTree({ failing: 10 }), ({ peak }, { mode, maxWorkers = 1 }) => {
      expect(peak).toBeLessThanOrEqual(mode === 'serial' ? 1 : maxWorkers)
    })
  })
})

describe('a serial and a parallel run of one flow', () => {
  it('end in the same state of the flow, whatever fails', async () => {
    const tree = randomTree({ failing: 20 })
    const property = fc.asyncProperty(tree, bound, anyChoices, async (drawn, maxWorkers, choices) => {
      const serial = await runTree(drawn, {}, choices)
      const parallel = await runTree(drawn, { mode: 'parallel', maxWorkers }, choices)
      expect(parallel.state).toBe(serial.state)
    })
    await fc.assert(property, { numRuns: 150 })
  })

  it('end in the same states of all atoms, where nothing runs beside what fails', async () => {
    const failing = { fails: true, revertFails: false, waits: true, revertWaits: true, priority: 0 }
    const quiet = randomTree()
    const tree = fc.tuple(quiet, fc.boolean(), quiet).map(([first, fails, last]): Tree => {
      const middle: readonly Tree[] = fails ? [{ kind: 'atom', behaviour: failing }] : []
      return { kind: 'linear', children: [first, ...middle, last] }
    })
    const property = fc.asyncProperty(tree, bound, anyChoices, async (drawn, maxWorkers, choices) => {
      const serial = await runTree(drawn, {}, choices)
      const parallel = await runTree(drawn, { mode: 'parallel', maxWorkers }, choices.toReversed())
      for (const facts of serial.atoms) {
        if (facts.behaviour.fails) expect(standsAlone(facts, serial.atoms)).toBe(true)
      }
      expect(parallel.states).toEqual(serial.states)
      expect(namesOf(parallel, 'execute').toSorted()).toEqual(namesOf(serial, 'execute').toSorted())
    })
    await fc.assert(property, { numRuns: 150 })
  })

  it('are the same, entry by entry, where the parallel one has room for one', async () => {
    const property = fc.asyncProperty(randomTree({ failing: 15 }), anyChoices, async (drawn, choices) => {
      const serial = await runTree(drawn, {}, choices)
      const parallel = await runTree(drawn, { mode: 'parallel', maxWorkers: 1 }, choices)
      expect(parallel.entries).toEqual(serial.entries)
      expect(parallel.trace.lines).toEqual(serial.trace.lines)
    })
    await fc.assert(property, { numRuns: 100 })
  })
})
