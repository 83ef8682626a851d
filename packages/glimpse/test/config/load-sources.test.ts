import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigFolder } from './folder.ts'

const nothing = { files: [], env: {}, overrides: {} }

const port = (n: number) => `[DEFAULT]\nbind_port = ${n}\n`
const read = (request: object) => loadConfig({ ...nothing, searchDirs: [], ...request }).config.listen.port

test('a later source wins: defaults, files in order, folders, environment, command line', () => {
  using folder = new ConfigFolder()
  const files = [folder.write('a.conf', port(1)), folder.write('b.conf', port(2))]
  folder.write('conf.d/20.conf', port(4))
  folder.write('conf.d/10.conf', port(3))
  folder.write('conf.d/30.conf.bak', port(9))
  const dirs = [folder.path('conf.d')]
  const env = { OS_DEFAULT__BIND_PORT: '5' }
  const overrides = { 'DEFAULT.bind_port': '6' }
  expect(read({})).toBe(9292)
  expect(read({ files: files.slice(0, 1) })).toBe(1)
  expect(read({ files })).toBe(2)
  expect(read({ files, dirs })).toBe(4)
  expect(read({ files, dirs, env })).toBe(5)
  expect(read({ files, dirs, env, overrides })).toBe(6)
})

test('a repeated key keeps its last value', () => {
  using folder = new ConfigFolder()
  expect(folder.load('[DEFAULT]\nbind_port = 1\nbind_port = 2').config.listen.port).toBe(2)
})

test('the environment reaches the sections of stores', () => {
  using folder = new ConfigFolder()
  const env = { OS_DEFAULT__ENABLED_BACKENDS: 'fast:file', OS_FAST__STORE_DESCRIPTION: 'quick' }
  expect(folder.load('', { env }).config.stores.backends[0]).toMatchObject({ id: 'fast', description: 'quick' })
})

test('without a named file reads the first folder with a glance-api.conf, after the import file beside it', () => {
  using folder = new ConfigFolder()
  folder.write('first/glance-image-import.conf', '[glimpse]\ndownload_timeout = 1\n')
  folder.write('second/glance-api.conf', '[DEFAULT]\nbind_port = 2\n[import_filtering_opts]\nallowed_ports = [1]\n')
  folder.write('second/glance-image-import.conf', '[import_filtering_opts]\nallowed_ports = [2]\nallowed_hosts = [a]\n')
  folder.write('third/glance-api.conf', '[DEFAULT]\nbind_port = 3\n')
  const searchDirs = ['none', 'first', 'second', 'third'].map((name) => folder.path(name))
  const { config } = loadConfig({ ...nothing, searchDirs })
  expect(config.listen.port).toBe(2)
  expect(config.import.filter).toMatchObject({ allowedPorts: [1], allowedHosts: ['a'] })
  expect(config.import.totalTimeoutMs).toBe(86_400_000)
})

test('a named file keeps the default ones from being read', () => {
  using folder = new ConfigFolder()
  folder.write('etc/glance-api.conf', '[DEFAULT]\nbind_port = 3\n')
  expect(folder.load('', { searchDirs: [folder.path('etc')] }).config.listen.port).toBe(9292)
})

test('a file or folder that was named must be there, and readable', () => {
  using folder = new ConfigFolder()
  const request = { files: [folder.path('none.conf'), folder.dir], dirs: [folder.path('none.d')] }
  expect(folder.problems('', request).toSorted()).toEqual([
    `the configuration file ${folder.dir} cannot be read: EISDIR`,
    'the configuration file none.conf does not exist',
    'the configuration folder none.d does not exist',
  ])
})

test('the state folder holds the database, the images and the staging area', () => {
  using folder = new ConfigFolder()
  const { config } = folder.load('[glimpse]\nstate_dir = /elsewhere')
  expect(config.stateDir).toBe(folder.path('state'))
  expect(config.database.file).toBe(folder.path('state/glimpse.sqlite'))
  expect(config.stores).toMatchObject({
    backends: [{ dir: folder.path('state/images') }],
    stagingDir: folder.path('state/staging'),
  })
  expect(folder.load('', { stateDir: '/a$b' }).config.stateDir).toBe('/a$b')
})

test.each<[what: string, text: string, dir: string]>([
  ['a bare name', '[DEFAULT]\nlog_file = /log/$bind_host', '/log/127.0.0.1'],
  [
    'a bare name of an option that only the file has',
    '[DEFAULT]\nstate_path = /s\nlog_file = $state_path/log',
    '/s/log',
  ],
  ['a name in braces', '[DEFAULT]\nlog_file = /log/${bind_port}x', '/log/9292x'],
  ['a name with its group', '[DEFAULT]\nlog_file = ${task.work_dir}/log\n[task]\nwork_dir = /w', '/w/log'],
  [
    'a name with its group, without braces',
    '[DEFAULT]\nlog_file = $task.work_dir/log\n[task]\nwork_dir = /w',
    '/w/log',
  ],
  ['references in what is referred to', '[DEFAULT]\na = /a\nb = $a/b\nlog_file = $b/c', '/a/b/c'],
  ['dollar signs', '[DEFAULT]\nlog_file = /a$$b\\$c$', '/a$b$c$'],
  ['a name that the command line gave', '[DEFAULT]\nlog_file = ${glimpse.download_timeout}/x', `7/x`],
])('puts in values: %s', (_what, text, file) => {
  using folder = new ConfigFolder()
  const { config } = folder.load(text, { overrides: { 'glimpse.download_timeout': '7' } })
  expect(config.log.file?.endsWith(file)).toBe(true)
})

