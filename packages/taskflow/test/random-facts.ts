/**
 * What a random flow means, found from its tree alone: who is before whom, who sees what, who controls and who votes on
 * whom. Nothing of the compiler is used; everything is a scan of all atoms.
 */
import type { Depth } from '../src/index.ts'
import type { Ballot, FlowPlan, LinkPlan, NodePlan, RetryPlan, Shared, TaskPlan } from './random-flow.ts'

export interface Vote {
  readonly id: string
  /** The task that the link starts at; null: a flow, which is always asked and adds nothing to the history. */
  readonly from: string | null
  readonly ballot: Ballot
  readonly depth: Depth
  /** All atoms of what the link leads to. */
  readonly part: readonly string[]
}

/** An argument of an atom: the atoms that may provide it, the nearest first. */
export interface Want {
  readonly argument: string
  readonly symbol: string
  readonly optional: boolean
  readonly providers: readonly string[]
}

export interface AtomFacts {
  readonly name: string
  /** Position in the order of the document. */
  readonly at: number
  readonly task: TaskPlan | null
  readonly retry: RetryPlan | null
  readonly priority: number
  readonly before: ReadonlySet<string>
  readonly after: ReadonlySet<string>
  /** The retries of the flows around it, the innermost first; a retry does not control itself. */
  readonly controllers: readonly string[]
  readonly votes: readonly Vote[]
  /** Tasks that follow it directly in the same flow. */
  readonly nextTasks: readonly string[]
  readonly wants: readonly Want[]
  readonly revertWants: readonly Want[]
}

export interface FlowFacts {
  readonly root: Spot
  /** In the order of the document. */
  readonly atoms: readonly AtomFacts[]
  readonly byName: ReadonlyMap<string, AtomFacts>
  /** What every atom takes, also one that a target leaves out. */
  readonly needs: ReadonlyMap<string, Needs>
  readonly inputs: Readonly<Record<string, unknown>>
  /** The flow in words, for people. */
  describe(): string
}

/** A link of a graph, as it is made. */
export interface LinkFacts {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly ballot: Ballot | null
  readonly depth: Depth
}

/** A task or a flow in its place. */
export interface Spot {
  readonly name: string
  readonly parent: Spot | null
  readonly position: number
  readonly plan: NodePlan
  readonly children: Spot[]
  /** Name of a flow's retry. */
  readonly retry: string | null
  /** Of a graph: children that wait for one another, by hand, by a symbol or both: `from to`. */
  readonly edges: Set<string>
  readonly links: LinkFacts[]
  target: number | null
}

/** The symbols that an atom's execute takes, and those of its revert where they are others. */
interface Needs {
  readonly execute: readonly string[]
  readonly revert: readonly string[]
  wants: Shared | null
}

/** @param given which of the shared symbols the run is started with */
export function factsOf(plan: FlowPlan, given: readonly Shared[] = []): FlowFacts {
  const root = new Naming().place(plan, null, 0)
  const needs = new Wiring(given)
  needs.wire(root, [])
  const listing = new Listing(needs)
  listing.list(root, [], [], [])
  const atoms = listing.finish()
  const lists = [...spotsIn(root)].flatMap(({ retry, plan }) => {
    const strategy = plan.kind === 'flow' ? plan.retry?.strategy : undefined
    return strategy?.kind === 'parameterizedForEach' ? [[`values of ${retry}`, strategy.values] as const] : []
  })
  const inputs = Object.fromEntries([...given.map((symbol) => [symbol, `given ${symbol}`] as const), ...lists])
  const byName = new Map(atoms.map((facts) => [facts.name, facts]))
  const describe = (): string => [`inputs ${JSON.stringify(inputs)}`, ...describeSpot(root, needs, byName)].join('\n')
  return { root, atoms, byName, needs: needs.byAtom, inputs, describe }
}

function* spotsIn(spot: Spot): Generator<Spot> {
  yield spot
  for (const child of spot.children) yield* spotsIn(child)
}

class Naming {
  #tasks = 0
  #flows = 0

  place(plan: NodePlan, parent: Spot | null, position: number): Spot {
    const number = plan.kind === 'task' ? this.#tasks++ : this.#flows++
    const name = plan.kind === 'task' ? `t${number}` : `f${number}`
    const retry = plan.kind === 'flow' && plan.retry ? `r${number}` : null
    const empty = { children: [], edges: new Set<string>(), links: [], target: null }
    const spot: Spot = { name, parent, position, plan, retry, ...empty }
    if (plan.kind === 'flow') {
      for (const [at, child] of plan.children.entries()) spot.children.push(this.place(child, spot, at))
    }
    return spot
  }
}

