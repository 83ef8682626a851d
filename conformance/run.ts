import {
  type AtomState,
  compile,
  Engine,
  type EngineOptions,
  type FlowNode,
  MemoryBackend,
  TaskFlowError,
} from '@glimpse/taskflow'
import { buildFlow } from './build.ts'
import { CallLog } from './calls.ts'
import { atomFacts, type Facts, type InvalidFacts, type RunFacts, storeFacts } from './facts.ts'
import { textsOf, typeOf } from './failures.ts'
import { storeSnapshot } from './snapshot.ts'
import type { RecordedResume, Spec } from './spec.ts'
import { atOnce, outOfStep } from './tasks.ts'
import { byCodePoint } from './values.ts'

/** Which engine runs the cases. In parallel, tasks that began together end in an order of their own. */
export type Mode = 'serial' | 'parallel'

/** Milliseconds after which a run is taken for one that never ends; cases take a few. */
const longest = 30_000

/** What the library does with a spec. Never rejects. */
export async function runSpec(spec: Spec, mode: Mode): Promise<Facts> {
  return await unlessBroken(spec, factsOf(spec, mode))
}

/** What the library makes of a run that a crash of TaskFlow left. Never rejects. */
export async function resumeSpec(spec: Spec, recorded: RecordedResume, mode: Mode): Promise<Facts> {
  const { crash } = recorded
  return { ...(await unlessBroken(spec, factsAfter(spec, recorded, mode))), crash }
}

async function unlessBroken(spec: Spec, facts: Promise<Facts>): Promise<Facts> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`the run did not end within ${longest} ms`)), longest)
  try {
    return await Promise.race([facts, late])
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

type AnyEngine = Engine<object, unknown>

async function factsOf(spec: Spec, mode: Mode): Promise<InvalidFacts | RunFacts> {
  const watch: Watch = { calls: new CallLog(), backend: new MemoryBackend(), trace: [] }
  const engine = prepare(spec, mode, watch)
  if (!(engine instanceof Engine)) return engine
  await engine.prepare(spec.store ?? {})
  return await runFacts(spec, engine, watch)
}

async function factsAfter(spec: Spec, { snapshot }: RecordedResume, mode: Mode): Promise<RunFacts> {
  const watch: Watch = { calls: new CallLog(snapshot.atoms), backend: new MemoryBackend(), trace: [] }
  await storeSnapshot(watch.backend, spec.id, snapshot, spec.store ?? {})
  const options = { ...optionsFor(spec, mode, watch), id: spec.id, backend: watch.backend }
  const engine: AnyEngine = await Engine.resume<object, unknown>(rootOf(spec, mode, watch), options)
  return await runFacts(spec, engine, watch)
}

async function runFacts(spec: Spec, engine: AnyEngine, { calls, backend, trace }: Watch): Promise<RunFacts> {
  const raised = await engine.run().then(() => [], textsOf)
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
function prepare(spec: Spec, mode: Mode, watch: Watch): AnyEngine | InvalidFacts {
  let phase: InvalidFacts['error']['phase'] = 'build'
  try {
    const root = rootOf(spec, mode, watch)
    phase = 'compile'
    compile(root)
    const engine = new Engine<object, unknown>(root, optionsFor(spec, mode, watch))
    phase = 'validate'
    engine.validate(spec.store ?? {})
    return engine
  } catch (error) {
    return { id: spec.id, outcome: 'invalid', error: { phase, type: typeOf(error), ...missingIn(error) } }
  }
}

function rootOf(spec: Spec, mode: Mode, { calls }: Watch): FlowNode {
  return buildFlow(spec.flow, calls, mode === 'serial' ? atOnce : outOfStep)
}

function optionsFor({ options = {} }: Spec, mode: Mode, { backend, trace }: Watch): EngineOptions {
  const { defer_reverts: deferReverts = false, never_resolve: neverResolve = false } = options
  const listeners = [{ onAtom: ({ atom, state }: { atom: string; state: AtomState }) => trace.push([atom, state]) }]
  return { mode, backend, deferReverts, neverResolve, listeners }
}

/** The arguments that nothing gives, where that is why a spec is refused. */
function missingIn(error: unknown): { missing?: readonly string[] } {
  if (!(error instanceof TaskFlowError) || error.code !== 'missing-dependencies') return {}
  return { missing: [...new Set(error.missing.map(({ argument }) => argument))].toSorted(byCodePoint) }
}
