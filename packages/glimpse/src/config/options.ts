interface Common {
  readonly help: string
  /** Older names, as `group.name`; using one is a warning. */
  readonly aliases?: readonly string[]
}

interface Choices {
  readonly choices?: readonly string[]
  /** What Glance takes and we do not so far: wrong for a single value, dropped from a list with a warning. */
  readonly notYet?: readonly string[]
}

/** What an option is. A default of null means that the value is worked out from others, or stays unset. */
export type Option = Common &
  (
    | ({ readonly type: 'string'; readonly default: string | null } & Choices)
    | { readonly type: 'integer'; readonly default: number; readonly min: number; readonly max: number }
    | { readonly type: 'boolean'; readonly default: boolean }
    | ({ readonly type: 'list'; readonly default: readonly string[]; readonly bounds?: boolean } & Choices)
    | {
        readonly type: 'integers'
        readonly default: readonly number[]
        readonly min: number
        readonly max: number
        readonly bounds?: boolean
      }
    | { readonly type: 'dict'; readonly default: null }
  )

export type OptionGroup = Readonly<Record<string, Option>>

interface ValueTypes {
  string: string
  integer: number
  boolean: boolean
  list: readonly string[]
  integers: readonly number[]
  dict: Readonly<Record<string, string>>
}

type ValueOf<O extends Option> =
  | (O extends { type: 'string'; choices: readonly (infer C)[] } ? C : ValueTypes[O['type']])
  | (O['default'] extends null ? null : never)

/** The values of a group of the table, each of its option's type. */
export type GroupValues<G extends OptionGroup> = { readonly [N in keyof G]: ValueOf<G[N]> }

/** The values of the whole table: `values.DEFAULT.bind_port` is a number. */
export type Values = { readonly [G in keyof typeof options]: GroupValues<(typeof options)[G]> }

/**
 * Every option there is so far, by group, but for those of the stores (`storeOptions`). The group `glimpse` is ours, as
 * are DEFAULT.bind_host, bind_port (Glance had them once) and allow_unauthenticated_remote.
 *
 * Source: reference/glance.md 3.1 and 3.2.
 */