/** Chooses what each atom takes, and makes the edges of graphs. */
class Wiring {
  readonly given: readonly Shared[]
  readonly byAtom = new Map<string, Needs>()
  readonly #spots = new Map<string, Spot>()

  constructor(given: readonly Shared[]) {
    this.given = given
  }

  /** Gives the atoms of a spot, which later ones may see. */
  wire(spot: Spot, visible: readonly string[]): readonly string[] {
    this.#spots.set(spot.name, spot)
    if (spot.plan.kind === 'task') {
      const { needs, revertNeeds, wants } = spot.plan
      this.#take(spot, spot.name, chosen(visible, needs), chosen(visible, revertNeeds), wants)
      return [spot.name]
    }
    const inner = [...visible]
    const own: string[] = []
    if (spot.retry !== null) {
      this.#spots.set(spot.retry, spot)
      const { strategy } = spot.plan.retry!
      this.#take(spot, spot.retry, strategy.kind === 'own' ? chosen(visible, strategy.needs) : [], [], null)
      if (spot.plan.retry!.gives === null) own.push(spot.retry)
      inner.push(...own)
    }
    return [...own, ...this.#wireChildren(spot, spot.plan, inner)]
  }

  #wireChildren(spot: Spot, plan: FlowPlan, inner: string[]): readonly string[] {
    if (plan.pattern === 'graph') return this.#wireGraph(spot, plan, inner)
    return spot.children.flatMap((child) => {
      const added = this.wire(child, inner)
      if (plan.pattern === 'linear') inner.push(...added)
      return added
    })
  }

  #wireGraph(spot: Spot, plan: FlowPlan, inner: string[]): readonly string[] {
    const rank = (at: number): number => (plan.ranks[at] ?? 0) * 100 + at
    const added = new Map<Spot, readonly string[]>()
    for (const child of spot.children.toSorted((a, b) => rank(a.position) - rank(b.position))) {
      added.set(child, this.wire(child, inner))
      inner.push(...added.get(child)!)
    }
    for (const [at, link] of plan.links.entries()) linkIn(spot, link, `${spot.name}.${at}`, rank)
    if (plan.target !== null && spot.children.length > 0) spot.target = plan.target % spot.children.length
    return keptIn(spot).flatMap((child) => added.get(child)!)
  }

  #take(spot: Spot, name: string, execute: string[], revert: string[], wants: Shared | null): void {
    for (const provider of [...execute, ...revert]) this.#joinIn(spot, this.#spots.get(provider)!)
    this.byAtom.set(name, { execute, revert, wants })
  }

  /** Where a graph holds both, the child with the one waits for the child with the other. */
  #joinIn(consumer: Spot, provider: Spot): void {
    const [upwards, around] = [[...chainOf(consumer)], new Set(chainOf(provider))]
    const common = upwards.findIndex((spot) => around.has(spot))
    const [child, flow] = [upwards[common - 1], upwards[common]!]
    const other = [...chainOf(provider)].find(({ parent }) => parent === flow)
    if (flow.plan.kind !== 'flow' || flow.plan.pattern !== 'graph' || !child || !other) return
    flow.edges.add(`${other.position} ${child.position}`)
  }
}

function chosen(visible: readonly string[], picks: readonly number[]): string[] {
  if (visible.length === 0) return []
  return [...new Set(picks.map((pick) => visible[visible.length - 1 - (pick % visible.length)]!))]
}

function* chainOf(spot: Spot): Generator<Spot> {
  for (let at: Spot | null = spot; at; at = at.parent) yield at
}

function linkIn(spot: Spot, { ends, ballot, depth }: LinkPlan, id: string, rank: (at: number) => number): void {
  const size = spot.children.length
  if (size < 2) return
  const [one, other] = ends.map((end) => end % size)
  if (one === other) return
  const [from, to] = rank(one!) < rank(other!) ? [one!, other!] : [other!, one!]
  spot.edges.add(`${from} ${to}`)
  spot.links.push({ id, from, to, ballot, depth })
}

/** Whether one child of a graph waits for another, directly or not. */
function waitsFor(spot: Spot, to: number, from: number): boolean {
  return spot.children.some(({ position }) => {
    return spot.edges.has(`${position} ${to}`) && (position === from || waitsFor(spot, position, from))
  })
}

/** The children of a flow that are part of its run, in the order of the document; those of a graph by its edges first. */
function keptIn(spot: Spot): readonly Spot[] {
  if (spot.plan.kind !== 'flow' || spot.plan.pattern !== 'graph') return spot.children
  const left = [...spot.children]
  const order: Spot[] = []
  while (left.length > 0) {
    const next = left.findIndex(({ position }) =>
      left.every((other) => !spot.edges.has(`${other.position} ${position}`)),
    )
    order.push(...left.splice(next, 1))
  }
  const { target } = spot
  if (target === null) return order
  return order.filter(({ position }) => position === target || waitsFor(spot, target, position))
}

