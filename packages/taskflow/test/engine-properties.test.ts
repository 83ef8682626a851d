import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AtomEvent, type AtomState, atomTransitions, flowTransitions, retryTransitions } from '../src/index.ts'
import type { AtomFacts } from './random-facts.ts'
import { checkStories, type Protocol, unhurried } from './random-run.ts'
import { randomStory } from './random-story.ts'

type Atoms = ReadonlyMap<string, AtomState>

/** Shows each change of an atom with the states of all atoms before it. */
function replay({ facts, events }: Protocol, look: (event: AtomEvent, atom: AtomFacts, states: Atoms) => void): void {
  const states = new Map<string, AtomState>(facts.atoms.map(({ name }) => [name, 'PENDING']))
  for (const event of events) {
    if (!('atom' in event)) continue
    look(event, facts.byName.get(event.atom)!, states)
    states.set(event.atom, event.state)
  }
}

/** The states in which the atoms are left. */
function finalStates(protocol: Protocol): Atoms {
  const { facts, events } = protocol
  const last = new Map(events.flatMap((event) => ('atom' in event ? [[event.atom, event.state] as const] : [])))
  return new Map(facts.atoms.map(({ name }) => [name, last.get(name) ?? 'PENDING']))
}

function namesIn(states: Atoms, ...wanted: readonly AtomState[]): readonly string[] {
  return [...states].flatMap(([name, state]) => (wanted.includes(state) ? [name] : []))
}

const done: readonly AtomState[] = ['SUCCESS', 'IGNORE']
const nothing: readonly AtomState[] = ['PENDING', 'REVERTED', 'IGNORE']

/** Whether everything that was to be undone could be, and everything was to be resolved. */
function isOrderly({ engine, story }: Protocol): boolean {
  return engine.revertFailures.length === 0 && !story.options.neverResolve
}

/** Retries that gave up on their own flow alone. */
function givenUp({ facts }: Protocol, states: Atoms): readonly AtomFacts[] {
  return facts.atoms.filter(({ name, retry }) => retry !== null && states.get(name) === 'REVERTED')
}

/** Of these atoms, those that are not done although no retry among them gave up before them. */
function halfDone(protocol: Protocol, states: Atoms, atoms: readonly AtomFacts[]): readonly string[] {
  const within = new Set(atoms.map(({ name }) => name))
  const retries = givenUp(protocol, states).filter(({ name }) => within.has(name))
  const excused = new Set(retries.flatMap(({ name, after }) => [name, ...after]))
  return atoms.map(({ name }) => name).filter((name) => !done.includes(states.get(name)!) && !excused.has(name))
}

describe('any flow, any engine, any timing, whatever comes from outside', unhurried, () => {
  it('an atom begins when everything before it is done, and is undone when everything after it is', async () => {
    await checkStories(randomStory(), 250, (protocol) => {
      const undone = [...nothing, ...(protocol.story.options.onRevertFailure === 'continue' ? ['REVERT_FAILURE'] : [])]
      replay(protocol, ({ state, oldState }, { before, after }, states) => {
        if (state === 'RUNNING') for (const name of before) expect(done, name).toContain(states.get(name))
        if (state === 'REVERTING') expect(['SUCCESS', 'FAILURE', 'RETRYING']).toContain(oldState)
        if (state !== 'REVERTING' && state !== 'RETRYING') return
        for (const name of after) expect(undone, name).toContain(states.get(name))
      })
    })
  })

  it('every change of a state is in the table', async () => {
    await checkStories(randomStory(), 100, (protocol) => {
      replay(protocol, ({ state, oldState, kind, atom }, _, states) => {
        expect(oldState).toBe(states.get(atom))
        const isForgotten = protocol.story.again.includes('reset') && oldState === 'SUCCESS' && state === 'PENDING'
        if (!isForgotten) expect((kind === 'task' ? atomTransitions : retryTransitions)[oldState]).toContain(state)
      })
      for (const event of protocol.events) {
        if (!('atom' in event)) expect(flowTransitions[event.oldState]).toContain(event.state)
      }
    })
  })

  it('what an atom has done and not undone is what its state says', async () => {
    await checkStories(randomStory(), 250, (protocol) => {
      const states = finalStates(protocol)
      for (const { name, task } of protocol.facts.atoms) {
        const deeds = protocol.entries.flatMap(({ atom, deed }) => (atom === name ? [deed] : []))
        const state = states.get(name)!
        const last = deeds.at(-1)
        if (state === 'SUCCESS') expect(last, name).toBe('executed')
        if (last === 'failed')
          expect(['FAILURE', 'REVERT_FAILURE', ...(task?.revertible ? [] : nothing)], name).toContain(state)
        if (last === 'reverted') expect([...nothing, 'FAILURE'], name).toContain(state)
        if (last === 'revert failed') expect(state, name).toBe('REVERT_FAILURE')
      }
    })
  })

  it('nothing is executed twice unless it was undone, and nothing is undone unless it was executed', async () => {
    const story = randomStory().map((drawn) => ({ ...drawn, again: drawn.again.filter((what) => what === 'run') }))
    await checkStories(story, 250, ({ facts, entries }) => {
      for (const { name, task } of facts.atoms) {
        const letters = { execute: 'e', executed: 'x', failed: 'f', revert: 'r', reverted: 'o', 'revert failed': '!' }
        const deeds = entries.flatMap(({ atom, deed }) => (atom === name ? [letters[deed]] : [])).join('')
        if (task === null) expect(deeds).toMatch(/^((ex)*(ex|ef)ro)*(ex)*(ef|(ex|ef)r!)?$/)
        else if (task.revertible) expect(deeds).toMatch(/^(e[xf]ro)*(e[xf](r!)?)?$/)
        else expect(deeds).toMatch(/^(e[xf])*$/)
      }
    })
  })

  it('no more atoms are at work than may be', async () => {
    await checkStories(randomStory(), 100, ({ peak, story: { options } }) => {
      expect(peak).toBeLessThanOrEqual(options.mode === 'serial' ? 1 : options.maxWorkers!)
    })
  })

  it('the state of the flow follows from those of its atoms', async () => {
    await checkStories(randomStory({ revertFailing: 10 }), 250, (protocol) => {
      const { engine, story, model } = protocol
      const states = finalStates(protocol)
      const stuck = namesIn(states, 'REVERT_FAILURE')
      const failed = engine.failures.length > 0 && story.options.neverResolve && !model.revertingAll
      expect(engine.state === 'FAILURE').toBe(stuck.length > 0 || failed)
      expect(namesIn(states, 'RUNNING', 'REVERTING')).toEqual([])
      // A revert that fails stops everything, also a retry that waits for its next attempt.
      if (engine.state !== 'FAILURE') expect(namesIn(states, 'RETRYING')).toEqual([])
      if (engine.state === 'SUCCESS') expect(namesIn(states, ...done)).toHaveLength(states.size)
      if (engine.state === 'REVERTED') expect(namesIn(states, 'FAILURE')).toEqual([])
      const isDone = namesIn(states, ...done).length === states.size && namesIn(states, 'SUCCESS').length > 0
      if (isDone && !failed) expect(engine.state).toBe('SUCCESS')
    })
  })
})

