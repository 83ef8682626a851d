import type { Store } from '@glimpse/stores'

/** The stores that images may live in, and the one where data waits for its import. */
export interface Stores {
  /** By id, in the deployer's order; the reserved staging store is not among them. */
  readonly all: ReadonlyMap<string, Store>
  readonly default: Store
  readonly staging: Store
}
