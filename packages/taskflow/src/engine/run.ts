import type { Plan } from '../compiler/plan.ts'
import type { Failure } from '../failure.ts'
import { Fifo } from '../fifo.ts'
import type { HistoryEntry } from '../history.ts'
import type { Notifier } from '../listeners/notifier.ts'
import { ReadyQueue } from '../ready-queue.ts'
import type { AtomState, FlowState } from '../states.ts'
import type { Logger } from '../task.ts'
import type { Clock } from './clock.ts'
import type { Executor } from './executors/executor.ts'
import type { Recorder } from './recorder.ts'
import type { Tally } from './tally.ts'

/** An execute or revert that has ended, and how. */
export interface Completion {
  readonly node: number
  readonly ok: boolean
  /** The result, or what was thrown. */
  readonly value: unknown
}

/** What does not change while a flow runs. */
export interface RunSetting {
  readonly id: string
  readonly plan: Plan
  readonly inputs: Readonly<Record<string, unknown>>
  /** How many atoms may be under way at once. */
  readonly capacity: number
  readonly onRevertFailure: 'stop' | 'continue'
  readonly deferReverts: boolean
  readonly neverResolve: boolean
  readonly failFast: boolean
  /** Milliseconds that an atom whose time is over has to end by itself. */
  readonly grace: number
  /** See {@link EngineOptions.maxValueBytes}. */
  readonly maxValueBytes: number
  readonly recorder: Recorder
  readonly notifier: Notifier
  readonly logger: Logger
  readonly clock: Clock
  readonly tally: Tally
}

/**
 * What is to become of a node. TaskFlow stores it with every atom; here it follows from the retries and from whether
 * everything reverts, and is only kept while the flow runs.
 */
type Intention = 'EXECUTE' | 'REVERT' | 'RETRY'

/**
 * One run of a plan: an array a fact, indexed by node. The functions of scheduler, completer, resolution and deciders
 * work on it; nothing else holds state.
 *
 * Two counts say what may happen next, and they are always exact: `unmet`, of every node; `unsettled`, of every node
 * whose intention is not EXECUTE. Nothing is ever scanned to find out.
 */
export interface Run extends RunSetting {
  /** Runs tasks elsewhere; null while the run is not driven, or where none does. */
  executor: Executor | null
  flowState: FlowState
  /** Joins are always PENDING here: of them only {@link passed} tells. */
  readonly states: AtomState[]
  readonly intentions: Intention[]
  readonly attempts: Uint32Array
  readonly results: unknown[]
  readonly failures: Map<number, Failure>
  readonly revertFailures: Map<number, Failure>
  /** Of retries: their attempts so far. */
  readonly histories: Map<number, HistoryEntry<unknown>[]>
  /** 1 where a node is done, or ignored, and everything before it too: what comes after it does not wait for it. */
  readonly passed: Uint8Array
  /** How many predecessors of a node have not passed. */
  readonly unmet: Int32Array
  /** How many successors of a node are not settled: they have begun and are not undone yet. */
  readonly unsettled: Int32Array
  /** How far a decider's no reaches from a node, see deciders.ts. */
  readonly reach: Uint8Array
  /** Keys of what has become ready; keys of what is due to start, and 1 where a node is. See scheduler.ts. */
  readonly ready: ReadyQueue
  readonly wave: Fifo
  readonly due: Uint8Array
  /** Atoms that failed before their execute was called: there is nothing to undo. */
  readonly unbegun: Set<number>
  /** Atoms whose execute or revert was under way when the process ended, and has not begun again. */
  readonly interrupted: Set<number>
  /** Retries that wait for the time of their next attempt, and what ends the wait without one. */
  readonly backoffs: Map<number, () => void>
  /** A wait was over, perhaps while nobody was waiting for it. */
  backoffEnded: boolean
  /** Atoms whose present record has a progress. */
  readonly told: Set<number>
  /** Everything that was done is being reverted, and nothing executes any more. */
  revertingAll: boolean
  /** Something failed that cannot be resolved: nothing more is started. */
  halted: boolean
  /** It is being reset, which takes atoms from any state to PENDING. */
  forgetting: boolean
  suspending: boolean
  /** Why the run was cancelled. */
  cancelled: { readonly reason: unknown } | null
  /** What the run rejects with once it was left as it is, for somebody else to go on with. */
  abandoned: Error | null
  abort: AbortController
  /** How many executes and reverts are under way. */
  running: number
  completed: Completion[]
  /** Ends the present wait, if there is one. */
  wake: () => void
}

export function newRun(setting: RunSetting): Run {
  const { plan } = setting
  const run: Run = {
    ...setting,
    executor: null,
    flowState: setting.recorder.state,
    states: Array.from<AtomState>({ length: plan.size }).fill('PENDING'),
    intentions: Array.from<Intention>({ length: plan.size }).fill('EXECUTE'),
    attempts: new Uint32Array(plan.size),
    results: Array.from({ length: plan.size }),
    failures: new Map(),
    revertFailures: new Map(),
    histories: new Map(),
    passed: new Uint8Array(plan.size),
    unmet: inDegrees(plan),
    unsettled: new Int32Array(plan.size),
    reach: new Uint8Array(plan.size),
    ready: new ReadyQueue(),
    wave: new Fifo(),
    due: new Uint8Array(plan.size),
    unbegun: new Set(),
    interrupted: new Set(),
    backoffs: new Map(),
    backoffEnded: false,
    told: new Set(),
    revertingAll: false,
    halted: false,
    forgetting: false,
    suspending: false,
    cancelled: null,
    abandoned: null,
    abort: new AbortController(),
    running: 0,
    completed: [],
    wake: () => {},
  }
  run.ready.push(plan.order.ranks[0]!)
  return run
}

export function nameOf(run: Run, node: number): string {
  return run.plan.atoms[node]!.name
}

/** By atom, every failure that no retry has solved. */
export function failuresByAtom(run: Run): ReadonlyMap<string, Failure> {
  return new Map([...run.failures].map(([node, failure]) => [nameOf(run, node), failure]))
}

function inDegrees({ size, predecessors: { offsets } }: Plan): Int32Array {
  const degrees = new Int32Array(size)
  for (let node = 0; node < size; node++) degrees[node] = offsets[node + 1]! - offsets[node]!
  return degrees
}
