import type { AtomNode, FlowNode, RetryNode } from '../nodes.ts'
import { type Colors, leftOutColors, stateColors } from './colors.ts'
import { type Drawable, rootOf, type States } from './drawable.ts'
import { indented, legible, notesOf, stateOf, titleOf } from './labels.ts'
import { type Line, type Place, pictureOf, type Step } from './picture.ts'

/**
 * Draws a flow as a Mermaid flowchart, which GitHub shows where it stands in a block of `mermaid`: flows are boxes around
 * what is in them, retries hexagons, and arrows say what runs before what, with the symbols that flow along them. An arrow
 * with a decider is dotted and says how deep a no of it goes. The target of a graph has a thick border, and what it leaves
 * out a dashed one. GitHub shows at most 500 arrows and 50,000 characters.
 *
 * Source: https://mermaid.js.org/syntax/flowchart.html
 *
 * @param states of a run, by atom: each atom then has the colour and the name of what it is at. See {@link statesOf}.
 * @example
 * const work = task({ name: 'work', execute: () => 1 })
 * const chart = drawMermaid(linear('f', [atom(work, { name: 'a' }), atom(work, { name: 'b' })]))
 * console.log(chart.split('\n').at(-1)?.trim()) // n1 --> n2
 */
export function drawMermaid(flow: Drawable, states?: States): string {
  const { steps, lines } = pictureOf(rootOf(flow))
  return [
    'flowchart TD',
    ...steps.flatMap((step) => wordsOf(step, states)),
    ...lines.map(arrow),
    ...classLines(membersOf(steps, states)),
  ].join('\n')
}

function wordsOf(step: Step, states: States | undefined): readonly string[] {
  if (step.kind === 'end') return [indented(step.depth + 1, 'end')]
  if (step.kind === 'atom') return [box(step.node, step.place, states)]
  if (step.kind === 'flow') return subgraph(step.node, step.place)
  return [indented(step.depth + 1, `n${step.id}["(empty)"]`)]
}

/** Mermaid turns the direction at each level, unless it is told not to, and has room for a title of one row only. */
function subgraph(flow: FlowNode, { id, depth, leftOut }: Place): readonly string[] {
  const title = `${escaped(titleOf(flow))}${leftOut ? ' (left out)' : ''}`
  return [indented(depth + 1, `subgraph n${id}["${title}"]`), indented(depth + 2, 'direction TB')]
}

function box(atom: AtomNode | RetryNode, place: Place, states: States | undefined): string {
  const state = stateOf(atom.name, place, states)
  const rows = [escaped(atom.name), ...(state ? [state] : []), ...(place.leftOut ? ['(left out)'] : [])]
  const label = `"${rows.join('<br>')}"`
  return indented(place.depth + 1, `n${place.id}${atom.kind === 'retry' ? `{{${label}}}` : `(${label})`}`)
}

function arrow({ from, to, symbols, depth }: Line): string {
  const notes = notesOf({ symbols, depth }).map(escaped)
  const label = notes.length > 0 ? `|"${notes.join('<br>')}"|` : ''
  return indented(1, `n${from.id} ${depth === null ? '-->' : '-.->'}${label} n${to.id}`)
}

const classes: ReadonlyMap<string, string> = new Map([
  ...Object.entries(stateColors).map(([state, colors]): [string, string] => [state, colored(colors)]),
  ['leftOut', `${colored(leftOutColors)},stroke-dasharray:4 4`],
  ['target', 'stroke-width:3px'],
])

function colored({ fill, border, text }: Colors): string {
  return `fill:${fill},stroke:${border},color:${text}`
}

/** By class, the ids of what has it. */
function membersOf(steps: readonly Step[], states: States | undefined): ReadonlyMap<string, readonly string[]> {
  const members = new Map([...classes.keys()].map((name): [string, string[]] => [name, []]))
  for (const step of steps) {
    if (step.kind !== 'flow' && step.kind !== 'atom') continue
    const { id, leftOut, isTarget } = step.place
    const state = step.kind === 'atom' ? stateOf(step.node.name, step.place, states) : null
    if (state) members.get(state)!.push(`n${id}`)
    else if (leftOut) members.get('leftOut')!.push(`n${id}`)
    if (isTarget) members.get('target')!.push(`n${id}`)
  }
  return members
}

function classLines(members: ReadonlyMap<string, readonly string[]>): readonly string[] {
  return [...members]
    .filter(([, ids]) => ids.length > 0)
    .flatMap(([name, ids]) => [
      indented(1, `classDef ${name} ${classes.get(name)}`),
      indented(1, `class ${ids.join(',')} ${name}`),
    ])
}

/**
 * What Mermaid could take for more than text: all but letters, digits, a space between words, and a few signs that mean
 * nothing where they stand. It reads Markdown in labels, drops comments, takes some words with a colon for styles, and
 * HTML drops spaces that do not stand alone.
 */
const special = /(?! (?=\S)(?<=\S ))(?![-_/](?<=[\p{L}\p{N}].)[\p{L}\p{N}])[^\p{L}\p{M}\p{N},']/gu

function escaped(text: string): string {
  return legible(text).replaceAll(special, (sign) => names.get(sign) ?? `#${sign.codePointAt(0)};`)
}

const names: ReadonlyMap<string, string> = new Map([
  ['"', '#quot;'],
  [' ', '#160;'],
])
