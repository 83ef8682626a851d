import type { Vote } from '../compiler/plan.ts'
import { TaskFlowError } from '../errors.ts'
import type { Depth } from '../nodes.ts'
import type { AtomMeta } from '../storage/records.ts'
import { nameOf, type Run } from './run.ts'
import { recordAtom, recordFact } from './transitions.ts'

/** What is to be done about a node that nothing holds back: start it, go past it, or nothing, as it has failed. */
export type Verdict = 'run' | 'pass' | 'failed'

/**
 * How far a no reaches from a node that it passed by: `none`, not passed by; `self`, no further. It is kept with the
 * node, so that what is reset and becomes ready once more is passed by once more, however a retry beside it went.
 */
const reach = { none: 0, self: 1, neighbors: 2, flow: 3, all: 4 } as const

export const reachOf: { readonly [D in Depth]: number } = {
  PART: reach.self,
  ATOM: reach.self,
  NEIGHBORS: reach.neighbors,
  FLOW: reach.flow,
  ALL: reach.all,
}

/** Asks the deciders of an atom whose predecessors have all passed. One that cannot decide has the atom fail. */
export function decide(run: Run, node: number): Verdict {
  try {
    return verdictOn(run, node)
  } catch (error) {
    failUnbegun(run, node, error)
    return 'failed'
  }
}

/** The same for a run that is to rest: where nobody can decide, there is something left to do. */
export function decideAtRest(run: Run, node: number): Verdict {
  try {
    return verdictOn(run, node)
  } catch {
    return 'run'
  }
}

/**
 * One no is enough; of several the widest counts.
 *
 * Source: TaskFlow's `IgnoreDecider` (`engines/action_engine/deciders.py`).
 */
function verdictOn(run: Run, node: number): Verdict {
  const inherited = inheritedReach(run, node)
  if (inherited > reach.none) {
    ignore(run, node, inherited)
    return 'pass'
  }
  const against = votesAgainst(run, node, run.plan.votes.get(node) ?? [])
  for (const vote of against) applyVote(run, node, vote)
  return against.length === 0 ? 'run' : 'pass'
}

/** A join hands on what reaches it. */
export function passJoin(run: Run, node: number): Verdict {
  run.reach[node] = inheritedReach(run, node)
  return 'pass'
}

/** Votes of links from ignored atoms are not asked for. */
function votesAgainst(run: Run, node: number, votes: readonly Vote[]): readonly Vote[] {
  const asked = votes.filter(({ from, atom }) => atom === null || run.states[from] !== 'IGNORE')
  const history: Record<string, unknown> = {}
  for (const { from, atom } of asked) if (atom !== null) history[atom] = run.results[from]
  return asked.filter(({ decider, atom }) => {
    const answer: unknown = decider(history)
    if (!(answer instanceof Promise)) return !answer
    answer.catch(() => {})
    const link = `the decider of the link from ${atom === null ? 'a flow' : `'${atom}'`} to '${nameOf(run, node)}'`
    throw new TaskFlowError('invalid-decision', `${link} waits; a decider must answer at once`)
  })
}

function applyVote(run: Run, node: number, { depth, first, last }: Vote): void {
  ignore(run, node, reachOf[depth])
  if (depth !== 'PART') return
  for (let inside = first; inside <= last; inside++) {
    if (run.plan.atoms[inside] !== null) ignore(run, inside, reach.self)
  }
}

/** Ignores a node, and what the no reaches from it. Each node is visited once for each width that reaches it. */
function ignore(run: Run, root: number, width: number): void {
  const { offsets, targets } = run.plan.successors
  const next: [number, number][] = [[root, width]]
  for (let step = next.pop(); step !== undefined; step = next.pop()) {
    const [node, reached] = step
    if (reached <= run.reach[node]!) continue
    run.reach[node] = reached
    if (run.plan.atoms[node] !== null) recordReach(run, node, reached)
    for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
      const after = targets[edge]!
      next.push([after, passedOn(run, reached, after)])
    }
  }
}

/** Stored with what is passed by: after a restart the no reaches as far. What has failed of a part is not passed by. */
function recordReach(run: Run, node: number, reached: number): void {
  const meta: AtomMeta = { reach: (['ATOM', 'NEIGHBORS', 'FLOW', 'ALL'] as const)[reached - 1]! }
  if (run.states[node] === 'PENDING') recordAtom(run, node, 'IGNORE', {}, meta)
  else if (run.states[node] === 'IGNORE') recordFact(run, node, { meta })
}

export function inheritedReach(run: Run, node: number): number {
  const { offsets, targets } = run.plan.predecessors
  let widest: number = reach.none
  for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
    widest = Math.max(widest, passedOn(run, run.reach[targets[edge]!]!, node))
  }
  return widest
}

/** How far a no that reaches a node's predecessor so far reaches from the node itself. */
function passedOn(run: Run, reached: number, node: number): number {
  if (reached === reach.all) return reach.all
  if (run.plan.atoms[node]?.kind !== 'task') return reach.none
  if (reached === reach.flow) return reach.flow
  return reached === reach.neighbors ? reach.self : reach.none
}

/** An atom that cannot even be asked about has failed; its execute was not called, so its revert is not either. */
function failUnbegun(run: Run, node: number, error: unknown): void {
  run.attempts[node]!++
  recordAtom(run, node, 'RUNNING')
  run.unbegun.add(node)
  run.running++
  run.completed.push({ node, ok: false, value: error })
}
