import type { Stores } from '../../data/stores.ts'
import type { Intake } from '../../data/writing.ts'
import type { ImageRepo } from '../../domain/ports.ts'

/** Data that comes from elsewhere. */
export interface Source {
  /** In bytes, as the other side announced it. */
  readonly size: number | null
  readonly body: AsyncIterable<Uint8Array>
  /** Lets go of the other side, whatever was read. */
  close(): void
}

/** What steps work with; given once, so that a flow and a remote worker have the same steps. */
export interface StepPorts {
  readonly images: ImageRepo
  readonly stores: Stores
  readonly intake: Intake
  /** Opens a URL under the deployer's rules of what may be fetched. */
  readonly openSource: (uri: string, signal: AbortSignal) => Promise<Source>
}
