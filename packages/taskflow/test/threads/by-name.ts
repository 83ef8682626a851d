/** Imports the package as its users do, by name. */
import { Failure, type TaskContext, task } from '@glimpse/taskflow'

export const byName = task({
  name: 'byName',
  module: import.meta.url,
  execute: (_: object, { atom }: TaskContext): unknown => Failure.from(new Error('by name'), atom),
})
