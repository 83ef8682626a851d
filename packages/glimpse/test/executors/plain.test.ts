import {
  type AtomEvent,
  alwaysRevert,
  atom,
  controller,
  type Flow,
  type FlowNode,
  fixed,
  flow,
  graph,
  linear,
  type PlainNode,
  retry,
  task,
  times,
  unordered,
  withDefaults,
} from '@glimpse/taskflow'
import * as fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { runners, Waits } from './bench.ts'

const logger = pino({ level: 'silent' })

/** A step that fails in its first attempts, or an undo that does. */
interface StepPlan {
  readonly failing: number
  readonly undoFails: boolean
}
interface PartPlan {
  readonly pattern: 'linear' | 'unordered' | 'when'
  readonly attempts: number | 'none' | 'never again' | 'never again, all'
  readonly open: boolean
  readonly children: readonly Plan[]
}
type Plan = StepPlan | PartPlan

const step = (undoFails: number): fc.Arbitrary<StepPlan> =>
  fc.record({
    failing: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 })),
    undoFails: fc.integer({ min: 0, max: 9 }).map((dice) => dice < undoFails),
  })
const part = (patterns: readonly PartPlan['pattern'][], undoFails: number): fc.Arbitrary<PartPlan> =>
  fc.letrec<{ part: PartPlan; child: Plan }>((tie) => ({
    child: fc.oneof({ maxDepth: 3 }, step(undoFails), tie('part')),
    part: fc.record({
      pattern: fc.constantFrom(...patterns),
      attempts: fc.constantFrom<PartPlan['attempts'][]>('none', 1, 2, 3, 'never again', 'never again, all'),
      open: fc.boolean(),
      children: fc.array(tie('child'), { maxLength: 4 }),
    }),
  })).part

/** A flow of the plan, and what its steps do to the world. */
class Play {
  readonly done: string[] = []
  readonly #attempts = new Map<string, number>()
  #steps = 0
  #parts = 0

  flow(plan: PartPlan): Flow<never, unknown> {
    return { name: 'play', root: this.#part(plan), inputs: [], defaults: {}, result: null }
  }

  #node(plan: Plan): PlainNode {
    return 'children' in plan ? this.#part(plan) : this.#step(plan)
  }

  #step({ failing, undoFails }: StepPlan): PlainNode {
    const name = `s${this.#steps++}`
    const execute = async (): Promise<string> => {
      const attempt = (this.#attempts.get(name) ?? 0) + 1
      this.#attempts.set(name, attempt)
      this.done.push(name)
      if (attempt <= failing) throw new Error(`${name} broke at ${attempt}`)
      return `${name} made it`
    }
    const revert = async (): Promise<void> => {
      if (undoFails) throw new Error(`${name} stays`)
      this.done.splice(this.done.lastIndexOf(name), 1)
    }
    return atom(task({ name, execute, revert }), { provides: name })
  }

  #part({ pattern, attempts, open, children }: PartPlan): FlowNode {
    const name = `p${this.#parts++}`
    const options = { retry: attempts === 'none' ? null : controller(retryFor(attempts), { name: `${name}r` }) }
    const nodes = children.map((child) => this.#node(child))
    if (pattern === 'unordered') return unordered(name, nodes, options)
    if (pattern === 'linear') return linear(name, nodes, options)
    const gate = this.#step({ failing: 0, undoFails: false })
    const inside = linear(`${name}i`, nodes)
    const decider = (history: Readonly<Record<string, unknown>>) => open && history[gate.name] !== undefined
    return graph(name, [inside, gate], { ...options, links: [{ from: gate, to: inside, decider, depth: 'PART' }] })
  }
}

function retryFor(attempts: Exclude<PartPlan['attempts'], 'none'>) {
  if (typeof attempts === 'number') return times(attempts, { backoff: fixed(attempts * 1_000) })
  if (attempts === 'never again') return alwaysRevert()
  return retry({ execute: () => null, onFailure: () => 'REVERT_ALL' })
}

/** Everything that can be told from outside. */
async function play(runner: string, plan: PartPlan) {
  const game = new Play()
  const events: string[] = []
  /** These have no order: nothing is done. */
  const asides: string[] = []
  const waits = new Waits()
  const onAtom = ({ atom: name, kind, state, oldState, attempt, failure }: AtomEvent): void => {
    const list = state === 'PENDING' || state === 'IGNORE' ? asides : events
    list.push(`${kind} ${name} ${oldState} ${state} ${attempt} ${failure?.message ?? ''}`)
  }
  const { signal } = new AbortController()
  const end = await runners[runner]!(waits)(game.flow(plan), {}, { id: 'run', listener: { onAtom }, logger, signal })
  const say = (list: typeof end.failures): string[] => list.map(String)
  const { done } = game
  return {
    events,
    asides: asides.toSorted(),
    waits: waits.begun,
    done,
    failures: say(end.failures),
    undone: say(end.revertFailures),
  }
}

describe('plain', () => {
  it('tells and does, one thing after another, what a serial engine does', async () => {
    await fc.assert(
      fc.asyncProperty(part(['linear', 'when'], 1), async (plan) => {
        expect(await play('plain', plan)).toEqual(await play('taskflow serial', plan))
      }),
      { numRuns: 500 },
    )
  })

  it('comes to the end that every engine comes to, also where steps may run at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(part(['linear', 'unordered', 'when'], 0), fc.nat(), async (plan, chosen) => {
        const one = withOneFailing(plan, chosen)
        const { failures, undone, done } = await play('plain', one)
        for (const runner of ['taskflow serial', 'taskflow parallel']) {
          const other = await play(runner, one)
          expect({ ...other, done: other.done.toSorted() }).toMatchObject({ failures, undone, done: done.toSorted() })
        }
      }),
      { numRuns: 500 },
    )
  })
})

