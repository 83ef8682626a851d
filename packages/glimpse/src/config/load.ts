import path from 'node:path'
import { assembleConfig } from './assembly.ts'
import type { Config } from './config.ts'
import { ConfigError } from './errors.ts'
import { readValues } from './reading.ts'
import { type Findings, findDefaultFiles, listConfigDirs, readFiles, type Sources } from './sources.ts'
import { readStores } from './store-sections.ts'
import { reportUnknownNames } from './unknown-names.ts'

export interface LoadRequest {
  /** `--config-file`, in order; if empty, the first glance-api.conf of `searchDirs`. */
  readonly files: readonly string[]
  /** `--config-dir`: their `.conf` files come after `files`. */
  readonly dirs?: readonly string[]
  /** Usually `process.env`: `OS_<GROUP>__<OPTION>` rules over the files. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The command line, by `group.option`: rules over all. */
  readonly overrides: Readonly<Record<string, string>>
  /** Short for the override `glimpse.state_dir`. */
  readonly stateDir?: string
  /** Where to look when no file is named; by default ~/.glance, ~, /etc/glance, /etc. */
  readonly searchDirs?: readonly string[]
}

export interface LoadedConfig {
  /** Deeply frozen. */
  readonly config: Config
  /** One sentence each, for the log: what was ignored, left out, or is spelled in an old way. */
  readonly warnings: readonly string[]
}

/**
 * Reads the configuration: defaults, under the files in order, under the environment, under the command line.
 * With nothing given at all the service runs from `./data`, for this machine alone.
 *
 * @throws ConfigError listing everything that is wrong.
 * @example
 * const { config, warnings } = loadConfig({ files: ['glance-api.conf'], env: process.env, overrides: {} })
 *
 * Source: reference/glance.md section 3.
 */
export function loadConfig(request: LoadRequest): LoadedConfig {
  const findings: Findings = { problems: [], warnings: [] }
  const sources = readSources(request, findings)
  const values = readValues(sources, findings)
  const reading = { sources, values, findings, stateDir: path.resolve(values.glimpse.state_dir) }
  const config = assembleConfig(reading, readStores(reading))
  reportUnknownNames(sources, Object.keys(values.DEFAULT.enabled_backends ?? {}), findings)
  if (findings.problems.length > 0) throw new ConfigError(findings.problems)
  return { config: freezeDeep(config), warnings: findings.warnings }
}

function readSources(request: LoadRequest, findings: Findings): Sources {
  const { files, dirs = [], env, overrides, stateDir, searchDirs } = request
  const found = files.length > 0 ? files : findDefaultFiles(searchDirs)
  return {
    ...readFiles([...found, ...listConfigDirs(dirs, findings)], findings),
    env,
    overrides:
      stateDir === undefined ? overrides : { 'glimpse.state_dir': stateDir.replaceAll('$', '$$$$'), ...overrides },
  }
}

function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) freezeDeep(inner)
  return Object.freeze(value)
}
