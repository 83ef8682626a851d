/**
 * What the rest of the service knows of its configuration: read once, checked, deeply frozen, passed down.
 * Each field names the oslo.config option that it comes from, as `group.option`.
 *
 * Source: reference/glance.md section 3.
 */
export interface Config {
  readonly listen: {
    /** DEFAULT.bind_host: an address or a name, without brackets. */
    readonly host: string
    /** DEFAULT.bind_port; 0 asks the system for a free one. */
    readonly port: number
    /** DEFAULT.public_endpoint, without a slash at its end; null: the address that the client asked at. */
    readonly publicEndpoint: string | null
    /** DEFAULT.allow_unauthenticated_remote: serve other machines although nobody has to log in. */
    readonly allowUnauthenticatedRemote: boolean
  }
  readonly database: {
    /** database.connection: absolute path of the SQLite file. */
    readonly file: string
  }
  readonly stores: {
    /** Whether DEFAULT.enabled_backends rules; false is the legacy single store of glance_store. */
    readonly multi: boolean
    /** glance_store.default_backend: the id of one of `backends`. */
    readonly default: string
    /** DEFAULT.enabled_backends, in the order written there; never empty. */
    readonly backends: readonly StoreConfig[]
    /** os_glance_staging_store.filesystem_store_datadir, else DEFAULT.node_staging_uri; absolute. */
    readonly stagingDir: string
  }
  readonly import: {
    /** DEFAULT.enabled_import_methods. */
    readonly methods: readonly ImportMethod[]
    /** The group import_filtering_opts. An empty list is a list that does not rule. */
    readonly filter: ImportFilter
    /** glimpse.download_idle_timeout, in milliseconds: how long a source may send nothing. */
    readonly idleTimeoutMs: number
    /** glimpse.download_timeout, in milliseconds: how long one attempt of a download may take; 0 means no limit. */
    readonly totalTimeoutMs: number
    /** DEFAULT.http_retries, at least 1: how often a download is attempted in all, while its source may recover. */
    readonly attempts: number
    /** glimpse.download_retry_wait, in milliseconds: before the second attempt; every later wait is twice as long. */
    readonly retryWaitMs: number
    /** glimpse.download_retry_wait_max, in milliseconds: no wait between attempts is longer. */
    readonly longestRetryWaitMs: number
  }
  readonly limits: {
    /** DEFAULT.image_size_cap: bytes of one image. */
    readonly imageSizeCap: number
    /** DEFAULT.image_property_quota: extra properties of one image; negative means no limit. */
    readonly propertyQuota: number
    /** DEFAULT.image_tag_quota: tags of one image; negative means no limit. */
    readonly tagQuota: number
    /** DEFAULT.limit_param_default: entries of a list that says no limit; never above `pageMax`. */
    readonly pageDefault: number
    /** DEFAULT.api_limit_max: entries of any list. */
    readonly pageMax: number
    /** DEFAULT.max_request_id_length: characters of an inbound request id. */
    readonly requestIdLength: number
  }
  /** The group image_format. */
  readonly formats: { readonly disk: readonly string[]; readonly container: readonly string[] }
  /** DEFAULT.hashing_algorithm: a name that `crypto.createHash` takes. */
  readonly hashingAlgorithm: string
  readonly tasks: {
    /** task.task_executor; `eventlet` is read as `plain`. */
    readonly executor: 'plain' | 'taskflow'
    /** task.task_time_to_live: hours that an ended task stays listed. */
    readonly ttlHours: number
    /** wsgi.task_pool_threads: tasks that run at the same time. */
    readonly concurrency: number
    /** taskflow_executor.engine_mode. */
    readonly engineMode: 'serial' | 'parallel'
    /** taskflow_executor.max_workers: atoms of one flow that run at the same time. */
    readonly maxWorkers: number
    /** task.work_dir, absolute; null when unset. */
    readonly workDir: string | null
  }
  /** glimpse.sweep_interval, in milliseconds: between two passes over what nobody owns; 0 means none. */
  readonly sweepIntervalMs: number
  readonly log: {
    /** DEFAULT.debug. */
    readonly debug: boolean
    /** DEFAULT.log_file, absolute; null means standard output. */
    readonly file: string | null
  }
  /** glimpse.state_dir, absolute: where the database, the stores and the staging area go unless told otherwise. */
  readonly stateDir: string
}

/** One store: an id of DEFAULT.enabled_backends and the options of the group that has its name. */
export interface StoreConfig {
  readonly id: string
  readonly type: 'file'
  /** filesystem_store_datadir, absolute. */
  readonly dir: string
  /** store_description; empty when unset. */
  readonly description: string
}

export type ImportMethod = 'glance-direct' | 'web-download'

/**
 * Which sources an import may read: for each of scheme, host and port an allow list, and a block list that counts only
 * where the allow list is empty.
 */
export interface ImportFilter {
  readonly allowedSchemes: readonly string[]
  readonly disallowedSchemes: readonly string[]
  readonly allowedHosts: readonly string[]
  readonly disallowedHosts: readonly string[]
  readonly allowedPorts: readonly number[]
  readonly disallowedPorts: readonly number[]
}
