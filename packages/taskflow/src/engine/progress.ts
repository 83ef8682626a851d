import { findLoss } from '../json.ts'
import type { AtomState } from '../states.ts'
import type { Progress } from '../storage/records.ts'
import { nameOf, type Run } from './run.ts'

/** What one execute or revert last told, and in which state of which attempt. */
interface Told {
  readonly phase: AtomState
  readonly attempt: number
  readonly progress: Progress
}

/**
 * What atoms tell of their progress. The last word of each atom in one turn of the event loop is stored and announced
 * at the turn's end. Progress is a courtesy: when it cannot be stored, that is logged and the flow goes on.
 */
export class ProgressBook {
  readonly #run: Run
  #waiting = new Map<number, Told>()
  #timer: NodeJS.Immediate | null = null
  /** Batches are stored one after another, so that an older word never replaces a newer one. */
  #storing: Promise<void> = Promise.resolve()

  constructor(run: Run) {
    this.#run = run
  }

  /** @param phase the state of the atom when the execute or revert that tells began. */
  tell(node: number, phase: AtomState, fraction: number, details: object | null): void {
    if (this.#run.states[node] !== phase) return
    const loss = findLoss(details, 'details')
    if (loss !== null || Number.isNaN(fraction)) {
      this.#run.logger.warn(
        { atom: nameOf(this.#run, node), fraction, loss },
        'progress that cannot be stored is dropped',
      )
      return
    }
    this.#run.told.add(node)
    const attempt = this.#run.attempts[node]!
    this.#waiting.set(node, { phase, attempt, progress: { fraction: Math.min(1, Math.max(0, fraction)), details } })
    this.#timer ??= setImmediate(() => void this.flush())
  }

  /** Resolves when nothing that was told is still on its way to the backend; never rejects. */
  flush(): Promise<void> {
    if (this.#timer) clearImmediate(this.#timer)
    this.#timer = null
    this.#storing = this.#storing.then(() => this.#store())
    return this.#storing
  }

  async #store(): Promise<void> {
    const told = this.#run.abandoned ? [] : this.#current([...this.#waiting])
    this.#waiting = new Map()
    if (told.length === 0) return
    const { id, notifier, logger, recorder } = this.#run
    try {
      await recorder.progress(told.map(([node, { progress }]) => ({ name: nameOf(this.#run, node), progress })))
    } catch (error) {
      logger.warn({ err: error, flow: id }, 'the progress of a flow could not be stored; the flow goes on')
      return
    }
    for (const [node, { attempt, progress }] of this.#current(told)) {
      notifier.progress({ flow: id, atom: nameOf(this.#run, node), attempt, ...progress })
    }
  }

  /** What an execute or revert told before it ended is overtaken by its end. */
  #current(told: readonly (readonly [number, Told])[]): readonly (readonly [number, Told])[] {
    const { states, attempts } = this.#run
    return told.filter(([node, { phase, attempt }]) => states[node] === phase && attempts[node] === attempt)
  }
}
