import { TaskFlowError } from './errors.ts'
import type { Failure } from './failure.ts'
import type { Safe } from './json.ts'
import { checkMilliseconds, checkName } from './names.ts'

/**
 * How an execute ended: what a revert is told.
 *
 * @example
 * const undo = (outcome: Outcome<{ id: string }>) => (outcome.ok ? outcome.result.id : outcome.failure.message)
 * console.log(undo({ ok: true, result: { id: 'a' } })) // a
 */
export type Outcome<O> = { readonly ok: true; readonly result: O } | { readonly ok: false; readonly failure: Failure }

/**
 * The four levels of a log; pino's loggers and `console` fit after a swap of their arguments or as they are.
 *
 * @example
 * const error = (fields: object, message: string) => console.error(message, fields)
 * const quiet: Logger = { debug() {}, info() {}, warn() {}, error }
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * What every execute and revert is given besides its arguments.
 *
 * @example
 * const slow = task({
 *   name: 'slow',
 *   execute: async (_: object, { signal, progress }: TaskContext) => {
 *     progress(0.5, { of: 'two halves' })
 *     signal.throwIfAborted()
 *     return 'done'
 *   },
 * })
 */
export interface TaskContext {
  /** Aborts when the flow is cancelled or the task's time is over. Only the latter aborts a revert. */
  readonly signal: AbortSignal
  /** Id of the flow's run, and name of this atom in it. */
  readonly flow: string
  readonly atom: string
  /** 1 on the first execute of this atom in this flow, 2 on the second, ... */
  readonly attempt: number
  /**
   * The same whenever one execute of (flow, atom, attempt) is made, also after a crash, and another one for its revert:
   * what other systems may recognise a repeat by.
   */
  readonly idempotencyKey: string
  readonly logger: Logger
  /**
   * Tells how far the work is: a fraction from 0 to 1 (others are clamped) and details that survive JSON. Cheap to
   * call often: what is told within one turn of the event loop is stored and announced once.
   */
  progress(fraction: number, details?: object): void
}

/**
 * What a revert is given besides: why anything of the flow failed.
 *
 * @example
 * const undo = task({
 *   name: 'undo',
 *   execute: () => {},
 *   revert: (_args, _outcome, { failures }: RevertContext) => console.log([...failures.keys()].join()),
 * })
 */
export interface RevertContext extends TaskContext {
  /** By atom, every failure that no retry has solved. (TaskFlow: `flow_failures`.) */
  readonly failures: ReadonlyMap<string, Failure>
}

/**
 * Called around execute and revert. A failure before is the task's failure; one after is logged and changes nothing.
 *
 * Source: TaskFlow's `pre_execute`, `post_execute`, `pre_revert`, `post_revert`.
 *
 * @example
 * const hooks: Hooks = { preExecute: ({ atom }) => console.log(`begin ${atom}`) }
 * await run(flow('f', (f) => f.add(task({ name: 'work', execute: () => 1, ...hooks }), {})), {})
 * console.log('over') // over
 */
export interface Hooks {
  readonly preExecute?: ((context: TaskContext) => unknown) | undefined
  readonly postExecute?: ((context: TaskContext) => unknown) | undefined
  readonly preRevert?: ((context: TaskContext) => unknown) | undefined
  readonly postRevert?: ((context: TaskContext) => unknown) | undefined
}

/**
 * A named unit of work, and how to undo it.
 *
 * `execute` may run again after a crash, and `revert` may too: both must come to the same end however often they run.
 *
 * Source: TaskFlow's `Task`.
 *
 * @example
 * const execute = ({ name }: { name: string }) => `hi ${name}`
 * const greet: Task<{ name: string }, string> = task({ name: 'greet', execute })
 * console.log(greet.name) // greet
 */
export interface Task<in I extends object, out O> extends Hooks {
  readonly name: string
  readonly version: string
  /** Among atoms that become ready at the same moment the higher goes first. */
  readonly priority: number
  /** Milliseconds that an execute may take, and a revert; null: any. */
  readonly timeout: number | null
  readonly revertTimeout: number | null
  /** URL of the module that exports this task, so that a worker thread can import it; null: it runs in this thread. */
  readonly module: string | null
  execute(args: I, context: TaskContext): O | Promise<O>
  /** Gets the arguments that execute got, and how it ended; also called when execute itself failed. */
  readonly revert?: ((args: I, outcome: Outcome<unknown>, context: RevertContext) => unknown) | undefined
}

/**
 * Any task, for code that only runs it.
 *
 * @example
 * const names = (tasks: readonly AnyTask[]) => tasks.map(({ name }) => name)
 * console.log(names([task({ name: 'a', execute: () => 1 })]).join()) // a
 */
export type AnyTask = Task<never, unknown>

