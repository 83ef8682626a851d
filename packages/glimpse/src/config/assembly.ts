import { getHashes } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import path from 'node:path'
import type { Config, ImportMethod } from './config.ts'
import { complain, type Reading } from './reading.ts'

/**
 * Makes the Config of values that have the right types each, and checks what they must be together. What is wrong goes
 * to the findings, and the Config that comes back is then of no use.
 */
export function assembleConfig(reading: Reading, stores: Config['stores']): Config {
  const { values, stateDir } = reading
  return {
    listen: readListen(reading),
    database: { file: readDatabaseFile(reading) },
    stores,
    import: readImport(reading),
    limits: readLimits(reading),
    formats: { disk: values.image_format.disk_formats, container: values.image_format.container_formats },
    hashingAlgorithm: readHashingAlgorithm(reading),
    tasks: readTasks(reading),
    sweepIntervalMs: values.glimpse.sweep_interval * 1000,
    log: { debug: values.DEFAULT.debug, file: resolvePath(values.DEFAULT.log_file) },
    stateDir,
  }
}

function resolvePath(text: string | null): string | null {
  return text === null ? null : path.resolve(text)
}

function readListen(reading: Reading): Config['listen'] {
  const { bind_host, bind_port, allow_unauthenticated_remote } = reading.values.DEFAULT
  const host = bind_host.replace(/^\[(.*)\]$/, '$1')
  if (!allow_unauthenticated_remote && !isLoopback(host)) {
    const allowed =
      'nobody has to log in, so only this machine is served: 127.0.0.1, ::1 or localhost, ' +
      'or set [DEFAULT] allow_unauthenticated_remote = true'
    complain(reading, 'DEFAULT', 'bind_host', allowed)
  }
  return {
    host,
    port: bind_port,
    publicEndpoint: readPublicEndpoint(reading),
    allowUnauthenticatedRemote: allow_unauthenticated_remote,
  }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host.toLowerCase() === 'localhost'
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

function readPublicEndpoint(reading: Reading): string | null {
  const text = reading.values.DEFAULT.public_endpoint
  if (text === null) return null
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    complain(reading, 'DEFAULT', 'public_endpoint', 'must be a URL, such as https://images.example.org')
  }
  return text.replace(/\/+$/, '')
}

/** SQLAlchemy's form: `sqlite:///` and then a path, so four slashes make it an absolute one. */
function readDatabaseFile(reading: Reading): string {
  const text = reading.values.database.connection
  if (text === null) return path.join(reading.stateDir, 'glimpse.sqlite')
  const file = /^sqlite(?:\+\w+)?:\/\/\/([^?]+)$/.exec(text)?.[1]
  if (file === undefined || file === ':memory:') {
    complain(reading, 'database', 'connection', describeConnection(text))
  }
  return path.resolve(file ?? '')
}

function describeConnection(text: string): string {
  const form = 'write a file as sqlite:///RELATIVE or sqlite:////ABSOLUTE'
  return text.startsWith('sqlite') ? form : `only sqlite is supported so far; ${form}`
}

function readImport({ values }: Reading): Config['import'] {
  const filter = values.import_filtering_opts
  return {
    // The table lets nothing else through.
    methods: values.DEFAULT.enabled_import_methods as readonly ImportMethod[],
    filter: {
      allowedSchemes: filter.allowed_schemes,
      disallowedSchemes: filter.disallowed_schemes,
      allowedHosts: filter.allowed_hosts,
      disallowedHosts: filter.disallowed_hosts,
      allowedPorts: filter.allowed_ports,
      disallowedPorts: filter.disallowed_ports,
    },
    idleTimeoutMs: values.glimpse.download_idle_timeout * 1000,
    totalTimeoutMs: values.glimpse.download_timeout * 1000,
    attempts: Math.max(1, values.DEFAULT.http_retries),
    retryWaitMs: values.glimpse.download_retry_wait * 1000,
    longestRetryWaitMs: values.glimpse.download_retry_wait_max * 1000,
  }
}

function readLimits({ values }: Reading): Config['limits'] {
  const limits = values.DEFAULT
  return {
    imageSizeCap: limits.image_size_cap,
    propertyQuota: limits.image_property_quota,
    tagQuota: limits.image_tag_quota,
    pageDefault: Math.min(limits.limit_param_default, limits.api_limit_max),
    pageMax: limits.api_limit_max,
    requestIdLength: limits.max_request_id_length,
  }
}

function readHashingAlgorithm(reading: Reading): string {
  const name = reading.values.DEFAULT.hashing_algorithm
  const known = getHashes()
  if (!known.includes(name)) {
    const plain = known.filter((hash) => !hash.startsWith('RSA-'))
    complain(reading, 'DEFAULT', 'hashing_algorithm', `must be one of ${plain.join(', ')}`)
  }
  return name
}

function readTasks({ values }: Reading): Config['tasks'] {
  const { task_executor, task_time_to_live, work_dir } = values.task
  return {
    executor: task_executor === 'taskflow' ? 'taskflow' : 'plain',
    ttlHours: task_time_to_live,
    concurrency: values.wsgi.task_pool_threads,
    engineMode: values.taskflow_executor.engine_mode,
    maxWorkers: values.taskflow_executor.max_workers,
    workDir: resolvePath(work_dir),
  }
}