describe('whenever a run is over, whatever failed and whenever it was cancelled', unhurried, () => {
  it('the flow of a retry is done as a whole or undone as a whole, but for flows in it that gave up alone', async () => {
    await checkStories(randomStory({ failing: 35, retries: 75, revertFailing: 0 }), 400, (protocol) => {
      if (!isOrderly(protocol)) return
      const states = finalStates(protocol)
      for (const { name, retry } of protocol.facts.atoms) {
        const part = protocol.facts.atoms.filter(({ controllers }) => controllers.includes(name))
        const state = states.get(name)!
        if (retry === null || state === 'IGNORE') continue
        if (state === 'SUCCESS') expect(halfDone(protocol, states, part), name).toEqual([])
        else for (const inner of part) expect(nothing, `${name}: ${inner.name}`).toContain(states.get(inner.name))
      }
    })
  })

  it('everything is done or nothing is, but for what a retry gave up alone', async () => {
    await checkStories(randomStory({ failing: 35, retries: 60, revertFailing: 0 }), 300, (protocol) => {
      if (!isOrderly(protocol)) return
      const states = finalStates(protocol)
      const { atoms } = protocol.facts
      if (namesIn(states, 'SUCCESS').length > 0) expect(halfDone(protocol, states, atoms)).toEqual([])
      else if (protocol.engine.state === 'REVERTED') expect(namesIn(states, ...nothing)).toHaveLength(atoms.length)
    })
  })

  it('nothing is left half done where retries leave the decision to those around them', async () => {
    const deferring = randomStory({ failing: 35, retries: 75, revertFailing: 0 }).map((story) => {
      return { ...story, options: { ...story.options, deferReverts: true } }
    })
    await checkStories(deferring, 150, (protocol) => {
      if (!isOrderly(protocol) || protocol.engine.state !== 'REVERTED') return
      expect(namesIn(finalStates(protocol), 'SUCCESS')).toEqual([])
    })
  })

  it('nothing is left after a cancel that came in time', async () => {
    const cancelled = randomStory({ failing: 10, revertFailing: 0, again: 0 }).map((story) => {
      const [first] = story.interruptions
      return { ...story, interruptions: [{ on: 'call' as const, nth: 2, ...first, act: 'cancel' as const }] }
    })
    await checkStories(cancelled, 200, (protocol) => {
      const { engine, model } = protocol
      if (!isOrderly(protocol) || !model.cancelled || engine.state === 'SUCCESS') return
      expect(engine.state).toBe('REVERTED')
      expect(namesIn(finalStates(protocol), ...nothing)).toHaveLength(protocol.facts.atoms.length)
    })
  })
})

describe('when what happened cannot be stored', unhurried, () => {
  it('the run rejects, but not before all that is at work has ended, and nothing that is not stored is announced', async () => {
    const storeFails = fc.integer({ min: 1, max: 15 })
    await checkStories(
      randomStory({ storeFails, again: 0 }),
      200,
      ({ isLost, atWork, rides, engine, stored, events }) => {
        if (!isLost) return
        expect(rides.at(-1)!.error).toMatchObject({ code: 'storage', cause: new Error('the disk is full') })
        expect(atWork).toEqual([])
        expect(engine.state).toBe(stored.flow.state)
        const states = new Map(stored.atoms.map(({ name, state }) => [name, state]))
        const last = new Map(events.flatMap((event) => ('atom' in event ? [[event.atom, event.state] as const] : [])))
        expect(states).toEqual(last)
      },
    )
  })
})
