/**
 * A Glance task: background work that users poll. (A flow's task is called a *step* here.)
 *
 * Source: OpenStack Images API v2, "Tasks"; Glance's task state machine.
 */
export const taskTypes = ['import', 'api_image_import'] as const
export type TaskType = (typeof taskTypes)[number]

export const taskStatuses = ['pending', 'processing', 'success', 'failure'] as const
export type TaskStatus = (typeof taskStatuses)[number]

/** Every allowed change of status; `success` and `failure` are final. */
export const taskTransitions: { readonly [S in TaskStatus]: readonly TaskStatus[] } = {
  pending: ['processing', 'failure'],
  processing: ['success', 'failure'],
  success: [],
  failure: [],
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

export interface Task {
  readonly id: string
  readonly type: TaskType
  readonly status: TaskStatus
  readonly owner: string | null
  readonly input: JsonObject
  readonly result: JsonObject | null
  /** What the task does now, or why it failed; `''` while there is nothing to say. */
  readonly message: string
  readonly imageId: string | null
  readonly requestId: string | null
  readonly userId: string | null
  /** ISO 8601; null until the task has ended. */
  readonly expiresAt: string | null
  readonly createdAt: string
  readonly updatedAt: string
}

export type NewTask = Pick<Task, 'id' | 'type' | 'owner' | 'input' | 'imageId' | 'requestId' | 'userId'>

export type TaskOutcome =
  | { readonly status: 'success'; readonly result: JsonObject; readonly message: string }
  | { readonly status: 'failure'; readonly message: string }
