import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type AtomNode, Failure, type JsonValue, TaskFlowError, WrappedFailure } from '@glimpse/taskflow'
import { describe, expect, it, onTestFinished } from 'vitest'
import { buildFlow } from '../conformance/build.ts'
import { CallLog } from '../conformance/calls.ts'
import { readCases } from '../conformance/cases.ts'
import { compareWith } from '../conformance/compare.ts'
import { SpecifiedError, textsOf } from '../conformance/failures.ts'
import { differencesInOrder, forbiddenTransitions, type Transition } from '../conformance/order.ts'
import { type Mode, resumeSpec, runSpec } from '../conformance/run.ts'
import type {
  DeciderSpec,
  Expected,
  FlowSpec,
  LinkSpec,
  RecordedCase,
  RetrySpec,
  TaskSpec,
} from '../conformance/spec.ts'
import { atOnce, atomOf } from '../conformance/tasks.ts'
import { byCodePoint, fnv1a, render, renderCall, renderNamed } from '../conformance/values.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const cases = process.env['FLOW_ORACLE_CASES'] ?? path.join(root, '../shared/flow-oracle/cases-200.jsonl.gz')

/** For tests that start processes or run everything, on a machine that others use too. */
const patient = { timeout: 60_000 }

describe('values of recorded cases', () => {
  it('are hashed by FNV-1a', () => {
    const hashes = ['', 'a', 'foobar'].map((text) => fnv1a(text).toString(16))
    expect(hashes).toEqual(['811c9dc5', 'e40c292c', 'bf9cf968'])
  })

  it('are hashed over UTF-8, not over UTF-16', () => {
    expect(fnv1a('é')).toBe(fnv1aOfBytes([0xc3, 0xa9]))
  })

  it('are strings as they are, and anything else JSON with sorted keys and without spaces', () => {
    const values: JsonValue[] = ['a "b"', 1, true, null, ['a', { z: [1, 2], a: 'é' }]]
    expect(values.map(render)).toEqual(['a "b"', '1', 'true', 'null', '["a",{"a":"é","z":[1,2]}]'])
  })

  it('are named in the order of the names, by code point', () => {
    expect(renderNamed({ b: 1, '\u{1f600}': 2, '\uffff': 3, a: ['x'] })).toBe('a=["x"],b=1,\uffff=3,\u{1f600}=2')
    expect(['\u{1f600}', '\uffff'].toSorted(byCodePoint)).toEqual(['\uffff', '\u{1f600}'])
  })

  it('make a call of up to 60 code points, however many bytes they are', () => {
    const call = renderCall('t', { a: '\u{1f600}'.repeat(55) })
    expect(Array.from(call)).toHaveLength(60)
    expect(call).toMatch(/^t\(a=/)
  })

  it('make a longer call shorter, by a hash of eight digits of the whole', () => {
    const call = `t(a=${'x'.repeat(56)})`
    expect(Array.from(call)).toHaveLength(61)
    expect(renderCall('t', { a: 'x'.repeat(56) })).toBe(`t~${fnv1a(call).toString(16).padStart(8, '0')}`)
    expect(renderCall('t8', { a: 'x'.repeat(56) })).toMatch(/^t8~[0-9a-f]{8}$/)
  })
})

describe('a task of a spec', () => {
  const base: TaskSpec = { kind: 'task', name: 't', requires: ['a'], provides: null }

  it('gives its call, with a stamp also the number of the call', () => {
    expect(executed(base, [{ a: 1 }])).toEqual(['t(a=1)'])
    expect(executed({ ...base, stamp: true }, [{ a: 1 }, { a: 2 }])).toEqual(['t@1(a=1)', 't@2(a=2)'])
  })

  it('gives as many parts as it provides names, or a list as one value', () => {
    expect(executed({ ...base, provides: ['x', 'y', 'z'] }, [{ a: 1 }])).toEqual([['t(a=1)/0', 't(a=1)/1', 't(a=1)/2']])
    expect(executed({ ...base, provides: 'x', returns: 'list' }, [{ a: 1 }])).toEqual([['t(a=1)/0', 't(a=1)/1']])
  })

  it('fails so many times, always, or for certain arguments', () => {
    expect(executed({ ...base, fail: { times: 1 } }, [{ a: 1 }, { a: 1 }])).toEqual([
      new SpecifiedError('t#1'),
      't(a=1)',
    ])
    expect(executed({ ...base, fail: { always: true } }, [{}, {}])).toEqual(
      ['t#1', 't#2'].map((m) => new SpecifiedError(m)),
    )
    const picky: TaskSpec = { ...base, fail: { when: { arg: 'a', in: [1, ['x']] } } }
    const calls = [{ a: 1 }, { a: '1' }, { a: ['x'] }, { b: 1 }]
    expect(executed(picky, calls)).toEqual([new SpecifiedError('t#1'), 't(a=1)', new SpecifiedError('t#3'), 't(b=1)'])
  })

  it('tells what its reverts were given, and fails them if it is to', async () => {
    const calls = new CallLog()
    const { task } = atomOf({ ...base, stamp: true, revert: 'fail' }, calls, atOnce)
    const revert = async (outcome: object): Promise<unknown> =>
      task.revert?.({ a: 1 } as never, outcome as never, {} as never)
    await expect(revert({ ok: true, result: 'x' })).rejects.toThrow('undo:t#1')
    const failure = Failure.from(new SpecifiedError('t#1'), 't')
    await expect(revert({ ok: false, failure })).rejects.toThrow('undo:t#2')
    expect(calls.revertedWith('t')).toEqual([
      { result: 'x', call: 't(a=1)' },
      { failure: 't#1', call: 't(a=1)' },
    ])
    expect([calls.executes('t'), calls.reverts('t'), calls.reverts('other')]).toEqual([0, 2, 0])
  })
})

describe('a flow of a spec', () => {
  const leaf = (name: string): TaskSpec => ({ kind: 'task', name, requires: [], provides: null })
  const linked = (decider?: DeciderSpec, to = 1): FlowSpec => ({
    kind: 'flow',
    name: 'f',
    pattern: 'graph',
    children: [leaf('a'), leaf('b')],
    links: [{ from: 0, to, ...(decider && { decider }) }],
  })
  const answer = (decider: DeciderSpec, history: Record<string, unknown>): boolean | undefined =>
    buildFlow(linked(decider), new CallLog(), atOnce).edges[0]?.decider?.(history)

  const refusal = async (flow: FlowSpec): Promise<unknown> => {
    const facts = await runSpec({ id: 'c', flow }, 'serial')
    return facts.outcome === 'invalid' ? facts.error : facts
  }

  it('has deciders that are constant, look for an atom, or hash what they are given', () => {
    expect([true, false].map((value) => answer({ op: 'const', value }, {}))).toEqual([true, false])
    expect(answer({ op: 'has', atom: 'a' }, { a: null })).toBe(true)
    expect(answer({ op: 'has', atom: 'a' }, { b: 'a' })).toBe(false)
    const bits = ['z1', 'z2', 'z3', 'z4'].map((salt) => answer({ op: 'bit', salt }, { b: [1], a: 'x' }))
    expect(bits).toEqual(['z1', 'z2', 'z3', 'z4'].map((salt) => fnv1a(`${salt}a=x,b=[1]`) % 2 === 0))
    expect(new Set(bits)).toEqual(new Set([true, false]))
  })

  it('is refused where TaskFlow refuses it, in the words of TaskFlow', async () => {
    const [a, b] = [leaf('a'), leaf('b')]
    const graph = { ...linked(), links: [] }
    const needy: TaskSpec = { ...a, requires: ['y', 'x'], rebind: { p: 'z' } }
    const never: LinkSpec = { from: 0, to: 1, depth: 'ALL' }
    const loop: FlowSpec = {
      ...graph,
      children: [
        { ...a, requires: ['q'], provides: 'p' },
        { ...b, requires: ['p'], provides: 'q' },
      ],
    }
    const choice = [
      { ...a, provides: 's' },
      { ...b, provides: 's' },
      { ...leaf('c'), requires: ['s'] },
    ]
    const retry: RetrySpec = { strategy: 'times', name: 'a', attempts: 2 }
    expect(await refusal(linked(undefined, 7))).toEqual({ phase: 'build', type: 'ValueError' })
    expect(await refusal(linked(undefined, -1))).toEqual({ phase: 'build', type: 'ValueError' })
    expect(await refusal({ ...graph, links: [never] })).toEqual({ phase: 'build', type: 'ValueError' })
    expect(await refusal(loop)).toEqual({ phase: 'build', type: 'DependencyFailure' })
    expect(await refusal({ ...graph, children: choice })).toEqual({ phase: 'build', type: 'AmbiguousDependency' })
    expect(await refusal({ ...graph, children: [a, { ...graph, children: [a] }] })).toEqual({
      phase: 'compile',
      type: 'Duplicate',
    })
    expect(await refusal({ ...graph, retry })).toEqual({ phase: 'compile', type: 'Duplicate' })
    const missing = { phase: 'validate', type: 'MissingDependencies', missing: ['p', 'x', 'y'] }
    expect(await refusal({ ...graph, children: [needy, { ...b, requires: ['x'] }] })).toEqual(missing)
  })

  it('has its atoms in the order of the document', () => {
    const flow = buildFlow({ ...linked(), pattern: 'linear' }, new CallLog(), atOnce)
    expect(flow.children.map((child) => (child as AtomNode).name)).toEqual(['a', 'b'])
  })
})

describe('failures in the words of the cases', () => {
  it('are the messages of the spec, or else the type that TaskFlow has', () => {
    const lack = new TaskFlowError('missing-value', 'there is no x')
    const thrown = [new SpecifiedError('t1#1'), lack, new TaskFlowError('cancelled', 'c'), new RangeError('r')]
    expect(thrown.map((error) => textsOf(error))).toEqual([['t1#1'], ['!NotFound'], ['!cancelled'], ['!RangeError']])
  })

  it('are sorted, also after they were stored', () => {
    const failures = ['t2#1', 't1#1'].map((message) => {
      const { atom, ...rest } = Failure.from(new SpecifiedError(message), 't').toJSON()
      return Failure.fromStored({ ...rest, atom })
    })
    expect(textsOf(new WrappedFailure(failures))).toEqual(['t1#1', 't2#1'])
  })
})

describe('the comparison', () => {
  const atoms = { a: { kind: 'task', state: 'SUCCESS', executes: 1, reverts: 0, result: 'x', intention: 'EXECUTE' } }
  const ran: Expected = { outcome: 'ran', flow_state: 'SUCCESS', raised: [], atoms, store: { s: ['x'] }, order: [] }
  const compared = (expected: Expected, actual: Expected, rest: Partial<RecordedCase> = {}) =>
    compareWith(
      { spec: { id: 'c' } as RecordedCase['spec'], expected, accident: false, ...rest },
      { id: 'c', ...actual },
    )

  it('finds nothing where only bookkeeping differs', () => {
    const { intention: _, ...a } = atoms.a
    const actual: Expected = { outcome: 'ran', flow_state: 'SUCCESS', raised: [], atoms: { a }, store: { s: ['x'] } }
    expect(compared(ran, { ...actual, trace: [['a', 'RUNNING']] })).toEqual({ verdict: 'same', differences: [] })
  })

  it('finds facts that differ, that lack, and that should not be there', () => {
    const { store: _, ...rest } = ran
    const wrong = { ...rest, atoms: { a: { ...atoms.a, executes: 2, failure: 'a#1' } }, flow_state: 'REVERTED' }
    expect(compared(ran, wrong)).toEqual({
      verdict: 'differs',
      differences: [
        'flow_state: want "SUCCESS", got "REVERTED"',
        'atoms.a.executes: want 1, got 2',
        'atoms.a.failure: want nothing, got "a#1"',
        'store: want {"s":["x"]}, got nothing',
      ],
    })
  })

  it('tells a number from a truth value, and a list from its element', () => {
    const wanted = { ...ran, store: { s: [1], t: ['x'] } }
    expect(compared(wanted, { ...ran, store: { s: [true], t: 'x' } }).differences).toHaveLength(2)
  })

  it('looks at nothing but the error of a spec that is refused', () => {
    const refused: Expected = {
      outcome: 'invalid',
      error: { phase: 'validate', type: 'MissingDependencies', missing: ['a'] },
    }
    expect(compared(refused, { ...refused, extra: 1 }).verdict).toBe('same')
    expect(compared(refused, ran).differences[0]).toBe('outcome: want "invalid", got "ran"')
    expect(compared(ran, refused).verdict).toBe('differs')
    expect(
      compared(refused, { outcome: 'invalid', error: { phase: 'build', type: 'MissingDependencies' } }).differences,
    ).toEqual(['error.phase: want "validate", got "build"', 'error.missing: want ["a"], got nothing'])
  })

  it('takes what is raised in any order, and lets failures that were solved be left out', () => {
    const raised = (wanted: JsonValue, current: JsonValue | undefined, got: JsonValue): string =>
      compared({ ...ran, raised: wanted, ...(current && { raised_current: current }) }, { ...ran, raised: got }).verdict
    expect(raised(['a', 'b'], undefined, ['b', 'a'])).toBe('same')
    expect(raised(['a', 'b'], undefined, ['b'])).toBe('differs')
    expect(raised(['a', 'b'], ['b'], ['b'])).toBe('same')
    expect(raised(['a', 'b'], ['b'], ['a'])).toBe('differs')
    expect(raised(['a', 'b'], ['b'], ['b', 'c'])).toBe('differs')
    expect(raised({ anyOf: [['b', 'a'], []] }, undefined, ['a', 'b'])).toBe('same')
    expect(raised({ anyOf: [['b', 'a'], []] }, undefined, ['a'])).toBe('differs')
  })

  it('takes any of several facts where TaskFlow was seen to give several', () => {
    const wanted: Expected = { ...ran, flow_state: { anyOf: ['SUCCESS', 'FAILURE'] } }
    expect(compared(wanted, ran).verdict).toBe('same')
    expect(compared(wanted, { ...ran, flow_state: 'REVERTED' }).verdict).toBe('differs')
  })

  it('says whether a difference is one in what TaskFlow has no rule for', () => {
    const wrong = { ...ran, flow_state: 'REVERTED' }
    expect(compared(ran, wrong, { accident: true, accident_scope: 'all' }).verdict).toBe('accident')
    expect(compared(ran, wrong, { accident: true, accident_scope: 'raised' }).verdict).toBe('differs')
    expect(compared(ran, wrong, { racy: true, wave_failure: true }).verdict).toBe('racy')
    expect(compared(ran, wrong, { wave_failure: true }).verdict).toBe('wave-failure')
  })

  it('holds a trace against the order of the atoms', () => {
    const trace: Transition[] = [
      ['a', 'RUNNING'],
      ['b', 'RUNNING'],
    ]
    const actual: Expected = { ...ran, trace }
    expect(compared({ ...ran, order: [['a', 'b']] }, actual).differences).toEqual([
      'trace[1]: b RUNNING while a is RUNNING',
    ])
  })
})

describe('the order of a trace', () => {
  const line: [string, string][] = [
    ['a', 'b'],
    ['b', 'c'],
  ]
  const through = (...words: string[]): Transition[] => words.map((word) => word.split(' ') as [string, string])

  it('lets an atom run only after all that are before it, near or far', () => {
    const good = through('a RUNNING', 'a SUCCESS', 'b IGNORE', 'c RUNNING')
    expect(differencesInOrder(line, good)).toEqual([])
    expect(differencesInOrder(line, good.slice(2))).toEqual(['trace[1]: c RUNNING while a is PENDING'])
  })

  it('lets an atom revert only when nothing behind it is left', () => {
    const ran = through('a RUNNING', 'a SUCCESS', 'b RUNNING', 'b FAILURE')
    const undone = through('b REVERTING', 'b REVERTED', 'a REVERTING', 'a REVERTED')
    expect(differencesInOrder(line, [...ran, ...undone])).toEqual([])
    expect(differencesInOrder(line, [...ran, ...through('a REVERTING')])).toEqual([
      'trace[4]: a REVERTING while b is FAILURE',
    ])
  })

  it('lets nothing revert that never ran', () => {
    expect(differencesInOrder(line, through('b REVERTING'))).toEqual(['trace[0]: b REVERTING but never executed'])
  })

  it('knows the transitions that an atom may make, and which are for retries alone', () => {
    const again = through('r RUNNING', 'r SUCCESS', 'r RETRYING', 'r RUNNING', 'a IGNORE', 'a PENDING', 'a RUNNING')
    expect(forbiddenTransitions(again, (name) => name === 'r')).toEqual([])
    expect(forbiddenTransitions(again, () => false)).toEqual(['trace[2]: r from SUCCESS to RETRYING'])
    expect(forbiddenTransitions(through('a SUCCESS'), () => false)).toEqual(['trace[0]: a from PENDING to SUCCESS'])
    expect(forbiddenTransitions(through('a NOWHERE', 'a RUNNING'), () => false)).toHaveLength(2)
  })
})

describe('the runner', () => {
  const spec = (id: string): object => ({
    id,
    format: 1,
    store: { g: [1, 2] },
    flow: {
      kind: 'flow',
      name: 'f',
      pattern: 'linear',
      children: [{ kind: 'task', name: 't', requires: ['g'], provides: 's' }],
    },
  })

  it('prints a line a case and nothing else, for a file that is gzipped or not', patient, () => {
    const folder = temporaryFolder()
    const lines = ['one', 'two'].map((id) => `${JSON.stringify({ spec: spec(id) })}\n`).join('')
    writeFileSync(path.join(folder, 'plain.jsonl'), lines)
    writeFileSync(path.join(folder, 'small.jsonl.gz'), gzipSync(lines))
    const t = { kind: 'task', state: 'SUCCESS', executes: 1, reverts: 0, result: 't(g=[1,2])' }
    const facts = {
      outcome: 'ran',
      flow_state: 'SUCCESS',
      raised: [],
      atoms: { t },
      store: { g: [[1, 2]], s: ['t(g=[1,2])'] },
      trace: [
        ['t', 'RUNNING'],
        ['t', 'SUCCESS'],
      ],
    }
    for (const args of [['plain.jsonl'], ['small.jsonl.gz', '--engine', 'parallel']]) {
      const output = execFileSync(process.execPath, [...program, ...args], { cwd: folder, encoding: 'utf8' })
      expect(
        output
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      ).toEqual([
        { id: 'one', ...facts },
        { id: 'two', ...facts },
      ])
    }
  })

  it('says what it takes when it is given something else', patient, () => {
    for (const [args, reason] of [
      [[], 'give one file'],
      [['a', 'b'], 'give one file'],
      [['a', '--engine', 'steam'], "no engine 'steam'"],
      [['nowhere.jsonl'], 'nowhere.jsonl'],
    ] as const) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [...program, ...args], { encoding: 'utf8' })
      expect([status, stdout]).toEqual([2, ''])
      expect(stderr).toContain(reason)
    }
  })

  it('goes on after a spec that it does not understand', async () => {
    const flow = { ...(spec('x') as { flow: FlowSpec }).flow, children: null } as unknown as FlowSpec
    expect(await runSpec({ id: 'x', flow }, 'serial')).toMatchObject({ id: 'x', outcome: 'invalid' })
  })
})

