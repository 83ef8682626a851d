import {
  type AnyRetry,
  type Clock,
  type ControllerOptions,
  controller,
  Engine,
  type EngineOptions,
  type FlowNode,
  linear,
  MemoryBackend,
  type Outcome,
  type PlainNode,
  type Task,
  type TaskContext,
  TaskFlowError,
  task,
} from '../src/index.ts'
import { statesOf } from './observed-backend.ts'
import { LogBook, Trace } from './trace.ts'

type Args = Record<string, never>

interface Held extends PromiseWithResolvers<unknown> {
  readonly context: TaskContext
}

export interface HeldOptions {
  readonly priority?: number
  /** Default: reverts without waiting. */
  readonly revert?: (outcome: Outcome<unknown>, context: TaskContext) => unknown
}

/**
 * Tasks that end when the test says so, and a log of what they did: `a` when a begins, `-a` when its revert begins.
 */
export class Workbench {
  readonly log: string[] = []
  readonly #held = new Map<string, Held>()

  /** Names of what is under way and waits to be ended, in the order of their begin. */
  get underWay(): readonly string[] {
    return [...this.#held.keys()]
  }

  /** A task that does not wait: gives what `execute` gives, by default its own name. */
  quick(name: string, execute: () => unknown = () => name, options: HeldOptions = {}): Task<Args, unknown> {
    const { priority = 0, revert } = options
    return task<Args, unknown>({
      name,
      priority,
      execute: () => {
        this.log.push(name)
        return execute()
      },
      revert: (_, outcome, context) => {
        this.log.push(`-${name}`)
        return revert?.(outcome, context)
      },
    })
  }

  failing(name: string, error: unknown = new Error(`${name} broke`), options: HeldOptions = {}): Task<Args, unknown> {
    const fail = (): never => {
      throw error
    }
    return this.quick(name, fail, options)
  }

  /** A task that fails so many times, with `name#1` and so on, and then gives its name. */
  unsteady(name: string, failures: number, options: HeldOptions = {}): Task<Args, unknown> {
    let calls = 0
    const execute = (): string => {
      if (++calls <= failures) throw new Error(`${name}#${calls}`)
      return name
    }
    return this.quick(name, execute, options)
  }

  /** A task that logs its arguments too, in their order: `a(x=1, y="two")`; its revert does the same. */
  taking(name: string, give: (args: Readonly<Record<string, unknown>>) => unknown = () => name): Task<object, unknown> {
    return task<object, unknown>({
      name,
      execute: (args) => {
        this.log.push(`${name}(${inWords(args)})`)
        return give(args as Readonly<Record<string, unknown>>)
      },
      revert: (args) => void this.log.push(`-${name}(${inWords(args)})`),
    })
  }

  /** A task that waits until {@link end} or {@link fail}. */
  held(name: string, options: HeldOptions = {}): Task<Args, unknown> {
    const { priority = 0, revert } = options
    return task<Args, unknown>({
      name,
      priority,
      execute: (_, context) => {
        this.log.push(name)
        return this.hold(name, context)
      },
      revert: (_, outcome, context) => {
        this.log.push(`-${name}`)
        return revert?.(outcome, context)
      },
    })
  }

  hold(name: string, context: TaskContext): Promise<unknown> {
    const held: Held = { ...Promise.withResolvers<unknown>(), context }
    this.#held.set(name, held)
    return held.promise
  }

  /** Ends one that is under way, and lets the engine go as far as it can. */
  async end(name: string, result: unknown = name): Promise<void> {
    this.#take(name).resolve(result)
    await turn()
  }

  async fail(name: string, error: unknown = new Error(`${name} broke`)): Promise<void> {
    this.#take(name).reject(error)
    await turn()
  }

  contextOf(name: string): TaskContext {
    const held = this.#held.get(name)
    if (!held) throw new Error(`'${name}' is not under way; these are: ${this.underWay.join(', ')}`)
    return held.context
  }

  #take(name: string): Held {
    const held = this.#held.get(name)
    if (!held) throw new Error(`'${name}' is not under way; these are: ${this.underWay.join(', ')}`)
    this.#held.delete(name)
    return held
  }
}

function inWords(args: object): string {
  return Object.entries(args)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ')
}

/** Time that passes when the test says so. */
export class ManualClock implements Clock {
  /** Every wait that was ever asked for, in milliseconds. */
  readonly asked: number[] = []
  readonly #waits = new Set<{ readonly at: number; readonly ended: () => void }>()
  #now = 0

  /** Milliseconds that each wait has still to go, in the order in which they were asked for. */
  get waits(): readonly number[] {
    return [...this.#waits].map(({ at }) => at - this.#now)
  }

  /** Nothing but {@link pass} moves it. */
  now(): number {
    return this.#now
  }

  wait(milliseconds: number, ended: () => void): () => void {
    const wait = { at: this.#now + milliseconds, ended }
    this.asked.push(milliseconds)
    this.#waits.add(wait)
    return () => void this.#waits.delete(wait)
  }

  /** Lets time pass, and the engine go as far as it can. */
  async pass(milliseconds: number): Promise<void> {
    this.#now += milliseconds
    for (const wait of this.#waits) {
      if (wait.at > this.#now) continue
      this.#waits.delete(wait)
      wait.ended()
    }
    await turn()
  }
}

/** A linear flow that a retry controls. */
export function tried(
  name: string,
  by: AnyRetry,
  children: readonly PlainNode[],
  options: ControllerOptions = {},
): FlowNode {
  return linear(name, children, { retry: controller(by, options) })
}

/** An engine that is watched. */
export interface Watched {
  readonly engine: Engine<object, unknown>
  readonly backend: MemoryBackend
  readonly trace: Trace
  readonly book: LogBook
  /** What is stored: `flow SUCCESS, a SUCCESS`. */
  readonly states: string
}

/** Its id is `r`. */
export function watched(root: FlowNode, options: Omit<EngineOptions, 'backend' | 'id'> = {}): Watched {
  const backend = new MemoryBackend()
  const trace = new Trace()
  const book = new LogBook()
  const engine = new Engine<object, unknown>(root, { backend, id: 'r', listeners: [trace], logger: book, ...options })
  return {
    engine,
    backend,
    trace,
    book,
    get states() {
      return statesOf(backend, 'r')
    },
  }
}

/** What a run raised, in words, the code first of an error of the library; null when it raised nothing. */
export async function ending(run: Promise<unknown>): Promise<string | null> {
  return await run.then(
    () => null,
    (error: unknown) => sayError(error),
  )
}

function sayError(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(sayError).join(' & ')
  if (error instanceof TaskFlowError) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}

/** What is thrown; fails when nothing is. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** A turn of the event loop: everything that waits for no timer and no I/O has happened then. */
export async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
}

/** What a promise was rejected with; fails when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const nothing = Symbol('nothing')
  const outcome: unknown = await promise.then(
    () => nothing,
    (error: unknown) => error,
  )
  if (outcome === nothing) throw new Error('the promise should have been rejected')
  return outcome
}
