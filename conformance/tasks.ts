/** What the tasks of a spec do. Source: `flow-oracle/README.md`, "What a task does". */
import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type AtomNode, atom, type JsonValue, type Outcome, task } from '@glimpse/taskflow'
import type { CallLog, RevertFact } from './calls.ts'
import { SpecifiedError, textOf } from './failures.ts'
import type { TaskSpec } from './spec.ts'
import { fnv1a, renderCall } from './values.ts'

/** Makes a call now or some turns of the event loop later; it is told whose call it is, and which one. */
export type Pace = <T>(call: string, make: () => T) => T | Promise<T>

export const atOnce: Pace = (_, make) => make()

/** Calls that began together end in an order of their own, which is the same in every run. */
export const outOfStep: Pace = async (call, make) => {
  for (let turns = fnv1a(call) % 4; turns > 0; turns--) await setImmediate()
  return make()
}

type Arguments = Readonly<Record<string, JsonValue>>

export function atomOf(spec: TaskSpec, calls: CallLog, pace: Pace): AtomNode {
  const { name, requires, rebind = {}, inject = {}, provides } = spec
  const described = task<Arguments, JsonValue>({
    name,
    execute: (args) => {
      const nth = calls.execute(name)
      return pace(`${name}#${nth}`, () => resultOf(spec, nth, args))
    },
    revert: (args, outcome) => {
      const nth = calls.revert(name, told(name, args, outcome))
      return pace(`undo:${name}#${nth}`, () => undone(spec, nth))
    },
  })
  return atom(described, { requires, rebind, inject, ...(provides !== null && { provides }) })
}

function resultOf(spec: TaskSpec, nth: number, args: Arguments): JsonValue {
  const { name, provides, returns, stamp = false } = spec
  if (fails(spec, nth, args)) throw new SpecifiedError(`${name}#${nth}`)
  const base = renderCall(stamp ? `${name}@${nth}` : name, args)
  if (typeof provides !== 'string' && provides !== null) return provides.map((_, at) => `${base}/${at}`)
  return returns === 'list' ? [`${base}/0`, `${base}/1`] : base
}

function fails({ fail }: TaskSpec, nth: number, args: Arguments): boolean {
  if (fail === undefined) return false
  if ('times' in fail) return nth <= fail.times
  if ('always' in fail) return fail.always
  const { arg, in: wrong } = fail.when
  return wrong.some((value) => isDeepStrictEqual(value, args[arg]))
}

function told(name: string, args: Arguments, outcome: Outcome<JsonValue>): RevertFact {
  const call = renderCall(name, args)
  if (outcome.ok) return { result: outcome.result, call }
  // TaskFlow gives null where an execute was interrupted; we say so.
  return outcome.failure.code === 'interrupted' ? { result: null, call } : { failure: textOf(outcome.failure), call }
}

function undone({ name, revert }: TaskSpec, nth: number): string {
  if (revert === 'fail') throw new SpecifiedError(`undo:${name}#${nth}`)
  return `undo:${name}`
}