if (existsSync(cases)) {
  describe('what TaskFlow did in every recorded case', () => {
    const recorded = [...readCases(cases)]

    it('keeps the order that all engines must keep, so that the rules are read right', () => {
      const wrong = recorded.flatMap(({ spec, expected, accident, accident_scope: scope }) =>
        accident && scope === 'all' ? [] : brokenRules(expected, expected).map((words) => `${spec.id}: ${words}`),
      )
      expect(wrong).toEqual([])
    })

    for (const mode of ['serial', 'parallel'] as const) {
      it(`is what the ${mode} engine does`, patient, async () => {
        expect(recorded.length).toBeGreaterThan(0)
        expect(await differencesOfAll(recorded, mode)).toEqual([])
      })

      it(
        `after each recorded crash is what the ${mode} engine does, but for failures that stay failures`,
        patient,
        async () => {
          expect(recorded.flatMap(({ resume = [] }) => resume).length).toBeGreaterThan(0)
          expect([...(await differencesOfAllResumes(recorded, mode))].toSorted()).toEqual(staysFailure)
        },
      )
    }
  })
} else {
  it.skip(`what TaskFlow did is what the engines do: there is no ${cases} (lay shared/ beside the clone, or name the file in FLOW_ORACLE_CASES)`, () => {})
}

