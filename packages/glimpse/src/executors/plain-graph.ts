import type { FlowNode, PlainNode } from '@glimpse/taskflow'

/** The order in which the children of a flow run: as they are written, unless a graph wants it otherwise. */
export function orderOf({ children, edges }: FlowNode): number[] {
  const left = [...children.keys()]
  const order: number[] = []
  while (left.length > 0) {
    const next = left.findIndex((at) => edges.every(({ from, to }) => to !== at || order.includes(from)))
    order.push(...left.splice(next, 1))
  }
  return order
}

/**
 * Whether the deciders of the links to a child let it run; those of links from tasks that were passed by are not asked.
 *
 * @param passedBy positions of those.
 * @param resultOf what a task of the flow gave.
 */
export function isWanted(
  { children, edges }: FlowNode,
  at: number,
  passedBy: ReadonlySet<number>,
  resultOf: (child: PlainNode) => unknown,
): boolean {
  const links = edges.filter(({ from, to, decider }) => {
    return to === at && decider && (children[from]!.kind === 'flow' || !passedBy.has(from))
  })
  const sources = links.map(({ from }) => children[from]!).filter(({ kind }) => kind === 'task')
  const history = Object.fromEntries(sources.map((child) => [child.name, resultOf(child)]))
  return links.every(({ decider }) => {
    const answer: unknown = decider!(history)
    if (answer instanceof Promise) throw new TypeError('a decider waits; it must answer at once')
    return Boolean(answer)
  })
}
