import { describe, expect, it } from 'vitest'
import {
  alwaysRevertAll,
  atom,
  Engine,
  type EngineOptions,
  Failure,
  type Flow,
  flow,
  graph,
  linear,
  MemoryBackend,
  type PlanChange,
  type PlanChangeRule,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { MortalBackend } from './crashing.ts'

const id = 'r'

/** A run whose process died at the nth write, which was stored. */
async function diedAt(at: number, begun: Flow<object, unknown>, options: EngineOptions = {}): Promise<MemoryBackend> {
  const backend = new MemoryBackend()
  const mortal = new MortalBackend(backend, { at, stored: true })
  await expect(new Engine(begun, { ...options, backend: mortal, id }).run({})).rejects.toThrow('the process died')
  return backend
}

function counted(name: string, log: string[]): ReturnType<typeof task<object, string>> {
  return task({
    name,
    execute: (_: object, { attempt, idempotencyKey }): string => {
      log.push(`${name} ${attempt} ${idempotencyKey}`)
      return name
    },
    revert: (_, outcome, { idempotencyKey }) => {
      log.push(`undo ${name} ${outcome.ok ? 'done' : outcome.failure.code} ${idempotencyKey}`)
    },
  })
}

const failing = (name: string): ReturnType<typeof task<object, never>> =>
  task({
    name,
    execute: (): never => {
      throw new Error(`${name} broke`)
    },
  })

describe('a run that is resumed', () => {
  it('does not do again what succeeded, and does again what was executing, under the same key', async () => {
    const log: string[] = []
    const work = flow('f', (f) => {
      f.add(counted('a', log), {})
      f.add(counted('b', log), {})
    })
    // create; flow and a RUNNING; a SUCCESS and b RUNNING, upon which the process dies.
    const backend = await diedAt(3, work)
    const engine = await Engine.resume(work, { backend, id })
    expect(engine.state).toBe('SUSPENDED')
    await engine.run()
    expect(log).toEqual(['a 1 r/a/1', 'b 1 r/b/1'])
    expect(backend.load(id)?.flow.state).toBe('SUCCESS')
  })

  it('reverts what was executing when something else had failed, and says that it was interrupted', async () => {
    const log: string[] = []
    const root = unordered('f', [atom(failing('a')), atom(counted('b', log))])
    const backend = new MemoryBackend()
    backend.create(recordOf('f'))
    backend.commit({
      flow: id,
      fence: 0,
      at: 0,
      change: { state: 'RUNNING' },
      atoms: [
        { name: 'a', kind: 'task', version: '1.0', state: 'FAILURE', attempts: 1, failure: failureOf('a') },
        { name: 'b', kind: 'task', version: '1.0', state: 'RUNNING', attempts: 1 },
      ],
    })
    const engine = await Engine.resume(root, { backend, id })
    await expect(engine.run()).rejects.toThrow('a broke')
    expect(log).toEqual(['undo b interrupted r/b/1/revert'])
    expect(engine.state).toBe('REVERTED')
  })

  it('is undone to its end when it was being cancelled, for the reason that was given', async () => {
    const log: string[] = []
    const first = counted('a', log)
    const backend = new MemoryBackend()
    const controller = new AbortController()
    const second = task({ name: 'b', execute: () => controller.abort('no more power') })
    const work = flow('f', (f) => {
      f.add(first, {})
      f.add(second, {})
    })
    // create, a RUNNING, b RUNNING, b SUCCESS and REVERTING, b REVERTED and a REVERTING.
    const mortal = new MortalBackend(backend, { at: 4, stored: true })
    const { signal } = controller
    await expect(new Engine(work, { backend: mortal, id, signal }).run({})).rejects.toThrow('the process died')
    const engine = await Engine.resume(work, { backend, id })
    expect(engine.cancelled).toBe(true)
    await expect(engine.run()).rejects.toMatchObject({
      code: 'cancelled',
      message: expect.stringContaining('no more power'),
    })
    expect(log).toEqual(['a 1 r/a/1', 'undo a done r/a/1/revert'])
  })

  it('tries again as often as is left of its retry', async () => {
    const log: string[] = []
    const flaky = task({
      name: 'flaky',
      execute: (_: object, { attempt }) => {
        log.push(`try ${attempt}`)
        if (attempt < 3) throw new Error('not yet')
        return attempt
      },
    })
    const work = flow('f', (f) => f.linear('part', (g) => g.add(flaky, {}), times(3)))
    for (let at = 2; at <= 9; at++) {
      log.length = 0
      const backend = await diedAt(at, work)
      expect(await (await Engine.resume(work, { backend, id })).run()).toBe(3)
      expect([...new Set(log)]).toEqual(['try 1', 'try 2', 'try 3'])
    }
  })

  it('knows a failure that was never begun, and does not revert it', async () => {
    const log: string[] = []
    const part = task({
      name: 'b',
      execute: ({ x }: { x: string }) => log.push(x),
      revert: () => void log.push('undo b'),
    })
    const root = linear(
      'f',
      [atom(task({ name: 'a', execute: () => ({}) }), { provides: new Set(['x']) }), atom(part, { requires: ['x'] })],
      {
        retry: null,
      },
    )
    const backend = new MemoryBackend()
    const mortal = new MortalBackend(backend, { at: 4, stored: true })
    await expect(new Engine(root, { backend: mortal, id }).run({})).rejects.toThrow('the process died')
    expect(backend.load(id)?.atoms.at(-1)).toMatchObject({ name: 'b', meta: { unbegun: true } })
    await expect((await Engine.resume(root, { backend, id })).run()).rejects.toThrow(
      "'b' takes a part of the result of 'a'",
    )
    expect(log).toEqual([])
  })

  it('keeps passed by what a decider passed by, without asking it again', async () => {
    const asked: string[] = []
    const [a, b, c] = ['a', 'b', 'c'].map((name) => atom(task({ name, execute: () => name }))) as [never, never, never]
    const decider = (): boolean => {
      asked.push('a')
      return false
    }
    const d = atom(task({ name: 'd', execute: () => 'd' }))
    const root = graph('f', [a, b, c, d], {
      links: [
        { from: a, to: b, decider, depth: 'ALL' },
        { from: b, to: c },
      ],
    })
    const backend = new MemoryBackend()
    // create; a and d RUNNING (parallel); both SUCCESS, b and c IGNORE with the end of the flow
    const mortal = new MortalBackend(backend, { at: 2, stored: true })
    await expect(new Engine(root, { backend: mortal, id }).run({})).rejects.toThrow('the process died')
    await (await Engine.resume(root, { backend, id })).run()
    expect(asked).toEqual(['a'])
    expect(backend.load(id)?.atoms.map(({ name, state, meta }) => [name, state, meta?.reach])).toEqual([
      ['a', 'SUCCESS', undefined],
      ['d', 'SUCCESS', undefined],
      ['b', 'IGNORE', 'ALL'],
      ['c', 'IGNORE', 'ALL'],
    ])
    const again = await Engine.resume(root, { backend, id })
    await again.run()
    expect(asked).toEqual(['a'])
  })

  it('gives its result, or its failures, also when it was over already', async () => {
    const backend = new MemoryBackend()
    const good = flow('f', (f) => f.add(task({ name: 'a', execute: () => ({ n: 7 }) }), {}))
    await new Engine(good, { backend, id }).run({})
    expect(await (await Engine.resume(good, { backend, id })).run()).toEqual({ n: 7 })
    const bad = flow('g', (f) => f.linear('part', (g) => g.add(failing('b'), {}), alwaysRevertAll()))
    await expect(new Engine(bad, { backend, id: 'bad' }).run({})).rejects.toThrow('b broke')
    const { failures, state } = await Engine.resume(bad, { backend, id: 'bad' })
    expect([state, ...failures.map(String)]).toEqual(['REVERTED', 'b: Error: b broke'])
  })

  it('is refused where there is none', async () => {
    const none = flow('f', () => {})
    await expect(Engine.resume(none, { backend: new MemoryBackend(), id })).rejects.toMatchObject({
      code: 'not-found',
      message: "there is no run with the id 'r'",
    })
  })
})

describe('an engine whose run somebody else has taken up', () => {
  it('is refused its next write, and aborts what it does', async () => {
    const backend = new MemoryBackend()
    const aborted: unknown[] = []
    const started = Promise.withResolvers<void>()
    const slow = task({
      name: 'slow',
      execute: async (_: object, { signal }) => {
        started.resolve()
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
        aborted.push(signal.reason)
      },
    })
    const ended = Promise.withResolvers<void>()
    const quick = task({ name: 'quick', execute: () => ended.promise })
    const work = flow('f', (f) => f.unordered('both', (g) => void [g.add(slow, {}), g.add(quick, {})]))
    const first = new Engine(work, { backend, id, mode: 'parallel' })
    const over = first.run({})
    await started.promise
    const { state } = await Engine.resume(work, { backend, id })
    ended.resolve()
    await expect(over).rejects.toMatchObject({
      code: 'stale-owner',
      message: "run 'r' has owner number 1 by now; number 0 is refused",
    })
    expect(aborted).toHaveLength(1)
    await expect(first.run()).rejects.toMatchObject({ code: 'invalid-state' })
    expect(state).toBe('SUSPENDED')
  })
})

describe('an engine that leaves its run as it is', () => {
  it('aborts what is under way, writes nothing more, and another one goes on', async () => {
    const backend = new MemoryBackend()
    const started = Promise.withResolvers<void>()
    let calls = 0
    const slow = task({
      name: 'slow',
      execute: async (_: object, { signal }) => {
        if (++calls > 1) return calls
        started.resolve()
        return await new Promise<never>((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        )
      },
    })
    const work = flow('f', (f) => f.add(slow, {}))
    const engine = new Engine(work, { backend, id })
    const over = engine.run({})
    await started.promise
    engine.abandon('the host goes down')
    await expect(over).rejects.toMatchObject({ code: 'abandoned', cause: 'the host goes down' })
    expect(backend.load(id)?.atoms[0]).toMatchObject({ state: 'RUNNING', attempts: 1 })
    expect(await (await Engine.resume(work, { backend, id })).run()).toBe(2)
  })
})

describe('a flow that has changed since its run was begun', () => {
  const before = flow('f', (f) => {
    f.add(task({ name: 'a', execute: () => 1 }), {})
    f.add(task({ name: 'b', execute: () => 1 }), {})
    f.add(task({ name: 'c', execute: () => 1 }), {})
  })
  const after = flow('f', (f) => {
    f.add(task({ name: 'a', version: '2.0', execute: () => 2 }), {})
    f.add(task({ name: 'c', execute: () => 2 }), {})
    f.add(task({ name: 'd', execute: () => 2 }), {})
  })

  it('is refused, and every difference is named', async () => {
    const backend = await diedAt(3, before)
    await expect(Engine.resume(after, { backend, id })).rejects.toMatchObject({
      code: 'plan-changed',
      message:
        "run 'r' of flow 'f' cannot go on, as the flow has changed since: " +
        "'a' was of version 1.0 and had begun, and is of version 2.0; 'b' is gone and had begun; 'd' is new. " +
        'Build it as it was, or say by onPlanChange what is accepted',
    })
  })

  it('goes on where a rule accepts each difference', async () => {
    const backend = await diedAt(3, before)
    const told: PlanChange[] = []
    const onPlanChange: PlanChangeRule = (change) => told.push(change) > 0
    await (await Engine.resume(after, { backend, id, onPlanChange })).run()
    expect(told.map(({ change, atom: name, begun }) => [change, name, begun])).toEqual([
      ['other version', 'a', true],
      ['gone', 'b', true],
      ['new', 'd', false],
    ])
    const results = backend.load(id)?.atoms.map(({ name, state, result }) => [name, state, result])
    expect(results).toContainEqual(['a', 'SUCCESS', 1])
    expect(results).toContainEqual(['d', 'SUCCESS', 2])
  })
})

describe('a value that is too large to be stored', () => {
  it('fails the atom that gave it, and says where to put it instead', async () => {
    const large = flow('f', (f) => f.add(task({ name: 'a', execute: () => 'x'.repeat(101) }), {}))
    await expect(new Engine(large, { maxValueBytes: 100 }).run({})).rejects.toMatchObject({
      code: 'too-large',
      message:
        "the result of 'a' is larger than the 100 bytes that a value may have. " +
        'Put the bytes into a file or a store, and give a reference to them, or raise maxValueBytes',
    })
  })

  it('is counted with all that is in it', async () => {
    const give = (value: unknown): Flow<object, unknown> =>
      flow('f', (f) => f.add(task({ name: 'a', execute: () => value as string }), {}))
    const options = { maxValueBytes: 100 }
    await expect(new Engine(give({ a: ['x'.repeat(90)] }), options).run({})).rejects.toMatchObject({
      code: 'too-large',
    })
    await expect(new Engine(give({ a: ['x'.repeat(60)] }), options).run({})).resolves.toBeDefined()
  })
})

function recordOf(name: string): Parameters<MemoryBackend['create']>[0] {
  const nothing = { book: null, cancelled: null, meta: {}, plan: null, fence: 0, createdAt: 0, updatedAt: 0 }
  return { id, name, state: 'PENDING', intention: 'EXECUTE', inputs: {}, ...nothing }
}

function failureOf(name: string): ReturnType<Failure['toJSON']> {
  return Failure.from(new Error(`${name} broke`), name).toJSON()
}
