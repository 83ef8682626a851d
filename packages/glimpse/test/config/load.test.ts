import path from 'node:path'
import { expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { ConfigError } from '../../src/config/errors.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigFolder } from './folder.ts'

test('runs with no file at all', () => {
  using folder = new ConfigFolder()
  const { config, warnings } = loadConfig({ files: [], env: {}, overrides: {}, searchDirs: [folder.dir] })
  const state = path.resolve('data')
  expect(warnings).toEqual([])
  expect(config).toEqual({
    listen: { host: '127.0.0.1', port: 9292, publicEndpoint: null, allowUnauthenticatedRemote: false },
    database: { file: `${state}/glimpse.sqlite` },
    stores: {
      multi: true,
      default: 'file',
      backends: [{ id: 'file', type: 'file', dir: `${state}/images`, description: '' }],
      stagingDir: `${state}/staging`,
    },
    import: {
      methods: ['glance-direct', 'web-download'],
      filter: {
        allowedSchemes: ['http', 'https'],
        disallowedSchemes: [],
        allowedHosts: [],
        disallowedHosts: [],
        allowedPorts: [80, 443],
        disallowedPorts: [],
      },
      idleTimeoutMs: 60_000,
      totalTimeoutMs: 86_400_000,
      attempts: 3,
      retryWaitMs: 2_000,
      longestRetryWaitMs: 60_000,
    },
    limits: {
      imageSizeCap: 1_099_511_627_776,
      propertyQuota: 128,
      tagQuota: 128,
      pageDefault: 25,
      pageMax: 1000,
      requestIdLength: 64,
    },
    formats: {
      disk: ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'],
      container: ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'],
    },
    hashingAlgorithm: 'sha512',
    tasks: {
      executor: 'taskflow',
      ttlHours: 48,
      concurrency: 16,
      engineMode: 'parallel',
      maxWorkers: 10,
      workDir: null,
    },
    sweepIntervalMs: 300_000,
    log: { debug: false, file: null },
    stateDir: state,
  })
})

test('nothing of the configuration can be changed', () => {
  using folder = new ConfigFolder()
  const { config } = folder.load('')
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen))
  expect(frozen(config)).toBe(true)
})

