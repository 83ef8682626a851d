import { execFile } from 'node:child_process'
import { EventEmitter, getEventListeners, once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ThreadPoolOptions } from '../src/engine/executors/thread-pool.ts'
import {
  type AnyTask,
  type Clock,
  Failure,
  flow,
  type Listener,
  type Logger,
  type Outcome,
  type RevertContext,
  run,
  TaskFlowError,
  ThreadPool,
  task,
} from '../src/index.ts'
import * as tasks from './threads/tasks.ts'
import { rejection } from './workbench.ts'

const never = new AbortController().signal

function newPool(options: ThreadPoolOptions = { size: 1 }): ThreadPool {
  const pool = new ThreadPool(options)
  onTestFinished(() => pool.close())
  return pool
}

/** One thread for every test that leaves it as it was. */
const shared = new ThreadPool({ size: 1 })
afterAll(() => shared.close())

/** The threads that start from here on. */
function watchThreads(): Worker[] {
  const started: Worker[] = []
  const note = (worker: Worker): void => void started.push(worker)
  process.on('worker', note)
  onTestFinished(() => void process.off('worker', note))
  return started
}

/** Memory that the test shares with threads. */
function newCells(...values: number[]): Int32Array<SharedArrayBuffer> {
  const cells = new Int32Array(new SharedArrayBuffer(4 * values.length))
  cells.set(values)
  return cells
}

function open(cells: Int32Array, index = 0): void {
  Atomics.store(cells, index, 1)
  Atomics.notify(cells, index)
}

/** The engine's side of a call: notes what it is told. */
class Context extends EventEmitter implements RevertContext {
  readonly flow = 'f'
  readonly attempt = 2
  readonly failures = new Map<string, Failure>()
  readonly controller = new AbortController()
  readonly signal: AbortSignal = this.controller.signal
  readonly told: { fraction: number; details: object | undefined }[] = []
  readonly logged: { level: string; fields: Record<string, unknown>; message: string }[] = []
  readonly logger: Logger = {
    debug: this.#log('debug'),
    info: this.#log('info'),
    warn: this.#log('warn'),
    error: this.#log('error'),
  }
  readonly atom: string

  constructor(atom = 'a') {
    super()
    this.atom = atom
  }

  get idempotencyKey(): string {
    return `${this.flow}/${this.atom}/${this.attempt}`
  }

  readonly progress = (fraction: number, details?: object): void => {
    this.told.push({ fraction, details })
    this.emit('progress')
  }

  #log(level: string) {
    return (fields: object, message: string): void => {
      this.logged.push({ level, fields: { ...fields }, message })
      this.emit('log')
    }
  }
}

function execute(
  pool: ThreadPool,
  task: AnyTask,
  args: object = {},
  context: Context = new Context(),
  abandoned: AbortSignal = never,
): Promise<unknown> {
  return pool.invoke({ action: 'execute', task, args, context }, abandoned)
}

function revert(
  pool: ThreadPool,
  task: AnyTask,
  args: object,
  outcome: Outcome<unknown>,
  context: Context = new Context(),
): Promise<unknown> {
  return pool.invoke({ action: 'revert', task, args, outcome, context }, never)
}

/** A task as the engine would know it whose module is what the test says. */
function taskOf(module: string, name = 'x'): AnyTask {
  return task({ name, module, execute: () => null, revert: () => null })
}