/** Lists the atoms in the order of the document, with what is known of each. */
class Listing {
  readonly #needs: Wiring
  readonly #found: (Omit<AtomFacts, 'after' | 'wants' | 'revertWants'> & { readonly spot: Spot })[] = []

  constructor(needs: Wiring) {
    this.#needs = needs
  }

  /** Gives the atoms of a spot. */
  list(
    spot: Spot,
    before: readonly string[],
    controllers: readonly string[],
    votes: readonly Vote[],
  ): readonly string[] {
    if (spot.plan.kind === 'task') {
      this.#add(spot, spot.name, before, controllers, votes)
      return [spot.name]
    }
    if (spot.retry === null) return this.#listChildren(spot, before, controllers, votes)
    this.#add(spot, spot.retry, before, controllers, votes)
    return [spot.retry, ...this.#listChildren(spot, [...before, spot.retry], [spot.retry, ...controllers], [])]
  }

  /**
   * The votes on a flow without a retry are about what it begins with. An empty flow at its begin loses them, as in
   * TaskFlow, but for those that are about the flow as a whole.
   */
  #listChildren(
    spot: Spot,
    before: readonly string[],
    controllers: readonly string[],
    votes: readonly Vote[],
  ): readonly string[] {
    const { pattern } = spot.plan as FlowPlan
    const listed = new Map<number, readonly string[]>()
    for (const [nth, child] of keptIn(spot).entries()) {
      const { position } = child
      const earlier = [...listed].filter(([at]) => {
        return pattern === 'linear' || (pattern === 'graph' && waitsFor(spot, position, at))
      })
      const own = pattern === 'graph' ? votesOn(spot, child) : []
      const reached = earlier.flatMap(([, names]) => names)
      const isFirst = pattern === 'linear' ? nth === 0 : earlier.length === 0
      const inherited = isFirst ? votes : reached.length === 0 ? votes.filter(({ depth }) => depth === 'PART') : []
      listed.set(position, this.list(child, [...before, ...reached], controllers, [...own, ...inherited]))
    }
    return [...listed.values()].flat()
  }

  #add(
    spot: Spot,
    name: string,
    before: readonly string[],
    controllers: readonly string[],
    votes: readonly Vote[],
  ): void {
    const { plan } = spot
    const isRetry = name === spot.retry
    this.#found.push({
      spot,
      name,
      at: this.#found.length,
      before: new Set(before),
      controllers,
      votes,
      task: plan.kind === 'task' ? plan : null,
      retry: plan.kind === 'flow' ? plan.retry : null,
      priority: plan.kind === 'task' ? plan.priority : 0,
      nextTasks: (isRetry ? entriesOf(spot) : followersOf(spot)).flatMap((next) => {
        return next.plan.kind === 'task' ? [next.name] : []
      }),
    })
  }

  finish(): readonly AtomFacts[] {
    const kept = new Set(this.#found.map(({ name }) => name))
    return this.#found.map(({ spot, ...facts }) => {
      const { execute, revert, wants } = this.#needs.byAtom.get(facts.name)!
      const plain = (symbol: string): Want => ({ argument: symbol, symbol, optional: false, providers: [symbol] })
      const [shared] = wants ? this.#sharedWant(spot, facts.task!, wants, kept) : []
      const values = facts.retry?.strategy.kind === 'parameterizedForEach' ? `values of ${facts.name}` : null
      const list = values === null ? [] : [{ ...plain(values), argument: 'values', providers: [] }]
      const after = new Set(this.#found.flatMap(({ name, before }) => (before.has(facts.name) ? [name] : [])))
      const taken = [...execute.map(plain), ...(shared ? [shared] : []), ...list]
      return { ...facts, after, wants: taken, revertWants: revert.length > 0 ? revert.map(plain) : taken }
    })
  }

  /** What a task wants of a shared symbol; nothing where no flow could be made of it. */
  #sharedWant(spot: Spot, plan: TaskPlan, symbol: Shared, kept: ReadonlySet<string>): readonly Want[] {
    const { optional, injected } = plan
    const want = { argument: 'shared', symbol, optional, providers: [] }
    if (injected) return [want]
    if (!isPlain(spot, symbol)) return []
    const providers = this.#providersOf(spot, symbol, kept)
    const isThere = providers.length > 0 || this.#needs.given.includes(symbol) || optional
    return isThere ? [{ ...want, providers }] : []
  }

  #providersOf(spot: Spot, symbol: Shared, kept: ReadonlySet<string>): readonly string[] {
    return [...chainOf(spot)].flatMap((child) => {
      const flow = child.parent
      if (!flow) return []
      const { pattern } = flow.plan as FlowPlan
      const earlier = keptIn(flow).filter(({ position }) => {
        if (pattern === 'graph') return waitsFor(flow, child.position, position)
        return pattern === 'linear' && position < child.position
      })
      const names = [...(flow.retry === null ? [] : [flow.retry]), ...earlier.flatMap((other) => namesIn(other))]
      return names.toReversed().filter((name) => kept.has(name) && this.#gives(name, symbol))
    })
  }

  #gives(name: string, symbol: Shared): boolean {
    const facts = this.#found.find((found) => found.name === name)!
    return (facts.retry ?? facts.task)!.gives === symbol
  }
}

