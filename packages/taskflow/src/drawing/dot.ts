import type { AtomNode, FlowNode, RetryNode } from '../nodes.ts'
import { leftOutColors, plainColors, stateColors } from './colors.ts'
import { type Drawable, rootOf, type States } from './drawable.ts'
import { indented, legible, notesOf, stateOf, titleOf } from './labels.ts'
import { type Line, type Place, pictureOf, type Step } from './picture.ts'

/**
 * Draws a flow in Graphviz's language, for `dot -Tsvg`: flows are boxes around what is in them, retries hexagons, and
 * arrows say what runs before what, with the symbols that flow along them. An arrow with a decider is dashed and says how
 * deep a no of it goes. The target of a graph has a thick border, and what it leaves out a dashed one.
 *
 * Source: the DOT language, https://graphviz.org/doc/info/lang.html
 *
 * @param states of a run, by atom: each atom then has the colour and the name of what it is at. See {@link statesOf}.
 * @example
 * const work = task({ name: 'work', execute: () => 1 })
 * const dot = drawDot(linear('f', [atom(work, { name: 'a' }), atom(work, { name: 'b' })]))
 * console.log(dot.split('\n').at(-2)?.trim()) // n1 -> n2
 */
export function drawDot(flow: Drawable, states?: States): string {
  const { steps, lines } = pictureOf(rootOf(flow))
  return [
    'digraph {',
    '  compound=true',
    '  graph [fontname="Helvetica,Arial,sans-serif"]',
    `  node [fontname="Helvetica,Arial,sans-serif", shape=box, style="rounded,filled", ${colored(plainColors)}]`,
    '  edge [fontname="Helvetica,Arial,sans-serif", fontsize=10]',
    ...steps.flatMap((step) => wordsOf(step, states)),
    ...lines.map(arrow),
    '}',
  ].join('\n')
}

function wordsOf(step: Step, states: States | undefined): readonly string[] {
  if (step.kind === 'end') return [indented(step.depth + 1, '}')]
  if (step.kind === 'atom') return [box(step.node, step.place, states)]
  if (step.kind === 'flow') return cluster(step.node, step.place)
  return [indented(step.depth + 1, `n${step.id} [label="(empty)", shape=plaintext, style=""]`)]
}

function cluster(flow: FlowNode, { id, depth, leftOut, isTarget }: Place): readonly string[] {
  const style = [
    `label="${escaped(titleOf(flow))}${leftOut ? ' (left out)' : ''}"`,
    leftOut ? `style="rounded,dashed"` : 'style=rounded',
    `color="${plainColors.border}"`,
    `fontcolor="${(leftOut ? leftOutColors : plainColors).text}"`,
    `penwidth=${isTarget ? 3 : 1}`,
  ]
  return [indented(depth + 1, `subgraph cluster_n${id} {`), indented(depth + 2, `graph [${style.join(', ')}]`)]
}

function box(atom: AtomNode | RetryNode, place: Place, states: States | undefined): string {
  const state = stateOf(atom.name, place, states)
  const rows = [escaped(atom.name), ...(state ? [state] : []), ...(place.leftOut ? ['(left out)'] : [])]
  const colors = state ? stateColors[state] : place.leftOut ? leftOutColors : null
  const looks = [
    `label="${rows.join(String.raw`\n`)}"`,
    ...(atom.kind === 'retry' ? ['shape=hexagon', `style="filled${place.leftOut ? ',dashed' : ''}"`] : []),
    ...(atom.kind === 'task' && place.leftOut ? ['style="rounded,filled,dashed"'] : []),
    ...(place.isTarget ? ['penwidth=3'] : []),
    ...(colors ? [colored(colors)] : []),
  ]
  return indented(place.depth + 1, `n${place.id} [${looks.join(', ')}]`)
}

function colored({ fill, border, text }: typeof plainColors): string {
  return `fillcolor="${fill}", color="${border}", fontcolor="${text}"`
}

/** Graphviz draws arrows from atom to atom only; one at a flow is cut off at its border. */
function arrow({ from, to, symbols, depth }: Line): string {
  const notes = notesOf({ symbols, depth }).map(escaped)
  const looks = [
    ...(notes.length > 0 ? [`label="${notes.join(String.raw`\n`)}"`] : []),
    ...(depth === null ? [] : ['style=dashed']),
    ...(from.id === from.last ? [] : [`ltail=cluster_n${from.id}`]),
    ...(to.id === to.first ? [] : [`lhead=cluster_n${to.id}`]),
  ]
  const ends = `n${from.last} -> n${to.first}`
  return indented(1, looks.length > 0 ? `${ends} [${looks.join(', ')}]` : ends)
}

/** For labels in quotes: Graphviz reads escapes with a backslash in them, and the entities of HTML. */
function escaped(text: string): string {
  return legible(text).replaceAll('&', '&amp;').replaceAll(/[\\"]/g, String.raw`\$&`)
}