describe('a call on a worker thread', () => {
  it('gives what the task gives, from another thread', async () => {
    expect(await execute(shared, tasks.add, { a: 1, b: 2 })).toBe(3)
    expect(await execute(shared, tasks.where)).toMatchObject({ isMainThread: false })
  })

  it('tells the task which execute of which flow it is', async () => {
    const told = await execute(shared, tasks.context, {}, new Context('atom'))
    expect(told).toEqual({ flow: 'f', atom: 'atom', attempt: 2, idempotencyKey: 'f/atom/2' })
  })

  it('reverts with the arguments and the outcome', async () => {
    expect(await revert(shared, tasks.add, { a: 1, b: 2 }, { ok: true, result: 3 })).toBe('3 was 1 and 2')
    const failure = Failure.from(new Error('broke'), 'a')
    expect(await revert(shared, tasks.add, { a: 1, b: 2 }, { ok: false, failure })).toBe('it failed')
  })

  it('gives a revert its failures as Failure', async () => {
    const context = new Context()
    const failure = Failure.from(new tasks.DiskFull('full'), 'a')
    context.failures.set('a', failure)
    context.failures.set('b', Failure.from(new RangeError('far'), 'b'))
    expect(await revert(shared, tasks.regret, {}, { ok: false, failure }, context)).toEqual({
      outcome: 'true true',
      failures: ['a true a: DiskFull: full', 'b true b: RangeError: far'],
    })
  })

  it.each(['execute', 'revert'])(
    'that throws in its %s rejects with an error that says all that it said',
    async (action) => {
      const outcome = { ok: true, result: 1 } as const
      const call = action === 'execute' ? execute(shared, tasks.fail) : revert(shared, tasks.failToUndo, {}, outcome)
      const error = await rejection(call)
      expect(error).toBeInstanceOf(Error)
      const failure = Failure.from(error, 'a')
      expect(failure.names).toEqual(['DiskFull', 'StoreError', 'Error'])
      expect(failure).toMatchObject({ message: 'no space left', code: 'ENOSPC' })
      expect(failure.causes).toMatchObject([
        { name: 'TypeError', message: 'write' },
        { name: 'Error', message: 'device' },
      ])
      expect(failure.stack).toContain('threads/tasks.ts')
      expect(failure.causes[1]?.stack).toContain('threads/tasks.ts')
    },
  )

  it('that throws an error of this library rejects with one', async () => {
    const error = await rejection(execute(shared, tasks.failByLibrary))
    expect(error).toBeInstanceOf(TaskFlowError)
    expect(error).toMatchObject({ code: 'missing-value', message: 'none there', cause: { message: 'why' } })
    expect(Failure.from(error, 'a').stack).toContain('threads/tasks.ts')
  })

  it('that throws what is not an error rejects with an error that says it', async () => {
    expect(await rejection(execute(shared, tasks.failWithText))).toMatchObject({ message: 'just text' })
  })

  it('that gives a Failure resolves with it', async () => {
    const failure = await execute(shared, tasks.giveFailure, {}, new Context('atom'))
    expect(failure).toBeInstanceOf(Failure)
    const same = Failure.from((failure as Failure).toError(), 'atom')
    for (const { atom, names, code, message } of [failure as Failure, same]) {
      expect({ atom, names, code, message }).toEqual({
        atom: 'atom',
        names: ['DiskFull', 'StoreError', 'Error'],
        code: 'ENOSPC',
        message: 'no space left',
      })
    }
  })

  it('shares this package with tasks that import it by its name', async () => {
    const byName = taskOf(new URL('./threads/by-name.ts', import.meta.url).href, 'byName')
    expect(await execute(newPool({ size: 1, execArgv: [] }), byName)).toBeInstanceOf(Failure)
  })

  it('is not confused by messages that the task posts itself', async () => {
    expect(await execute(shared, tasks.postMessages)).toBe('its own answer')
  })
})

describe('values that cannot cross', () => {
  it.each([
    ['function', "task 'give': result.inside[0] is a function, which JSON cannot store"],
    ['instance', "task 'give': result is a Point, which JSON cannot store"],
    ['proxy', "task 'give': its result cannot leave the worker thread: #<Object> could not be cloned."],
  ])('as a result fail the call, and the thread lives on (%s)', async (what, message) => {
    const started = watchThreads()
    const pool = newPool()
    const error = await rejection(execute(pool, tasks.give, { what }))
    expect(error).toBeInstanceOf(TaskFlowError)
    expect(error).toMatchObject({ code: 'not-json', message: expect.stringContaining(message) as string })
    expect(await execute(pool, tasks.add, { a: 1, b: 2 })).toBe(3)
    expect(started).toHaveLength(1)
  })

  it('do not fail a revert that did its work', async () => {
    const given = await revert(shared, tasks.give, { what: 'function' }, { ok: true, result: null })
    expect(given).toBeUndefined()
  })

  it('as an argument fail the call, and the thread lives on', async () => {
    const started = watchThreads()
    const pool = newPool()
    const error = await rejection(execute(pool, tasks.add, { a: 1, b: () => 2 }))
    expect(error).toBeInstanceOf(TaskFlowError)
    expect(error).toMatchObject({
      code: 'not-json',
      message:
        "task 'add': its argument 'b' cannot reach a worker thread: () => 2 could not be cloned. Give plain data.",
    })
    expect(await execute(pool, tasks.add, { a: 1, b: 2 })).toBe(3)
    expect(started).toHaveLength(1)
  })

  it('as an outcome fail the revert', async () => {
    const error = await rejection(revert(shared, tasks.add, {}, { ok: true, result: () => 1 }))
    expect(error).toMatchObject({
      code: 'not-json',
      message: expect.stringContaining("task 'add': what it is given") as string,
    })
  })
})

