import { findLoss } from '../json.ts'
import type { AtomState } from '../states.ts'
import type { Backend } from '../storage/backend.ts'
import type { Progress } from '../storage/records.ts'
import { nameOf, type Run } from './run.ts'

/** What one execute or revert last told, and the state that it was told in. */
interface Told {
  readonly phase: AtomState
  readonly progress: Progress
}

/**
 * What atoms tell of their progress. The last word of each atom in one turn of the event loop is stored and announced
 * at the turn's end. Progress is a courtesy: when it cannot be stored, that is logged and the flow goes on.
 */
export class ProgressBook {
  readonly #run: Run
  readonly #backend: Backend
  #waiting = new Map<number, Told>()
  #timer: NodeJS.Immediate | null = null
  /** Batches are stored one after another, so that an older word never replaces a newer one. */
  #storing: Promise<void> = Promise.resolve()

  constructor(run: Run, backend: Backend) {
    this.#run = run
    this.#backend = backend
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
    this.#waiting.set(node, { phase, progress: { fraction: Math.min(1, Math.max(0, fraction)), details } })
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
    const told = this.#current([...this.#waiting])
    this.#waiting = new Map()
    if (told.length === 0) return
    const { id, notifier, logger } = this.#run
    const atoms = told.map(([node, { progress }]) => ({ flow: id, name: nameOf(this.#run, node), progress }))
    try {
      await this.#backend.commit({ flows: [], atoms })
    } catch (error) {
      logger.warn({ err: error, flow: id }, 'the progress of a flow could not be stored; the flow goes on')
      return
    }
    for (const [node, { progress }] of this.#current(told)) {
      notifier.progress({ flow: id, atom: nameOf(this.#run, node), ...progress })
    }
  }

  /** What an execute or revert told before it ended is overtaken by its end. */
  #current(told: readonly (readonly [number, Told])[]): readonly (readonly [number, Told])[] {
    return told.filter(([node, { phase }]) => this.#run.states[node] === phase)
  }
}
