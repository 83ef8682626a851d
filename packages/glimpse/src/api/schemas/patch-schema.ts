import { Type } from 'typebox'
import type { NamedSchema } from '../route.ts'

/** Any JSON: each operation of a patch has texts of its own for what is wrong with it, and is checked as it is read. */
export const patchSchema: NamedSchema = { name: 'patch', schema: Type.Unknown() }
