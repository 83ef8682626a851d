import { type Outcome, type Task, type TaskContext, task } from '../src/index.ts'

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