export const options = {
  DEFAULT: {
    bind_host: { type: 'string', default: '127.0.0.1', help: 'Address to listen on.' },
    bind_port: { type: 'integer', default: 9292, min: 0, max: 65_535, help: 'Port to listen on; 0 for any free one.' },
    allow_unauthenticated_remote: {
      type: 'boolean',
      default: false,
      help: 'Listen on an address that other machines reach, although nobody has to log in.',
    },
    public_endpoint: { type: 'string', default: null, help: 'URL that clients reach the service at.' },
    enabled_backends: { type: 'dict', default: null, help: 'Stores as id:type,id:type; each id names a section.' },
    enabled_import_methods: {
      type: 'list',
      bounds: true,
      default: ['glance-direct', 'web-download'],
      choices: ['glance-direct', 'web-download'],
      notYet: ['copy-image', 'glance-download'],
      help: 'Import methods that users may ask for.',
    },
    node_staging_uri: { type: 'string', default: null, help: 'Staging area as file:///PATH.' },
    image_size_cap: {
      type: 'integer',
      default: 1_099_511_627_776,
      min: 1,
      max: 9_007_199_254_740_991,
      help: 'Bytes that an image may have.',
    },
    hashing_algorithm: { type: 'string', default: 'sha512', help: 'Hash of os_hash_value.' },
    image_property_quota: {
      type: 'integer',
      default: 128,
      min: -1,
      max: 2_147_483_647,
      help: 'Extra properties of an image; -1 for no limit.',
    },
    image_tag_quota: {
      type: 'integer',
      default: 128,
      min: -1,
      max: 2_147_483_647,
      help: 'Tags of an image; -1 for no limit.',
    },
    limit_param_default: {
      type: 'integer',
      default: 25,
      min: 1,
      max: 2_147_483_647,
      help: 'Entries of a list, when a request does not say how many.',
    },
    api_limit_max: { type: 'integer', default: 1000, min: 1, max: 2_147_483_647, help: 'Entries of any list.' },
    http_retries: {
      type: 'integer',
      default: 3,
      min: 0,
      max: 1000,
      help: 'How often a download is attempted in all, while its source fails in a way that may pass; 0 counts as 1.',
    },
    max_request_id_length: { type: 'integer', default: 64, min: 0, max: 16_384, help: 'Length of a request id.' },
    debug: { type: 'boolean', default: false, help: 'Log what only a developer wants to know.' },
    log_file: { type: 'string', default: null, help: 'File to log to instead of standard output.' },
  },
  database: {
    connection: { type: 'string', default: null, help: 'Database, as sqlite:///RELATIVE or sqlite:////ABSOLUTE.' },
  },
  glance_store: {
    default_backend: { type: 'string', default: null, help: 'Store for images that name none.' },
    filesystem_store_datadir: { type: 'string', default: null, help: 'Folder of the single store (legacy).' },
    stores: {
      type: 'list',
      default: ['file'],
      choices: ['file'],
      notYet: ['http', 'rbd', 's3', 'swift', 'cinder', 'vmware'],
      help: 'Store drivers (legacy).',
    },
    default_store: {
      type: 'string',
      default: 'file',
      choices: ['file'],
      notYet: ['http', 'rbd', 's3', 'swift', 'cinder', 'vmware'],
      help: 'Store for new images (legacy).',
    },
  },
  os_glance_staging_store: {
    filesystem_store_datadir: { type: 'string', default: null, help: 'Folder of data that waits for its import.' },
  },
  task: {
    task_time_to_live: {
      type: 'integer',
      default: 48,
      min: 0,
      max: 2_147_483_647,
      aliases: ['DEFAULT.task_time_to_live'],
      help: 'Hours that an ended task stays listed.',
    },
    task_executor: {
      type: 'string',
      default: 'taskflow',
      choices: ['taskflow', 'plain', 'eventlet'],
      aliases: ['DEFAULT.task_executor'],
      help: 'What runs tasks; eventlet is the old name of plain.',
    },
    work_dir: { type: 'string', default: null, aliases: ['DEFAULT.work_dir'], help: 'Folder for scratch files.' },
  },
  taskflow_executor: {
    engine_mode: {
      type: 'string',
      default: 'parallel',
      choices: ['serial', 'parallel'],
      notYet: ['workers'],
      help: 'How the steps of one task run.',
    },
    max_workers: {
      type: 'integer',
      default: 10,
      min: 1,
      max: 65_535,
      aliases: ['task.eventlet_executor_pool_size'],
      help: 'Steps of one task that run at the same time.',
    },
  },
  wsgi: {
    task_pool_threads: { type: 'integer', default: 16, min: 1, max: 65_535, help: 'Tasks that run at the same time.' },
  },
  image_format: {
    disk_formats: {
      type: 'list',
      default: ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'],
      aliases: ['DEFAULT.disk_formats'],
      help: 'Values of disk_format that are taken.',
    },
    container_formats: {
      type: 'list',
      default: ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'],
      aliases: ['DEFAULT.container_formats'],
      help: 'Values of container_format that are taken.',
    },
  },
  import_filtering_opts: {
    allowed_schemes: { type: 'list', bounds: true, default: ['http', 'https'], help: 'Schemes of a source URL.' },
    disallowed_schemes: { type: 'list', bounds: true, default: [], help: 'Refused, if allowed_schemes is empty.' },
    allowed_hosts: { type: 'list', bounds: true, default: [], help: 'Hosts of a source URL, private ones too.' },
    disallowed_hosts: { type: 'list', bounds: true, default: [], help: 'Refused, if allowed_hosts is empty.' },
    allowed_ports: {
      type: 'integers',
      bounds: true,
      default: [80, 443],
      min: 1,
      max: 65_535,
      help: 'Ports of a source URL.',
    },
    disallowed_ports: {
      type: 'integers',
      bounds: true,
      default: [],
      min: 1,
      max: 65_535,
      help: 'Refused, if allowed_ports is empty.',
    },
  },
  glimpse: {
    state_dir: { type: 'string', default: './data', help: 'Folder of the database, the stores and the staging area.' },
    download_idle_timeout: {
      type: 'integer',
      default: 60,
      min: 1,
      max: 86_400,
      help: 'Seconds that the source of a download may send nothing.',
    },
    download_timeout: {
      type: 'integer',
      default: 86_400,
      min: 0,
      max: 2_147_483,
      help: 'Seconds that one attempt of a download may take; 0 for no limit.',
    },
    download_retry_wait: {
      type: 'integer',
      default: 2,
      min: 0,
      max: 86_400,
      help: 'Seconds before the second attempt of a download, or up to half less; each later wait is twice as long.',
    },
    download_retry_wait_max: {
      type: 'integer',
      default: 60,
      min: 0,
      max: 86_400,
      help: 'Seconds that no wait between attempts of a download is longer than.',
    },
    sweep_interval: {
      type: 'integer',
      default: 300,
      min: 0,
      max: 86_400,
      help: 'Seconds between two passes over data, tasks and images that nobody works on or needs; 0 for none.',
    },
  },
} as const satisfies Readonly<Record<string, OptionGroup>>

/** The options of each store of DEFAULT.enabled_backends, in the section that has its id. */
export const storeOptions = {
  filesystem_store_datadir: { type: 'string', default: null, help: 'Folder of the images.' },
  store_description: { type: 'string', default: '', help: 'What users read about the store.' },
} as const satisfies OptionGroup
