import { type AtomState, compile, Engine, type FlowNode, MemoryBackend, TaskFlowError } from '@glimpse/taskflow'
import { buildFlow } from './build.ts'
import { CallLog } from './calls.ts'
import { atomFacts, type Facts, type InvalidFacts, type RunFacts, storeFacts } from './facts.ts'
import { textsOf, typeOf } from './failures.ts'
import type { Spec } from './spec.ts'
import { atOnce, outOfStep } from './tasks.ts'
import { byCodePoint } from './values.ts'

/** Which engine runs the cases. In parallel, tasks that began together end in an order of their own. */
export type Mode = 'serial' | 'parallel'

/** Milliseconds after which a run is taken for one that never ends; cases take a few. */
const longest = 30_000

/** What the library does with a spec. Never rejects. */
export async function runSpec(spec: Spec, mode: Mode): Promise<Facts> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`the run did not end within ${longest} ms`)), longest)
  try {
    return await Promise.race([factsOf(spec, mode), late])
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { id: spec.id, outcome: 'broken', error: { type: typeOf(error), message } }
  } finally {
    clearTimeout(timer)
  }
}

/** What watches one run from outside of the engine. */
interface Watch {
  readonly calls: CallLog
  readonly backend: MemoryBackend
  readonly trace: (readonly [string, AtomState])[]
}

async function factsOf(spec: Spec, mode: Mode): Promise<InvalidFacts | RunFacts> {
  const watch: Watch = { calls: new CallLog(), backend: new MemoryBackend(), trace: [] }
  const engine = prepare(spec, mode, watch)
  if (!(engine instanceof Engine)) return engine
  const raised = await engine.run(spec.store ?? {}).then(() => [], textsOf)
  const { calls, backend, trace } = watch
  const { state } = engine
  return {
    id: spec.id,
    outcome: 'ran',
    flow_state: state,
    raised,
    atoms: atomFacts(spec.flow, backend.load(engine.id)?.atoms ?? [], calls),
    ...(state === 'SUCCESS' && { store: storeFacts(engine.fetchAll()) }),
    trace,
  }
}

/** An engine that is ready to run, or why there is none. */
function prepare(spec: Spec, mode: Mode, watch: Watch): Engine<object, unknown> | InvalidFacts {
  let phase: InvalidFacts['error']['phase'] = 'build'
  try {
    const root = buildFlow(spec.flow, watch.calls, mode === 'serial' ? atOnce : outOfStep)
    phase = 'compile'
    compile(root)
    const engine = engineOf(root, spec, mode, watch)
    phase = 'validate'
    engine.validate(spec.store ?? {})
    return engine
  } catch (error) {
    return { id: spec.id, outcome: 'invalid', error: { phase, type: typeOf(error), ...missingIn(error) } }
  }
}

function engineOf(root: FlowNode, { options = {} }: Spec, mode: Mode, watch: Watch): Engine<object, unknown> {
  const { defer_reverts: deferReverts = false, never_resolve: neverResolve = false } = options
  const { backend, trace } = watch
  const listeners = [{ onAtom: ({ atom, state }: { atom: string; state: AtomState }) => trace.push([atom, state]) }]
  return new Engine(root, { mode, backend, deferReverts, neverResolve, listeners })
}

/** The arguments that nothing gives, where that is why a spec is refused. */
function missingIn(error: unknown): { missing?: readonly string[] } {
  if (!(error instanceof TaskFlowError) || error.code !== 'missing-dependencies') return {}
  return { missing: [...new Set(error.missing.map(({ argument }) => argument))].toSorted(byCodePoint) }
}
