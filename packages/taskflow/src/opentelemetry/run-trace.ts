import {
  type Attributes,
  type Context,
  type Link,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Failure } from '../failure.ts'
import type { AtomEvent, FlowEvent, ProgressEvent } from '../listeners/listener.ts'
import type { OpenFailures } from '../listeners/open-failures.ts'
import type { FlowState } from '../states.ts'

/** Why a span ends whose own end nobody heard of. */
const unheard = 'its end was not heard of'

interface AtomTrace {
  readonly span: Span
  readonly context: Context
  /** The last tenth of its way that was told. */
  tenth: number
}

/** What a run is traced with. */
export interface TraceSetting {
  readonly tracer: Tracer
  readonly parent: Context
  /** To the span of the run that this one goes on from. */
  readonly links: Link[]
  readonly failures: OpenFailures
}

/** The spans of one drive of a run, from RUNNING until it rests: its own, and one for each execute and revert. */
export class RunTrace {
  readonly context: Context
  readonly span: Span
  readonly #tracer: Tracer
  readonly #failures: OpenFailures
  readonly #flow: Attributes
  readonly #atoms = new Map<string, AtomTrace>()

  constructor({ flow, name, oldState }: FlowEvent, { tracer, parent, links, failures }: TraceSetting) {
    this.#tracer = tracer
    this.#failures = failures
    this.#flow = { 'taskflow.flow.id': flow, 'taskflow.flow.name': name }
    const attributes = { ...this.#flow, 'taskflow.flow.old_state': oldState }
    this.span = tracer.startSpan(`flow ${name}`, { attributes, links }, parent)
    this.context = trace.setSpan(parent, this.span)
  }

  contextOf(atom: string | undefined): Context {
    return (atom === undefined ? undefined : this.#atoms.get(atom)?.context) ?? this.context
  }

  begin(event: AtomEvent, action: 'execute' | 'revert'): void {
    this.#lose(event.atom)
    const attributes = { ...this.#flow, ...attributesOf(event), 'taskflow.atom.action': action }
    const span = this.#tracer.startSpan(`${action} ${event.atom}`, { attributes }, this.context)
    this.#atoms.set(event.atom, { span, context: trace.setSpan(this.context, span), tenth: 0 })
  }

  end({ atom, state, failure }: AtomEvent): void {
    const open = this.#atoms.get(atom)
    if (!open) return
    this.#atoms.delete(atom)
    open.span.setAttribute('taskflow.atom.state', state)
    if (failure) recordFailure(open.span, failure)
    open.span.end()
  }

  /** Something that happened to an atom and is no work of it. */
  note(what: string, event: AtomEvent): void {
    this.span.addEvent(what, attributesOf(event))
  }

  noteFlow(what: string): void {
    this.span.addEvent(what)
  }

  /** At most once a tenth of the way: tasks may tell of every piece that they read. */
  progress({ atom, fraction, details }: ProgressEvent): void {
    const open = this.#atoms.get(atom)
    const tenth = Math.floor(fraction * 10)
    if (!open || open.tenth === tenth) return
    open.tenth = tenth
    open.span.addEvent('taskflow.progress', {
      'taskflow.progress.fraction': fraction,
      ...(details && { 'taskflow.progress.details': JSON.stringify(details) }),
    })
  }

  /** @param state null where the end of the run was not heard of. */
  close(state: FlowState | null): void {
    for (const atom of this.#atoms.keys()) this.#lose(atom)
    if (state) this.span.setAttribute('taskflow.flow.state', state)
    if (state === null) this.span.setStatus({ code: SpanStatusCode.ERROR, message: unheard })
    else if (state === 'REVERTED' || state === 'FAILURE') this.#fail(state)
    this.span.end()
  }

  /** The exceptions are with the spans of the atoms: whoever counts them should not find them twice. */
  #fail(state: FlowState): void {
    const { failures } = this.#failures.why
    const told = failures.map(({ atom, message }) => `${atom}: ${message}`).join('; ')
    const fallback = state === 'REVERTED' ? 'the flow was reverted' : 'the flow failed'
    this.span.setStatus({ code: SpanStatusCode.ERROR, message: told || fallback })
    if (failures.length > 0)
      this.span.setAttribute(
        'taskflow.flow.failed_atoms',
        failures.map(({ atom }) => atom),
      )
  }

  #lose(atom: string): void {
    const open = this.#atoms.get(atom)
    if (!open) return
    this.#atoms.delete(atom)
    open.span.setStatus({ code: SpanStatusCode.ERROR, message: unheard })
    open.span.end()
  }
}

function attributesOf({ atom, kind, attempt }: AtomEvent): Attributes {
  return { 'taskflow.atom.name': atom, 'taskflow.atom.kind': kind, 'taskflow.atom.attempt': attempt }
}

/** By the conventions of OpenTelemetry; the SDK takes a `code` for the type, so that is an attribute of ours instead. */
function recordFailure(span: Span, failure: Failure): void {
  const { atom, message, code, names } = failure
  const type = names[0] ?? 'Error'
  const stack = stackOf(failure)
  span.recordException({ name: type, message, ...(stack !== '' && { stack }) })
  span.setStatus({ code: SpanStatusCode.ERROR, message: `${atom}: ${message}` })
  span.setAttributes({ 'error.type': type, ...(code !== null && { 'taskflow.failure.code': code }) })
}

function stackOf({ stack, causes }: Failure): string {
  const below = causes.map((cause) => `Caused by: ${cause.stack ?? `${cause.name}: ${cause.message}`}`)
  return [stack ?? '', ...below].filter((part) => part !== '').join('\n')
}
