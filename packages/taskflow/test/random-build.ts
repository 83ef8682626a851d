/** The plain flow of a random one, whose atoms do what a stage says. */
import {
  type AnyRetry,
  type AtomNode,
  alwaysRevert,
  alwaysRevertAll,
  atom,
  type Backoff,
  controller,
  type Decision,
  type FlowNode,
  forEach,
  graph,
  type Link,
  linear,
  type Outcome,
  type PlainNode,
  parameterizedForEach,
  type RetryContext,
  type RetryNode,
  type RevertContext,
  retry,
  type TaskContext,
  task,
  times,
  unordered,
  type WiringOptions,
} from '../src/index.ts'
import type { AtomFacts, FlowFacts, LinkFacts, Spot, Want } from './random-facts.ts'
import type { OwnDecision, RetryPlan, TaskPlan } from './random-flow.ts'

export type Arguments = Readonly<Record<string, unknown>>

/** What the atoms of a random flow do. */
export interface Doing {
  execute(facts: AtomFacts, args: Arguments, context: TaskContext): unknown
  revert(facts: AtomFacts, args: Arguments, outcome: Outcome<unknown>, context: RevertContext): unknown
  executeRetry(facts: AtomFacts, args: Arguments, context: RetryContext<unknown>, give: () => unknown): unknown
  revertRetry(facts: AtomFacts, args: Arguments, context: RetryContext<unknown>): unknown
  /** Notes a decision, which is made by the retry. */
  onFailure(facts: AtomFacts, args: Arguments, context: RetryContext<unknown>, decide: () => Decision): Decision
  backoff(facts: AtomFacts, failed: number): number
  vote(link: LinkFacts, history: Readonly<Record<string, unknown>>): boolean
}

export function buildFlow(facts: FlowFacts, doing: Doing): FlowNode {
  return buildSpot(facts.root, facts, doing) as FlowNode
}

function buildSpot(spot: Spot, facts: FlowFacts, doing: Doing): PlainNode {
  const { name, plan, links, target } = spot
  if (plan.kind === 'task') return buildTask(spot, plan, facts, doing)
  const children = spot.children.map((child) => buildSpot(child, facts, doing))
  const options = { retry: plan.retry && buildRetry(spot.retry!, plan.retry, facts, doing) }
  if (plan.pattern === 'linear') return linear(name, children, options)
  if (plan.pattern === 'unordered') return unordered(name, children, options)
  const made = links.map((link): Link => {
    const ends = { from: children[link.from]!, to: children[link.to]! }
    if (link.ballot === null) return ends
    return { ...ends, decider: (history) => doing.vote(link, history), depth: link.depth }
  })
  const wanted = target === null ? {} : { target: children[target]! }
  return graph(name, children, { ...options, ...wanted, links: made })
}

/** An atom that a target leaves out has no facts; it is there all the same, and would be noticed if it ran. */
function buildTask({ name }: Spot, plan: TaskPlan, { byName, needs }: FlowFacts, doing: Doing): AtomNode {
  const facts = byName.get(name)
  const provides = plan.gives ? [name, plan.gives] : name
  const { execute, revert: revertRequires } = needs.get(name)!
  if (!facts) return atom(task({ name, execute: (): null => null }), { requires: execute, revertRequires, provides })
  const base = task({
    name,
    priority: plan.priority,
    execute: (args: Record<string, string>, context) => doing.execute(facts, args, context) as string,
  })
  const revert = (args: object, outcome: Outcome<unknown>, context: RevertContext): unknown =>
    doing.revert(facts, args as Arguments, outcome, context)
  const own = facts.revertWants === facts.wants ? {} : { revertRequires: facts.revertWants.map(({ symbol }) => symbol) }
  const inject = plan.injected && plan.wants ? { [plan.wants]: `injected in ${name}` } : {}
  const options = { ...wiringOf(facts.wants), ...own, provides, inject }
  return atom(plan.revertible ? { ...base, revert } : base, options)
}

function buildRetry(name: string, plan: RetryPlan, { byName, needs }: FlowFacts, doing: Doing): RetryNode {
  const facts = byName.get(name)
  const provides = plan.gives ?? name
  if (!facts) return controller(times(1), { name, requires: needs.get(name)!.execute, provides })
  const backoff: Backoff = (failed) => doing.backoff(facts, failed)
  const made = strategyOf(plan, backoff)
  const observed: AnyRetry = {
    ...made,
    execute: (args, context) => doing.executeRetry(facts, args, context, () => made.execute(args, context)),
    onFailure: (args, context) => doing.onFailure(facts, args, context, () => made.onFailure(args, context)),
    revert: (args, context) => doing.revertRetry(facts, args, context),
  }
  return controller(observed, { ...wiringOf(facts.wants), name, provides })
}

function wiringOf(wants: readonly Want[]): Pick<WiringOptions, 'requires' | 'optional' | 'rebind'> {
  const [own, other] = [true, false].map((is) => wants.filter(({ argument, symbol }) => (argument === symbol) === is))
  return {
    requires: own!.map(({ symbol }) => symbol),
    optional: other!.filter(({ optional }) => optional).map(({ argument }) => argument),
    rebind: Object.fromEntries(other!.map(({ argument, symbol }) => [argument, symbol])),
  }
}

function strategyOf({ strategy }: RetryPlan, backoff: Backoff): AnyRetry {
  if (strategy.kind === 'alwaysRevert') return { ...alwaysRevert(), backoff }
  if (strategy.kind === 'alwaysRevertAll') return { ...alwaysRevertAll(), backoff }
  if (strategy.kind === 'own') return ownRetry(strategy.decisions, backoff)
  const options = { revertAll: strategy.revertAll, backoff }
  if (strategy.kind === 'times') return times(strategy.attempts, options)
  if (strategy.kind === 'forEach') return forEach(strategy.values, options)
  return parameterizedForEach<number>(options)
}

function ownRetry(decisions: readonly OwnDecision[], backoff: Backoff): AnyRetry {
  return retry<object, string>({
    backoff,
    execute: (_, { history }) => `attempt ${history.length + 1}`,
    onFailure: (_, { history }) => {
      const decision = decisions[history.length - 1] ?? 'REVERT'
      if (decision === 'throws') throw new Error('the retry cannot decide')
      return decision === 'nonsense' ? (decision as Decision) : decision
    },
  })
}