test.each<[text: string, read: (config: Config) => unknown, value: unknown]>([
  ['[DEFAULT]\nbind_host = ::1', (c) => c.listen.host, '::1'],
  ['[DEFAULT]\nbind_host = [::1]', (c) => c.listen.host, '::1'],
  ['[DEFAULT]\nbind_host = localhost', (c) => c.listen.host, 'localhost'],
  ['[DEFAULT]\nbind_host = 127.8.0.1', (c) => c.listen.host, '127.8.0.1'],
  ['[DEFAULT]\nbind_host = 0.0.0.0\nallow_unauthenticated_remote = true', (c) => c.listen.host, '0.0.0.0'],
  ['[DEFAULT]\nbind_port = 0', (c) => c.listen.port, 0],
  [
    '[DEFAULT]\npublic_endpoint = https://images.example.org/',
    (c) => c.listen.publicEndpoint,
    'https://images.example.org',
  ],
  ['[DEFAULT]\npublic_endpoint =', (c) => c.listen.publicEndpoint, null],
  ['[DEFAULT]\nenabled_import_methods = [web-download]', (c) => c.import.methods, ['web-download']],
  ['[DEFAULT]\nenabled_import_methods = []', (c) => c.import.methods, []],
  ['[DEFAULT]\nimage_size_cap = 5', (c) => c.limits.imageSizeCap, 5],
  ['[DEFAULT]\nhashing_algorithm = sha256', (c) => c.hashingAlgorithm, 'sha256'],
  ['[DEFAULT]\nimage_property_quota = -1', (c) => c.limits.propertyQuota, -1],
  ['[DEFAULT]\nimage_tag_quota = 0', (c) => c.limits.tagQuota, 0],
  ['[DEFAULT]\nlimit_param_default = 50', (c) => c.limits.pageDefault, 50],
  ['[DEFAULT]\napi_limit_max = 10', (c) => [c.limits.pageDefault, c.limits.pageMax], [10, 10]],
  ['[DEFAULT]\nmax_request_id_length = 32', (c) => c.limits.requestIdLength, 32],
  [
    '[DEFAULT]\ndebug = on\nlog_file = /var/log/glimpse.log',
    (c) => c.log,
    { debug: true, file: '/var/log/glimpse.log' },
  ],
  ['[database]\nconnection = sqlite:////var/lib/glimpse.db', (c) => c.database.file, '/var/lib/glimpse.db'],
  ['[database]\nconnection = sqlite:///glimpse.db', (c) => c.database.file, path.resolve('glimpse.db')],
  ['[database]\nconnection = sqlite+pysqlite:////glimpse.db', (c) => c.database.file, '/glimpse.db'],
  ['[task]\ntask_time_to_live = 2', (c) => c.tasks.ttlHours, 2],
  ['[task]\ntask_executor = plain', (c) => c.tasks.executor, 'plain'],
  ['[task]\ntask_executor = eventlet', (c) => c.tasks.executor, 'plain'],
  ['[task]\nwork_dir = /scratch', (c) => c.tasks.workDir, '/scratch'],
  [
    '[taskflow_executor]\nengine_mode = serial\nmax_workers = 1',
    (c) => [c.tasks.engineMode, c.tasks.maxWorkers],
    ['serial', 1],
  ],
  ['[wsgi]\ntask_pool_threads = 4', (c) => c.tasks.concurrency, 4],
  ['[image_format]\ndisk_formats = raw, qcow2', (c) => c.formats.disk, ['raw', 'qcow2']],
  ['[image_format]\ncontainer_formats = bare', (c) => c.formats.container, ['bare']],
  [
    '[import_filtering_opts]\nallowed_hosts = [a.example,10.0.0.1]',
    (c) => c.import.filter.allowedHosts,
    ['a.example', '10.0.0.1'],
  ],
  [
    '[import_filtering_opts]\nallowed_ports = []\ndisallowed_ports = [22]',
    (c) => [c.import.filter.allowedPorts, c.import.filter.disallowedPorts],
    [[], [22]],
  ],
  ['[import_filtering_opts]\nallowed_schemes = [https]', (c) => c.import.filter.allowedSchemes, ['https']],
  [
    '[import_filtering_opts]\ndisallowed_schemes = [http]\ndisallowed_hosts = [b]',
    (c) => [c.import.filter.disallowedSchemes, c.import.filter.disallowedHosts],
    [['http'], ['b']],
  ],
  [
    '[glimpse]\ndownload_idle_timeout = 5\ndownload_timeout = 0',
    (c) => [c.import.idleTimeoutMs, c.import.totalTimeoutMs],
    [5000, 0],
  ],
  [
    '[DEFAULT]\nhttp_retries = 5\n[glimpse]\ndownload_retry_wait = 1\ndownload_retry_wait_max = 30',
    (c) => [c.import.attempts, c.import.retryWaitMs, c.import.longestRetryWaitMs],
    [5, 1000, 30_000],
  ],
  ['[glimpse]\nsweep_interval = 0', (c) => c.sweepIntervalMs, 0],
  ['[DEFAULT]\nhttp_retries = 0', (c) => c.import.attempts, 1],
])('reads %j', (text, read, value) => {
  using folder = new ConfigFolder()
  const { config, warnings } = folder.load(text)
  expect(read(config)).toEqual(value)
  expect(warnings).toEqual([])
})

const sqliteForm = 'write a file as sqlite:///RELATIVE or sqlite:////ABSOLUTE'