const program = ['--conditions=@glimpse/source', path.join(root, 'conformance/main.ts')]

/** Our engines start everything that is ready before they look at a result, so waves are no excuse here. */
async function differencesOfAll(recorded: readonly RecordedCase[], mode: Mode): Promise<string[]> {
  const wrong: string[] = []
  for (const one of recorded) {
    const actual = JSON.parse(JSON.stringify(await runSpec(one.spec, mode))) as Expected
    const { verdict, differences } = compareWith(one, actual)
    const counted = verdict === 'accident' || verdict === 'racy' ? [] : differences
    const broken = new Set([...counted, ...brokenRules(one.expected, actual)])
    wrong.push(...[...broken].map((words) => `${one.spec.id}: ${words}`))
  }
  return wrong
}

/**
 * Crashes after a failed revert, and runs that `never_resolve` has ended in FAILURE: TaskFlow, run once more, says
 * REVERTED, though nothing was reverted; in the last one it drops a failure from before the crash. See
 * docs/differences-from-taskflow.md.
 */
const staysFailure: readonly string[] = [
  'c20261-00055/finish/3',
  'c20261-00263/end/0',
  'c20261-00284/finish/3',
  'c20261-00675/finish/2',
  'd20263-00169/end/0',
  'd20263-00169/finish/2',
  'r20262-00053/finish/3',
  'r20262-00123/end/0',
  'r20262-00123/finish/1',
  'r20262-00168/end/0',
  'r20262-00168/finish/1',
]

