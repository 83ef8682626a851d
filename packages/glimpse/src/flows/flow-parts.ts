import type { Retry } from '@glimpse/taskflow'
import type { Attempt } from './download-retry.ts'
import type { Steps } from './steps/steps.ts'

/** What flows are made of besides what a task asks for. */
export interface FlowParts {
  readonly steps: Steps
  /** Controls what fetches data from elsewhere. */
  readonly downloadRetry: Retry<object, Attempt>
  /** Id of the store for data that names none. */
  readonly defaultStore: string
}
