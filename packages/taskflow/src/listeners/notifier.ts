import type { Inspection } from '../inspection.ts'
import type { Logger } from '../task.ts'
import type { AtomEvent, FlowEvent, Listener, ProgressEvent } from './listener.ts'

/** Tells every listener; a listener that throws keeps nobody from hearing. */
export class Notifier {
  /** Whose run it tells of, once that is driven. */
  engine: Inspection | undefined = undefined
  readonly #listeners: Listener[]
  readonly #logger: Logger

  constructor(listeners: readonly Listener[], logger: Logger) {
    this.#listeners = [...listeners]
    this.#logger = logger
  }

  /** False where making an event would be work for nobody. */
  get listening(): boolean {
    return this.#listeners.length > 0
  }

  add(listener: Listener): void {
    this.#listeners.push(listener)
  }

  remove(listener: Listener): void {
    const at = this.#listeners.indexOf(listener)
    if (at >= 0) this.#listeners.splice(at, 1)
  }

  flow(event: FlowEvent): void {
    this.#tell((listener) => listener.onFlow?.(event))
  }

  atom(event: AtomEvent): void {
    this.#tell((listener) => listener.onAtom?.(event, this.engine))
  }

  progress(event: ProgressEvent): void {
    this.#tell((listener) => listener.onProgress?.(event))
  }

  /** A listener should not wait, but many are written as async functions: those must not fail unheard either. */
  #tell(call: (listener: Listener) => unknown): void {
    for (const listener of this.#listeners) {
      try {
        const given = call(listener)
        if (given instanceof Promise) given.catch((error: unknown) => this.#log(error))
      } catch (error) {
        this.#log(error)
      }
    }
  }

  #log(error: unknown): void {
    this.#logger.error({ err: error }, 'a listener of a flow failed; the flow goes on')
  }
}
