import { findLoss } from '../json.ts'
import type { Backend } from '../storage/backend.ts'
import type { Progress } from '../storage/records.ts'
import type { Run } from './run.ts'

/**
 * What atoms tell of their progress. The last word of each atom in one turn of the event loop is stored and announced
 * at the turn's end. Progress is a courtesy: when it cannot be stored, that is logged and the flow goes on.
 */
export class ProgressBook {
  readonly #run: Run
  readonly #backend: Backend
  readonly #waiting = new Map<number, Progress>()
  #timer: NodeJS.Immediate | null = null

  constructor(run: Run, backend: Backend) {
    this.#run = run
    this.#backend = backend
  }

  tell(node: number, fraction: number, details: object | null): void {
    const loss = findLoss(details, 'details')
    if (loss !== null || Number.isNaN(fraction)) {
      this.#run.logger.warn({ atom: this.#name(node), fraction, loss }, 'progress that cannot be stored is dropped')
      return
    }
    this.#waiting.set(node, { fraction: Math.min(1, Math.max(0, fraction)), details })
    this.#timer ??= setImmediate(() => void this.flush())
  }

  async flush(): Promise<void> {
    if (this.#timer) clearImmediate(this.#timer)
    this.#timer = null
    const told = [...this.#waiting].filter(([node]) => this.#isUnderWay(node))
    this.#waiting.clear()
    if (told.length === 0) return
    const { id, notifier, logger } = this.#run
    try {
      await this.#backend.commit({
        flows: [],
        atoms: told.map(([node, progress]) => ({ flow: id, name: this.#name(node), progress })),
      })
      for (const [node, progress] of told) notifier.progress({ flow: id, atom: this.#name(node), ...progress })
    } catch (error) {
      logger.warn({ err: error, flow: id }, 'the progress of a flow could not be stored; the flow goes on')
    }
  }

  /** What an atom told before it ended is overtaken by its end. */
  #isUnderWay(node: number): boolean {
    const state = this.#run.states[node]
    return state === 'RUNNING' || state === 'REVERTING'
  }

  #name(node: number): string {
    return this.#run.plan.atoms[node]!.name
  }
}
