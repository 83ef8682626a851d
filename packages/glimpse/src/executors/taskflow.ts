import { Engine, TaskFlowError } from '@glimpse/taskflow'
import type { FlowRunner } from './executor.ts'

export interface EngineChoice {
  readonly engineMode: 'serial' | 'parallel'
  /** Steps of one flow that run at the same time, in a parallel engine. */
  readonly maxWorkers: number
}

/** Runs the steps of a flow in an engine of taskflow. */
export function taskflowRunner({ engineMode, maxWorkers }: EngineChoice): FlowRunner {
  return async (flow, inputs, { id, listener, logger, signal }) => {
    const options = { id, mode: engineMode, maxWorkers, listeners: [listener], logger, signal } as const
    const engine = new Engine(flow, { ...options, onRevertFailure: 'continue' })
    let cancelled: string | null = null
    try {
      await engine.run(inputs as never)
    } catch (error) {
      if (signal.aborted) cancelled = String(signal.reason)
      else if (engine.failures.length === 0) throw error
      if (error instanceof TaskFlowError && error.code === 'storage') throw error
    }
    return { failures: engine.failures, revertFailures: engine.revertFailures, cancelled }
  }
}
