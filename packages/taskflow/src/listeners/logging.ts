import type { Inspection } from '../inspection.ts'
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
  /**
   * What is said besides when an atom failed, or could not be reverted: it follows the sentence on lines of its own.
   * `explain: (event, engine) => formatFailure(engine, event)` says what led to it. What it throws is not heard of.
   */
  readonly explain?: (event: AtomEvent, engine: Inspection) => string
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
    onAtom: (event, engine) => {
      const level = atomLevels[event.state]
      const message = narrator.atom(event)
      const more = level === 'off' || !engine ? '' : explanationOf(event, engine, options)
      log(level, fieldsOf(event, results), more === '' ? message : `${message}\n${more}`)
    },
    onProgress: (event) => log(progressLevel, { ...event }, narrator.progress(event)),
  }
}

const explained: ReadonlySet<AtomState> = new Set(['FAILURE', 'REVERT_FAILURE'])

/** Nothing that goes wrong with it may keep the failure itself from being told. */
function explanationOf(event: AtomEvent, engine: Inspection, { explain }: LoggingOptions): string {
  if (!explain || !explained.has(event.state)) return ''
  try {
    return explain(event, engine)
  } catch {
    return ''
  }
}

function fieldsOf({ failure, result, ...facts }: AtomEvent, results: boolean): object {
  return {
    ...facts,
    ...(results && result !== undefined && { result }),
    ...(failure && { err: failure.toError() }),
  }
}
