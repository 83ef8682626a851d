import { type AtomNode, Failure, type PlainNode, type TaskContext, valueAt } from '@glimpse/taskflow'
import type { FlowRunner, RunOptions } from './executor.ts'

/** A step that was begun, and how it ended. */
interface Begun {
  readonly atom: AtomNode
  readonly args: object
  readonly result: unknown
  readonly failure: Failure | null
}

/**
 * Runs the steps of a flow one after another in the order in which they are written, with no engine: nothing at the
 * same time, nothing recorded. A failure reverts what was begun, last first; a revert that fails keeps no other from
 * running.
 */
export const runPlain: FlowRunner = async (flow, inputs, options) => {
  const begun: Begun[] = []
  const values = new Map<string, unknown>(Object.entries(inputs))
  for (const atom of atomsOf(flow.root)) {
    if (options.signal.aborted) break
    const step = await execute(atom, values, options)
    begun.push(step)
    if (step.failure) break
  }
  const failures = begun.flatMap(({ failure }) => failure ?? [])
  const cancelled = options.signal.aborted ? String(options.signal.reason) : null
  if (failures.length === 0 && cancelled === null) return { failures, revertFailures: [], cancelled }
  return { failures, revertFailures: await revertAll(begun, options), cancelled }
}

function atomsOf(node: PlainNode): AtomNode[] {
  return node.kind === 'task' ? [node] : node.children.flatMap(atomsOf)
}

async function execute(atom: AtomNode, values: Map<string, unknown>, options: RunOptions): Promise<Begun> {
  const tell = teller(atom, options)
  const args: Record<string, unknown> = {}
  tell('RUNNING', 'PENDING')
  try {
    for (const [argument, { symbol, path }] of Object.entries(atom.needs)) {
      args[argument] = valueAt(Object.hasOwn(atom.inject, symbol) ? atom.inject[symbol] : values.get(symbol), path)
    }
    const result: unknown = (await atom.task.execute(args as never, contextOf(atom, options, options.signal))) ?? null
    for (const [symbol, path] of Object.entries(atom.provides)) values.set(symbol, valueAt(result, path))
    tell('SUCCESS', 'RUNNING', { result })
    return { atom, args, result, failure: null }
  } catch (error) {
    const failure = Failure.from(error, atom.name)
    tell('FAILURE', 'RUNNING', { failure })
    return { atom, args, result: null, failure }
  }
}

async function revertAll(begun: readonly Begun[], options: RunOptions): Promise<Failure[]> {
  const failures: Failure[] = []
  for (const { atom, args, result, failure: cause } of begun.toReversed()) {
    const tell = teller(atom, options)
    tell('REVERTING', cause ? 'FAILURE' : 'SUCCESS')
    try {
      const outcome = cause ? ({ ok: false, failure: cause } as const) : ({ ok: true, result } as const)
      await atom.task.revert?.(args as never, outcome, contextOf(atom, options, unaborted))
      tell('REVERTED', 'REVERTING')
    } catch (error) {
      const failure = Failure.from(error, atom.name)
      tell('REVERT_FAILURE', 'REVERTING', { failure })
      failures.unshift(failure)
    }
  }
  return failures
}

const unaborted = new AbortController().signal

type Tell = (
  state: 'RUNNING' | 'SUCCESS' | 'FAILURE' | 'REVERTING' | 'REVERTED' | 'REVERT_FAILURE',
  oldState: 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILURE' | 'REVERTING',
  facts?: { readonly result?: unknown; readonly failure?: Failure },
) => void

function teller(atom: AtomNode, { id, listener }: RunOptions): Tell {
  return (state, oldState, facts) =>
    listener.onAtom?.({ flow: id, atom: atom.name, attempt: 1, state, oldState, ...facts })
}

function contextOf(atom: AtomNode, { id, listener, logger }: RunOptions, signal: AbortSignal): TaskContext {
  return {
    signal,
    logger,
    flow: id,
    atom: atom.name,
    attempt: 1,
    idempotencyKey: `${id}/${atom.name}/1`,
    progress: (fraction, details = {}) => listener.onProgress?.({ flow: id, atom: atom.name, fraction, details }),
  }
}