test.each<[text: string, problem: string]>([
  [
    '[DEFAULT]\n\nbind_port = 99999',
    'glance-api.conf:3: [DEFAULT] bind_port = 99999: must be an integer from 0 to 65535',
  ],
  ['[DEFAULT]\nbind_host =', 'glance-api.conf:2: [DEFAULT] bind_host = : must not be empty'],
  [
    '[DEFAULT]\npublic_endpoint = images',
    'glance-api.conf:2: [DEFAULT] public_endpoint = images: must be a URL, such as https://images.example.org',
  ],
  [
    '[DEFAULT]\nenabled_import_methods = web-download',
    'glance-api.conf:2: [DEFAULT] enabled_import_methods = web-download: must be a list in brackets, such as [a,b]',
  ],
  [
    '[DEFAULT]\nenabled_import_methods = [ftp]',
    'glance-api.conf:2: [DEFAULT] enabled_import_methods = [ftp]: must be one of glance-direct, web-download, copy-image, glance-download',
  ],
  [
    '[DEFAULT]\nimage_size_cap = 9223372036854775808',
    'glance-api.conf:2: [DEFAULT] image_size_cap = 9223372036854775808: must be an integer from 1 to 9007199254740991',
  ],
  [
    '[DEFAULT]\ndebug = maybe',
    'glance-api.conf:2: [DEFAULT] debug = maybe: must be one of true, 1, yes, on, false, 0, no, off',
  ],
  [
    '[database]\nconnection = mysql+pymysql://glance:secret@db/glance',
    `glance-api.conf:2: [database] connection = mysql+pymysql://***@db/glance: only sqlite is supported so far; ${sqliteForm}`,
  ],
  ['[database]\nconnection = sqlite://', `glance-api.conf:2: [database] connection = sqlite://: ${sqliteForm}`],
  [
    '[database]\nconnection = sqlite:///:memory:',
    `glance-api.conf:2: [database] connection = sqlite:///:memory:: ${sqliteForm}`,
  ],
  [
    '[task]\ntask_executor = celery',
    'glance-api.conf:2: [task] task_executor = celery: must be one of taskflow, plain, eventlet',
  ],
  [
    '[taskflow_executor]\nengine_mode = workers',
    'glance-api.conf:2: [taskflow_executor] engine_mode = workers: must be one of serial, parallel; workers is not supported so far',
  ],
  [
    '[taskflow_executor]\nmax_workers = 0',
    'glance-api.conf:2: [taskflow_executor] max_workers = 0: must be an integer from 1 to 65535',
  ],
  [
    '[import_filtering_opts]\nallowed_ports = [0]',
    'glance-api.conf:2: [import_filtering_opts] allowed_ports = [0]: must be an integer from 1 to 65535',
  ],
])('refuses %j', (text, problem) => {
  using folder = new ConfigFolder()
  expect(folder.problems(text)).toEqual([problem])
})

test('refuses a hash that node does not have, and names those it has', () => {
  using folder = new ConfigFolder()
  const [problem, ...others] = folder.problems('[DEFAULT]\nhashing_algorithm = sha999')
  expect(problem).toMatch(/^glance-api\.conf:2: \[DEFAULT\] hashing_algorithm = sha999: must be one of .*sha512,/)
  expect(others).toEqual([])
})

test.each(['0.0.0.0', '::', '192.0.2.1', 'images.example.org'])('refuses to serve %s without a login', (host) => {
  using folder = new ConfigFolder()
  expect(folder.problems(`[DEFAULT]\nbind_host = ${host}`)).toEqual([
    `glance-api.conf:2: [DEFAULT] bind_host = ${host}: nobody has to log in, so only this machine is served: ` +
      '127.0.0.1, ::1 or localhost, or set [DEFAULT] allow_unauthenticated_remote = true',
  ])
})

test('lists everything that is wrong, in one error', () => {
  using folder = new ConfigFolder()
  const text = 'stray\n[DEFAULT]\nbind_port = x\ndebug = y\n[task]\ntask_time_to_live = -5'
  expect(folder.problems(text, { overrides: { 'wsgi.task_pool_threads': '0' } })).toEqual([
    'glance-api.conf:1: cannot read "stray": write key = value, [section], or # comment',
    'glance-api.conf:3: [DEFAULT] bind_port = x: must be an integer from 0 to 65535',
    'glance-api.conf:4: [DEFAULT] debug = y: must be one of true, 1, yes, on, false, 0, no, off',
    'glance-api.conf:6: [task] task_time_to_live = -5: must be an integer from 0 to 2147483647',
    'command line: [wsgi] task_pool_threads = 0: must be an integer from 1 to 65535',
  ])
  expect(() => folder.load(text)).toThrow(ConfigError)
  expect(() => folder.load(text)).toThrow(/^the configuration is wrong:\n {2}.*:1: cannot read "stray"/)
})
