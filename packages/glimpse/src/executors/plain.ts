import {
  type AtomNode,
  type Clock,
  type Decision,
  Engine,
  Failure,
  type Flow,
  type FlowNode,
  type PlainNode,
  type RetryNode,
  systemClock,
} from '@glimpse/taskflow'
import type { FlowEnd, FlowRunner, RunOptions } from './executor.ts'
import { isWanted, orderOf } from './plain-graph.ts'
import { checkPlain } from './plain-limits.ts'
import { type Begun, PlainLog } from './plain-log.ts'
import { waitFor } from './waiting.ts'

/**
 * Runs the steps of a flow one after another in the order in which they are written, with no engine: nothing at the
 * same time, nothing recorded. It comes to the same end as taskflow with `deferReverts` and `failFast`, or refuses the
 * flow at once.
 *
 * @param clock waits between the attempts of a retry.
 */
export function plainRunner(clock: Clock = systemClock): FlowRunner {
  return async (flow, inputs, options) => {
    // Only asked whether the flow could run at all.
    new Engine(flow).validate(inputs as never)
    checkPlain(flow.root)
    return await new PlainRun(flow, inputs, options, clock).toEnd(flow.root)
  }
}

/** Unwinds from an atom that failed to the nearest retry that wants another attempt; without one, to the end. */
class Defeat extends Error {
  /** Who failed, as the next retry is told: the atom, or the retry inside that gave up about it. */
  readonly by: string
  readonly failure: Failure
  /** Whether no further retry is asked. */
  readonly final: boolean

  constructor(by: string, failure: Failure, final = false) {
    super(failure.message)
    this.by = by
    this.failure = failure
    this.final = final
  }
}

class PlainRun {
  readonly #log: PlainLog
  readonly #options: RunOptions
  readonly #clock: Clock

  constructor({ defaults }: Flow<never, unknown>, inputs: object, options: RunOptions, clock: Clock) {
    const given = [...Object.entries(defaults), ...Object.entries(inputs)]
    this.#log = new PlainLog(Object.fromEntries(given.filter(([, value]) => value !== undefined)), options)
    this.#options = options
    this.#clock = clock
  }

  async toEnd(root: FlowNode): Promise<FlowEnd> {
    const { signal } = this.#options
    let failed = false
    try {
      await this.#flow(root)
    } catch (error) {
      if (!(error instanceof Defeat)) throw error
      failed = true
    }
    const cancelled = signal.aborted ? String(signal.reason) : null
    if (failed || cancelled !== null) await this.#log.undo(0)
    return { failures: this.#log.failures, revertFailures: this.#log.revertFailures, cancelled }
  }

  async #flow(flow: FlowNode): Promise<void> {
    if (flow.retry) await this.#controlled(flow, flow.retry)
    else await this.#children(flow)
  }

  async #children(flow: FlowNode): Promise<void> {
    const passedBy = new Set<number>()
    for (const at of orderOf(flow)) {
      if (this.#isCancelled) return
      const child = flow.children[at]!
      if (!this.#isWanted(flow, at, passedBy)) {
        passedBy.add(at)
        for (const atom of atomsOf(child)) this.#log.ignore(atom)
      } else if (child.kind === 'flow') await this.#flow(child)
      else await this.#task(child)
    }
  }

  async #task(atom: AtomNode): Promise<void> {
    const { failure } = await this.#log.execute(this.#log.begin(atom))
    if (failure) throw new Defeat(atom.name, failure)
  }

  /** A child that cannot even be asked about has failed; nothing of it was begun. */
  #isWanted(flow: FlowNode, at: number, passedBy: ReadonlySet<number>): boolean {
    try {
      return isWanted(flow, at, passedBy, (child) => this.#log.resultOf(child as AtomNode))
    } catch (error) {
      const [first] = atomsOf(flow.children[at]!)
      if (!first) return false
      throw new Defeat(first.name, this.#log.failUnbegun(first, error))
    }
  }

  /** Runs a flow attempt by attempt, as its retry wants it. */
  async #controlled(flow: FlowNode, retry: RetryNode): Promise<void> {
    const control = this.#log.begin(retry)
    for (;;) {
      const { failure } = await this.#log.execute(control)
      if (failure) throw new Defeat(retry.name, failure)
      try {
        return await this.#children(flow)
      } catch (error) {
        if (!(error instanceof Defeat) || error.final || this.#isCancelled) throw error
        const decision = this.#ask(control, error)
        if (decision === 'REVERT_ALL') throw new Defeat(error.by, error.failure, true)
        if (decision === 'REVERT') throw new Defeat(retry.name, error.failure)
        await this.#log.undo(control.at + 1)
        if (this.#log.revertFailures.length > 0 || this.#isCancelled) throw new Defeat(error.by, error.failure, true)
      }
      const wait = this.#backoffOf(control)
      this.#log.forgetAfter(control, wait)
      await waitFor(wait, this.#clock, this.#options.signal)
      if (this.#isCancelled) return
    }
  }

  /** A retry that cannot decide has failed itself, and nothing is tried again. */
  #ask(control: Begun, { by, failure }: Defeat): Decision {
    const { retry, name } = control.atom as RetryNode
    this.#log.note(control, by, failure)
    try {
      const decision: unknown = retry.onFailure(control.args as never, this.#log.retryContext(control))
      if (decision === 'RETRY' || decision === 'REVERT' || decision === 'REVERT_ALL') return decision
      throw new TypeError(`retry '${name}' must decide RETRY, REVERT or REVERT_ALL, not ${String(decision)}`)
    } catch (error) {
      control.failure = Failure.from(error, name)
      return 'REVERT_ALL'
    }
  }

  #backoffOf({ atom, history }: Begun): number {
    try {
      return (atom as RetryNode).retry.backoff?.(history.length) ?? 0
    } catch (error) {
      this.#options.logger.warn({ err: error, retry: atom.name }, 'the backoff of a retry failed; it does not wait')
      return 0
    }
  }

  get #isCancelled(): boolean {
    return this.#options.signal.aborted
  }
}

/** A retry comes before what it controls. */
function atomsOf(node: PlainNode): (AtomNode | RetryNode)[] {
  if (node.kind === 'task') return [node]
  return [...(node.retry ? [node.retry] : []), ...node.children.flatMap(atomsOf)]
}
