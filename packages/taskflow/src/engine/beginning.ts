/** How a run comes to be: as a new record, or from the one that an earlier engine left. */

import type { Plan } from '../compiler/plan.ts'
import { TaskFlowError } from '../errors.ts'
import { assertStorable } from '../json.ts'
import type { FlowState } from '../states.ts'
import type { Backend, StoredFlow } from '../storage/backend.ts'
import type { FlowRecord } from '../storage/records.ts'
import { systemClock } from './clock.ts'
import type { EngineOptions } from './options.ts'
import { checkPlan, plannedAtoms } from './plan-changes.ts'
import { raiseUnstored } from './recorder.ts'
import { restore } from './restoring.ts'
import { newRun, type Run } from './run.ts'
import { settingOf } from './setting.ts'
import { recordFlow } from './transitions.ts'

interface Origin {
  readonly id: string
  readonly plan: Plan
  readonly backend: Backend
}

type Inputs = Readonly<Record<string, unknown>>

/** @throws TaskFlowError `storage` when there is a run of this id already, or it cannot be stored; `not-json` */
export async function beginRun(options: EngineOptions, origin: Origin, inputs: Inputs): Promise<Run> {
  const { id, plan, backend } = origin
  const { fence = 0, book = null, meta = {} } = options
  const run = newRun(settingOf(options, { ...origin, inputs, fence, state: 'PENDING' }))
  assertStorable(meta, `the meta of flow '${plan.name}'`, 'meta', run.maxValueBytes)
  const now = run.clock.now()
  const record: FlowRecord = {
    id,
    book,
    name: plan.name,
    state: 'PENDING',
    intention: 'EXECUTE',
    cancelled: null,
    inputs,
    meta,
    // What nobody but this engine can read, nobody compares.
    plan: options.backend ? plannedAtoms(plan) : null,
    fence,
    createdAt: now,
    updatedAt: now,
  }
  try {
    await backend.create(record)
  } catch (error) {
    raiseUnstored(error)
  }
  return run
}

const wasDriven: ReadonlySet<FlowState> = new Set(['RUNNING', 'SUSPENDING', 'RESUMING'])

/**
 * Takes a stored run over. First storage is told that it has a new owner, so that what is read then does not change any
 * more; a run that somebody drove when its process ended rests in SUSPENDED afterwards.
 *
 * @param inputsOf the inputs that the flow runs on now, of those that were stored.
 * @throws TaskFlowError `not-found`, `plan-changed`, `stale-owner`, `storage`
 */
export async function takeUpRun(
  options: EngineOptions,
  origin: Origin,
  inputsOf: (stored: Inputs) => Inputs,
): Promise<Run> {
  const { plan } = origin
  const [stored, fence] = await takeOver(options, origin)
  checkPlan(plan, stored, options.onPlanChange ?? 'refuse')
  const { state } = stored.flow
  const run = newRun(settingOf(options, { ...origin, inputs: inputsOf(stored.flow.inputs), fence, state }))
  restore(run, stored)
  if (wasDriven.has(state)) {
    if (state !== 'RESUMING') recordFlow(run, 'RESUMING')
    recordFlow(run, 'SUSPENDED')
  }
  await run.recorder.flush()
  return run
}

async function takeOver(options: EngineOptions, { id, backend }: Origin): Promise<readonly [StoredFlow, number]> {
  try {
    const fence = options.fence ?? (await nextFence(backend, id))
    await backend.commit({ flow: id, fence, at: (options.clock ?? systemClock).now(), change: {}, atoms: [] })
    const stored = await backend.load(id)
    if (stored) return [stored, fence]
    throw notFound(id)
  } catch (error) {
    if (error instanceof TaskFlowError && error.code === 'not-found') throw error
    if (!(await mayExist(backend, id))) throw notFound(id)
    return raiseUnstored(error)
  }
}

async function nextFence(backend: Backend, id: string): Promise<number> {
  const found = await backend.load(id)
  if (!found) throw notFound(id)
  return found.flow.fence + 1
}

/** Whether a commit can have failed for another reason than that there is no such run. */
async function mayExist(backend: Backend, id: string): Promise<boolean> {
  try {
    return (await backend.load(id)) !== undefined
  } catch {
    return true
  }
}

function notFound(id: string): TaskFlowError {
  return new TaskFlowError('not-found', `there is no run with the id '${id}'`)
}
