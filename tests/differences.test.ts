import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import {
  atom,
  CapturingListener,
  type Clock,
  controller,
  Engine,
  type FlowNode,
  graph,
  linear,
  MemoryBackend,
  type PlainNode,
  parameterizedForEach,
  task,
  times,
  unordered,
} from '@glimpse/taskflow'
import { describe, expect, it } from 'vitest'
import { buildFlow } from '../conformance/build.ts'
import { CallLog } from '../conformance/calls.ts'
import { readCases } from '../conformance/cases.ts'
import { compareWith } from '../conformance/compare.ts'
import { textsOf } from '../conformance/failures.ts'
import { resumeSpec, runSpec } from '../conformance/run.ts'
import type { Expected, RecordedCase } from '../conformance/spec.ts'
import { atOnce } from '../conformance/tasks.ts'
import { root } from './support/project.ts'

/** docs/differences-from-taskflow.md: the tests that it names are there, and those that have no better place are here. */
const page = readFileSync(path.join(root, 'docs', 'differences-from-taskflow.md'), 'utf8')
const cases = process.env['FLOW_ORACLE_CASES'] ?? path.join(root, '../shared/flow-oracle/cases-200.jsonl.gz')

describe('a test that the differences name', () => {
  const places = ['packages/taskflow/test', 'packages/taskflow/src/testing', 'packages/taskflow-sqlite/test', 'tests']
  const files = new Map(
    places
      .map((place) => path.join(root, place))
      .flatMap((place) => readdirSync(place).map((name) => path.join(place, name)))
      .filter((file) => /\.test\.ts$|-cases\.ts$/.test(file))
      .map((file) => [path.basename(file).replace(/(\.test)?\.ts$/, ''), readFileSync(file, 'utf8')] as const),
  )
  const named = page
    .split('\n')
    .flatMap((row) => [...row.matchAll(/`([\w-]+)`: ((?:\*[^*]+\*(?:, )?)+)/g)])
    .flatMap(([, file = '', titles = '']) =>
      [...titles.matchAll(/\*([^*]+)\*/g)].map(([, title = '']) => [file, title] as const),
    )

  it('is one of many', () => {
    expect(named.length).toBeGreaterThan(90)
  })

  it.each(named)('is there: %s, %s', (file, title) => {
    expect([...files.keys()]).toContain(file)
    expect(files.get(file)).toContain(title)
  })
})

/** A task that gives its own name, with a log of its calls. */
function step(name: string, log: string[], execute: () => unknown = () => name): ReturnType<typeof task> {
  return task<object, unknown>({
    name,
    execute: () => {
      log.push(name)
      return execute()
    },
    revert: () => void log.push(`-${name}`),
  })
}

