import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  atom,
  controller,
  Engine,
  Failure,
  type FlowNode,
  graph,
  type Logger,
  linear,
  task,
  times,
} from '../src/index.ts'
import { loggingListener } from '../src/listeners/logging.ts'
import { printingListener } from '../src/listeners/printing.ts'
import { LogBook } from './trace.ts'
import { rejection, turn, Workbench } from './workbench.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** `flaky` fails once, and the retry `again` allows two attempts. */
function retriedFlow(bench: Workbench, failures = 1): FlowNode {
  let tries = 0
  const flaky = bench.quick('flaky', () => {
    if (++tries <= failures) throw new Error(`broke ${tries}`)
    return tries
  })
  return linear('f', [linear('part', [atom(flaky)], { retry: controller(times(2), { name: 'again' }) })])
}

function undone(error: unknown): () => never {
  return () => {
    throw error
  }
}

async function logOf(root: FlowNode, options?: Parameters<typeof loggingListener>[1]): Promise<LogBook> {
  const book = new LogBook()
  const engine = new Engine(root, { id: 'r', listeners: [loggingListener(book, options)] })
  await engine.run({}).catch(() => {})
  return book
}

describe('a logging listener', () => {
  it('tells of a success as information, and of its atoms for debugging', async () => {
    const { lines, fields } = await logOf(linear('f', [atom(new Workbench().quick('a'))]))
    expect(lines).toEqual([
      "info: flow 'f' began",
      "debug: task 'a' began",
      "debug: task 'a' succeeded",
      "info: flow 'f' succeeded",
    ])
    expect(fields.slice(2)).toEqual([
      { flow: 'r', atom: 'a', kind: 'task', attempt: 1, state: 'SUCCESS', oldState: 'RUNNING' },
      { flow: 'r', name: 'f', state: 'SUCCESS', oldState: 'RUNNING' },
    ])
  })

  it('warns of a failure with its causes, and of what is undone because of it', async () => {
    const broken = new Error('cannot copy', { cause: new Error('no space\n  left') })
    const bench = new Workbench()
    const { lines, fields } = await logOf(linear('f', [atom(bench.quick('a')), atom(bench.failing('x', broken))]))
    expect(lines.slice(4)).toEqual([
      "warn: task 'x' failed: cannot copy, because no space left",
      "debug: task 'x' is being reverted",
      "warn: task 'x' was reverted",
      "debug: task 'a' is being reverted",
      "warn: task 'a' was reverted",
      "warn: flow 'f' was reverted, because 'x' failed: cannot copy, because no space left",
    ])
    expect(fields[4]).toMatchObject({ atom: 'x', state: 'FAILURE', err: broken })
    expect(fields[6]).not.toHaveProperty('err')
  })

  it('tells of a revert that failed as an error, with why the flow cannot be undone', async () => {
    const bench = new Workbench()
    const x = bench.failing('x', new Error('broke'), { revert: undone(new Error('stuck')) })
    const { lines } = await logOf(linear('f', [atom(x)]))
    expect(lines.slice(-2)).toEqual([
      "error: task 'x' could not be reverted: stuck",
      "error: flow 'f' failed, because 'x' could not be reverted: stuck",
    ])
  })

  it('tells of attempts; what a retry solved is no cause of anything', async () => {
    const { lines } = await logOf(retriedFlow(new Workbench()))
    expect(lines).toEqual([
      "info: flow 'f' began",
      "debug: retry 'again' prepares attempt 1",
      "debug: retry 'again' begins attempt 1",
      "debug: task 'flaky' began",
      "warn: task 'flaky' failed: broke 1",
      "debug: task 'flaky' is being reverted",
      "warn: task 'flaky' was reverted",
      "warn: retry 'again' gives up attempt 1 and will try again: broke 1",
      "debug: task 'flaky' is to run again",
      "debug: retry 'again' prepares attempt 2",
      "debug: retry 'again' begins attempt 2",
      "debug: task 'flaky' began attempt 2",
      "debug: task 'flaky' succeeded on attempt 2",
      "info: flow 'f' succeeded",
    ])
  })

  it('names only the failures that no retry has solved', async () => {
    const { lines } = await logOf(retriedFlow(new Workbench(), 2))
    expect(lines).toContain("warn: task 'flaky' failed on attempt 2: broke 2")
    expect(lines.at(-1)).toBe("warn: flow 'f' was reverted, because 'flaky' failed: broke 2")
  })

  it('does not name what an earlier retry solved', async () => {
    const bench = new Workbench()
    const root = linear('f', [...retriedFlow(bench).children, atom(bench.failing('x'))])
    const { lines } = await logOf(root)
    expect(lines).toContain("warn: task 'flaky' failed: broke 1")
    expect(lines.at(-1)).toBe("warn: flow 'f' was reverted, because 'x' failed: x broke")
  })

  it('forgets a run that is over', () => {
    const book = new LogBook()
    const listener = loggingListener(book)
    const begun = { flow: 'r', name: 'f', state: 'RUNNING', oldState: 'PENDING' } as const
    const failed = { flow: 'r', atom: 'x', kind: 'task', attempt: 1, state: 'FAILURE', oldState: 'RUNNING' } as const
    listener.onFlow?.(begun)
    listener.onAtom?.({ ...failed, failure: Failure.from(new Error('broke'), 'x') })
    listener.onFlow?.({ ...begun, state: 'REVERTED', oldState: 'RUNNING' })
    listener.onFlow?.(begun)
    listener.onFlow?.({ ...begun, state: 'REVERTED', oldState: 'RUNNING' })
    expect(book.lines.at(-1)).toBe("warn: flow 'f' was reverted")
  })

  it('tells of what a decider passes by', async () => {
    const bench = new Workbench()
    const [a, b] = [atom(bench.quick('a')), atom(bench.quick('b'))]
    const { lines } = await logOf(graph('f', [a, b], { links: [{ from: a, to: b, decider: () => false }] }))
    expect(lines).toContain("debug: task 'b' is ignored, because a decider said no")
  })

  it('tells of a suspension, of going on, and then still of the cause', async () => {
    const bench = new Workbench()
    const book = new LogBook()
    const root = linear('f', [atom(bench.held('x')), atom(bench.quick('a'))])
    const engine = new Engine(root, { listeners: [loggingListener(book)] })
    const first = rejection(engine.run({}))
    await turn()
    engine.suspend()
    await bench.fail('x')
    await first
    await rejection(engine.run())
    expect(book.lines).toEqual([
      "info: flow 'f' began",
      "debug: task 'x' began",
      "debug: flow 'f' is being suspended",
      "warn: task 'x' failed: x broke",
      "info: flow 'f' is suspended",
      "info: flow 'f' goes on",
      "debug: task 'x' is being reverted",
      "warn: task 'x' was reverted",
      "warn: flow 'f' was reverted, because 'x' failed: x broke",
    ])
  })

  it('a flow that was reverted starts over without the old cause', async () => {
    const book = new LogBook()
    const engine = new Engine(retriedFlow(new Workbench(), 2), { listeners: [loggingListener(book)] })
    await rejection(engine.run({}))
    const before = book.lines.length
    await engine.run()
    expect(book.lines.slice(before)).toContain("debug: flow 'f' is to start over")
    expect(book.lines.slice(before)).toContain("info: flow 'f' began")
    expect(book.lines.at(-1)).toBe("info: flow 'f' succeeded")
  })

  it('takes levels by state; off says nothing', async () => {
    const bench = new Workbench()
    const { lines } = await logOf(linear('f', [atom(bench.failing('x'))]), {
      flowLevels: { RUNNING: 'off', REVERTED: 'error' },
      atomLevels: { RUNNING: 'info', FAILURE: 'off', REVERTING: 'off', REVERTED: 'off' },
    })
    expect(lines).toEqual(["info: task 'x' began", "error: flow 'f' was reverted, because 'x' failed: x broke"])
  })

  it('shows results and progress only when asked', async () => {
    const work = task({
      name: 'work',
      execute: async (_: object, context) => {
        context.progress(0.456, { of: 'two' })
        await turn()
        return { size: 1 }
      },
    })
    const quiet = await logOf(linear('f', [atom(work)]))
    expect(quiet.lines.join()).not.toContain('percent')
    expect(quiet.fields.some((fields) => 'result' in fields)).toBe(false)
    const loud = await logOf(linear('f', [atom(work)]), { progressLevel: 'info', results: true })
    expect(loud.lines).toContain("info: task 'work' is at 45 percent")
    expect(loud.fields).toContainEqual({
      flow: 'r',
      atom: 'work',
      attempt: 1,
      fraction: 0.456,
      details: { of: 'two' },
    })
    expect(loud.fields).toContainEqual(expect.objectContaining({ state: 'SUCCESS', result: { size: 1 } }))
  })

  it('an error without a message is told by its class', async () => {
    const { lines } = await logOf(linear('f', [atom(new Workbench().failing('x', new RangeError('')))]))
    expect(lines).toContain("warn: task 'x' failed: RangeError")
  })

  it('names three failures and counts the others', () => {
    const book = new LogBook()
    const listener = loggingListener(book)
    listener.onFlow?.({ flow: 'r', name: 'f', state: 'RUNNING', oldState: 'PENDING' })
    for (const name of ['p', 'q', 's', 't', 'u']) {
      const event = { flow: 'r', atom: name, kind: 'task', attempt: 1, oldState: 'RUNNING', state: 'FAILURE' } as const
      listener.onAtom?.({ ...event, failure: Failure.from(new Error('broke'), name) })
    }
    listener.onFlow?.({ flow: 'r', name: 'f', state: 'REVERTED', oldState: 'RUNNING' })
    expect(book.lines.at(-1)).toBe(
      "warn: flow 'f' was reverted, because 'p' failed: broke; and 'q' failed: broke; and 's' failed: broke; and 2 more",
    )
  })

  it('keeps runs that go on at the same time apart', async () => {
    const book = new LogBook()
    const listeners = [loggingListener(book)]
    const bench = new Workbench()
    const slow = rejection(new Engine(linear('slow', [atom(bench.held('a'))]), { listeners }).run({}))
    await rejection(new Engine(linear('quick', [atom(bench.failing('x'))]), { listeners }).run({}))
    await bench.fail('a', new Error('other'))
    await slow
    expect(book.lines).toContain("warn: flow 'quick' was reverted, because 'x' failed: x broke")
    expect(book.lines).toContain("warn: flow 'slow' was reverted, because 'a' failed: other")
  })

  it('a logger that throws harms nothing, and the next events are told right', async () => {
    const book = new LogBook()
    const angry: Logger = { debug() {}, info() {}, error() {}, warn: undone(new Error('disk full')) }
    const engine = new Engine(linear('f', [atom(new Workbench().failing('x'))]), {
      listeners: [loggingListener(angry), loggingListener(book)],
    })
    await rejection(engine.run({}))
    expect(engine.state).toBe('REVERTED')
    expect(book.lines.at(-1)).toContain('was reverted')
  })
})

