import { ValueError } from './errors.ts'
import { type Option, type OptionGroup, options } from './options.ts'
import { findGiven, type Sources } from './sources.ts'

/** `$$` and `\$` are a dollar sign; `$name`, `$group.name` and `${group.name}` a reference. */
const pattern = /\$\$|\\\$|\$\{([^}]*)\}|\$([a-z_]\w*(?:\.[a-z_]\w*)*)/gi

/**
 * Puts the values of other options in place of references to them. A bare name is looked up in the group of the text
 * itself, then in DEFAULT, among what is written (known options or not) and the defaults.
 *
 * @example interpolate('$state_dir/log', 'glimpse', sources) // './data/log'
 * @throws ValueError for a name that no option has, a value that is not set, and a circle.
 *
 * Source: reference/glance.md 3.3.
 */
export function interpolate(text: string, group: string, sources: Sources, trail: readonly string[] = []): string {
  return text.replace(pattern, (match, braced: string | undefined, bare: string | undefined) => {
    const reference = braced ?? bare
    return reference === undefined ? '$' : resolve(match, reference, group, sources, trail)
  })
}

function resolve(match: string, name: string, group: string, sources: Sources, trail: readonly string[]): string {
  for (const [inGroup, option] of candidates(name, group)) {
    const id = `${inGroup}.${option}`
    if (trail.includes(id)) throw new ValueError(`must not refer to itself: ${[...trail, id].join(' -> ')}`)
    const given = findGiven(sources, inGroup, option)
    if (given) return interpolate(given.text, inGroup, sources, [...trail, id])
    const known = findKnown(inGroup, option)
    if (known?.default === null) throw new ValueError(`${match} stands for ${id}, which is not set; set it first`)
    if (known) return String(known.default)
  }
  throw new ValueError(`${match} names no option; write $$ for a dollar sign, \${group.option} for one elsewhere`)
}

function findKnown(group: string, name: string): Option | undefined {
  const table: OptionGroup | undefined = Object.hasOwn(options, group)
    ? options[group as keyof typeof options]
    : undefined
  return table && Object.hasOwn(table, name) ? table[name] : undefined
}

function candidates(name: string, group: string): [group: string, option: string][] {
  const dot = name.lastIndexOf('.')
  if (dot >= 0) return [[name.slice(0, dot), name.slice(dot + 1)]]
  return [
    [group, name],
    ['DEFAULT', name],
  ]
}
