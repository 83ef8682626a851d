import { ValueError } from './errors.ts'
import { interpolate } from './interpolation.ts'
import { type GroupValues, type Option, type OptionGroup, options, type Values } from './options.ts'
import { parseValue } from './oslo-values.ts'
import { type Findings, findGiven, type Given, type Sources } from './sources.ts'

/** What the rules between options work on. */
export interface Reading {
  readonly sources: Sources
  readonly values: Values
  readonly findings: Findings
  /** Absolute. */
  readonly stateDir: string
}

/** Whether an option is written anywhere, rightly or not. */
export function isGiven({ sources }: Reading, group: string, name: string): boolean {
  return findGiven(sources, group, name) !== undefined
}

/** Adds a problem with the value of an option that was read. */
export function complain({ sources, findings }: Reading, group: string, name: string, allowed: string): void {
  const given = findGiven(sources, group, name) ?? { group, name, text: '(unset)', origin: 'default' }
  findings.problems.push(describeProblem(given, allowed))
}

/** Reads every option of the table; one that is wrong is a problem, and keeps its default so that reading goes on. */
export function readValues(sources: Sources, findings: Findings): Values {
  const groups = Object.entries(options).map(([group, table]) => [group, readGroup(group, table, sources, findings)])
  return Object.fromEntries(groups) as Values
}

/** Reads the options of one group. */
export function readGroup<G extends OptionGroup>(
  group: string,
  table: G,
  sources: Sources,
  findings: Findings,
): GroupValues<G> {
  const values = Object.entries(table).map(([name, option]) => [
    name,
    readOption(group, name, option, sources, findings),
  ])
  return Object.fromEntries(values) as GroupValues<G>
}

function readOption(group: string, name: string, option: Option, sources: Sources, findings: Findings): unknown {
  const given = findOption(group, name, option, sources)
  if (!given) return option.default
  if (given.group !== group || given.name !== name) {
    findings.warnings.push(
      `${given.origin}: [${given.group}] ${given.name} is deprecated; write it as [${group}] ${name}`,
    )
  }
  try {
    const text = interpolate(given.text, given.group, sources, [`${given.group}.${given.name}`])
    return dropNotYet(parseValue(text, option), option, given, findings)
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    findings.problems.push(describeProblem(given, error.message))
    return option.default
  }
}

/** The value as written under the option's name, or under an older one. */
export function findOption(group: string, name: string, option: Option, sources: Sources): Given | undefined {
  const current = findGiven(sources, group, name)
  if (current) return current
  for (const alias of option.aliases ?? []) {
    const [aliasGroup = '', aliasName = ''] = alias.split('.')
    const given = findGiven(sources, aliasGroup, aliasName)
    if (given) return given
  }
  return undefined
}

function dropNotYet(value: unknown, option: Option, given: Given, findings: Findings): unknown {
  if (option.type !== 'list' || !option.notYet || !Array.isArray(value)) return value
  const notYet: readonly string[] = option.notYet
  const dropped = value.filter((item) => notYet.includes(item))
  if (dropped.length > 0) {
    findings.warnings.push(
      `${given.origin}: [${given.group}] ${given.name}: ${dropped.join(', ')} left out, not supported so far; ` +
        `there is ${option.choices?.join(', ')}`,
    )
  }
  return value.filter((item) => !notYet.includes(item))
}

/** One sentence: where, which option, what was given, what is allowed. Passwords in URLs are masked. */
function describeProblem(given: Given, allowed: string): string {
  const shown = given.text.replace(/:\/\/[^/\s]*@/g, '://***@')
  return `${given.origin}: [${given.group}] ${given.name} = ${shown}: ${allowed}`
}