/** Which resumes come to something else than TaskFlow's. */
async function differencesOfAllResumes(recorded: readonly RecordedCase[], mode: Mode): Promise<ReadonlySet<string>> {
  const different = new Set<string>()
  for (const { spec, resume = [], expected } of recorded) {
    for (const one of resume) {
      const actual = JSON.parse(JSON.stringify(await resumeSpec(spec, one, mode))) as Expected
      const { verdict, differences } = compareWith({ ...one, spec }, actual)
      const initial = Object.entries(one.snapshot.atoms).map(([name, { state }]) => [name, state] as const)
      const broken = differencesInOrder(edgesOf(expected), stepsOf(actual), new Map(initial))
      const counted = verdict === 'accident' || verdict === 'racy' ? [] : [...differences, ...broken]
      if (counted.length > 0) different.add(`${spec.id}/${one.crash.after}/${one.crash.k}`)
    }
  }
  return different
}

function edgesOf({ order = [] }: Expected): readonly (readonly [string, string])[] {
  return order as unknown as readonly (readonly [string, string])[]
}

function stepsOf({ trace = [] }: Expected): readonly Transition[] {
  return trace as unknown as readonly Transition[]
}

/** The rules of order and of transitions that a run breaks; they hold in accidents, too. */
function brokenRules(expected: Expected, actual: Expected): readonly string[] {
  const kinds = (expected['atoms'] ?? {}) as Readonly<Record<string, { readonly kind: string }>>
  const steps = stepsOf(actual)
  return [
    ...differencesInOrder(edgesOf(expected), steps),
    ...forbiddenTransitions(steps, (name) => kinds[name]?.kind === 'retry'),
  ]
}

/** What a task gives or throws, one call after another. */
function executed(spec: TaskSpec, calls: readonly object[]): unknown[] {
  const { task } = atomOf(spec, new CallLog(), atOnce)
  return calls.map((args) => {
    try {
      return task.execute(args as never, {} as never)
    } catch (error) {
      return error
    }
  })
}

function fnv1aOfBytes(bytes: readonly number[]): number {
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 16_777_619), 2_166_136_261 | 0) >>> 0
}

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'conformance-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
