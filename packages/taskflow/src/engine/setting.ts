import type { Plan } from '../compiler/plan.ts'
import { Notifier } from '../listeners/notifier.ts'
import type { FlowState } from '../states.ts'
import type { Backend } from '../storage/backend.ts'
import type { Logger } from '../task.ts'
import { systemClock } from './clock.ts'
import { capacityOf, type EngineOptions, maxValueBytesOf } from './options.ts'
import { Recorder } from './recorder.ts'
import type { RunSetting } from './run.ts'
import { Tally } from './tally.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** What a run goes by, from what its engine was asked for; defaults are filled in here and nowhere else. */
export function settingOf(
  options: EngineOptions,
  run: {
    readonly id: string
    readonly plan: Plan
    readonly inputs: Readonly<Record<string, unknown>>
    readonly backend: Backend
    readonly fence: number
    readonly state: FlowState
  },
): RunSetting {
  const { logger = silent, listeners = [], onRevertFailure = 'stop', grace = 5_000, clock = systemClock } = options
  const { deferReverts = false, neverResolve = false, failFast = false } = options
  const { id, plan, inputs, backend, fence, state } = run
  const notifier = new Notifier(listeners, logger)
  const recorder = new Recorder({ flow: id, backend, notifier, clock, fence, state })
  const capacity = capacityOf(options)
  const tally = new Tally(options.gatherStatistics ?? false)
  const maxValueBytes = maxValueBytesOf(options)
  const choices = { onRevertFailure, deferReverts, neverResolve, failFast, grace, maxValueBytes }
  return { id, plan, inputs, capacity, ...choices, recorder, notifier, logger, clock, tally }
}