/** Whether the search for a shared symbol ends before it comes to a graph where another child gives it. */
function isPlain(spot: Spot, symbol: Shared): boolean {
  for (const child of chainOf(spot)) {
    const flow = child.parent
    if (!flow) return true
    const { pattern, retry } = flow.plan as FlowPlan
    if (retry?.gives === symbol) return true
    const others = flow.children.filter((other) => other !== child && gives(other.plan, symbol))
    if (pattern === 'graph' && others.length > 0) return false
    if (pattern === 'linear' && others.some(({ position }) => position < child.position)) return true
  }
  return true
}

function gives(plan: NodePlan, symbol: Shared): boolean {
  if (plan.kind === 'task') return plan.gives === symbol
  return plan.retry?.gives === symbol || plan.children.some((child) => gives(child, symbol))
}

function namesIn(spot: Spot): readonly string[] {
  if (spot.plan.kind === 'task') return [spot.name]
  return [...(spot.retry === null ? [] : [spot.retry]), ...keptIn(spot).flatMap((child) => namesIn(child))]
}

/** The children that a flow begins with. */
function entriesOf(spot: Spot): readonly Spot[] {
  const { pattern } = spot.plan as FlowPlan
  const kept = keptIn(spot)
  if (pattern === 'linear') return kept.slice(0, 1)
  return kept.filter(({ position }) => !kept.some((other) => spot.edges.has(`${other.position} ${position}`)))
}

/** The children that follow one directly. */
function followersOf(spot: Spot): readonly Spot[] {
  const { parent } = spot
  if (!parent) return []
  const { pattern } = parent.plan as FlowPlan
  return keptIn(parent).filter(({ position }) => {
    if (pattern === 'linear') return position === spot.position + 1
    return pattern === 'graph' && parent.edges.has(`${spot.position} ${position}`)
  })
}

/** A pair that is linked again has the decider of the later link; a later link without one leaves it. */
function votesOn(flow: Spot, child: Spot): readonly Vote[] {
  const votes = new Map<number, Vote>()
  for (const { id, from, to, ballot, depth } of flow.links) {
    if (to !== child.position || ballot === null) continue
    const source = flow.children[from]!
    const name = source.plan.kind === 'task' ? source.name : null
    votes.set(from, { id, from: name, ballot, depth, part: namesIn(child) })
  }
  return [...votes.values()]
}

function describeSpot(
  spot: Spot,
  wiring: Wiring,
  atoms: ReadonlyMap<string, AtomFacts>,
  indent: string = '',
): readonly string[] {
  const { byAtom } = wiring
  const { name, plan, retry } = spot
  if (plan.kind === 'task') {
    const { kind: _, needs: _n, revertNeeds: _r, wants: _w, ...behaviour } = plan
    const { execute, revert } = byAtom.get(name)!
    const takes = atoms.get(name)?.wants.map(({ symbol }) => symbol) ?? execute
    const left = atoms.has(name) ? '' : ' (left out)'
    return [`${indent}${name}${left} takes [${takes.join()}] revert takes [${revert.join()}] ${unusual(behaviour)}`]
  }
  const { links, edges, target } = spot
  const by =
    retry === null ? '' : ` ${retry} ${JSON.stringify(plan.retry)} takes [${byAtom.get(retry)!.execute.join()}]`
  const more =
    plan.pattern === 'graph' ? ` edges [${[...edges].join()}] target ${target} links ${JSON.stringify(links)}` : ''
  const inside = spot.children.flatMap((child) => describeSpot(child, wiring, atoms, `${indent}  `))
  return [`${indent}${name} ${plan.pattern}${by}${more}`, ...inside]
}

/** Only what differs from a task that just works. */
function unusual(behaviour: object): string {
  const usual = new Set(['false', '0', 'null', '{"from":1,"count":0}', '"throws"'])
  const shown = Object.entries(behaviour).flatMap(([key, value]) => {
    const text = JSON.stringify(value)
    if (key === 'revertible') return value ? [] : ['no revert']
    return usual.has(text) ? [] : [`${key} ${text}`]
  })
  return shown.join(', ')
}
