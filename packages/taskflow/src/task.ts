import type { Failure } from './failure.ts'
import type { Safe } from './json.ts'
import { checkName } from './names.ts'

/** How an execute ended: what a revert is told. */
export type Outcome<O> = { readonly ok: true; readonly result: O } | { readonly ok: false; readonly failure: Failure }

/** The four levels of a log; pino's loggers fit. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What every execute and revert is given besides its arguments. */
export interface TaskContext {
  /** Aborts when the flow is cancelled. A revert's signal does not: an undo is carried to its end. */
  readonly signal: AbortSignal
  /** Id of the flow's run, and name of this atom in it. */
  readonly flow: string
  readonly atom: string
  /** 1 on the first execute of this atom in this flow, 2 on the second, ... */
  readonly attempt: number
  /** The same for every delivery of one (flow, atom, attempt): what other systems may recognise a repeat by. */
  readonly idempotencyKey: string
  readonly logger: Logger
  /**
   * Tells how far the work is: a fraction from 0 to 1 (others are clamped) and details that survive JSON. Cheap to
   * call often: what is told within one turn of the event loop is stored and announced once.
   */
  progress(fraction: number, details?: object): void
}

/**
 * A named unit of work, and how to undo it.
 *
 * `execute` may run again after a crash, and `revert` may too: both must come to the same end however often they run.
 *
 * Source: TaskFlow's `Task`.
 */
export interface Task<in I extends object, out O> {
  readonly name: string
  readonly version: string
  /** Among atoms that become ready at the same moment the higher goes first. */
  readonly priority: number
  execute(args: I, context: TaskContext): O | Promise<O>
  /** Gets the arguments that execute got, and how it ended; also called when execute itself failed. */
  revert?(args: I, outcome: Outcome<unknown>, context: TaskContext): unknown
}

/** Any task, for code that only runs it. */
export type AnyTask = Task<never, unknown>

export interface TaskSpec<I extends object, O> {
  readonly name: string
  /** Default `1.0`. */
  readonly version?: string
  /** Default 0. */
  readonly priority?: number
  readonly execute: (args: I, context: TaskContext) => O | Promise<O>
  readonly revert?: (args: NoInfer<I>, outcome: Outcome<NoInfer<O>>, context: TaskContext) => unknown
}

/**
 * Defines a task. Arguments and result must survive JSON; the compiler says which part does not.
 *
 * @example
 * const lock = task({
 *   name: 'lock',
 *   execute: ({ image }: { image: string }) => locks.take(image),
 *   revert: ({ image }, outcome) => (outcome.ok ? locks.release(image, outcome.result.token) : undefined),
 * })
 * @throws TaskFlowError `invalid-flow` when the name is empty.
 */
export function task<I extends object, O>(spec: TaskSpec<I, O> & Safe<I, 'argument'> & Safe<O, 'result'>): Task<I, O> {
  const { name, version = '1.0', priority = 0, execute, revert }: TaskSpec<I, O> = spec
  const base = { name: checkName('a task', name), version, priority, execute }
  if (revert === undefined) return base
  return { ...base, revert: (args, outcome, context) => revert(args, outcome as Outcome<O>, context) }
}
