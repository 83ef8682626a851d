import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { type IniEntry, type IniSection, parseIni } from './oslo-ini.ts'

/** What was found while reading, for whoever runs the service. */
export interface Findings {
  readonly problems: string[]
  readonly warnings: string[]
}

/** A value as it was written, and where: `FILE:LINE`, an environment variable, or the command line. */
export interface Given {
  readonly group: string
  readonly name: string
  readonly text: string
  readonly origin: string
}

/** Everything that was written down, in all the places. */
export interface Sources {
  readonly sections: readonly IniSection[]
  readonly entries: readonly IniEntry[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** By `group.option`: the command line. */
  readonly overrides: Readonly<Record<string, string>>
}

const mainFile = 'glance-api.conf'
const importFile = 'glance-image-import.conf'

/**
 * The files that are read when none is named: glance-api.conf of the first folder that has one, after the
 * glance-image-import.conf beside it, if any. Without a folder given: ~/.glance, ~, /etc/glance, /etc.
 */
export function findDefaultFiles(folders: readonly string[] = defaultFolders()): string[] {
  for (const folder of folders) {
    const names = listFolder(folder)
    if (names.includes(mainFile)) {
      return [importFile, mainFile].filter((name) => names.includes(name)).map((name) => path.join(folder, name))
    }
  }
  return []
}

function defaultFolders(): string[] {
  return [path.join(homedir(), '.glance'), homedir(), '/etc/glance', '/etc']
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // A folder that is not there, or not ours to read, has no configuration for us.
    return []
  }
}

/** The `.conf` files of folders that were named (`--config-dir`), each folder's by name. */
export function listConfigDirs(dirs: readonly string[], findings: Findings): string[] {
  return dirs.flatMap((dir) => {
    try {
      const names = readdirSync(dir).filter((name) => name.endsWith('.conf'))
      return names.toSorted().map((name) => path.join(dir, name))
    } catch (error) {
      findings.problems.push(`the configuration folder ${dir} ${causeOf(error)}`)
      return []
    }
  })
}

/** Reads files, in order; one that cannot be read is a problem. */
export function readFiles(files: readonly string[], findings: Findings): Pick<Sources, 'sections' | 'entries'> {
  const parsed = files.flatMap((file) => {
    try {
      return [parseIni(readFileSync(file, 'utf8'), file)]
    } catch (error) {
      findings.problems.push(`the configuration file ${file} ${causeOf(error)}`)
      return []
    }
  })
  findings.problems.push(...parsed.flatMap((file) => file.problems))
  return { sections: parsed.flatMap((file) => file.sections), entries: parsed.flatMap((file) => file.entries) }
}

function causeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  return code === 'ENOENT' ? 'does not exist' : `cannot be read: ${code}`
}

/** The name of an option in the environment: `OS_GLANCE_STORE__DEFAULT_BACKEND`. */
export function envName(group: string, name: string): string {
  return `OS_${group}__${name}`.toUpperCase()
}

/** What rules for one name: the command line, else the environment, else the last that the files say. */
export function findGiven(sources: Sources, group: string, name: string): Given | undefined {
  const option = `${group}.${name}`
  const override = sources.overrides[option]
  if (override !== undefined) return { group, name, text: override, origin: 'command line' }
  const variable = envName(group, name)
  const text = sources.env[variable]
  if (text !== undefined) return { group, name, text, origin: `environment ${variable}` }
  const entry = sources.entries.findLast((entry) => entry.group === group && entry.name === name)
  return entry && { group, name, text: entry.text, origin: `${entry.file}:${entry.line}` }
}
