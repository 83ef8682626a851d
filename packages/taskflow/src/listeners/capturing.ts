import type { AtomEvent, FlowEvent, Listener, ProgressEvent } from './listener.ts'

/**
 * Something that a {@link CapturingListener} heard.
 *
 * @example
 * const say = (captured: Captured): string =>
 *   captured.type === 'progress' ? `${captured.event.fraction}` : captured.event.state
 */
export type Captured =
  | { readonly type: 'flow'; readonly event: FlowEvent }
  | { readonly type: 'atom'; readonly event: AtomEvent }
  | { readonly type: 'progress'; readonly event: ProgressEvent }

/**
 * What a {@link CapturingListener} can leave out.
 *
 * @example
 * const listener = new CapturingListener({ skip: ['retry', 'progress'] satisfies CapturedKind[] })
 */
export type CapturedKind = 'flow' | 'task' | 'retry' | 'progress'

/**
 * Keeps everything it hears in the order in which it came, until it is cleared: for tests and tools, not for services.
 *
 * Source: TaskFlow's `CaptureListener`.
 *
 * @example
 * const heard = new CapturingListener({ skip: ['flow'] })
 * const work = task({ name: 'work', execute: () => 1 })
 * await run(flow('f', (f) => f.add(work, {})), {}, { listeners: [heard] })
 * console.log(heard.atoms.map(({ atom, state }) => `${atom} ${state}`).join()) // work RUNNING,work SUCCESS
 */
export class CapturingListener implements Listener {
  readonly #skipped: ReadonlySet<CapturedKind>
  readonly #flows: FlowEvent[] = []
  readonly #atoms: AtomEvent[] = []
  readonly #progress: ProgressEvent[] = []
  readonly #all: Captured[] = []

  constructor(options: { readonly skip?: readonly CapturedKind[] } = {}) {
    this.#skipped = new Set(options.skip)
  }

  get flows(): readonly FlowEvent[] {
    return this.#flows
  }

  get atoms(): readonly AtomEvent[] {
    return this.#atoms
  }

  get progress(): readonly ProgressEvent[] {
    return this.#progress
  }

  /** Everything, as one list. */
  get all(): readonly Captured[] {
    return this.#all
  }

  onFlow(event: FlowEvent): void {
    if (this.#skipped.has('flow')) return
    this.#flows.push(event)
    this.#all.push({ type: 'flow', event })
  }

  onAtom(event: AtomEvent): void {
    if (this.#skipped.has(event.kind)) return
    this.#atoms.push(event)
    this.#all.push({ type: 'atom', event })
  }

  onProgress(event: ProgressEvent): void {
    if (this.#skipped.has('progress')) return
    this.#progress.push(event)
    this.#all.push({ type: 'progress', event })
  }

  /** Forgets what it has heard so far. */
  clear(): void {
    for (const list of [this.#flows, this.#atoms, this.#progress, this.#all]) list.length = 0
  }
}