describe('the module of a task', () => {
  const odd = new URL('./threads/odd-exports.ts', import.meta.url).href

  it('may export a task by several names', async () => {
    expect(await execute(shared, taskOf(odd, 'only'))).toBe('the one')
  })

  it.each(['noTask', 'notATask'])(
    'that exports something of the name that is no task is refused (%s)',
    async (name) => {
      const error = await rejection(execute(shared, taskOf(odd, name)))
      const message = `module ${odd} exports no task named '${name}'; it exports 'only', 'twin'`
      expect(error).toMatchObject({ code: 'invalid-flow', message })
    },
  )

  it.each([
    ['exports other tasks only', 'data:text/javascript,export const y = { name: "y", execute() {} }', "'y'"],
    [
      'exports no task',
      'data:text/javascript,export const x = { name: "x" }; export function f() {}',
      'no task at all',
    ],
  ])('that %s is refused, saying what there is', async (_, module, there) => {
    const error = await rejection(execute(shared, taskOf(module)))
    expect(error).toBeInstanceOf(TaskFlowError)
    const message = `module ${module} exports no task named 'x'; it exports ${there}`
    expect(error).toMatchObject({ code: 'invalid-flow', message })
  })

  it('that exports two tasks of the name is refused', async () => {
    const error = await rejection(execute(shared, taskOf(odd, 'twin')))
    expect(error).toMatchObject({
      code: 'invalid-flow',
      message: `module ${odd} exports several tasks named 'twin', as otherTwin, twin; one is allowed`,
    })
  })

  it('whose task has no revert there is refused', async () => {
    const module = 'data:text/javascript,export const x = { name: "x", execute() {} }'
    const error = await rejection(revert(shared, taskOf(module), {}, { ok: true, result: null }))
    expect(error).toMatchObject({ code: 'invalid-flow', message: `task 'x' of module ${module} has no revert` })
  })

  it.each([
    ['is not there', new URL('threads/no-such-module.ts', import.meta.url).href, /Error: Cannot find module/],
    ['has a syntax error', 'data:text/javascript,export const = 1', /SyntaxError: /],
    ['throws', 'data:text/javascript,throw new RangeError("not today")', /RangeError: not today/],
  ])('that %s is an error with its cause', async (_, module, why) => {
    const error = await rejection(execute(shared, taskOf(module)))
    expect(error).toBeInstanceOf(TaskFlowError)
    const { message, code, cause } = error as TaskFlowError
    expect(code).toBe('invalid-flow')
    expect(message).toContain(`the module of task 'x', ${module}, cannot be loaded: `)
    expect(message).toMatch(why)
    expect(cause).toBeInstanceOf(Error)
    expect(await execute(shared, tasks.add, { a: 1, b: 2 })).toBe(3)
  })

  it('is needed', async () => {
    const pool = newPool()
    const plain = task({ name: 'plain', execute: () => 1 })
    expect(pool.accepts(plain)).toBe(false)
    expect(pool.accepts(tasks.add)).toBe(true)
    expect(await rejection(execute(pool, plain))).toMatchObject({
      code: 'invalid-flow',
      message: expect.stringContaining("task 'plain' names no module") as string,
    })
  })
})

