import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import {
  atom,
  controller,
  Engine,
  type FlowNode,
  graph,
  linear,
  MemoryBackend,
  type PlainNode,
  parameterizedForEach,
  task,
  unordered,
} from '@glimpse/taskflow'
import { describe, expect, it } from 'vitest'
import { buildFlow } from '../conformance/build.ts'
import { CallLog } from '../conformance/calls.ts'
import { readCases } from '../conformance/cases.ts'
import { textsOf } from '../conformance/failures.ts'
import { runSpec } from '../conformance/run.ts'
import type { RecordedCase } from '../conformance/spec.ts'
import { atOnce } from '../conformance/tasks.ts'
import { root } from './support/project.ts'

/** docs/differences-from-taskflow.md: the tests that it names are there, and those that have no better place are here. */
const page = readFileSync(path.join(root, 'docs', 'differences-from-taskflow.md'), 'utf8')
const cases = process.env['FLOW_ORACLE_CASES'] ?? path.join(root, '../shared/flow-oracle/cases-200.jsonl.gz')

describe('a test that the differences name', () => {
  const places = [path.join(root, 'packages', 'taskflow', 'test'), path.join(root, 'tests')]
  const files = new Map(
    places.flatMap((place) =>
      readdirSync(place)
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => [name.replace('.test.ts', ''), readFileSync(path.join(place, name), 'utf8')] as const),
    ),
  )
  const named = page
    .split('\n')
    .flatMap((row) => [...row.matchAll(/`([\w-]+)`: ((?:\*[^*]+\*(?:, )?)+)/g)])
    .flatMap(([, file = '', titles = '']) =>
      [...titles.matchAll(/\*([^*]+)\*/g)].map(([, title = '']) => [file, title] as const),
    )

  it('is one of many', () => {
    expect(named.length).toBeGreaterThan(40)
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
})

/** Rows of the tables of recorded cases: id, and state and failures as they are here. */
const rows = [...page.matchAll(/^\| `([a-z]\d{5}-\d{5})` \|.*\| (\w+)(?:: ([^|,]+(?:, [^|,]+)*))? \|$/gm)].map(
  ([row, id = '', state = '', raised = '']) => ({
    id,
    state,
    raised: raised.split(', ').filter((text) => text !== ''),
    again: page.indexOf(row) > page.indexOf('the second time'),
  }),
)

if (existsSync(cases)) {
  describe('a recorded case that is an accident of TaskFlow', () => {
    const recorded = new Map([...readCases(cases)].map((one) => [one.spec.id, one]))

    it('is in the differences, each of them', () => {
      const accidents = [...recorded.values()].filter(({ accident }) => accident).map(({ spec }) => spec.id)
      const told = rows.filter(({ again }) => !again).map(({ id }) => id)
      expect(told.toSorted()).toEqual(accidents.toSorted())
    })

    it.each(rows)('comes to what the page says: $id', async ({ id, state, raised, again }) => {
      const { spec } = recorded.get(id)!
      const here = again ? await secondRunOf(recorded.get(id)!) : await runSpec(spec, 'serial')
      expect(here).toMatchObject({ flow_state: state, raised })
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
