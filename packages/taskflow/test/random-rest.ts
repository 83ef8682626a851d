/** What must be true of a run that nobody drives. */
import { type AtomRecord, type Engine, type StoredFlow, TaskFlowError, WrappedFailure } from '../src/index.ts'
import type { Mind, Model } from './random-model.ts'
import { listed, refuse, same } from './random-refusal.ts'

/** @param thrown what run() threw; null where nobody knows. */
export function checkRest(
  engine: Engine<object, unknown>,
  model: Model,
  stored: StoredFlow,
  thrown: { readonly error: unknown } | null,
): void {
  if (engine.state !== model.flow) refuse(`the engine says ${engine.state}, not ${model.flow}`)
  checkFailures(engine, model)
  if (thrown) checkError(model, thrown.error)
  checkStored(model, stored)
}

function checkFailures({ failures, revertFailures }: Engine<object, unknown>, model: Model): void {
  for (const [of, told] of [['failure', failures] as const, ['revertFailure', revertFailures] as const]) {
    const wanted = model.failures(of)
    const [names, wantedNames] = [told, wanted].map((each) => each.map(({ atom }) => atom))
    if (!same(names, wantedNames)) refuse(`the ${of}s told are of ${listed(names!)}, not of ${listed(wantedNames!)}`)
    for (const [nth, { atom, error }] of wanted.entries()) {
      if (error !== null && told[nth]!.toError() !== error) refuse(`of '${atom}' another error is told than it had`)
    }
  }
}

function checkError(model: Model, error: unknown): void {
  const code = error instanceof TaskFlowError ? error.code : null
  if (model.flow === 'SUCCESS') {
    if (error !== undefined) throw error
    return
  }
  const undone = model.failures('revertFailure')
  const wantedCode = model.flow === 'SUSPENDED' ? 'suspended' : 'cancelled'
  if (model.flow === 'SUSPENDED' || (model.cancelled && undone.length === 0)) {
    if (code !== wantedCode) refuse(`a run that is ${wantedCode} throws ${String(error)}`)
    return
  }
  const wanted = undone.length > 0 ? undone : model.failures('failure')
  const thrown = error instanceof WrappedFailure ? error.failures.map((failure) => failure.toError()) : [error]
  const isRight = wanted.length === thrown.length && wanted.every((each, at) => [null, thrown[at]].includes(each.error))
  if (!isRight || error === undefined) {
    refuse(`the run throws ${String(error)}, not what ${listed(wanted.map(({ atom }) => atom))} threw`)
  }
}

function checkStored(model: Model, { flow, atoms }: StoredFlow): void {
  if (flow.state !== model.flow) refuse(`the flow is stored as ${flow.state}, but is ${model.flow}`)
  const { intention, cancelled } = flow
  const wants = {
    intention: model.revertingAll ? 'REVERT' : 'EXECUTE',
    cancelled: model.revertingAll ? model.cancelled : null,
  }
  if (!same({ intention, cancelled }, wants)) {
    refuse(`the flow is stored with ${JSON.stringify({ intention, cancelled })}, not ${JSON.stringify(wants)}`)
  }
  const records = new Map(atoms.map((record) => [record.name, record]))
  for (const mind of model.minds.values()) {
    const { name } = mind.facts
    const record = records.get(name)
    records.delete(name)
    if (!record && mind.state === 'PENDING' && mind.attempts === 0) continue
    const [told, wanted] = [record && toldOf(mind, record), wantedOf(mind)]
    if (!same(told, wanted)) refuse(`'${name}' is stored as ${JSON.stringify(told)}, not ${JSON.stringify(wanted)}`)
    if (mind.facts.task?.tells && mind.state === 'SUCCESS' && record?.progress?.fraction !== 1) {
      refuse(`'${name}' has ended, but is stored at ${record?.progress?.fraction}`)
    }
  }
  if (records.size > 0) refuse(`${listed(records.keys())} are stored, but are not in the flow`)
}

function toldOf(
  { facts, state }: Mind,
  { attempts, kind, result, failure, revertFailure, ...record }: AtomRecord,
): object {
  const past = record.history?.map(({ value, failures }) => [value, Object.keys(failures)]) ?? []
  return {
    state: record.state,
    attempts,
    kind,
    intention: record.intention,
    failed: failure?.atom ?? null,
    revertFailed: revertFailure?.atom ?? null,
    unbegun: record.meta?.unbegun === true,
    ...(facts.retry && { past }),
    ...(state === 'SUCCESS' && { result }),
  }
}

function wantedOf(mind: Mind): object {
  const { facts, state, attempts, result, failure, revertFailure, history, unbegun, decided } = mind
  return {
    state,
    attempts,
    kind: facts.retry ? 'retry' : 'task',
    intention: decided,
    failed: failure ? facts.name : null,
    revertFailed: revertFailure ? facts.name : null,
    unbegun,
    ...(facts.retry && { past: history.map(({ value, failed }) => [value, [...failed]]) }),
    ...(state === 'SUCCESS' && { result: result!.value }),
  }
}
