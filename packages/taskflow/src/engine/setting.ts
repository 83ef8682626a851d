import type { Plan } from '../compiler/plan.ts'
import { Notifier } from '../listeners/notifier.ts'
import type { Backend } from '../storage/backend.ts'
import type { Logger } from '../task.ts'
import { systemClock } from './clock.ts'
import { capacityOf, type EngineOptions } from './options.ts'
import { Recorder } from './recorder.ts'
import type { RunSetting } from './run.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** What a run goes by, from what its engine was asked for; defaults are filled in here and nowhere else. */
export function settingOf(
  options: EngineOptions,
  run: {
    readonly id: string
    readonly plan: Plan
    readonly inputs: Readonly<Record<string, unknown>>
    readonly backend: Backend
  },
): RunSetting {
  const { logger = silent, listeners = [], onRevertFailure = 'stop', grace = 5_000, clock = systemClock } = options
  const { deferReverts = false, neverResolve = false, failFast = false } = options
  const { id, plan, inputs, backend } = run
  const notifier = new Notifier(listeners, logger)
  const recorder = new Recorder(backend, notifier)
  const capacity = capacityOf(options)
  const choices = { onRevertFailure, deferReverts, neverResolve, failFast, grace }
  return { id, plan, inputs, capacity, ...choices, recorder, notifier, logger, clock }
}