/**
 * What {@link task} takes.
 *
 * @example
 * const spec: TaskSpec<{ id: string }, string> = { name: 'fetch', timeout: 30_000, execute: ({ id }) => id }
 * console.log(task(spec).timeout) // 30000
 */
export interface TaskSpec<I extends object, O> extends Hooks {
  readonly name: string
  /** Default `1.0`. */
  readonly version?: string
  /** A whole number; default 0. */
  readonly priority?: number
  /**
   * Milliseconds that an execute may take. After that its signal aborts, and when it has not ended a grace later
   * (engine option `grace`) it fails without it. A task on a worker thread is then stopped for certain; any other may
   * still be at work when it is reverted. Default: any.
   */
  readonly timeout?: number
  /** The same for a revert; one that takes longer is a revert that failed. Default: any. */
  readonly revertTimeout?: number
  /** Write `import.meta.url` here, and export the task from that module, to let engines run it on worker threads. */
  readonly module?: string | URL
  readonly execute: (args: I, context: TaskContext) => O | Promise<O>
  readonly revert?: (args: NoInfer<I>, outcome: Outcome<NoInfer<O>>, context: RevertContext) => unknown
}

/**
 * Defines a task. Arguments and result must survive JSON; the compiler says which part does not.
 *
 * @example
 * const taken = new Set<string>()
 * const lock = task({
 *   name: 'lock',
 *   execute: ({ image }: { image: string }) => ({ token: String(taken.add(image).size) }),
 *   revert: ({ image }, outcome) => outcome.ok && taken.delete(image),
 * })
 * await run(flow('f', (f) => f.add(lock, { image: 'a' })), {})
 * console.log(taken.has('a')) // true
 * @throws TaskFlowError `invalid-flow` when the name is empty, or the priority or a timeout is not what it must be.
 */
export function task<I extends object, O>(
  spec: TaskSpec<I, O> & { readonly execute: Safe<I, 'argument'> & Safe<O, 'result'> },
): Task<I, O> {
  const {
    name,
    version = '1.0',
    priority = 0,
    timeout,
    revertTimeout,
    module,
    execute,
    revert,
    ...hooks
  }: TaskSpec<I, O> = spec
  if (!Number.isInteger(priority)) {
    throw new TaskFlowError('invalid-flow', `the priority of task '${name}' must be a whole number, not ${priority}`)
  }
  const base: Task<I, O> = {
    ...hooks,
    name: checkName('a task', name),
    version,
    priority,
    timeout: checkMilliseconds(`the timeout of task '${name}'`, timeout),
    revertTimeout: checkMilliseconds(`the revertTimeout of task '${name}'`, revertTimeout),
    module: module === undefined ? null : String(module),
    execute,
  }
  if (revert === undefined) return base
  return { ...base, revert: (args, outcome, context) => revert(args, outcome as Outcome<O>, context) }
}

/**
 * A task that gives the list of what `each` makes of its arguments, in the order in which they are wired.
 *
 * Source: TaskFlow's `MapFunctorTask`.
 *
 * @example
 * const squares = mapTask({ name: 'squares', each: (x: number) => x * x })
 * console.log((await run(flow('f', (f) => f.add(squares, [2, 3])), {})).join()) // 4,9
 */
export function mapTask<T, U>(
  spec: Omit<TaskSpec<readonly T[], U[]>, 'execute' | 'revert'> & {
    readonly each: ((value: T) => U) & Safe<T, 'argument'> & Safe<U, 'result'>
  },
): Task<readonly T[], U[]> {
  const { each, ...rest } = spec
  const execute = (args: readonly T[]): U[] => Object.values(args).map((value) => each(value))
  return task({ ...rest, execute } as never) as Task<readonly T[], U[]>
}

/**
 * A task that folds two or more arguments into one value, in the order in which they are wired.
 *
 * Source: TaskFlow's `ReduceFunctorTask`.
 *
 * @example
 * const total = reduceTask({ name: 'total', fold: (a: number, b: number) => a + b })
 * console.log(await run(flow('f', (f) => f.add(total, [1, 2, 3])), {})) // 6
 * @throws TaskFlowError `invalid-flow` when it runs with less than two arguments.
 */
export function reduceTask<T>(
  spec: Omit<TaskSpec<readonly T[], T>, 'execute' | 'revert'> & {
    readonly fold: ((a: T, b: T) => T) & Safe<T, 'result'>
  },
): Task<readonly [T, T, ...T[]], T> {
  const { fold, ...rest } = spec
  const execute = (args: readonly T[]): T => {
    const values = Object.values(args)
    if (values.length >= 2) return values.reduce((a, b) => fold(a, b))
    throw new TaskFlowError('invalid-flow', `'${rest.name}' folds at least two arguments, not ${values.length}`)
  }
  return task({ ...rest, execute } as never) as Task<readonly [T, T, ...T[]], T>
}