describe('the threads of a pool', () => {
  it('start when they are needed, and are used again', async () => {
    const started = watchThreads()
    const pool = newPool({ size: 2 })
    expect(started).toHaveLength(0)
    const first = await execute(pool, tasks.where)
    expect(await execute(pool, tasks.where)).toEqual(first)
    expect(started).toHaveLength(1)
  })

  it('work at the same time', async () => {
    const pool = newPool({ size: 2 })
    const cells = newCells(2)
    const met = await Promise.all([execute(pool, tasks.meet, { cells }), execute(pool, tasks.meet, { cells })])
    expect(met).toEqual(['met', 'met'])
  })

  it('are at most as many as the size, and calls wait for one in order', async () => {
    const started = watchThreads()
    const pool = newPool({ size: 2 })
    const cells = ['a', 'b', 'c', 'd'].map((atom) => ({ atom, cells: newCells(0), context: new Context(atom) }))
    const begun: string[] = []
    const ended: unknown[] = []
    const calls = cells.map(async ({ cells, context }) => {
      context.on('progress', () => begun.push(context.atom))
      ended.push(await execute(pool, tasks.wait, { cells }, context))
    })
    const [a, b, c, d] = cells
    await Promise.all([once(a!.context, 'progress'), once(b!.context, 'progress')])
    expect(begun.toSorted()).toEqual(['a', 'b'])
    open(b!.cells)
    await once(c!.context, 'progress')
    open(a!.cells)
    await once(d!.context, 'progress')
    open(c!.cells)
    open(d!.cells)
    await Promise.all(calls)
    expect(begun.slice(2)).toEqual(['c', 'd'])
    expect(ended.slice(0, 2)).toEqual(['b', 'a'])
    expect(started).toHaveLength(2)
  })

  it('have the flags of Node that say how modules are found, and no others of this process', async () => {
    expect(process.execArgv).toContain('--require')
    const flags = await execute(newPool(), tasks.flags)
    expect(flags).toContain('--conditions=@glimpse/source')
    expect(flags).toContain('development')
    expect(flags).not.toContain('--require')
  })

  it('have the flags of Node that they are given', async () => {
    const flags = await execute(newPool({ size: 1, execArgv: ['--conditions=mine'] }), tasks.flags)
    expect(flags).toEqual(['--conditions=@glimpse/source', '--conditions=mine'])
  })

  it('that cannot start fail the call', async () => {
    const pool = newPool({ size: 1, execArgv: ['--no-such-flag'] })
    expect(await rejection(execute(pool, tasks.add))).toMatchObject({
      code: 'thread-crashed',
      message: expect.stringContaining("no worker thread could be started for task 'add': ") as string,
    })
    const broken = newPool({ size: 1, execArgv: ['--import=data:text/javascript,throw new Error("no start")'] })
    expect(await rejection(execute(broken, tasks.add))).toMatchObject({
      code: 'thread-crashed',
      message: "the worker thread of task 'add' broke: no start",
    })
  })

  it.each([0, -1, 1.5, Number.NaN])('cannot be %d', (size) => {
    expect(() => new ThreadPool({ size })).toThrow(`size must be a whole number of at least 1, not ${size}`)
  })
})

describe('the signal of a call', () => {
  it('aborts in the thread with the reason that it has here', async () => {
    const context = new Context()
    const call = rejection(execute(shared, tasks.untilAborted, {}, context))
    await once(context, 'progress')
    context.controller.abort(new RangeError('the user said so'))
    const failure = Failure.from(await call, 'a')
    expect(failure.names).toEqual(['RangeError', 'Error'])
    expect(failure.message).toBe('the user said so')
  })

  it('may have aborted before', async () => {
    const context = new Context()
    context.controller.abort(new Error('long ago'))
    expect(await execute(shared, tasks.untilAborted, {}, context)).toBe('from the start: Error: long ago')
  })

  it('may abort while the call waits for a thread', async () => {
    const cells = newCells(0)
    const first = execute(shared, tasks.wait, { cells })
    const context = new Context()
    const second = execute(shared, tasks.untilAborted, {}, context)
    context.controller.abort('enough')
    open(cells)
    await first
    expect(await second).toBe('from the start: Error: enough')
  })

  it('is seen by a task that never gives way, when it tells its progress', async () => {
    const context = new Context()
    const call = execute(shared, tasks.busyUntilAborted, {}, context)
    await once(context, 'progress')
    context.controller.abort()
    expect(await call).toBe('AbortError: This operation was aborted')
  })

  it('is left alone when the call is over', async () => {
    const context = new Context()
    const abandoned = new AbortController()
    await execute(shared, tasks.add, { a: 1, b: 2 }, context, abandoned.signal)
    expect(getEventListeners(context.signal, 'abort')).toEqual([])
    expect(getEventListeners(abandoned.signal, 'abort')).toEqual([])
  })

  it('of one call does not abort the next on the same thread', async () => {
    const context = new Context()
    await execute(shared, tasks.add, { a: 1, b: 2 }, context)
    const next = new Context()
    const call = rejection(execute(shared, tasks.untilAborted, {}, next))
    await once(next, 'progress')
    context.controller.abort(new Error('the wrong one'))
    next.controller.abort(new Error('the right one'))
    expect(await call).toMatchObject({ message: 'the right one' })
  })
})

