import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config, StoreConfig } from './config.ts'
import { options, storeOptions } from './options.ts'
import { complain, findOption, isGiven, type Reading, readGroup } from './reading.ts'

const defaultId = 'file'
const reservedPrefix = 'os_glance_'

/**
 * The stores: those of DEFAULT.enabled_backends with the sections that have their names; else, where glance_store says
 * anything about a single store, that one (legacy); else one store in the state folder.
 *
 * Source: reference/glance.md section 4; glance_store's multi-store configuration.
 */
export function readStores(reading: Reading): Config['stores'] {
  const { values, stateDir } = reading
  const enabled = Object.entries(values.DEFAULT.enabled_backends ?? {})
  const legacy = findLegacy(reading)
  if (enabled.length > 0) warnOfLegacy(reading, legacy)
  const multi = enabled.length > 0 || legacy.length === 0
  const backends =
    enabled.length > 0
      ? enabled.filter((entry) => checkBackend(reading, entry)).map(([id]) => readBackend(reading, id))
      : [readSingle(reading)]
  const stores = {
    multi,
    backends,
    default: readDefault(reading, enabled.length > 0 ? enabled.map(([id]) => id) : [defaultId]),
    stagingDir: readStagingDir(reading) ?? path.join(stateDir, 'staging'),
  }
  checkFolders(reading, stores)
  return stores
}

/** The options of glance_store that speak of a single store, as far as they are written. */
function findLegacy({ sources }: Reading) {
  return (['filesystem_store_datadir', 'default_store', 'stores'] as const)
    .map((name) => findOption('glance_store', name, options.glance_store[name], sources))
    .filter((given) => given !== undefined)
}

function warnOfLegacy({ findings }: Reading, legacy: ReturnType<typeof findLegacy>): void {
  for (const { origin, name } of legacy) {
    findings.warnings.push(`${origin}: [glance_store] ${name} is ignored, because enabled_backends is set`)
  }
}

function checkBackend(reading: Reading, [id, type]: [string, string]): boolean {
  const wrong = findWrong(id, type)
  if (wrong !== undefined) complain(reading, 'DEFAULT', 'enabled_backends', wrong)
  return wrong === undefined
}

function findWrong(id: string, type: string): string | undefined {
  if (type !== 'file') return `the store ${id} has the type ${type}; only the type file is supported so far`
  if (id.startsWith(reservedPrefix)) return `${id}: the id of a store must not start with ${reservedPrefix}`
  if (Object.hasOwn(options, id)) return `${id}: the section [${id}] has other options; choose another id for the store`
  if (!/^\w[\w.-]*$/.test(id)) return `"${id}": the id of a store is made of letters, digits, _, - and .`
  return undefined
}

function readBackend({ sources, findings, stateDir }: Reading, id: string): StoreConfig {
  const given = readGroup(id, storeOptions, sources, findings)
  const dir = given.filesystem_store_datadir
  return {
    id,
    type: 'file',
    dir: dir === null ? defaultFolder(stateDir, id) : path.resolve(dir),
    description: given.store_description,
  }
}

/** Whoever writes down the store that runs by default, as `file:file`, keeps its images. */
function defaultFolder(stateDir: string, id: string): string {
  return path.join(stateDir, id === defaultId ? 'images' : `images-${id}`)
}

function readSingle(reading: Reading): StoreConfig {
  const { values, stateDir } = reading
  // An empty list says that every driver named was one that we lack.
  if (values.glance_store.stores.length === 0) complain(reading, 'glance_store', 'stores', 'must name file')
  const dir = values.glance_store.filesystem_store_datadir
  return {
    id: defaultId,
    type: 'file',
    dir: dir === null ? defaultFolder(stateDir, defaultId) : path.resolve(dir),
    description: '',
  }
}

function readDefault(reading: Reading, ids: readonly string[]): string {
  const chosen = reading.values.glance_store.default_backend
  // Stores that could not be read are a problem of their own, and nobody knows which there were meant to be.
  const unread = reading.values.DEFAULT.enabled_backends === null && isGiven(reading, 'DEFAULT', 'enabled_backends')
  if (unread) return chosen ?? defaultId
  if (chosen !== null && !ids.includes(chosen)) {
    complain(reading, 'glance_store', 'default_backend', `must be one of the stores: ${ids.join(', ')}`)
  }
  if (chosen === null && ids.length > 1) {
    const wanted = `[glance_store] default_backend must say which of ${ids.join(', ')} is the default`
    complain(reading, 'DEFAULT', 'enabled_backends', wanted)
  }
  return chosen ?? ids[0] ?? defaultId
}

function readStagingDir(reading: Reading): string | null {
  const { values, findings } = reading
  const dir = values.os_glance_staging_store.filesystem_store_datadir
  const uri = values.DEFAULT.node_staging_uri
  const ofUri = uri === null ? null : readFileUri(reading, uri)
  if (dir === null) return ofUri
  if (ofUri !== null && ofUri !== path.resolve(dir)) {
    findings.warnings.push(`[DEFAULT] node_staging_uri is ignored, because [os_glance_staging_store] says ${dir}`)
  }
  return path.resolve(dir)
}

function readFileUri(reading: Reading, uri: string): string | null {
  try {
    return path.resolve(fileURLToPath(uri))
  } catch {
    complain(reading, 'DEFAULT', 'node_staging_uri', 'must be file:///PATH, with an absolute path')
    return null
  }
}

/** Two stores in one folder would delete each other's images. */
function checkFolders({ findings }: Reading, stores: Config['stores']): void {
  const folders = [...stores.backends, { id: 'the staging area', dir: stores.stagingDir }]
  for (const [at, { id, dir }] of folders.entries()) {
    const other = folders.slice(0, at).find((other) => other.dir === dir)
    if (other) findings.problems.push(`${other.id} and ${id} are both in ${dir}; give each filesystem_store_datadir`)
  }
}
