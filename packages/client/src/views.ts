/** Where the data of an image is, as the service shows it to those who may see it. */
export interface LocationView {
  readonly url: string
  readonly metadata: Readonly<Record<string, unknown>>
}

type ImageValue = string | number | boolean | null | readonly string[] | readonly LocationView[]

/**
 * An image as on the wire: the base attributes, and the image's own properties beside them (texts).
 * Sizes are in bytes, `min_disk` is in GiB, `min_ram` in MiB, times are ISO 8601 in UTC.
 *
 * Source: OpenStack Images API v2, "Show image".
 */
export interface ImageView {
  readonly id: string
  readonly name: string | null
  readonly status: string
  readonly visibility: string
  readonly protected: boolean
  readonly os_hidden: boolean
  readonly owner: string | null
  readonly container_format: string | null
  readonly disk_format: string | null
  readonly min_disk: number
  readonly min_ram: number
  readonly size: number | null
  readonly virtual_size: number | null
  /** MD5, in hex. */
  readonly checksum: string | null
  readonly os_hash_algo: string | null
  readonly os_hash_value: string | null
  readonly tags: readonly string[]
  readonly created_at: string
  readonly updated_at: string
  readonly self: string
  readonly file: string
  readonly schema: string
  /** Ids of stores, separated by commas. */
  readonly stores?: string
  readonly direct_url?: string
  readonly locations?: readonly LocationView[]
  readonly [property: string]: ImageValue
}

/** What a new image is to be; all of it may be left out. Keys that the API does not know become properties (texts). */
export interface NewImage {
  readonly id?: string | undefined
  readonly name?: string | undefined
  readonly visibility?: 'public' | 'private' | 'shared' | 'community' | undefined
  readonly protected?: boolean | undefined
  readonly os_hidden?: boolean | undefined
  readonly owner?: string | undefined
  readonly container_format?: string | undefined
  readonly disk_format?: string | undefined
  readonly min_disk?: number | undefined
  readonly min_ram?: number | undefined
  readonly tags?: readonly string[] | undefined
  readonly [property: string]: string | number | boolean | readonly string[] | undefined
}

/** One step of an update; `path` is a JSON pointer such as `/name`. Source: the API's JSON patch, version 2.1. */
export type ImageChange =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

export type TaskStatus = 'pending' | 'processing' | 'success' | 'failure'

/** A task in a list: without what it was given, what came of it, and what it says. */
export interface TaskStub {
  readonly id: string
  readonly type: string
  readonly status: TaskStatus
  readonly owner: string
  readonly created_at: string
  readonly updated_at: string
  readonly expires_at?: string | null
  readonly image_id?: string | null
  readonly request_id?: string | null
  readonly user_id?: string | null
  /** Not among the tasks of an image. */
  readonly self?: string
  readonly schema?: string
}

/**
 * A task as on the wire. Among the tasks of an image, times have microseconds and no `Z`.
 *
 * Source: OpenStack Images API v2, "Show task details" and "Show tasks associated with image".
 */
export interface TaskView extends TaskStub {
  readonly input: Readonly<Record<string, unknown>> | null
  readonly result: Readonly<Record<string, unknown>> | null
  /** How far it is, or why it failed. */
  readonly message: string
  readonly deleted?: boolean
  readonly deleted_at?: string | null
}

/** A store that images can be imported to. */
export interface StoreView {
  readonly id: string
  readonly description?: string
  /** Services say `"true"`, a text. */
  readonly default?: string | boolean
  readonly 'read-only'?: string | boolean
}

/** A version of the API that the service speaks, such as `v2.17`. */
export interface VersionView {
  readonly id: string
  readonly status: string
  readonly links: readonly { readonly rel: string; readonly href: string }[]
}