describe('progress from a thread', () => {
  it('that nobody could take meanwhile comes as the first and the last word', async () => {
    await execute(shared, tasks.add, { a: 1, b: 2 })
    const context = new Context()
    const cells = newCells(0, 0)
    const call = execute(shared, tasks.talkative, { cells }, context)
    expect(Atomics.wait(cells, 0, 0, 30_000)).not.toBe('timed-out')
    open(cells, 1)
    await call
    expect(context.told).toEqual([
      { fraction: 0.001, details: { step: 1 } },
      { fraction: 1, details: { step: 1000 } },
    ])
  })

  it('comes to its last word without the end of the task', async () => {
    const context = new Context()
    const cells = newCells(0)
    const call = execute(shared, tasks.tellTwiceAndWait, { cells }, context)
    await once(context, 'progress')
    await once(context, 'progress')
    expect(context.told.at(-1)).toEqual({ fraction: 0.2, details: { note: 'the last word' } })
    open(cells)
    await call
  })

  it('that cannot be cloned is dropped with a warning', async () => {
    const context = new Context()
    expect(await execute(shared, tasks.tellTheUntellable, {}, context)).toBe('told')
    expect(context.told).toEqual([{ fraction: 0.2, details: undefined }])
    expect(context.logged).toEqual([
      {
        level: 'warn',
        fields: { atom: 'a', loss: '() => 1 could not be cloned.' },
        message: 'progress that cannot be stored is dropped',
      },
    ])
  })
})

describe('what a task says after its end', () => {
  it('is dropped, also while the next call is under way', async () => {
    const [first, second] = [new Context(), new Context()]
    await execute(shared, tasks.leak, {}, first)
    expect(await execute(shared, tasks.speakForTheLeaked, {}, second)).toBe('spoke')
    expect([first.told, first.logged, second.told, second.logged]).toEqual([[], [], [], []])
  })
})

describe('the log of a thread', () => {
  it('comes to the logger of the call, with a note for fields that cannot', async () => {
    const context = new Context()
    await execute(shared, tasks.log, {}, context)
    const note = 'dropped, as it cannot leave the worker thread'
    expect(context.logged).toMatchObject([
      { level: 'debug', fields: { size: 1 }, message: 'plain' },
      {
        level: 'info',
        fields: { size: 2, call: `${note}: () => 1 could not be cloned.`, broken: `${note}: no such field` },
        message: 'with fields that stay here',
      },
      { level: 'warn', fields: { err: { name: 'DiskFull', code: 'ENOSPC' } }, message: 'an error' },
      { level: 'error', fields: { err: { name: 'DiskFull', message: 'no space left' } }, message: 'an error alone' },
    ])
  })

  it('harms nothing when the logger breaks', async () => {
    const context = new Context()
    context.on('log', () => {
      throw new Error('the log is full')
    })
    expect(await execute(shared, tasks.log, {}, context)).toBe('logged')
  })
})

