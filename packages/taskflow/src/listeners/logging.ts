import type { AtomState, FlowState } from '../states.ts'
import type { Logger } from '../task.ts'
import type { AtomEvent, Listener } from './listener.ts'
import { Narrator } from './narrator.ts'

/**
 * A level of a {@link Logger}; `off` says nothing.
 *
 * @example
 * const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'off']
 */
export type LogLevel = keyof Logger | 'off'

/**
 * What a {@link loggingListener} says, and how loud.
 *
 * @example
 * const options: LoggingOptions = { atomLevels: { SUCCESS: 'info' }, progressLevel: 'debug' }
 */
export interface LoggingOptions {
  /**
   * By the state that a flow enters. Default: `FAILURE` is an error, `REVERTED` a warning, `SUSPENDING`, `RESUMING` and
   * `PENDING` are for debugging, the rest is information.
   */
  readonly flowLevels?: Readonly<Partial<Record<FlowState, LogLevel>>>
  /**
   * By the state that an atom enters. Default: `REVERT_FAILURE` is an error, `FAILURE`, `RETRYING` and `REVERTED` are
   * warnings, the rest is for debugging.
   */
  readonly atomLevels?: Readonly<Partial<Record<AtomState, LogLevel>>>
  /** Default `off`. */
  readonly progressLevel?: LogLevel
  /** Whether results are among the fields; they may be large, or secret. Default false. */
  readonly results?: boolean
}

const usualFlowLevels: Readonly<Record<FlowState, LogLevel>> = {
  PENDING: 'debug',
  RUNNING: 'info',
  SUCCESS: 'info',
  FAILURE: 'error',
  REVERTED: 'warn',
  SUSPENDING: 'debug',
  SUSPENDED: 'info',
  RESUMING: 'debug',
}

const usualAtomLevels: Readonly<Record<AtomState, LogLevel>> = {
  PENDING: 'debug',
  IGNORE: 'debug',
  RUNNING: 'debug',
  SUCCESS: 'debug',
  FAILURE: 'warn',
  RETRYING: 'warn',
  REVERTING: 'debug',
  REVERTED: 'warn',
  REVERT_FAILURE: 'error',
}

/**
 * Logs what happens in runs: a sentence each, and its facts as fields (`flow`, `atom`, `kind`, `attempt`, `state`,
 * `oldState`; `err`: the error of a failure).
 *
 * Source: TaskFlow's `DynamicLoggingListener`.
 *
 * @example
 * const logger: Logger = { debug() {}, info: (_, message) => console.log(message), warn() {}, error() {} }
 * const work = task({ name: 'work', execute: () => 1 })
 * await run(flow('f', (f) => f.add(work, {})), {}, { listeners: [loggingListener(logger)] })
 * console.log('over') // over
 */
export function loggingListener(logger: Logger, options: LoggingOptions = {}): Listener {
  const { progressLevel = 'off', results = false } = options
  const flowLevels = { ...usualFlowLevels, ...options.flowLevels }
  const atomLevels = { ...usualAtomLevels, ...options.atomLevels }
  const narrator = new Narrator()
  const log = (level: LogLevel, fields: object, message: string): void => {
    if (level !== 'off') logger[level](fields, message)
  }
  return {
    onFlow: (event) => log(flowLevels[event.state], { ...event }, narrator.flow(event)),
    onAtom: (event) => log(atomLevels[event.state], fieldsOf(event, results), narrator.atom(event)),
    onProgress: (event) => log(progressLevel, { ...event }, narrator.progress(event)),
  }
}

function fieldsOf({ failure, result, ...facts }: AtomEvent, results: boolean): object {
  return {
    ...facts,
    ...(results && result !== undefined && { result }),
    ...(failure && { err: failure.toError() }),
  }
}
