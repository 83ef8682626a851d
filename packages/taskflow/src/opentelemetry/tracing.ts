import { type Context, context, type Link, type SpanContext, type Tracer, trace } from '@opentelemetry/api'
import type { AtomEvent, FlowEvent, Listener, ProgressEvent } from '../listeners/listener.ts'
import { OpenFailures } from '../listeners/open-failures.ts'
import { goesOn, isResting, RunBook } from '../listeners/run-book.ts'
import { RunTrace } from './run-trace.ts'

/**
 * How a {@link tracingListener} traces.
 *
 * @example
 * import { trace } from '@opentelemetry/api'
 * import type { TracingOptions } from '@glimpse/taskflow/opentelemetry'
 *
 * const options: TracingOptions = { tracer: trace.getTracer('imports'), progress: false }
 */
export interface TracingOptions {
  /** Default: that of the global provider under the name `@glimpse/taskflow`. */
  readonly tracer?: Tracer
  /** What the spans of flows are children of. Default: what is active when the flow is run. */
  readonly context?: Context
  /** Whether progress becomes events of the span, at most one a tenth of the way. Default true. */
  readonly progress?: boolean
}

/**
 * A listener that makes spans; what {@link tracingListener} gives.
 *
 * @example
 * import { context } from '@opentelemetry/api'
 * import { type TracingListener, tracingListener } from '@glimpse/taskflow/opentelemetry'
 *
 * const tracing: TracingListener = tracingListener()
 * const work = task({
 *   name: 'work',
 *   execute: (_: object, { flow, atom }) => context.with(tracing.contextOf(flow, atom), () => 'a child span of work'),
 * })
 * console.log(await run(flow('f', (f) => f.add(work, {})), {}, { listeners: [tracing] })) // a child span of work
 */
export interface TracingListener extends Listener {
  /**
   * The context whose span is that of the atom's present execute or revert, or of the flow: for spans of a task's own.
   * Without such a span, the active context.
   */
  contextOf(flow: string, atom?: string): Context
  /** Ends every open span, with an error: of a run that was lost to its storage nobody hears an end. */
  close(): void
}

/** How many stopped runs are remembered, to link the spans of one that goes on to those before. */
const stoppedRuns = 100

interface RunPage {
  trace: RunTrace | null
  /** The span of the drive before this one. */
  before: SpanContext | null
  readonly failures: OpenFailures
}

/**
 * Traces runs with OpenTelemetry. A flow has a span from RUNNING until it rests; each execute and each revert of an
 * atom, a retry's too, is a child span of it, an attempt each. What fails is an error with its exception; a flow that
 * is reverted or fails is one too. A run that was suspended or failed and goes on has a new span, with a link to the
 * one before. What deciders pass by, retries, and a suspension are events of the flow's span.
 *
 * Attributes: `taskflow.flow.id`, `.name`, `.old_state`, `.state`, `.failed_atoms`; `taskflow.atom.name`, `.kind`,
 * `.attempt`, `.action` (`execute` or `revert`), `.state`; `taskflow.failure.code`, `error.type`.
 *
 * Source: OpenTelemetry's semantic conventions for exceptions, and its API, an optional peer dependency.
 *
 * @example
 * import { tracingListener } from '@glimpse/taskflow/opentelemetry'
 *
 * const work = task({ name: 'work', execute: () => 'done' })
 * console.log(await run(flow('f', (f) => f.add(work, {})), {}, { listeners: [tracingListener()] })) // done
 */
export function tracingListener(options: TracingOptions = {}): TracingListener {
  return new Tracing(options)
}

class Tracing implements TracingListener {
  readonly #tracer: Tracer
  readonly #options: TracingOptions
  readonly #runs = new RunBook<RunPage>(stoppedRuns, () => ({
    trace: null,
    before: null,
    failures: new OpenFailures(),
  }))

  constructor(options: TracingOptions) {
    this.#options = options
    this.#tracer = options.tracer ?? trace.getTracer('@glimpse/taskflow')
  }

  contextOf(flow: string, atom?: string): Context {
    return this.#runs.pages.get(flow)?.trace?.contextOf(atom) ?? context.active()
  }

  close(): void {
    for (const [flow, page] of this.#runs.pages) {
      page.trace?.close(null)
      this.#runs.forget(flow)
    }
  }

  onFlow(event: FlowEvent): void {
    const { flow, state } = event
    const page = state === 'RUNNING' ? this.#runs.wake(flow) : this.#runs.at(flow)
    if (state === 'RUNNING') this.#begin(page, event)
    else if (state === 'SUSPENDING') page.trace?.noteFlow('taskflow.flow.suspending')
    else if (state === 'RESUMING') end(page, null)
    else if (isResting(state)) end(page, state)
    if (goesOn(state)) this.#runs.rest(flow)
    else if (isResting(state)) this.#runs.forget(flow)
  }

  onAtom(event: AtomEvent): void {
    const page = this.#runs.at(event.flow)
    page.failures.atom(event)
    const { trace } = page
    if (event.state === 'RUNNING') trace?.begin(event, 'execute')
    else if (event.state === 'REVERTING') trace?.begin(event, 'revert')
    else if (event.state === 'IGNORE') trace?.note('taskflow.atom.ignored', event)
    else if (event.state === 'RETRYING') trace?.note('taskflow.atom.retrying', event)
    else if (event.state !== 'PENDING') trace?.end(event)
  }

  onProgress(event: ProgressEvent): void {
    if (this.#options.progress ?? true) this.#runs.pages.get(event.flow)?.trace?.progress(event)
  }

  /** The active context is that of who runs the flow, however long storing its begin took. */
  #begin(page: RunPage, event: FlowEvent): void {
    end(page, null)
    const { before, failures } = page
    const links: Link[] = before ? [{ context: before }] : []
    const parent = this.#options.context ?? context.active()
    page.trace = new RunTrace(event, { tracer: this.#tracer, parent, links, failures })
  }
}

/** Also before a begin: a run that was lost to its storage may be taken up again under the same id. */
function end(page: RunPage, state: FlowEvent['state'] | null): void {
  if (!page.trace) return
  page.trace.close(state)
  page.before = page.trace.span.spanContext()
  page.trace = null
}
