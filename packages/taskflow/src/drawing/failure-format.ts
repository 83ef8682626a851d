import { nodeNamed } from '../compiler/node-index.ts'
import type { Plan } from '../compiler/plan.ts'
import type { AtomView, Inspection } from '../inspection.ts'
import type { AtomState } from '../states.ts'
import { Branches } from './branches.ts'
import { atomTitle, clause, sentence, worded } from './labels.ts'
import { predecessorsOf, type Twig } from './predecessors.ts'
import { mask, shortened, type ValueStyle, valueText, widest } from './value-text.ts'

/**
 * What {@link formatFailure} shows.
 *
 * @example
 * const discreet: FailureFormat = { maskInputsKeys: ['password'], maskOutputsKeys: ['token'], maxAtoms: 10 }
 */
export interface FailureFormat {
  /** Names of atoms of which neither inputs nor outputs are shown. */
  readonly hideInputsOutputsOf?: readonly string[]
  /** Arguments, symbols, and keys at any depth of what atoms were given, for which `***` is shown. */
  readonly maskInputsKeys?: readonly string[]
  /** The same of what atoms gave. */
  readonly maskOutputsKeys?: readonly string[]
  /** How many predecessors are shown, the nearest; the rest is counted. Default 30. */
  readonly maxAtoms?: number
  /** How many characters of a value are shown. Default 100. */
  readonly maxValueLength?: number
}

/**
 * Draws what led to a failure: the atom, and below it what came before it, the nearest first and each atom once, with
 * the state of each, what is to become of it, what it was given and what it gave. It is bounded whatever the flow and
 * its values are, and never throws.
 *
 * Source: TaskFlow's `formatters.FailureFormatter`.
 *
 * @param engine the engine of the run, as it is now.
 * @param about name of the atom, its failure, or an event: then its state is that of the event.
 * @returns lines without an end of the last one; nothing where the flow has no such atom
 * @example
 * const load = task({ name: 'load', execute: () => ({ size: 3, token: 'secret' }) })
 * const check = task({ name: 'check', execute: ({ size }: { size: number }) => { throw new Error(`only ${size}`) } })
 * const engine = new Engine(flow('f', (f) => f.add(check, { size: f.add(load, {}).at('size') })), { neverResolve: true })
 * await engine.run({}).catch(() => {})
 * console.log(formatFailure(engine, engine.failures[0]!, { maskOutputsKeys: ['token'] }))
 * // check [FAILURE] was given size=3
 * // └─ load [SUCCESS] gave {size: 3, token: ***}
 */
export function formatFailure(
  engine: Pick<Inspection, 'compile' | 'atom'>,
  about: string | { readonly atom: string; readonly state?: AtomState },
  options: FailureFormat = {},
): string {
  try {
    const { atom, state } = typeof about === 'string' ? { atom: about } : about
    const plan = engine.compile()
    const node = nodeNamed(plan, atom)
    return node === undefined ? '' : new FailureDrawing(engine, plan, options).draw(node, state)
  } catch {
    return ''
  }
}

class FailureDrawing {
  readonly #engine: Pick<Inspection, 'compile' | 'atom'>
  readonly #plan: Plan
  readonly #most: number
  readonly #hidden: ReadonlySet<string>
  readonly #inputStyle: ValueStyle
  readonly #outputStyle: ValueStyle

  constructor(engine: Pick<Inspection, 'compile' | 'atom'>, plan: Plan, options: FailureFormat) {
    const { hideInputsOutputsOf = [], maskInputsKeys = [], maskOutputsKeys = [] } = options
    const { maxAtoms = 30, maxValueLength: longest = 100 } = options
    this.#engine = engine
    this.#plan = plan
    this.#most = maxAtoms
    this.#hidden = new Set(hideInputsOutputsOf)
    this.#inputStyle = { maskedKeys: new Set(maskInputsKeys), longest }
    this.#outputStyle = { maskedKeys: new Set(maskOutputsKeys), longest }
  }

  /** @param state of the atom at the root, where that is known better than from the run. */
  draw(node: number, state: AtomState | undefined): string {
    const { root, more, unseen } = predecessorsOf(this.#plan, node, this.#most)
    const branches = new Branches()
    branches.add(0, true, this.#line(node, state))
    const isWhole = more === 0 && !unseen
    const waiting: { readonly twig: Twig; readonly depth: number; readonly last: boolean }[] = []
    const wait = ({ before }: Twig, depth: number, isLast: boolean): void => {
      for (const [at, twig] of [...before.entries()].toReversed()) {
        waiting.push({ twig, depth, last: isLast && at === before.length - 1 })
      }
    }
    wait(root, 1, isWhole)
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      branches.add(next.depth, next.last, this.#line(next.twig.node))
      wait(next.twig, next.depth + 1, true)
    }
    if (!isWhole) branches.add(1, true, `... and ${unseen ? 'at least ' : ''}${more} more`)
    return branches.toString()
  }

  #line(node: number, state?: AtomState): string {
    const { name } = this.#plan.atoms[node]!
    const view = this.#engine.atom(name)
    if (!view) return worded(name)
    const subject = `${atomTitle(view)} [${standingOf(view, state ?? view.state)}]`
    if (this.#hidden.has(name)) return subject
    return sentence(subject, [clause('was given', this.#inputs(node, view)), clause('gave', this.#output(node, view))])
  }

  #inputs(node: number, { inputs }: AtomView): readonly string[] {
    if (!inputs) return []
    const { maskedKeys } = this.#inputStyle
    const { needs } = this.#plan.atoms[node]!
    const secret = needs.filter(({ symbol, path }) => [symbol, ...path].some((key) => maskedKeys.has(String(key))))
    const masked = new Set([...maskedKeys, ...secret.map(({ argument }) => argument)])
    const given = Object.entries(inputs)
    const texts = given.slice(0, widest).map(([argument, value]) => {
      return `${worded(argument)}=${masked.has(argument) ? mask : valueText(value, this.#inputStyle)}`
    })
    return shortened(texts, given.length)
  }

  /** A part of a result that goes by a masked symbol is masked, too. */
  #output(node: number, { output }: AtomView): readonly string[] {
    if (output === undefined || output === null) return []
    const secret = this.#plan.atoms[node]!.provides.filter(({ symbol }) => this.#outputStyle.maskedKeys.has(symbol))
    return [
      valueText(
        output,
        this.#outputStyle,
        secret.map(({ path }) => path),
      ),
    ]
  }
}

const undone: ReadonlySet<AtomState> = new Set(['REVERTING', 'REVERTED', 'REVERT_FAILURE'])

function standingOf({ intention }: AtomView, state: AtomState): string {
  return intention === 'EXECUTE' || undone.has(state) ? state : `${state}, to ${intention}`
}