/** Which of several failures comes first is not the same twice; so all but one are taken out of the plan. */
function withOneFailing(plan: PartPlan, chosen: number): PartPlan {
  let failing = 0
  const count = (node: Plan): void => {
    if ('children' in node) node.children.forEach(count)
    else if (node.failing > 0) failing++
  }
  count(plan)
  let left = failing === 0 ? 0 : chosen % failing
  const keep = (node: Plan): Plan => {
    if ('children' in node) return { ...node, children: node.children.map(keep) }
    return node.failing > 0 && left-- !== 0 ? { ...node, failing: 0 } : node
  }
  return keep(plan) as PartPlan
}

describe('plain refuses, before anything is begun,', () => {
  const none = { execute: () => null }
  const part = (node: PlainNode): FlowNode => linear('f', [node])
  const gate = atom(task({ name: 'gate', ...none }))
  const end = atom(task({ name: 'end', ...none }))

  it.each<[what: string, root: FlowNode, reason: string]>([
    ['a time limit', part(atom(task({ name: 'a', timeout: 5, ...none }))), "task 'a' has a time limit"],
    ['one of an undo', part(atom(task({ name: 'a', revertTimeout: 5, ...none }))), "task 'a' has a time limit"],
    ['a hook', part(atom(task({ name: 'a', postRevert: () => {}, ...none }))), "task 'a' has a hook"],
    [
      'a decider of another depth',
      graph('g', [gate, end], { links: [{ from: gate, to: end, decider: () => true }] }),
      "a decider of 'g' has depth ALL, not PART",
    ],
    [
      'a graph that runs in part',
      part(graph('g', [gate], { target: gate })),
      "'g' is a graph of which only a part runs",
    ],
    ['an optional argument', part(atom(task({ name: 'a', ...none }), { optional: ['x'] })), "'x' of 'a' is optional"],
    [
      'a value that two steps give',
      linear('f', [atom(gate.task, { name: 'a', provides: 'x' }), atom(gate.task, { name: 'b', provides: 'x' })]),
      "'x' is provided twice, the second time by 'b'",
    ],
  ])('%s', async (_, root, reason) => {
    const refused = { name: 'f', root, inputs: [], defaults: {}, result: null }
    const events: string[] = []
    const listener = { onAtom: ({ atom: name }: AtomEvent) => void events.push(name) }
    const options = { id: 'run', listener, logger, signal: new AbortController().signal }
    const run = runners['plain']!(new Waits())(refused, {}, options)
    await expect(run).rejects.toThrow(
      `task_executor = plain cannot run flow '${root.name}': ${reason}; use task_executor = taskflow`,
    )
    expect(events).toEqual([])
  })
})

describe.each(Object.keys(runners))('a flow run by %s', (runner) => {
  const run = async (written: Flow<never, unknown>, inputs: object = {}) => {
    const options = { id: 'run', listener: {}, logger, signal: new AbortController().signal }
    return await runners[runner]!(new Waits())(written, inputs, options)
  }

  it('gives each attempt the value of its retry, and each step what it was wired to', async () => {
    const seen: string[] = []
    const say = task({
      name: 'say',
      execute: ({ word, who, n }: { word: string; who: string; n: number }) => {
        seen.push(`${word} ${who} ${n}`)
        if (n < 2) throw new Error('once more')
        return { said: [word] as const }
      },
    })
    const hear = task({ name: 'hear', execute: ({ word }: { word: string }) => void seen.push(`heard ${word}`) })
    const written = flow<{ who: string; word: string }>('f', (f, { who, word }) => {
      const said = f.linear('part', (g, n) => g.add(say, { who, word, n }), times(2))
      f.add(hear, { word: said.at('said').at('0') })
    })
    expect((await run(withDefaults(written, { word: 'hello' }), { who: 'Ada' })).failures).toEqual([])
    expect(seen).toEqual(['hello Ada 1', 'hello Ada 2', 'heard hello'])
  })

  it.each([true, false])('goes past a part that is passed by, and what is in it: %s', async (wanted) => {
    const seen: string[] = []
    const mark = (name: string) => task({ name, execute: () => void seen.push(name) })
    const ask = task({ name: 'ask', execute: () => wanted })
    const written = flow('f', (f) => {
      const answer = f.add(ask, {})
      f.when('part', answer, Boolean, (g) => {
        g.add(mark('inside'), {})
        g.linear('deeper', (h) => h.add(mark('deeper'), {}), times(2))
      })
      f.add(mark('after'), {})
    })
    expect((await run(written)).failures).toEqual([])
    expect(seen).toEqual(wanted ? ['inside', 'deeper', 'after'] : ['after'])
  })

  it('fails with a retry that cannot decide, and with the step that it was asked about', async () => {
    const bad = task({ name: 'bad', execute: () => Promise.reject(new Error('broken on purpose')) })
    const puzzled = retry({
      execute: () => null,
      onFailure: () => {
        throw new Error('no idea')
      },
    })
    const { failures } = await run(flow('f', (f) => f.linear('part', (g) => g.add(bad, {}), puzzled)))
    expect(failures.map(String)).toEqual(['part_retry: Error: no idea', 'bad: Error: broken on purpose'])
  })

  it('fails before it begins when it lacks what it needs', async () => {
    const needy = atom(task({ name: 'needy', execute: ({ x }: { x: number }) => x }), { requires: ['x'] })
    const written = { name: 'f', root: linear('f', [needy]), inputs: [], defaults: {}, result: null }
    await expect(run(written)).rejects.toMatchObject({ code: 'missing-dependencies' })
  })
})