describe('a printing listener', () => {
  it('writes a line on each transition, with the run that it is of', async () => {
    const written: string[] = []
    const listeners = [printingListener({ write: (line) => written.push(line) })]
    await new Engine(linear('f', [atom(new Workbench().quick('a'))]), { id: 'r', listeners }).run({})
    expect(written).toEqual([
      "r flow 'f' began\n",
      "r task 'a' began\n",
      "r task 'a' succeeded\n",
      "r flow 'f' succeeded\n",
    ])
  })

  it('writes to the standard output unless told otherwise', () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    printingListener().onFlow?.({ flow: 'r', name: 'f', state: 'RUNNING', oldState: 'PENDING' })
    const written = write.mock.calls.map(([text]) => text)
    write.mockRestore()
    expect(written).toEqual(["r flow 'f' began\n"])
  })

  it('a message of several lines stays one line', async () => {
    const written: string[] = []
    const listeners = [printingListener({ write: (line) => written.push(line) })]
    const root = linear('f', [atom(new Workbench().failing('x', new Error('one\n two\r\nthree')))])
    await rejection(new Engine(root, { id: 'r', listeners }).run({}))
    expect(written).toContain("r task 'x' failed: one two three\n")
  })

  it('prints progress only when asked', () => {
    const written: string[] = []
    const write = (line: string): void => void written.push(line)
    const event = { flow: 'r', atom: 'a', attempt: 1, fraction: 0.999, details: null }
    printingListener({ write }).onProgress?.(event)
    expect(written).toEqual([])
    printingListener({ write, progress: true }).onProgress?.(event)
    expect(written).toEqual(["r task 'a' is at 99 percent\n"])
  })
})
