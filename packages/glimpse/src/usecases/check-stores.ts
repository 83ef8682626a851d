import { type Store, StoreError } from '@glimpse/stores'
import type { Image } from '../domain/image.ts'
import type { Parts } from './parts.ts'
import { type Leftover, leftoversIn, workedOn } from './sweep/leftovers.ts'

/** What a store has, compared with what the images say. */
export interface StoreReport {
  readonly store: string
  /** Images whose data is there as it should be. */
  readonly sound: number
  /** What is wrong with the data of others, a line each. */
  readonly problems: readonly string[]
  /** Files that no image needs, as a sweep sees them. */
  readonly leftovers: readonly Leftover[]
  /** Names of files that no image ever had. */
  readonly foreign: readonly string[]
}

const page = 100

type CheckParts = Pick<Parts, 'images' | 'tasks' | 'stores'>

/** Looks at every image's data, in every store, and changes nothing. The service may be at work meanwhile. */
export async function checkStores(parts: CheckParts): Promise<StoreReport[]> {
  const { staging, all } = parts.stores
  const reports: StoreReport[] = []
  for (const store of [staging, ...all.values()]) reports.push(await checkStore(parts, store))
  const lost = await findLost(parts)
  return lost.length === 0
    ? reports
    : [...reports, { store: 'not configured', sound: 0, problems: lost, leftovers: [], foreign: [] }]
}

async function checkStore(parts: CheckParts, store: Store): Promise<StoreReport> {
  const problems: string[] = []
  const leftovers: Leftover[] = []
  const foreign: string[] = []
  let sound = 0
  try {
    for await (const image of everyImage(parts)) {
      if (sizeIn(parts, image, store) === null) continue
      const problem = await lookTwice(parts, image, store)
      if (problem === null) sound += 1
      else problems.push(problem)
    }
    for await (const leftover of leftoversIn(parts, store, await workedOn(parts))) {
      if (await parts.images.isKnown(leftover.key)) leftovers.push(leftover)
      else foreign.push(leftover.key)
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    problems.push(error.message)
  }
  return { store: store.id, sound, problems, leftovers, foreign }
}

async function* everyImage({ images }: CheckParts): AsyncGenerator<Image> {
  for (let after: string | null = null; ; ) {
    const found: readonly Image[] = await images.all(after, page)
    yield* found
    if (found.length < page) return
    after = found.at(-1)!.id
  }
}

/** How many bytes the image should have in the store, -1: nobody knows; null: it need have none. */
function sizeIn({ stores }: CheckParts, { staged, locations, size, importTask }: Image, store: Store): number | null {
  if (store === stores.staging) return importTask === null ? (staged?.size ?? null) : null
  return locations.some((location) => location.store === store.id) ? (size ?? -1) : null
}

/** What is wrong may be so because the image has changed since it was read. */
async function lookTwice(parts: CheckParts, image: Image, store: Store): Promise<string | null> {
  const first = await problemWith(parts, image, store)
  const now = first === null ? undefined : await parts.images.find(image.id)
  return now ? await problemWith(parts, now, store) : null
}

async function problemWith(parts: CheckParts, image: Image, store: Store): Promise<string | null> {
  const size = sizeIn(parts, image, store)
  if (size === null) return null
  if (!(await store.has(image.id))) return `image ${image.id} (${image.status}): its data is missing`
  const found = await store.size(image.id)
  if (size === -1 || found === size) return null
  return `image ${image.id} (${image.status}): its data has ${found} bytes, not ${size}`
}

/** Images that say to be in a store that the configuration does not have. */
async function findLost(parts: CheckParts): Promise<string[]> {
  const lost: string[] = []
  for await (const { id, status, locations } of everyImage(parts)) {
    for (const { store } of locations) {
      if (!parts.stores.all.has(store)) lost.push(`image ${id} (${status}): its data is in the store '${store}'`)
    }
  }
  return lost
}
