import { AsyncLocalStorage } from 'node:async_hooks'
import { type TracingOptions, tracingListener } from '@glimpse/taskflow/opentelemetry'
import { type Context, type ContextManager, context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type Span,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  atom,
  controller,
  Engine,
  type FlowNode,
  graph,
  type Listener,
  linear,
  type RevertContext,
  type TaskContext,
  task,
  times,
  unordered,
} from '../src/index.ts'
import { ObservedBackend } from './observed-backend.ts'
import { LogBook } from './trace.ts'
import { rejection, turn, Workbench } from './workbench.ts'

/** What `@opentelemetry/context-async-hooks` does: the context follows awaits. */
class AsyncContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    call: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => call.apply(self, args))
  }

  bind<T>(_: Context, target: T): T {
    return target
  }

  enable(): this {
    return this
  }

  disable(): this {
    this.#storage.disable()
    return this
  }
}

/** Counts spans that began and did not end. */
class OpenSpans implements SpanProcessor {
  readonly names: string[] = []

  onStart({ name }: Span): void {
    this.names.push(name)
  }

  onEnd({ name }: ReadableSpan): void {
    this.names.splice(this.names.indexOf(name), 1)
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

const exporter = new InMemorySpanExporter()
const open = new OpenSpans()
const provider = new BasicTracerProvider({ spanProcessors: [open, new SimpleSpanProcessor(exporter)] })
const tracer = provider.getTracer('test')

beforeAll(() => void context.setGlobalContextManager(new AsyncContexts()))
beforeEach(() => exporter.reset())
afterAll(() => {
  context.disable()
  trace.disable()
})

const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans()
const names = (): string[] => spans().map(({ name }) => name)

function spanOf(name: string, nth = 0): ReadableSpan {
  const span = spans().filter((candidate) => candidate.name === name)[nth]
  if (!span) throw new Error(`there is no span '${name}' number ${nth}; there are: ${names().join(', ')}`)
  return span
}

function engineOf(root: FlowNode, options: TracingOptions = {}): Engine<object, unknown> {
  return new Engine(root, { id: 'r', listeners: [tracingListener({ tracer, ...options })] })
}

function broken(): never {
  throw new Error('broke')
}

describe('the spans of a run', () => {
  it('are one of the flow, and under it one of each execute', async () => {
    const bench = new Workbench()
    await engineOf(linear('f', [atom(bench.quick('a')), atom(bench.quick('b'))])).run({})
    expect(names()).toEqual(['execute a', 'execute b', 'flow f'])
    const flow = spanOf('flow f')
    expect(flow.parentSpanContext).toBeUndefined()
    expect(flow.attributes).toEqual({
      'taskflow.flow.id': 'r',
      'taskflow.flow.name': 'f',
      'taskflow.flow.old_state': 'PENDING',
      'taskflow.flow.state': 'SUCCESS',
    })
    const b = spanOf('execute b')
    expect(b.parentSpanContext?.spanId).toBe(flow.spanContext().spanId)
    expect(b.attributes).toEqual({
      'taskflow.flow.id': 'r',
      'taskflow.flow.name': 'f',
      'taskflow.atom.name': 'b',
      'taskflow.atom.kind': 'task',
      'taskflow.atom.attempt': 1,
      'taskflow.atom.action': 'execute',
      'taskflow.atom.state': 'SUCCESS',
    })
    expect(spans().map(({ status }) => status.code)).toEqual([0, 0, 0])
    expect(open.names).toEqual([])
  })

  it('that revert are children of the flow too, and those that failed are errors with their exception', async () => {
    class DiskError extends Error {
      readonly code = 'ENOSPC'
    }
    const bench = new Workbench()
    const error = new DiskError('no space', { cause: new Error('quota') })
    await rejection(engineOf(linear('f', [atom(bench.quick('a')), atom(bench.failing('x', error))])).run({}))
    expect(names()).toEqual(['execute a', 'execute x', 'revert x', 'revert a', 'flow f'])
    const [failed, flow] = [spanOf('execute x'), spanOf('flow f')]
    expect(failed.status).toEqual({ code: SpanStatusCode.ERROR, message: 'x: no space' })
    expect(failed.attributes).toMatchObject({
      'taskflow.atom.state': 'FAILURE',
      'error.type': 'DiskError',
      'taskflow.failure.code': 'ENOSPC',
    })
    expect(failed.events.map(({ name, attributes }) => [name, attributes])).toEqual([
      [
        'exception',
        {
          'exception.type': 'DiskError',
          'exception.message': 'no space',
          'exception.stacktrace': expect.stringMatching(/no space\n(.*\n)+Caused by: Error: quota\n/) as string,
        },
      ],
    ])
    expect(spanOf('revert a').parentSpanContext?.spanId).toBe(flow.spanContext().spanId)
    expect(spanOf('revert a').attributes).toMatchObject({
      'taskflow.atom.action': 'revert',
      'taskflow.atom.state': 'REVERTED',
    })
    expect(spanOf('revert x').status.code).toBe(SpanStatusCode.UNSET)
    expect(flow.status).toEqual({ code: SpanStatusCode.ERROR, message: 'x: no space' })
    expect(flow.attributes).toMatchObject({ 'taskflow.flow.state': 'REVERTED', 'taskflow.flow.failed_atoms': ['x'] })
    expect(open.names).toEqual([])
  })

  it('tell which revert failed, and that the flow did', async () => {
    const bench = new Workbench()
    const undo = (): never => {
      throw new TypeError('stuck')
    }
    const root = linear('f', [atom(bench.quick('a')), atom(bench.failing('x', new Error('broke'), { revert: undo }))])
    await rejection(engineOf(root).run({}))
    expect(spanOf('execute x').status.message).toBe('x: broke')
    expect(spanOf('revert x').status).toEqual({ code: SpanStatusCode.ERROR, message: 'x: stuck' })
    expect(spanOf('revert x').attributes).toMatchObject({
      'taskflow.atom.state': 'REVERT_FAILURE',
      'error.type': 'TypeError',
    })
    expect(spanOf('flow f').status).toEqual({ code: SpanStatusCode.ERROR, message: 'x: stuck' })
    expect(spanOf('flow f').attributes['taskflow.flow.state']).toBe('FAILURE')
    expect(open.names).toEqual([])
  })

  it('are one for each attempt, of the retry too; a failure that was solved is none of the flow', async () => {
    let tries = 0
    const flaky = new Workbench().quick('flaky', () => (++tries === 1 ? broken() : tries))
    await engineOf(linear('f', [atom(flaky)], { retry: controller(times(2), { name: 'again' }) })).run({})
    expect(names()).toEqual([
      'execute again',
      'execute flaky',
      'revert flaky',
      'execute again',
      'execute flaky',
      'flow f',
    ])
    const attempts = [spanOf('execute flaky'), spanOf('execute flaky', 1)]
    expect(attempts.map(({ attributes }) => attributes['taskflow.atom.attempt'])).toEqual([1, 2])
    expect(attempts.map(({ status }) => status.code)).toEqual([SpanStatusCode.ERROR, SpanStatusCode.UNSET])
    expect(spanOf('execute again', 1).attributes).toMatchObject({
      'taskflow.atom.kind': 'retry',
      'taskflow.atom.attempt': 2,
    })
    const flow = spanOf('flow f')
    expect(flow.status.code).toBe(SpanStatusCode.UNSET)
    expect(flow.events.map(({ name, attributes }) => [name, attributes?.['taskflow.atom.name']])).toEqual([
      ['taskflow.atom.retrying', 'again'],
    ])
  })

  it('know of several failures', async () => {
    const bench = new Workbench()
    const root = unordered('f', [atom(bench.held('x')), atom(bench.held('y'))])
    const engine = new Engine(root, { mode: 'parallel', listeners: [tracingListener({ tracer })] })
    const failed = rejection(engine.run({}))
    await turn()
    await bench.fail('x')
    await bench.fail('y')
    await failed
    expect(spanOf('flow f').status.message).toBe('x: x broke; y: y broke')
    expect(open.names).toEqual([])
  })

  it('have no span for what a decider passes by, but an event of the flow', async () => {
    const bench = new Workbench()
    const [a, b] = [atom(bench.quick('a')), atom(bench.quick('b'))]
    await engineOf(graph('f', [a, b], { links: [{ from: a, to: b, decider: () => false }] })).run({})
    expect(names()).toEqual(['execute a', 'flow f'])
    expect(spanOf('flow f').events.map(({ name, attributes }) => [name, attributes])).toEqual([
      [
        'taskflow.atom.ignored',
        { 'taskflow.atom.name': 'b', 'taskflow.atom.kind': 'task', 'taskflow.atom.attempt': 0 },
      ],
    ])
  })

  it('tell of progress as events, once a tenth of the way', async () => {
    const work = task({
      name: 'work',
      execute: async (_: object, taskContext) => {
        for (const fraction of [0.01, 0.1, 0.15, 0.19, 0.5]) {
          taskContext.progress(fraction, { at: fraction })
          await turn()
        }
        return 1
      },
    })
    await engineOf(linear('f', [atom(work)])).run({})
    expect(spanOf('execute work').events.map(({ name, attributes }) => [name, attributes])).toEqual([
      ['taskflow.progress', { 'taskflow.progress.fraction': 0.1, 'taskflow.progress.details': '{"at":0.1}' }],
      ['taskflow.progress', { 'taskflow.progress.fraction': 0.5, 'taskflow.progress.details': '{"at":0.5}' }],
    ])
    exporter.reset()
    await engineOf(linear('f', [atom(work)]), { progress: false }).run({})
    expect(spanOf('execute work').events).toEqual([])
  })
})

describe('a run that stops and goes on', () => {
  it('has a span for each part, the second linked to the first', async () => {
    const bench = new Workbench()
    const engine = engineOf(linear('f', [atom(bench.held('a')), atom(bench.quick('b'))]))
    const stopped = rejection(engine.run({}))
    await turn()
    engine.suspend()
    await bench.end('a')
    await stopped
    expect(names()).toEqual(['execute a', 'flow f'])
    expect(open.names).toEqual([])
    await engine.run()
    const [first, second] = [spanOf('flow f'), spanOf('flow f', 1)]
    expect(first.status.code).toBe(SpanStatusCode.UNSET)
    expect(first.attributes['taskflow.flow.state']).toBe('SUSPENDED')
    expect(first.events.map(({ name }) => name)).toEqual(['taskflow.flow.suspending'])
    expect(first.links).toEqual([])
    expect(second.links.map((link) => link.context)).toEqual([first.spanContext()])
    expect(second.attributes).toMatchObject({
      'taskflow.flow.old_state': 'SUSPENDED',
      'taskflow.flow.state': 'SUCCESS',
    })
    expect(spanOf('execute b').parentSpanContext?.spanId).toBe(second.spanContext().spanId)
    expect(open.names).toEqual([])
  })

  it('still tells the cause of a failure that came before', async () => {
    const bench = new Workbench()
    const engine = engineOf(linear('f', [atom(bench.held('x'))]))
    const stopped = rejection(engine.run({}))
    await turn()
    engine.suspend()
    await bench.fail('x')
    await stopped
    await rejection(engine.run())
    expect(spanOf('flow f', 1).status).toEqual({ code: SpanStatusCode.ERROR, message: 'x: x broke' })
  })

  it('starts over without a link, after it was reverted', async () => {
    let tries = 0
    const engine = engineOf(linear('f', [atom(new Workbench().quick('x', () => (++tries === 1 ? broken() : tries)))]))
    await rejection(engine.run({}))
    await engine.run()
    expect(spanOf('flow f', 1).links).toEqual([])
    expect(spanOf('flow f', 1).status.code).toBe(SpanStatusCode.UNSET)
    expect(spanOf('execute x', 1).attributes['taskflow.atom.attempt']).toBe(2)
    expect(open.names).toEqual([])
  })

  it('after a failed revert is linked too', async () => {
    const root = linear('f', [atom(new Workbench().failing('x', new Error('broke'), { revert: broken }))])
    const engine = engineOf(root)
    await rejection(engine.run({}))
    await rejection(engine.run())
    expect(spanOf('flow f', 1).links.map((link) => link.context)).toEqual([spanOf('flow f').spanContext()])
    expect(spanOf('flow f', 1).status).toEqual({ code: SpanStatusCode.ERROR, message: 'x: broke' })
    expect(open.names).toEqual([])
  })
})

describe('no span stays open', () => {
  it('when a run is cancelled', async () => {
    const bench = new Workbench()
    const engine = engineOf(linear('f', [atom(bench.quick('a')), atom(bench.held('b'))]))
    const cancelled = rejection(engine.run({}))
    await turn()
    engine.cancel(new Error('nobody wants it'))
    await bench.end('b')
    await cancelled
    expect(spanOf('flow f').status).toEqual({ code: SpanStatusCode.ERROR, message: 'the flow was reverted' })
    expect(open.names).toEqual([])
  })

  it('when who iterates a run stops listening', async () => {
    const bench = new Workbench()
    const engine = engineOf(linear('f', [atom(bench.quick('a')), atom(bench.quick('b'))]))
    for await (const transition of engine.iterate({})) if ('atom' in transition) break
    expect(engine.state).toBe('SUSPENDED')
    expect(spanOf('flow f').attributes['taskflow.flow.state']).toBe('SUSPENDED')
    expect(open.names).toEqual([])
  })

  it('when a run that was lost to its storage is given up by close', async () => {
    const bench = new Workbench()
    const backend = new ObservedBackend((_, nth) => {
      if (nth === 2) throw new Error('disk full')
    })
    const tracing = tracingListener({ tracer })
    const root = linear('f', [atom(bench.quick('a')), atom(bench.quick('b'))])
    await rejection(new Engine(root, { backend, listeners: [tracing] }).run({}))
    expect(open.names).toEqual(['flow f', 'execute a'])
    tracing.close()
    const lost = { code: SpanStatusCode.ERROR, message: 'its end was not heard of' }
    expect([spanOf('execute a').status, spanOf('flow f').status]).toEqual([lost, lost])
    expect(spanOf('flow f').attributes).not.toHaveProperty('taskflow.flow.state')
    expect(open.names).toEqual([])
  })

  it('when a run that was lost is taken up again under its id', () => {
    const tracing = tracingListener({ tracer })
    const running = { flow: 'r', name: 'f', state: 'RUNNING', oldState: 'PENDING' } as const
    tracing.onFlow?.(running)
    tracing.onAtom?.({ flow: 'r', atom: 'a', kind: 'task', state: 'RUNNING', oldState: 'PENDING', attempt: 1 })
    tracing.onFlow?.({ ...running, state: 'RESUMING', oldState: 'RUNNING' })
    tracing.onFlow?.({ ...running, state: 'SUSPENDED', oldState: 'RESUMING' })
    expect(open.names).toEqual([])
    expect(names()).toEqual(['execute a', 'flow f'])
    expect(spanOf('flow f').status.message).toBe('its end was not heard of')
    tracing.onFlow?.({ ...running, oldState: 'SUSPENDED' })
    tracing.onFlow?.({ ...running, oldState: 'SUSPENDED' })
    expect(open.names).toEqual(['flow f'])
    tracing.onFlow?.({ ...running, state: 'SUCCESS', oldState: 'RUNNING' })
    expect(spanOf('flow f', 2).links.map((link) => link.context)).toEqual([spanOf('flow f', 1).spanContext()])
    expect(open.names).toEqual([])
  })

  it('when an atom begins again whose end nobody heard of', () => {
    const tracing = tracingListener({ tracer })
    const running = { flow: 'r', name: 'f', state: 'RUNNING', oldState: 'PENDING' } as const
    const begun = { flow: 'r', atom: 'a', kind: 'task', state: 'RUNNING', oldState: 'RUNNING', attempt: 1 } as const
    tracing.onFlow?.(running)
    tracing.onAtom?.(begun)
    tracing.onAtom?.({ ...begun, attempt: 2 })
    expect(open.names).toEqual(['flow f', 'execute a'])
    tracing.onAtom?.({ ...begun, attempt: 2, state: 'SUCCESS' })
    tracing.onFlow?.({ ...running, state: 'SUCCESS', oldState: 'RUNNING' })
    expect(spans().map(({ name, status }) => [name, status.code])).toEqual([
      ['execute a', SpanStatusCode.ERROR],
      ['execute a', SpanStatusCode.UNSET],
      ['flow f', SpanStatusCode.UNSET],
    ])
    expect(open.names).toEqual([])
  })

  it('when a run goes on after close', async () => {
    const bench = new Workbench()
    const tracing = tracingListener({ tracer })
    const log = new LogBook()
    const root = linear('f', [atom(bench.held('a')), atom(bench.quick('b'))])
    const running = new Engine(root, { listeners: [tracing], logger: log }).run({})
    await turn()
    tracing.close()
    await bench.end('a')
    await running
    expect(names()).toEqual(['execute a', 'flow f'])
    expect(open.names).toEqual([])
    expect(log.lines).toEqual([])
  })
})

describe('the flow span is a child', () => {
  it('of the span that is active where the flow is run, also when its begin is stored slowly', async () => {
    const stored = Promise.withResolvers<void>()
    const backend = new ObservedBackend((_, nth) => (nth === 1 ? stored.promise : undefined))
    const listeners: readonly Listener[] = [tracingListener({ tracer })]
    const engine = new Engine(linear('f', [atom(new Workbench().quick('a'))]), { backend, listeners })
    await tracer.startActiveSpan('request', async (request) => {
      const running = engine.run({})
      await turn()
      stored.resolve()
      await running
      request.end()
    })
    const [request, flow] = [spanOf('request'), spanOf('flow f')]
    expect(flow.parentSpanContext?.spanId).toBe(request.spanContext().spanId)
    expect(spanOf('execute a').spanContext().traceId).toBe(request.spanContext().traceId)
  })

  it('of the context that it is given, whatever is active', async () => {
    const job = tracer.startSpan('job')
    const root = linear('f', [atom(new Workbench().quick('a'))])
    const engine = engineOf(root, { context: trace.setSpan(ROOT_CONTEXT, job) })
    await tracer.startActiveSpan('request', async (request) => {
      await engine.run({})
      request.end()
    })
    job.end()
    expect(spanOf('flow f').parentSpanContext?.spanId).toBe(job.spanContext().spanId)
  })

  it('of its own run, where one listener serves several at once', async () => {
    const listeners = [tracingListener({ tracer })]
    const benches = [new Workbench(), new Workbench()]
    const runs = benches.map((bench, index) =>
      tracer.startActiveSpan(`request ${index}`, async (request) => {
        await new Engine(linear(`f${index}`, [atom(bench.held('a'))]), { listeners }).run({})
        request.end()
      }),
    )
    await turn()
    await benches[1]?.end('a')
    await benches[0]?.end('a')
    await Promise.all(runs)
    for (const index of [0, 1]) {
      const flow = spanOf(`flow f${index}`)
      expect(flow.parentSpanContext?.spanId).toBe(spanOf(`request ${index}`).spanContext().spanId)
      const [child] = spans().filter(
        ({ name, attributes }) => name === 'execute a' && attributes['taskflow.flow.name'] === `f${index}`,
      )
      expect(child?.parentSpanContext?.spanId).toBe(flow.spanContext().spanId)
    }
    expect(open.names).toEqual([])
  })
})

describe('a span of a task’s own', () => {
  it('goes under the execute or revert that it is made in', async () => {
    const tracing = tracingListener({ tracer })
    const own = (what: string, { flow, atom: name }: TaskContext | RevertContext): void => {
      tracer.startSpan(what, {}, tracing.contextOf(flow, name)).end()
    }
    const work = task({
      name: 'work',
      execute: (_: object, taskContext) => own('read', taskContext),
      revert: (_, __, taskContext) => own('unread', taskContext),
    })
    const root = linear('f', [atom(work), atom(new Workbench().failing('x'))])
    await rejection(new Engine(root, { listeners: [tracing] }).run({}))
    expect(spanOf('read').parentSpanContext?.spanId).toBe(spanOf('execute work').spanContext().spanId)
    expect(spanOf('unread').parentSpanContext?.spanId).toBe(spanOf('revert work').spanContext().spanId)
  })

  it('goes under the flow, or under what is active, where there is no such span', async () => {
    const tracing = tracingListener({ tracer })
    const seen: (string | undefined)[] = []
    const spanIn = (found: Context): string | undefined => trace.getSpanContext(found)?.spanId
    const bench = new Workbench()
    const root = linear('f', [atom(bench.quick('over')), atom(bench.held('a'))])
    const running = new Engine(root, { id: 'r', listeners: [tracing] }).run({})
    await turn()
    for (const name of ['over', 'nobody']) seen.push(spanIn(tracing.contextOf('r', name)))
    seen.push(spanIn(tracing.contextOf('r')))
    await bench.end('a')
    await running
    const flow = spanOf('flow f').spanContext().spanId
    expect(seen).toEqual([flow, flow, flow])
    const request = tracer.startSpan('request')
    context.with(trace.setSpan(ROOT_CONTEXT, request), () => {
      expect(spanIn(tracing.contextOf('r'))).toBe(request.spanContext().spanId)
    })
    request.end()
  })
})

describe('without a tracer of its own', () => {
  it('the global one is asked, also when it is set up later', async () => {
    const listeners = [tracingListener()]
    const root = linear('f', [atom(new Workbench().quick('a'))])
    await new Engine(root, { listeners }).run({})
    expect(names()).toEqual([])
    trace.setGlobalTracerProvider(provider)
    await new Engine(root, { listeners }).run({})
    expect(names()).toEqual(['execute a', 'flow f'])
    expect(spanOf('flow f').instrumentationScope.name).toBe('@glimpse/taskflow')
  })
})
