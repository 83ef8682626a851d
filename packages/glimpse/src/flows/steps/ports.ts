import type { HttpSource, ResumePoint } from '@glimpse/stores'
import type { Stores } from '../../data/stores.ts'
import type { Intake } from '../../data/writing.ts'
import type { ImageRepo } from '../../domain/ports.ts'

/** Data that comes from elsewhere. */
export type Source = HttpSource

/** What steps work with; given once, so that a flow and a remote worker have the same steps. */
export interface StepPorts {
  readonly images: ImageRepo
  readonly stores: Stores
  readonly intake: Intake
  /** Opens a URL under the deployer's rules of what may be fetched, from a point on if the source can. */
  readonly openSource: (uri: string, signal: AbortSignal, from?: ResumePoint) => Promise<Source>
}
