import { expect, test } from 'vitest'
import { ConfigFolder } from './folder.ts'

const two = '[DEFAULT]\nenabled_backends = fast:file, slow:file\n[glance_store]\ndefault_backend = slow\n'

test('reads each store from the section that has its id', () => {
  using folder = new ConfigFolder()
  const sections = '[fast]\nfilesystem_store_datadir = /fast\nstore_description = quick, "small"\n[slow]\n'
  const { config, warnings } = folder.load(two + sections)
  expect(warnings).toEqual([])
  expect(config.stores).toEqual({
    multi: true,
    default: 'slow',
    backends: [
      { id: 'fast', type: 'file', dir: '/fast', description: 'quick, "small"' },
      { id: 'slow', type: 'file', dir: folder.path('state/images-slow'), description: '' },
    ],
    stagingDir: folder.path('state/staging'),
  })
})

test('a single store is its own default, and one called file stays where it was without a file', () => {
  using folder = new ConfigFolder()
  const { stores } = folder.load('[DEFAULT]\nenabled_backends = file:file').config
  expect(stores).toEqual(folder.load('').config.stores)
})

test.each([
  ['filesystem_store_datadir', '/images', '/images'],
  ['stores', 'file', 'state/images'],
  ['default_store', 'file', 'state/images'],
])('[glance_store] %s alone means the legacy single store', (name, value, dir) => {
  using folder = new ConfigFolder()
  const { config, warnings } = folder.load(`[glance_store]\n${name} = ${value}`)
  expect(warnings).toEqual([])
  expect(config.stores).toMatchObject({ multi: false, default: 'file', backends: [{ id: 'file', type: 'file' }] })
  expect(config.stores.backends[0]?.dir).toBe(dir.startsWith('/') ? dir : folder.path(dir))
})

test('the legacy drivers that are not here yet are left out with a warning', () => {
  using folder = new ConfigFolder()
  expect(folder.warnings('[glance_store]\nstores = file,http')).toEqual([
    'glance-api.conf:2: [glance_store] stores: http left out, not supported so far; there is file',
  ])
})

test('with enabled_backends the legacy options are ignored with a warning', () => {
  using folder = new ConfigFolder()
  const text = `${two}filesystem_store_datadir = /images\n`
  expect(folder.load(text).config.stores.multi).toBe(true)
  expect(folder.warnings(text)).toEqual([
    'glance-api.conf:5: [glance_store] filesystem_store_datadir is ignored, because enabled_backends is set',
  ])
})

test('a section of a store that is not enabled is unknown', () => {
  using folder = new ConfigFolder()
  expect(folder.warnings(`${two}[slwo]\n`)).toEqual([
    'glance-api.conf:5: [slwo] is no section that is known, so it is ignored',
  ])
  expect(folder.warnings(`${two}[slow]\nstore_descripton = x\n`)).toEqual([
    'glance-api.conf:6: [slow] store_descripton is no option that is known ' +
      '(did you mean [slow] store_description?), so it is ignored',
  ])
})

test.each<[text: string, dir: string]>([
  ['[os_glance_staging_store]\nfilesystem_store_datadir = /staging', '/staging'],
  ['[DEFAULT]\nnode_staging_uri = file:///my%20staging/', '/my staging'],
  ['[os_glance_staging_store]\nfilesystem_store_datadir = /a/\n[DEFAULT]\nnode_staging_uri = file:///a', '/a'],
])('puts the staging area where %j says', (text, dir) => {
  using folder = new ConfigFolder()
  const { config, warnings } = folder.load(text)
  expect(config.stores.stagingDir.replace(/\/$/, '')).toBe(dir)
  expect(warnings).toEqual([])
})

test('the section of the staging store wins over node_staging_uri, with a warning', () => {
  using folder = new ConfigFolder()
  const text = '[os_glance_staging_store]\nfilesystem_store_datadir = /a\n[DEFAULT]\nnode_staging_uri = file:///b'
  expect(folder.load(text).config.stores.stagingDir).toBe('/a')
  expect(folder.warnings(text)).toEqual([
    '[DEFAULT] node_staging_uri is ignored, because [os_glance_staging_store] says /a',
  ])
})

const backends = (value: string, allowed: string): [string, string[]] => [
  `[DEFAULT]\nenabled_backends = ${value}`,
  [`glance-api.conf:2: [DEFAULT] enabled_backends = ${value}: ${allowed}`],
]

test.each<[text: string, problems: string[]]>([
  backends('a:rbd', 'the store a has the type rbd; only the type file is supported so far'),
  backends('os_glance_x:file', 'os_glance_x: the id of a store must not start with os_glance_'),
  backends('task:file', 'task: the section [task] has other options; choose another id for the store'),
  backends('../x:file', '"../x": the id of a store is made of letters, digits, _, - and .'),
  backends('a:file,b:file', '[glance_store] default_backend must say which of a, b is the default'),
  backends('fast', 'must be pairs such as a:b,c:d; "fast" is none'),
  [
    '[glance_store]\ndefault_backend = fast\n[DEFAULT]\nenabled_backends = a:file',
    ['glance-api.conf:2: [glance_store] default_backend = fast: must be one of the stores: a'],
  ],
  [
    '[glance_store]\ndefault_backend = fast\n[DEFAULT]\nenabled_backends = fast:rbd,b:file',
    [
      'glance-api.conf:4: [DEFAULT] enabled_backends = fast:rbd,b:file: ' +
        'the store fast has the type rbd; only the type file is supported so far',
    ],
  ],
  [
    '[glance_store]\ndefault_backend = fast\n[DEFAULT]\nenabled_backends = fast',
    ['glance-api.conf:4: [DEFAULT] enabled_backends = fast: must be pairs such as a:b,c:d; "fast" is none'],
  ],
  [
    '[glance_store]\ndefault_backend = fast',
    ['glance-api.conf:2: [glance_store] default_backend = fast: must be one of the stores: file'],
  ],
  ['[glance_store]\nstores = rbd', ['glance-api.conf:2: [glance_store] stores = rbd: must name file']],
  [
    '[glance_store]\ndefault_store = rbd',
    ['glance-api.conf:2: [glance_store] default_store = rbd: must be one of file; rbd is not supported so far'],
  ],
  [
    '[DEFAULT]\nnode_staging_uri = http://x',
    ['glance-api.conf:2: [DEFAULT] node_staging_uri = http://x: must be file:///PATH, with an absolute path'],
  ],
  [
    `${two}[fast]\nfilesystem_store_datadir = /a\n[slow]\nfilesystem_store_datadir = /a/\n`,
    ['fast and slow are both in /a; give each filesystem_store_datadir'],
  ],
  [
    '[glance_store]\nfilesystem_store_datadir = /a\n[os_glance_staging_store]\nfilesystem_store_datadir = /a',
    ['file and the staging area are both in /a; give each filesystem_store_datadir'],
  ],
])('refuses %j', (text, problems) => {
  using folder = new ConfigFolder()
  expect(folder.problems(text)).toEqual(problems)
})