describe('what differs from TaskFlow:', () => {
  it.each(['serial', 'parallel'] as const)(
    'an atom that becomes ready at the moment of a failure stays PENDING (%s)',
    async (mode) => {
      const fail = (): never => {
        throw new Error('x broke')
      }
      for (const first of ['a', 'x']) {
        const log: string[] = []
        const x = atom(step('x', log, fail))
        const line = linear('line', [atom(step('a', log)), atom(step('b', log))])
        const flow = linear('f', [
          atom(step('before', log)),
          unordered('both', first === 'a' ? [line, x] : [x, line]),
          atom(step('after', log)),
        ])
        const backend = new MemoryBackend()
        await new Engine(flow, { mode, backend, id: 'r' }).run({}).catch(() => {})
        expect(log).toEqual(['before', ...(first === 'a' ? ['a', 'x'] : ['x', 'a']), '-x', '-a', '-before'])
        expect(backend.load('r')?.atoms.map(({ name }) => name)).not.toContain('b')
      }
    },
  )

  it('a retry that takes what only its own flow provides is refused', () => {
    const mirrors = atom(task({ name: 'find', execute: () => ['a'] }), { provides: 'values' })
    const retry = controller(parameterizedForEach(), { requires: ['values'] })
    for (const flow of [graph('f', [mirrors], { retry }), linear('f', [mirrors], { retry })]) {
      expect(() => new Engine(flow).validate({})).toThrow(/nothing provides 'values' \(needed by 'f_retry'/)
    }
  })

  it('an optional argument is left out when only somebody out of sight provides it', async () => {
    const told: unknown[] = []
    const take = atom(task({ name: 'take', execute: (args: object) => void told.push({ ...args }) }), {
      optional: ['x'],
    })
    const give = atom(task({ name: 'give', execute: () => 1 }), { provides: 'x' })
    const flows: readonly FlowNode[] = [
      linear('later', [take, give]),
      unordered('sibling', [take, give]),
      linear('before', [give, take]),
    ]
    for (const flow of flows) await new Engine(flow).run({})
    expect(told).toEqual([{}, {}, { x: 1 }])
  })

  it('what is fetched is always a list', async () => {
    const twice = ['p', 'q'].map((name) => atom(task({ name, execute: () => name }), { provides: 'x' }))
    const engine = new Engine(linear('f', [...twice, atom(task({ name: 'r', execute: () => 'r' }), { provides: 'y' })]))
    await engine.run({ z: 1 })
    expect([...engine.fetchAll()]).toEqual([
      ['z', [1]],
      ['x', ['p', 'q']],
      ['y', ['r']],
    ])
    expect([engine.fetch('y'), engine.fetch('nobody')]).toEqual([['r'], []])
  })

  it('what is injected is not stored', async () => {
    const backend = new MemoryBackend()
    const use = task({ name: 'use', execute: ({ key }: { key: string }) => key.length })
    const flow = linear('f', [atom(use, { requires: ['key'], inject: { key: 'a secret' } })])
    await new Engine(flow, { backend, id: 'r' }).run({})
    expect(backend.load('r')?.atoms[0]?.result).toBe(8)
    expect(JSON.stringify(backend.load('r'))).not.toContain('a secret')
  })

  it('what a revert gives is dropped if it cannot be stored', async () => {
    const backend = new MemoryBackend()
    const make = (name: string, given: unknown): PlainNode =>
      atom(task({ name, execute: () => name, revert: () => given }))
    const fail = atom(
      task({
        name: 'x',
        execute: () => {
          throw new Error('x broke')
        },
      }),
    )
    const engine = new Engine(linear('f', [make('a', { at: 1 }), make('b', new Date()), fail]), { backend, id: 'r' })
    await expect(engine.run({})).rejects.toThrow('x broke')
    expect(engine.state).toBe('REVERTED')
    expect(backend.load('r')?.atoms.map(({ revertResult }) => revertResult)).toEqual([{ at: 1 }, null, null])
  })

  it('what executes again after a restart is announced once more', async () => {
    const backend = new MemoryBackend()
    const die = task({ name: 'die', execute: () => first.abandon() })
    const flow = linear('f', [atom(task({ name: 'before', execute: () => 1 })), atom(die)])
    const first: Engine<object, unknown> = new Engine(flow, { backend, id: 'r' })
    await expect(first.run({})).rejects.toMatchObject({ code: 'abandoned' })
    const heard = new CapturingListener()
    const second = await Engine.resume<object, unknown>(flow, { backend, id: 'r', listeners: [heard] })
    await second.run()
    expect(heard.atoms.map(({ atom, oldState, state }) => `${atom} ${oldState} ${state}`)).toEqual([
      'die RUNNING RUNNING',
      'die RUNNING SUCCESS',
    ])
  })

  it('a retry that waited when its process died tries again at once', async () => {
    const backend = new MemoryBackend()
    const waits: number[] = []
    const clock: Clock = {
      now: () => 0,
      wait: (milliseconds) => {
        waits.push(milliseconds)
        if (milliseconds === 7) first.abandon()
        return () => {}
      },
    }
    let calls = 0
    const flaky = task({
      name: 'flaky',
      execute: () => {
        if (++calls === 1) throw new Error('busy')
      },
    })
    const retry = controller(times(3, { backoff: () => 7 }))
    const flow = linear('f', [atom(flaky)], { retry })
    const first: Engine<object, unknown> = new Engine(flow, { backend, id: 'r', clock })
    await expect(first.run({})).rejects.toMatchObject({ code: 'abandoned' })
    expect(backend.load('r')?.atoms.map(({ state }) => state)).toContain('RETRYING')
    await (await Engine.resume<object, unknown>(flow, { backend, id: 'r', clock })).run()
    expect([calls, waits]).toEqual([2, [7]])
  })
})

/** Rows of the tables of recorded cases: id, with the crash of a resume, and state and failures as they are here. */
const told = [...page.matchAll(/^\| `([a-z]\d{5}-\d{5}\S*)` \|.*\| (\w+)(?:: ([^|,]+(?:, [^|,]+)*))? \|$/gm)].map(
  ([row, id = '', state = '', raised = '']) => ({
    id,
    state,
    raised: raised.split(', ').filter((text) => text !== ''),
    again: page.indexOf(row) > page.indexOf('the second time'),
  }),
)
const rows = told.filter(({ id }) => !id.includes('/'))
const resumeRows = told.filter(({ id }) => id.includes('/'))

if (existsSync(cases)) {
  describe('a recorded case that is an accident of TaskFlow', () => {
    const recorded = new Map([...readCases(cases)].map((one) => [one.spec.id, one]))

    it('is in the differences, each of them', () => {
      const accidents = [...recorded.values()].filter(({ accident }) => accident).map(({ spec }) => spec.id)
      const inPage = rows.filter(({ again }) => !again).map(({ id }) => id)
      expect(inPage.toSorted()).toEqual(accidents.toSorted())
    })

    it.each(rows)('comes to what the page says: $id', async ({ id, state, raised, again }) => {
      const { spec } = recorded.get(id)!
      const here = again ? await secondRunOf(recorded.get(id)!) : await runSpec(spec, 'serial')
      expect(here).toMatchObject({ flow_state: state, raised })
    })
  })

  describe('a recorded resume', () => {
    const resumes = [...readCases(cases)].flatMap(({ spec, resume = [] }) =>
      resume.map((one) => ({ id: `${spec.id}/${one.crash.after}/${one.crash.k}`, spec, one })),
    )

    it('is in the differences if it comes to another end, and only then', { timeout: 60_000 }, async () => {
      const different: string[] = []
      for (const { id, spec, one } of resumes) {
        const here = JSON.parse(JSON.stringify(await resumeSpec(spec, one, 'serial'))) as Expected
        if (compareWith({ ...one, spec }, here).verdict !== 'same') different.push(id)
      }
      expect(resumeRows.map(({ id }) => id).toSorted()).toEqual(different.toSorted())
      expect(page).toContain(`${resumes.length - different.length} of ${resumes.length} come to the same end`)
    })

    it.each(resumeRows)('comes to what the page says: $id', async ({ id, state, raised }) => {
      const { spec, one } = resumes.find((resume) => resume.id === id)!
      expect(await resumeSpec(spec, one, 'serial')).toMatchObject({ flow_state: state, raised })
    })
  })
} else {
  it.skip(`the recorded cases come to what the page says: there is no ${cases}`, () => {})
}

async function secondRunOf({ spec }: RecordedCase): Promise<object> {
  const { defer_reverts: deferReverts = false, never_resolve: neverResolve = false } = spec.options ?? {}
  const engine = new Engine(buildFlow(spec.flow, new CallLog(), atOnce), { deferReverts, neverResolve })
  await engine.run(spec.store ?? {}).catch(() => {})
  const raised = await engine.run().then(() => [], textsOf)
  return { flow_state: engine.state, raised }
}
