import { first } from './0001-first.ts'
import type { Migration } from './migration.ts'

/** Every migration this program knows, in the order of their numbers. */
export const migrations: readonly Migration[] = [first]
