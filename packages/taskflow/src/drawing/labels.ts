import type { FlowNode, PlainNode } from '../nodes.ts'
import type { AtomState } from '../states.ts'
import type { States } from './drawable.ts'
import type { Line, Place } from './picture.ts'

/** Invisible characters, and halves of characters; but for the two joiners, which scripts and emoji need. */
const invisible = /(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * A text in which every character can be seen, so that no name breaks a line or turns what is written round: control
 * characters become the signs for them, as ␊.
 */
export function legible(text: string): string {
  return text.replaceAll(invisible, (character) => {
    const code = character.charCodeAt(0)
    if (code === 0x7f) return '\u2421'
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\uFFFD'
  })
}

/** The name in quotes. */
function quoted(name: string): string {
  return `'${legible(name.replaceAll(/[\\']/g, String.raw`\$&`))}'`
}

/** The name, in quotes where one could not see where it ends. */
export function worded(name: string): string {
  return /^[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N}_.:/@+-]*[\p{L}\p{M}\p{N}_])?[?!]?$/u.test(name) ? name : quoted(name)
}

/** What a node is called where others speak of it. */
export function calledBy(node: PlainNode): string {
  return node.kind === 'flow' ? `${node.pattern} ${quoted(node.name)}` : worded(node.name)
}

/** A flow's pattern and name, and what it runs for if that is not everything. */
export function titleOf(flow: FlowNode): string {
  const target = flow.target === null ? undefined : flow.children[flow.target]
  return target ? `${calledBy(flow)}, target ${calledBy(target)}` : calledBy(flow)
}

/** A retry is called one. */
export function atomTitle({ kind, name }: { readonly kind: 'task' | 'retry'; readonly name: string }): string {
  return kind === 'retry' ? `retry ${worded(name)}` : worded(name)
}

/** What is said of a subject: the clauses that are not empty. */
export function sentence(subject: string, clauses: readonly string[]): string {
  const said = clauses.filter((text) => text !== '').join('; ')
  return said === '' ? subject : `${subject} ${said}`
}

/** Empty where there is no object. */
export function clause(verb: string, objects: readonly string[]): string {
  return objects.length > 0 ? `${verb} ${objects.join(', ')}` : ''
}

/** What an atom is at, where that is known; one that never runs is at nothing. */
export function stateOf(name: string, { leftOut }: Place, states: States | undefined): AtomState | null {
  return states?.get(name) ?? (states && !leftOut ? 'PENDING' : null)
}

/** What is written at a line, a row each. */
export function notesOf({ symbols, depth }: Pick<Line, 'symbols' | 'depth'>): readonly string[] {
  const notes = symbols.length > 0 ? [symbols.map(worded).join(', ')] : []
  return depth === null ? notes : [...notes, `decider ${depth}`]
}

/** For drawings that people seldom read as text: nesting shows, and the text stays linear in the size of the flow. */
export function indented(depth: number, text: string): string {
  return '  '.repeat(Math.min(depth, 20)) + text
}
