/**
 * An image and its states.
 *
 * Source: OpenStack Images API v2, "Image statuses"; Glance's domain model. One transition is ours:
 * `importing -> uploading`, so that a failed import of staged data keeps the data and can be tried again
 * (in Glance such an image stays `importing` until somebody deletes it).
 */
export type ImageStatus =
  | 'queued'
  | 'saving'
  | 'uploading'
  | 'importing'
  | 'active'
  | 'deactivated'
  | 'killed'
  | 'pending_delete'
  | 'deleted'

/** Every allowed change of status; what is not here is refused. */
export const imageTransitions: { readonly [S in ImageStatus]: readonly ImageStatus[] } = {
  queued: ['saving', 'uploading', 'importing', 'active', 'deleted'],
  saving: ['active', 'killed', 'deleted', 'queued'],
  uploading: ['importing', 'queued', 'deleted'],
  importing: ['active', 'deleted', 'queued', 'uploading'],
  active: ['pending_delete', 'deleted', 'deactivated'],
  deactivated: ['active', 'deleted'],
  killed: ['deleted'],
  pending_delete: ['deleted', 'active'],
  deleted: [],
}

export const visibilities = ['community', 'public', 'private', 'shared'] as const
export type Visibility = (typeof visibilities)[number]

/** Where a copy of the data is: the store's id and the URL the store knows it by. */
export interface Location {
  readonly store: string
  readonly url: string
}

/** What is known of image data after one pass over its bytes. */
export interface DataFacts {
  /** In bytes. */
  readonly size: number
  /** Hex md5, the API's `checksum`. */
  readonly checksum: string
  /** Name and hex digest of the deployer's own algorithm, the API's `os_hash_algo` and `os_hash_value`. */
  readonly hashAlgo: string
  readonly hashValue: string
}

export interface Image {
  readonly id: string
  readonly name: string | null
  readonly status: ImageStatus
  readonly visibility: Visibility
  readonly protected: boolean
  /** The API's `os_hidden`. */
  readonly hidden: boolean
  readonly owner: string | null
  readonly containerFormat: string | null
  readonly diskFormat: string | null
  /** In GiB. */
  readonly minDisk: number
  /** In MiB. */
  readonly minRam: number
  /** In bytes; null until there is data. */
  readonly size: number | null
  readonly virtualSize: number | null
  readonly checksum: string | null
  readonly hashAlgo: string | null
  readonly hashValue: string | null
  readonly tags: readonly string[]
  /** Additional properties, as the user gave them. */
  readonly properties: Readonly<Record<string, string>>
  readonly locations: readonly Location[]
  /** The data in the staging area, if `PUT /stage` has put some there. */
  readonly staged: DataFacts | null
  /** The import lock: the unfinished task that owns the image (`os_glance_import_task`). */
  readonly importTask: string | null
  readonly importingStores: readonly string[]
  readonly failedStores: readonly string[]
  /** ISO 8601, UTC, milliseconds. */
  readonly createdAt: string
  readonly updatedAt: string
}

/** What a caller may choose when it makes an image; the rest has its default. */
export type NewImage = Pick<Image, 'id' | 'name' | 'owner'> &
  Partial<
    Pick<
      Image,
      | 'visibility'
      | 'protected'
      | 'hidden'
      | 'containerFormat'
      | 'diskFormat'
      | 'minDisk'
      | 'minRam'
      | 'tags'
      | 'properties'
    >
  >

/** Columns that a change may set. Tags are replaced as a whole, properties one by one. */
export interface ImageChange {
  readonly set?: Partial<Omit<Image, 'id' | 'tags' | 'properties' | 'locations' | 'createdAt' | 'updatedAt'>>
  readonly tags?: readonly string[]
  readonly setProperties?: Readonly<Record<string, string>>
  readonly removeProperties?: readonly string[]
  readonly addLocations?: readonly Location[]
  /** Ids of the stores whose locations go. */
  readonly removeLocations?: readonly string[]
  /** Ids of stores that an import is through with: they leave `importingStores`. */
  readonly leaveImporting?: readonly string[]
  /** Ids of stores that an import failed for: they join `failedStores`. */
  readonly addFailed?: readonly string[]
}

/** The state a change expects; the change is refused when the row is no longer in it. */
export interface ImageExpectation {
  readonly status?: readonly ImageStatus[]
  /** The task that must hold the import lock; null: nobody may. */
  readonly importTask?: string | null
  readonly protected?: boolean
}

/** Whether data is on its way into the image. One that is `uploading` has its data once that is staged. */
export function isBeingWritten({ status, staged }: Pick<Image, 'status' | 'staged'>): boolean {
  return status === 'saving' || status === 'importing' || (status === 'uploading' && staged === null)
}

export function mayBecome(from: ImageStatus, to: ImageStatus): boolean {
  return imageTransitions[from].includes(to)
}
