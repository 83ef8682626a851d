import type { AtomNode, FlowNode, Need, RetryNode } from '../nodes.ts'
import { Branches } from './branches.ts'
import { type Drawable, rootOf, type States } from './drawable.ts'
import { atomTitle, calledBy, clause, notesOf, sentence, stateOf, titleOf, worded } from './labels.ts'
import { type Place, pictureOf, type Wait } from './picture.ts'

/**
 * Draws a flow as text, a line a node: flows with their pattern, and below them their retry and their children; atoms
 * with what they require and provide, besides what is injected and a result under the atom's own name; in graphs also
 * what a child waits for, because of which symbols, and how deep a no of a decider goes. Names that could be misread are
 * in quotes. Lines deeper than 64 levels are not indented further, but begin with their depth.
 *
 * @param states of a run, by atom: each atom then says what it is at. See {@link statesOf}.
 * @returns lines without an end of the last one
 * @example
 * const lock = task({ name: 'lock', execute: ({ image }: { image: string }) => image })
 * const load = task({ name: 'load', execute: ({ image }: { image: string }) => image })
 * const f = flow('get', (f, { image }: Inputs<{ image: string }>) => {
 *   f.add(lock, { image })
 *   f.linear('try', (g) => g.add(load, { image }), times(3))
 * })
 * console.log(drawTree(f, new Map([['lock', 'SUCCESS']])))
 * // linear 'get'
 * // ├─ lock [SUCCESS] requires image
 * // └─ linear 'try'
 * //    ├─ retry try_retry [PENDING]
 * //    └─ load [PENDING] requires image
 */
export function drawTree(flow: Drawable, states?: States): string {
  const tree = new Branches()
  for (const step of pictureOf(rootOf(flow)).steps) {
    if (step.kind !== 'flow' && step.kind !== 'atom') continue
    const { depth, last } = step.place
    tree.add(
      depth,
      last,
      step.kind === 'flow' ? flowLine(step.node, step.place) : atomLine(step.node, step.place, states),
    )
  }
  return tree.toString()
}

function flowLine(flow: FlowNode, place: Place): string {
  const empty = flow.children.length === 0 && !flow.retry ? ' (empty)' : ''
  return sentence(`${titleOf(flow)}${empty}${place.leftOut ? ' (left out)' : ''}`, [waitsOf(place)])
}

function atomLine(atom: AtomNode | RetryNode, place: Place, states: States | undefined): string {
  const state = stateOf(atom.name, place, states)
  const mark = `${state ? ` [${state}]` : ''}${place.leftOut ? ' (left out)' : ''}`
  const provided = atom.provides.filter(({ symbol, path }) => symbol !== atom.name || path.length > 0)
  return sentence(`${atomTitle(atom)}${mark}`, [
    clause('requires', needed(atom.needs)),
    clause('revert requires', needed(atom.revertNeeds ?? [])),
    clause(
      'provides',
      provided.map(({ symbol }) => worded(symbol)),
    ),
    waitsOf(place),
  ])
}

function needed(needs: readonly Need[]): readonly string[] {
  return needs
    .filter(({ injected }) => !injected)
    .map(({ argument, symbol, path, optional }) => {
      const taken = `${worded(argument)}${optional ? '?' : ''}`
      const source = [symbol, ...path.map(String)].map(worded).join('.')
      return argument === symbol && path.length === 0 ? taken : `${taken}=${source}`
    })
}

function waitsOf({ waits }: Place): string {
  const others = waits.map(({ child, edge }: Wait) => {
    const notes = notesOf({ symbols: edge.symbols, depth: edge.decider ? edge.depth : null })
    return notes.length > 0 ? `${calledBy(child)} (${notes.join('; ')})` : calledBy(child)
  })
  return clause('waits for', others)
}
