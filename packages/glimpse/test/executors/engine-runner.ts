import { type Clock, Engine, systemClock, TaskFlowError } from '@glimpse/taskflow'
import type { FlowRunner } from '../../src/executors/executor.ts'

export interface EngineChoice {
  readonly engineMode: 'serial' | 'parallel'
  /** Steps of one flow that run at the same time, in a parallel engine. */
  readonly maxWorkers: number
  /** Waits between the attempts of a retry. */
  readonly clock?: Clock
}

/**
 * Runs the steps of a flow in an engine of taskflow. A failure that no retry solves reverts everything, whatever an
 * inner retry has a say in, and begins nothing more: so the end is the one that `plain` comes to.
 */
export function taskflowRunner({ engineMode, maxWorkers, clock = systemClock }: EngineChoice): FlowRunner {
  const alike = { onRevertFailure: 'continue', deferReverts: true, failFast: true } as const
  return async (flow, inputs, { id, listener, logger, signal }) => {
    const engine = new Engine(flow, {
      ...alike,
      id,
      mode: engineMode,
      maxWorkers,
      listeners: [listener],
      logger,
      signal,
      clock,
    })
    try {
      await engine.run(inputs as never)
    } catch (error) {
      const isLost = error instanceof TaskFlowError && error.code === 'storage'
      if (isLost || (!engine.cancelled && engine.failures.length === 0)) throw error
    }
    const cancelled = engine.cancelled ? String(signal.reason) : null
    return { failures: engine.failures, revertFailures: engine.revertFailures, cancelled }
  }
}