describe('a thread that dies', () => {
  it.each([
    ['process.exit', tasks.exit, "the worker thread of task 'exit' ended with exit code 3"],
    ['an uncaught exception', tasks.throwLater, "the worker thread of task 'throwLater' broke: no space left"],
    [
      'an unhandled rejection',
      tasks.rejectUnheard,
      "the worker thread of task 'rejectUnheard' broke: nobody hears this",
    ],
    ['its limit of memory', tasks.hoard, /^the worker thread of task 'hoard' broke: .*memory limit/],
  ])('by %s fails its call, and is replaced', async (_, task, message) => {
    const started = watchThreads()
    const pool = newPool({ size: 1, resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 } })
    const [error, next] = await Promise.all([rejection(execute(pool, task)), execute(pool, tasks.add, { a: 1, b: 2 })])
    expect(error).toBeInstanceOf(TaskFlowError)
    expect(error).toMatchObject({ code: 'thread-crashed' })
    expect((error as TaskFlowError).message).toMatch(message)
    expect(next).toBe(3)
    expect(started).toHaveLength(2)
  })

  it('because somebody terminated it fails its call', async () => {
    const started = watchThreads()
    const context = new Context()
    const call = rejection(execute(newPool(), tasks.endless, {}, context))
    await once(context, 'progress')
    await started[0]?.terminate()
    expect(await call).toMatchObject({
      code: 'thread-crashed',
      message: "the worker thread of task 'endless' ended with exit code 1",
    })
  })

  it('fails its own call only', async () => {
    const pool = newPool({ size: 2 })
    const cells = newCells(0)
    const context = new Context('b')
    const other = execute(pool, tasks.wait, { cells }, context)
    await once(context, 'progress')
    expect(await rejection(execute(pool, tasks.exit))).toMatchObject({ code: 'thread-crashed' })
    open(cells)
    expect(await other).toBe('b')
  })

  it('when its call is over is told to the log, and replaced', async () => {
    const pool = newPool()
    const context = new Context()
    const cells = newCells(0)
    expect(await execute(pool, tasks.dieAfterwards, { cells }, context)).toBe('alive')
    const logged = once(context, 'log')
    open(cells)
    await logged
    const message = "the worker thread of task 'dieAfterwards' broke: too late, after the task was over"
    expect(context.logged).toMatchObject([{ level: 'error', message }])
    expect(await execute(pool, tasks.add, { a: 1, b: 2 })).toBe(3)
  })
})

describe('a call that is abandoned', () => {
  it('fails at once, and its thread is stopped whatever it does', async () => {
    const started = watchThreads()
    const pool = newPool()
    const context = new Context()
    const abandoned = new AbortController()
    const call = rejection(execute(pool, tasks.endless, {}, context, abandoned.signal))
    await once(context, 'progress')
    const gone = once(started[0]!, 'exit')
    const reason = new Error('its time is over')
    abandoned.abort(reason)
    const error = await call
    expect(error).toBeInstanceOf(TaskFlowError)
    expect(error).toMatchObject({
      code: 'timeout',
      message: "task 'endless' was given up, and its worker thread is stopped: its time is over",
      cause: reason,
    })
    await gone
    expect(await execute(pool, tasks.add, { a: 1, b: 2 })).toBe(3)
    expect(started).toHaveLength(2)
    expect(context.logged).toEqual([])
  })

  it('while it waits for a thread is not begun', async () => {
    const pool = newPool()
    const cells = newCells(0)
    const first = execute(pool, tasks.wait, { cells })
    const abandoned = new AbortController()
    const context = new Context()
    const second = rejection(execute(pool, tasks.exit, {}, context, abandoned.signal))
    const third = execute(pool, tasks.add, { a: 1, b: 2 })
    abandoned.abort(new Error('its time is over'))
    expect(await second).toMatchObject({
      code: 'timeout',
      message: "task 'exit' was given up, and was not begun: its time is over",
    })
    open(cells)
    expect(await first).toBe('a')
    expect(await third).toBe(3)
  })

  it('before it is made is not begun', async () => {
    const started = watchThreads()
    const call = execute(newPool(), tasks.add, {}, new Context(), AbortSignal.abort(new Error('too late')))
    expect(await rejection(call)).toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('too late') as string,
    })
    expect(started).toHaveLength(0)
  })
})

describe('closing a pool', () => {
  it('fails what is under way and what waits, and ends the threads', async () => {
    const started = watchThreads()
    const pool = newPool({ size: 2 })
    const contexts = [new Context(), new Context()]
    const calls = [
      execute(pool, tasks.endless, {}, contexts[0]),
      execute(pool, tasks.untilAborted, {}, contexts[1]),
      execute(pool, tasks.add, { a: 1, b: 2 }),
    ].map(rejection)
    await Promise.all(contexts.map((context) => once(context, 'progress')))
    const closing = pool.close()
    const errors = await Promise.all(calls)
    const names = ['endless', 'untilAborted', 'add']
    expect(errors).toMatchObject(
      names.map((name) => ({
        code: 'invalid-state',
        message: `the thread pool was closed, and task '${name}' was not done`,
      })),
    )
    await closing
    expect(started.map(({ threadId }) => threadId)).toEqual([-1, -1])
  })

  it('waits for threads that were stopped before', async () => {
    const started = watchThreads()
    const pool = newPool()
    const context = new Context()
    const abandoned = new AbortController()
    const call = rejection(execute(pool, tasks.endless, {}, context, abandoned.signal))
    await once(context, 'progress')
    abandoned.abort()
    await pool.close()
    expect(started.map(({ threadId }) => threadId)).toEqual([-1])
    await call
  })

  it('ends idle threads, can be done again, and is for good', async () => {
    const started = watchThreads()
    const pool = newPool()
    await execute(pool, tasks.add, { a: 1, b: 2 })
    await Promise.all([pool.close(), pool.close()])
    await pool.close()
    expect(started.map(({ threadId }) => threadId)).toEqual([-1])
    expect(await rejection(execute(pool, tasks.add))).toMatchObject({
      code: 'invalid-state',
      message: "the thread pool was closed, and task 'add' was not done",
    })
    expect(started).toHaveLength(1)
  })

  it('of a pool that has no threads is nothing', async () => {
    await newPool().close()
  })
})

