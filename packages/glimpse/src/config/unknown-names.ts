import { findNearest } from './nearest.ts'
import { type OptionGroup, options, storeOptions } from './options.ts'
import { envName, type Findings, type Sources } from './sources.ts'

/** The names that may be written, by group: options, older names of options, and the stores' sections. */
type KnownNames = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Names that no option has: in a file or in the environment one warning each, because deployers share them with other
 * programs; on the command line, which is written for us alone, a problem.
 */
export function reportUnknownNames(sources: Sources, storeIds: readonly string[], findings: Findings): void {
  const known = collectNames(storeIds)
  const seen = new Set<string>()
  const warnOnce = (key: string, warning: string) => {
    if (!seen.has(key)) findings.warnings.push(warning)
    seen.add(key)
  }
  for (const { name, file, line } of sources.sections) {
    if (!known.has(name)) warnOnce(`[${name}]`, `${file}:${line}: ${describeSection(name, known)}, so it is ignored`)
  }
  for (const { group, name, file, line } of sources.entries) {
    if (!known.has(group) || known.get(group)?.has(name)) continue
    warnOnce(`${group}.${name}`, `${file}:${line}: ${describeOption(group, name, known)}, so it is ignored`)
  }
  for (const option of Object.keys(sources.overrides)) {
    const dot = option.lastIndexOf('.')
    const [group, name] = [option.slice(0, Math.max(dot, 0)), option.slice(dot + 1)]
    if (!known.get(group)?.has(name)) findings.problems.push(`command line: ${describeOption(group, name, known)}`)
  }
  reportUnknownEnv(sources, known, findings)
}

/** Only of groups that we have: `OS_AUTH_URL` and the like are other programs' business. */
function reportUnknownEnv(sources: Sources, known: KnownNames, findings: Findings): void {
  for (const [group, names] of known) {
    const prefix = envName(group, '')
    for (const variable of Object.keys(sources.env)) {
      if (!variable.startsWith(prefix) || [...names].some((name) => envName(group, name) === variable)) continue
      const name = variable.slice(prefix.length).toLowerCase()
      findings.warnings.push(`environment ${variable}: ${describeOption(group, name, known)}, so it is ignored`)
    }
  }
}

function collectNames(storeIds: readonly string[]): KnownNames {
  const known = new Map<string, Set<string>>()
  const add = (group: string, name: string) => known.set(group, (known.get(group) ?? new Set()).add(name))
  for (const [group, table] of Object.entries<OptionGroup>(options)) {
    for (const [name, option] of Object.entries(table)) {
      add(group, name)
      for (const alias of option.aliases ?? [])
        add(alias.slice(0, alias.indexOf('.')), alias.slice(alias.indexOf('.') + 1))
    }
  }
  for (const id of storeIds) for (const name of Object.keys(storeOptions)) add(id, name)
  return known
}

function describeSection(name: string, known: KnownNames): string {
  const near = findNearest(name, [...known.keys()])
  return `[${name}] is no section that is known${near === undefined ? '' : ` (did you mean [${near}]?)`}`
}

function describeOption(group: string, name: string, known: KnownNames): string {
  const names = known.get(group)
  const elsewhere = [...known].find(([, others]) => others.has(name))?.[0]
  const near = findNearest(name, [...(names ?? [])])
  const hint = elsewhere === undefined ? near && `[${group}] ${near}` : `[${elsewhere}] ${name}`
  return `[${group}] ${name} is no option that is known${hint === undefined ? '' : ` (did you mean ${hint}?)`}`
}
