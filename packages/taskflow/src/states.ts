/**
 * Every state of a flow and of an atom, and every allowed transition, as one table.
 *
 * Source: OpenStack TaskFlow, "States" (doc/source/user/states.rst) and `taskflow/states.py`.
 */

/**
 * What a flow is at. `SUSPENDING` and `SUSPENDED`: somebody asked it to stop between two atoms; it goes on with the
 * next run. `FAILURE`: it could be neither finished nor undone.
 *
 * @example
 * const ended: readonly FlowState[] = ['SUCCESS', 'REVERTED', 'FAILURE']
 */
export type FlowState =
  | 'PENDING'
  | 'RUNNING'
  | 'SUCCESS'
  | 'FAILURE'
  | 'REVERTED'
  | 'SUSPENDING'
  | 'SUSPENDED'
  | 'RESUMING'

/**
 * What an atom is at. `IGNORE`: a decider passed it by. `RETRYING`: a retry that is about to try its flow again; tasks
 * are never in it.
 *
 * @example
 * const done: readonly AtomState[] = ['SUCCESS', 'IGNORE']
 */
export type AtomState =
  | 'PENDING'
  | 'IGNORE'
  | 'RUNNING'
  | 'SUCCESS'
  | 'FAILURE'
  | 'RETRYING'
  | 'REVERTING'
  | 'REVERTED'
  | 'REVERT_FAILURE'

/**
 * For each state of a flow, the states that may follow it.
 *
 * @example
 * console.log(flowTransitions.REVERTED.join()) // PENDING
 */
export const flowTransitions: { readonly [S in FlowState]: readonly FlowState[] } = {
  PENDING: ['RUNNING'],
  RUNNING: ['SUCCESS', 'FAILURE', 'REVERTED', 'SUSPENDING', 'RESUMING'],
  SUCCESS: ['RUNNING', 'PENDING'],
  FAILURE: ['RUNNING'],
  REVERTED: ['PENDING'],
  SUSPENDING: ['SUSPENDED', 'SUCCESS', 'FAILURE', 'REVERTED', 'RESUMING'],
  SUSPENDED: ['RUNNING'],
  RESUMING: ['SUSPENDED'],
}

/**
 * For each state of a task, the states that may follow it. One that a crash interrupted may besides begin again, in
 * the state that it is in, and go from `RUNNING` to `REVERTING` without an end.
 *
 * @example
 * console.log(atomTransitions.RUNNING.join()) // SUCCESS,FAILURE
 */
export const atomTransitions: { readonly [S in AtomState]: readonly AtomState[] } = {
  PENDING: ['RUNNING', 'IGNORE'],
  IGNORE: ['PENDING'],
  RUNNING: ['SUCCESS', 'FAILURE'],
  SUCCESS: ['REVERTING'],
  FAILURE: ['REVERTING'],
  RETRYING: [],
  REVERTING: ['REVERTED', 'REVERT_FAILURE'],
  REVERTED: ['PENDING'],
  REVERT_FAILURE: [],
}

/**
 * For each state of a retry, the states that may follow it. One that waits to try again may still be reverted: TaskFlow
 * has no such wait, hence no such transition.
 *
 * @example
 * console.log(retryTransitions.SUCCESS.join()) // REVERTING,RETRYING
 */
export const retryTransitions: { readonly [S in AtomState]: readonly AtomState[] } = {
  ...atomTransitions,
  SUCCESS: ['REVERTING', 'RETRYING'],
  RETRYING: ['RUNNING', 'REVERTING'],
}
