/**
 * Every state of a flow and of an atom, and every allowed transition, as one table.
 *
 * Source: OpenStack TaskFlow, "States" (doc/source/user/states.rst) and `taskflow/states.py`.
 */
export type FlowState = 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILURE' | 'REVERTED'

export type AtomState = 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILURE' | 'REVERTING' | 'REVERTED' | 'REVERT_FAILURE'

export const flowTransitions: { readonly [S in FlowState]: readonly FlowState[] } = {
  PENDING: ['RUNNING'],
  RUNNING: ['SUCCESS', 'FAILURE', 'REVERTED'],
  SUCCESS: ['RUNNING', 'PENDING'],
  FAILURE: ['RUNNING'],
  REVERTED: ['PENDING'],
}

export const atomTransitions: { readonly [S in AtomState]: readonly AtomState[] } = {
  PENDING: ['RUNNING'],
  RUNNING: ['SUCCESS', 'FAILURE'],
  SUCCESS: ['REVERTING'],
  FAILURE: ['REVERTING'],
  REVERTING: ['REVERTED', 'REVERT_FAILURE'],
  REVERTED: ['PENDING'],
  REVERT_FAILURE: [],
}