describe('a process with a pool', () => {
  const program = fileURLToPath(new URL('./threads/program.ts', import.meta.url))

  async function outputWith(library: URL): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [program, library.href], { timeout: 30_000 })
    return stdout
  }

  it('goes on while a thread is busy, and ends when all are idle', async () => {
    expect(await outputWith(new URL('../src/index.ts', import.meta.url))).toBe('sum 3\nsum 7\n')
  })

  it('finds the program of its threads when it is built, too', async () => {
    expect(await outputWith(await build())).toBe('sum 3\nsum 7\n')
  })
})

/** The sources as JavaScript, in a folder of their own; gives the URL of their index. */
async function build(): Promise<URL> {
  const source = fileURLToPath(new URL('../src', import.meta.url))
  const built = await mkdtemp(path.join(tmpdir(), 'taskflow-built-'))
  onTestFinished(() => rm(built, { recursive: true }))
  await writeFile(path.join(built, 'package.json'), '{ "type": "module" }')
  for (const file of await readdir(source, { recursive: true })) {
    if (!file.endsWith('.ts')) continue
    const code = stripTypeScriptTypes(await readFile(path.join(source, file), 'utf8'))
    const target = path.join(built, file.replace(/\.ts$/, '.js'))
    await mkdir(path.dirname(target), { recursive: true })
    await writeFile(target, code.replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'"))
  }
  return pathToFileURL(path.join(built, 'index.js'))
}

describe('an engine with threads', () => {
  it('executes and reverts on them, and knows why', async () => {
    const reverted: unknown[] = []
    const listener: Listener = {
      onAtom: ({ atom, state, result }) => state === 'REVERTED' && reverted.push([atom, result]),
    }
    const failing = flow('f', (f) => {
      f.add(tasks.add, { a: 1, b: 2 })
      f.add(tasks.regret, {})
      f.add(tasks.fail, {}, { name: 'last' })
    })
    const error = await rejection(run(failing, {}, { mode: 'threads', listeners: [listener] }))
    expect(Failure.from(error, 'last').names).toEqual(['DiskFull', 'StoreError', 'Error'])
    expect(reverted).toEqual([
      ['last', null],
      ['regret', { outcome: 'ok', failures: ['last true last: DiskFull: no space left'] }],
      ['add', '3 was 1 and 2'],
    ])
  })

  it('fails with the failure that a task gave', async () => {
    const giving = flow('f', (f) => f.add(tasks.giveFailure, {}))
    const error = await rejection(run(giving, {}, { mode: 'threads' }))
    expect(Failure.from(error, 'a').names).toEqual(['DiskFull', 'StoreError', 'Error'])
  })

  it('calls hooks in its own thread', async () => {
    expect(
      await run(
        flow('f', (f) => f.add(tasks.hooked, {})),
        {},
        { mode: 'threads' },
      ),
    ).toBe(0)
    expect(tasks.hooks).toEqual(['before', 'after'])
  })

  it('stops a task whose time is over, and its thread', async () => {
    const started = watchThreads()
    const clock: Clock = {
      now: () => Date.now(),
      wait: (_, ended) => {
        const timer = setImmediate(ended)
        return () => clearImmediate(timer)
      },
    }
    const endless = { ...tasks.endless, timeout: 1 }
    const error = await rejection(
      run(
        flow('f', (f) => f.add(endless, {})),
        {},
        { mode: 'threads', clock },
      ),
    )
    expect(error).toMatchObject({ code: 'timeout', message: "'endless' took longer than the 1 ms that it may" })
    expect(started.map(({ threadId }) => threadId)).toEqual([-1])
  })
})
