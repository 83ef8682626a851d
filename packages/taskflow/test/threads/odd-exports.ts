/** Exports that a pool has to look at twice; it finds them by this module's URL. */
import { task } from '../../src/task.ts'

export const only = task({ name: 'only', module: import.meta.url, execute: () => 'the one' })
export { only as alias }

export const twin = task({ name: 'twin', execute: () => 1 })
export const otherTwin: object = { ...twin }

/** None of these is a task. */
export const noTask = { name: 'noTask' }
export function notATask(): void {}
export const nothing = null
export const unnamed = { execute: () => 1 }
export const wronglyNamed = { name: 1, execute: () => 1 }
