import {
  type Backend,
  Conductor,
  type ConductorOptions,
  type FlowFactories,
  type FlowNode,
  fixed,
  flowFactories,
  type Jobboard,
  type JobEvent,
  linear,
  MemoryBackend,
  MemoryJobboard,
  type PlainNode,
  type Task,
  task,
} from '../src/index.ts'
import { statesOf } from './observed-backend.ts'
import { ManualClock, turn, Workbench } from './workbench.ts'

export const lease = 30_000

type Factory = () => FlowNode

interface Held extends PromiseWithResolvers<unknown> {
  readonly signal: AbortSignal
}

/** A board, a storage, time, and conductors that come and go. */
export class Office {
  readonly clock = new ManualClock()
  readonly board = new MemoryJobboard({ clock: this.clock })
  readonly backend = new MemoryBackend()
  readonly bench = new Workbench()
  /** What conductors told: `one claimed j`. */
  readonly heard: string[] = []
  readonly events: JobEvent[] = []
  /** Tasks of {@link held} that have begun, in that order. */
  readonly holds: Held[] = []
  /** What each factory builds; a test may change it. */
  readonly flows: Record<string, Factory> = {}

  /** Posts jobs `j`, or of the given ids, of a factory that builds a linear flow of these. */
  post(children: () => readonly PlainNode[], ...ids: readonly string[]): void {
    this.flows.f = () => linear('f', children())
    this.board.post((ids.length > 0 ? ids : ['j']).map((id) => ({ id, factory: 'f' })))
  }

  /** A task that waits until its hold is settled: each execute of it has one of its own. */
  held(name: string): Task<object, unknown> {
    return task<object, unknown>({
      name,
      execute: (_, { signal }) => {
        const held = { ...Promise.withResolvers<unknown>(), signal }
        this.bench.log.push(name)
        this.holds.push(held)
        return held.promise
      },
      revert: () => void this.bench.log.push(`-${name}`),
    })
  }

  /** Builds what {@link flows} has at that time. */
  get factories(): FlowFactories {
    const named = Object.keys(this.flows).map((name) => [name, () => this.flows[name]!()] as const)
    return flowFactories(Object.fromEntries(named))
  }

  /** A conductor that has started; one job at a time, unless told otherwise. */
  hire(name: string, options: Partial<ConductorOptions> = {}): Conductor {
    const conductor = new Conductor({
      name,
      jobboard: this.board,
      backend: this.backend,
      factories: this.factories,
      clock: this.clock,
      backoff: fixed(1_000),
      maxJobs: 1,
      lease,
      listeners: [
        {
          onJob: (event) => {
            this.events.push(event)
            this.heard.push(`${event.conductor} ${event.change} ${event.job.id}`)
          },
        },
      ],
      ...options,
    })
    conductor.start()
    return conductor
  }

  /** What is stored: `flow SUCCESS, a SUCCESS`. */
  states(run = 'j'): string {
    return statesOf(this.backend, run)
  }

  /** What is on the board: `j UNCLAIMED`. */
  get jobs(): readonly string[] {
    return this.board.list().map(({ id, state }) => `${id} ${state}`)
  }
}

/** Lets everything happen that waits for no time. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn()
}

const never = new Promise<never>(() => {})

/**
 * A process that dies: at its n-th operation on board or storage nothing of it is heard of any more, and nothing it does
 * has any effect. The last operation still takes place, or does not.
 */
export class Mortal {
  readonly board: Jobboard
  readonly backend: Backend
  dead = false
  #left: number
  readonly #lastCounts: boolean

  constructor(office: Pick<Office, 'board' | 'backend'>, operations: number, lastCounts: boolean) {
    this.#left = operations
    this.#lastCounts = lastCounts
    this.board = this.#mortal(office.board)
    this.backend = this.#mortal(office.backend)
  }

  #mortal<T extends object>(real: T): T {
    return new Proxy(real, {
      get: (target, key) => {
        const method: unknown = Reflect.get(target, key, target)
        if (typeof method !== 'function') return method
        return (...args: readonly unknown[]) => this.#live(() => method.apply(target, args) as unknown)
      },
    })
  }

  #live(operation: () => unknown): unknown {
    if (this.dead) return never
    if (--this.#left > 0) return operation()
    this.dead = true
    if (this.#lastCounts) operation()
    return never
  }
}

/** The same object, but for some of its methods. */
export function altered<T extends object>(real: T, replaced: Partial<T>): T {
  return new Proxy(real, {
    get: (target, key) => {
      if (Object.hasOwn(replaced, key)) return replaced[key as keyof T]
      const method: unknown = Reflect.get(target, key, target)
      return typeof method === 'function' ? (method.bind(target) as unknown) : method
    },
  })
}
