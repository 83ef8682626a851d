import type { Failure } from '../failure.ts'
import type { AtomState, FlowState } from '../states.ts'
import type { Progress } from '../storage/records.ts'

export interface FlowEvent {
  /** Id of the run, and name of its flow. */
  readonly flow: string
  readonly name: string
  readonly state: FlowState
  readonly oldState: FlowState
}

export interface AtomEvent {
  readonly flow: string
  readonly atom: string
  readonly state: AtomState
  readonly oldState: AtomState
  readonly attempt: number
  /** In `SUCCESS`. */
  readonly result?: unknown
  /** In `FAILURE` why it failed, in `REVERT_FAILURE` why it could not be undone. */
  readonly failure?: Failure
}

export interface ProgressEvent extends Progress {
  readonly flow: string
  readonly atom: string
}

/**
 * Is told what happens in a run, after it was stored, in the order in which it happened. What a listener throws is
 * logged and harms nothing.
 */
export interface Listener {
  onFlow?(event: FlowEvent): void
  onAtom?(event: AtomEvent): void
  onProgress?(event: ProgressEvent): void
}
