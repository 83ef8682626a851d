import { createHash, randomBytes } from 'node:crypto'

/** Image data, and what is known of it. */
export interface Sample {
  readonly bytes: Buffer
  readonly md5: string
  readonly sha512: string
}

/** So small that they are written at once, larger than that, and large enough to be cut off anywhere. In bytes. */
export const samples: readonly [Sample, ...Sample[]] = [sample(30_000), sample(900_000), sample(6_000_000)]

function sample(size: number): Sample {
  const bytes = randomBytes(size)
  return { bytes, md5: digest('md5', bytes), sha512: digest('sha512', bytes) }
}

export function digest(algorithm: string, bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex')
}

/** One of them, by chance: kills are to come where nobody thought of. */
export function anyOf<T>(list: readonly [T, ...T[]]): T
export function anyOf<T>(list: readonly T[]): T | undefined
export function anyOf<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)]
}

export function chance(probability: number): boolean {
  return Math.random() < probability
}