test('looks a bare name up in its own group before DEFAULT', () => {
  using folder = new ConfigFolder()
  const text = '[DEFAULT]\nroot = /default\n[task]\nroot = /task\nwork_dir = $root/w\n[glimpse]\nstate_dir = $root/s'
  const { config } = loadConfig({ ...nothing, files: [folder.write('a.conf', text)] })
  expect(config.tasks.workDir).toBe('/task/w')
  expect(config.stateDir).toBe('/default/s')
})

test.each<[value: string, allowed: string]>([
  ['$nothing/x', '$nothing names no option; write $$ for a dollar sign, ${group.option} for one elsewhere'],
  ['${constructor}', '${constructor} names no option; write $$ for a dollar sign, ${group.option} for one elsewhere'],
  ['${task.nothing}', '${task.nothing} names no option; write $$ for a dollar sign, ${group.option} for one elsewhere'],
  ['${task.work_dir}', '${task.work_dir} stands for task.work_dir, which is not set; set it first'],
  ['$log_file', 'must not refer to itself: DEFAULT.log_file -> DEFAULT.log_file'],
  ['$one', 'must not refer to itself: DEFAULT.log_file -> DEFAULT.one -> DEFAULT.two -> DEFAULT.one'],
])('refuses the reference %s', (value, allowed) => {
  using folder = new ConfigFolder()
  expect(folder.problems(`[DEFAULT]\none = $two\ntwo = $one\nlog_file = ${value}`)).toEqual([
    `glance-api.conf:4: [DEFAULT] log_file = ${value}: ${allowed}`,
  ])
})

test.each<[text: string, warning: string]>([
  [
    '[DEFAULT]\nbind_prot = 1',
    '[DEFAULT] bind_prot is no option that is known (did you mean [DEFAULT] bind_port?), so it is ignored',
  ],
  [
    '[DEFAULT]\ntask_pool_threads = 1',
    '[DEFAULT] task_pool_threads is no option that is known (did you mean [wsgi] task_pool_threads?), so it is ignored',
  ],
  [
    '[DEFAULT]\nworker_self_reference_url = x',
    '[DEFAULT] worker_self_reference_url is no option that is known, so it is ignored',
  ],
  [
    '[DEFAULT]\nBind_Port = 1',
    '[DEFAULT] Bind_Port is no option that is known (did you mean [DEFAULT] bind_port?), so it is ignored',
  ],
  [
    '#\n[databse]\nconnection = x\nother = y',
    '[databse] is no section that is known (did you mean [database]?), so it is ignored',
  ],
  [
    '#\n[keystone_authtoken]\na = 1\n[keystone_authtoken]',
    '[keystone_authtoken] is no section that is known, so it is ignored',
  ],
  ['[DEFAULT]\nxyz = 1\nxyz = 2', '[DEFAULT] xyz is no option that is known, so it is ignored'],
])('warns once of the unknown name in %j', (text, warning) => {
  using folder = new ConfigFolder()
  expect(folder.warnings(text)).toEqual([`glance-api.conf:2: ${warning}`])
})

test('warns of a variable that names no option of ours, and of no other', () => {
  using folder = new ConfigFolder()
  const env = { OS_AUTH_URL: 'x', OS_CINDER__PORT: '1', OS_GLIMPSE__STATE_DIRR: '/x', HOME: '/' }
  expect(folder.warnings('', { env })).toEqual([
    'environment OS_GLIMPSE__STATE_DIRR: [glimpse] state_dirr is no option that is known ' +
      '(did you mean [glimpse] state_dir?), so it is ignored',
  ])
})

test.each(['DEFAULT.bind_prot', 'bind_port', 'nothing.at_all'])(
  'refuses the unknown command line option %s',
  (name) => {
    using folder = new ConfigFolder()
    const problems = folder.problems('', { overrides: { [name]: '1' } })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^command line: \[.*\] \w+ is no option that is known/)
  },
)

test.each<[text: string, current: string]>([
  ['[DEFAULT]\ndisk_formats = raw', '[image_format] disk_formats'],
  ['[DEFAULT]\ncontainer_formats = bare', '[image_format] container_formats'],
  ['[DEFAULT]\ntask_time_to_live = 3', '[task] task_time_to_live'],
  ['[DEFAULT]\ntask_executor = plain', '[task] task_executor'],
  ['[DEFAULT]\nwork_dir = /w', '[task] work_dir'],
  ['[task]\neventlet_executor_pool_size = 3', '[taskflow_executor] max_workers'],
])('takes the older name in %j, with a warning', (text, current) => {
  using folder = new ConfigFolder()
  const old = text.replace(/\n(\w+).*/, ' $1')
  expect(folder.warnings(text)).toEqual([`glance-api.conf:2: ${old} is deprecated; write it as ${current}`])
  expect(folder.load(text).config).not.toEqual(folder.load('').config)
})

test('the current name wins over an older one', () => {
  using folder = new ConfigFolder()
  const text = '[image_format]\ndisk_formats = raw\n[DEFAULT]\ndisk_formats = iso'
  expect(folder.load(text).config.formats.disk).toEqual(['raw'])
})

test('leaves out the import methods that are not here yet, with a warning', () => {
  using folder = new ConfigFolder()
  const text = '[DEFAULT]\nenabled_import_methods = [copy-image,web-download,glance-download]'
  expect(folder.load(text).config.import.methods).toEqual(['web-download'])
  expect(folder.warnings(text)).toEqual([
    'glance-api.conf:2: [DEFAULT] enabled_import_methods: copy-image, glance-download left out, ' +
      'not supported so far; there is glance-direct, web-download',
  ])
})
