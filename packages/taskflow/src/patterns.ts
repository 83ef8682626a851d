/** How flows are written as data, wired by names; nodes.ts says what they are made of. */
import { TaskFlowError } from './errors.ts'
import { connect, targetOf } from './links.ts'
import { checkName } from './names.ts'
import { needsOf, type Rebind } from './needs.ts'
import type { AtomNode, Decider, Depth, FlowNode, Pattern, PlainNode, Provided, RetryNode } from './nodes.ts'
import type { AnyRetry } from './retry.ts'
import type { AnyTask } from './task.ts'

/**
 * How an atom is wired by names.
 *
 * @example
 * const options: WiringOptions = { requires: ['image'], optional: ['size'], rebind: { uri: 'source' } }
 */
export interface WiringOptions {
  /** Arguments that are found under a symbol of their own name. */
  readonly requires?: readonly string[]
  /** Arguments that are left out when nothing that this atom can see provides them. */
  readonly optional?: readonly string[]
  /** Argument to symbol, where the names differ; or the symbols of the arguments of `requires`, in their order. */
  readonly rebind?: Rebind
  /** The arguments of revert, where they are not those of execute. */
  readonly revertRequires?: readonly string[]
  readonly revertRebind?: Rebind
  /** A name for the whole result; a list of names for its elements; a set of names for its keys. */
  readonly provides?: string | readonly string[] | ReadonlySet<string>
}

/**
 * How a task is placed in a flow.
 *
 * @example
 * const options: AtomOptions = { name: 'copy-a', requires: ['image'], inject: { store: 'a' } }
 */
export interface AtomOptions extends WiringOptions {
  /** Default: the task's name. */
  readonly name?: string
  readonly inject?: Readonly<Record<string, unknown>>
}

/**
 * Places a task in a flow.
 *
 * @example
 * const read = task({ name: 'read', execute: ({ path }: { path: string }) => `bytes of ${path}` })
 * const print = task({ name: 'print', execute: ({ bytes }: { bytes: string }) => console.log(bytes) })
 * const copy = linear('copy', [
 *   atom(read, { requires: ['path'], provides: 'bytes' }),
 *   atom(print, { requires: ['bytes'] }),
 * ])
 * await new Engine(copy).run({ path: 'a' })
 * console.log('over') // over
 * @throws TaskFlowError `invalid-flow` when names are empty or `rebind` does not fit.
 */
export function atom(task: AnyTask, options: AtomOptions = {}): AtomNode {
  const name = checkName('an atom', options.name ?? task.name)
  const { needs, revertNeeds, provides } = wiringOf(name, options)
  return { kind: 'task', name, task, needs, revertNeeds, provides }
}

/**
 * How a retry is placed in a flow.
 *
 * @example
 * const options: ControllerOptions = { rebind: { values: 'mirrors' }, provides: 'mirror' }
 */
export interface ControllerOptions extends WiringOptions {
  /** Default: the retry's own name, or else `<flow>_retry`. */
  readonly name?: string
}

/**
 * Makes a retry ready to control a flow.
 *
 * @example
 * const download = linear('download', [], { retry: controller(times(3), { provides: 'attempt' }) })
 * console.log(download.retry?.provides[0]?.symbol) // attempt
 * @throws TaskFlowError `invalid-flow` when names are empty or `rebind` does not fit.
 */
export function controller(retry: AnyRetry, options: ControllerOptions = {}): RetryNode {
  const name = options.name ?? retry.name ?? ''
  return { kind: 'retry', name, retry, ...wiringOf(name || 'a retry', options) }
}

/**
 * What every flow may have.
 *
 * @example
 * const options: FlowOptions = { retry: controller(alwaysRevert()) }
 */
export interface FlowOptions {
  readonly retry?: RetryNode | null
}

/**
 * Children run one after another, in this order.
 *
 * @example
 * const hello = task({ name: 'hello', execute: () => console.log('hello') })
 * const bye = task({ name: 'bye', execute: () => console.log('bye') })
 * await new Engine(linear('talk', [atom(hello), atom(bye)])).run({})
 */
export function linear(name: string, children: readonly PlainNode[], options: FlowOptions = {}): FlowNode {
  return flowNode(name, 'linear', children, options)
}

/**
 * Children run in any order, also at the same time, and do not see one another's results.
 *
 * @example
 * const copy = task({ name: 'copy', execute: ({ store }: { store: string }) => store })
 * const copyTo = (store: string) => atom(copy, { name: `copy-${store}`, requires: ['store'], inject: { store } })
 * await new Engine(unordered('stores', [copyTo('a'), copyTo('b')]), { mode: 'parallel' }).run({})
 */
export function unordered(name: string, children: readonly PlainNode[], options: FlowOptions = {}): FlowNode {
  return flowNode(name, 'unordered', children, options)
}

/**
 * A link by hand: `to` waits for `from`, and runs only if the decider says so.
 *
 * @example
 * const [a, b] = ['a', 'b'].map((name) => atom(task({ name, execute: () => name })))
 * const links: readonly Link[] = [{ from: a!, to: b!, decider: () => false, depth: 'ATOM' }]
 */
export interface Link {
  readonly from: PlainNode
  readonly to: PlainNode
  readonly decider?: Decider
  /** Default `ALL`. */
  readonly depth?: Depth
}

/**
 * What a graph may have.
 *
 * @example
 * const work = atom(task({ name: 'work', execute: () => 1 }))
 * const options: GraphOptions = { target: work }
 */
export interface GraphOptions extends FlowOptions {
  readonly links?: readonly Link[]
  /** Run only this child and what it depends on. Source: TaskFlow's `TargetedFlow`. */
  readonly target?: PlainNode
}

/**
 * Children run when what they need is there: a child waits for the child that provides a symbol that it requires,
 * before or after it in the list, and for those it is linked to by hand. Linking a pair again replaces its decider.
 *
 * @example
 * const sum = task({ name: 'sum', execute: ({ a, b }: { a: number; b: number }) => console.log(a + b) })
 * const one = task({ name: 'one', execute: () => 1 })
 * const f = graph('f', [
 *   atom(sum, { requires: ['a', 'b'] }),
 *   atom(one, { name: 'first', provides: 'a' }),
 *   atom(one, { name: 'second', provides: 'b' }),
 * ])
 * await new Engine(f).run({})
 * @throws TaskFlowError `ambiguous-dependency`, `dependency-cycle`, `invalid-flow`
 */
export function graph(name: string, children: readonly PlainNode[], options: GraphOptions = {}): FlowNode {
  const node = flowNode(name, 'graph', children, options)
  const edges = connect(node, options.links ?? [])
  return { ...node, edges, target: targetOf(node, options.target) }
}

function flowNode(name: string, pattern: Pattern, children: readonly PlainNode[], { retry }: FlowOptions): FlowNode {
  checkName('a flow', name)
  const controlled = retry ? { ...retry, name: retry.name || `${name}_retry` } : null
  return { kind: 'flow', name, pattern, children, retry: controlled, edges: [], target: null }
}

function wiringOf(
  name: string,
  options: WiringOptions & Pick<AtomOptions, 'inject'>,
): Pick<AtomNode, 'needs' | 'revertNeeds' | 'provides'> {
  const { requires = none, optional = none, rebind = nothing, provides = none, inject = nothing } = options
  const { revertRequires = none, revertRebind = nothing } = options
  const needs = needsOf(name, requires, rebind, optional, inject)
  const own = options.revertRequires !== undefined || options.revertRebind !== undefined
  const revertNeeds = own ? needsOf(name, revertRequires, revertRebind, none, inject) : null
  return { needs, revertNeeds, provides: providedBy(name, provides) }
}

/** Shared by all atoms: an empty list of its own would be kept with each. */
const none: readonly never[] = []
const nothing: Readonly<Record<string, never>> = {}

function providedBy(name: string, provides: NonNullable<WiringOptions['provides']>): readonly Provided[] {
  if (provides === none) return none
  if (typeof provides === 'string') return [{ symbol: provides, path: none }]
  if (provides instanceof Set)
    return [...(provides as ReadonlySet<string>)].map((key) => ({ symbol: key, path: [key] }))
  if (Array.isArray(provides)) return (provides as string[]).map((symbol, index) => ({ symbol, path: [index] }))
  throw new TaskFlowError('invalid-flow', `'${name}' provides a name, a list or a set of names, nothing else`)
}
