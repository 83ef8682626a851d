import { setImmediate as turn } from 'node:timers/promises'
import type { Store } from '@glimpse/stores'
import { discard } from '../../data/writing.ts'
import { type Image, isBeingWritten } from '../../domain/image.ts'
import type { Parts } from '../parts.ts'
import type { Scope } from './abandoned.ts'

const page = 100

/** Ids of the images that an unfinished task is about; after a start with nothing unfinished but what is gone on with. */
export async function workedOn({ tasks }: Pick<Parts, 'tasks'>): Promise<ReadonlySet<string>> {
  return new Set((await tasks.unfinished()).map(({ imageId }) => imageId ?? ''))
}

/** Removes what writes left that were cut off, but for what an import may go on with. @returns how many. */
export async function sweepParts(
  { log }: Pick<Parts, 'log'>,
  store: Store,
  kept: ReadonlySet<string>,
  unchangedSince?: Date,
): Promise<number> {
  const parts = await store.removeParts({ keep: (image) => kept.has(image), unchangedSince })
  const why = 'who wrote them has stopped, and nobody goes on with them'
  if (parts > 0) log.warn({ store: store.id, parts, why }, 'removed parts of images')
  return parts
}

/** A file in a store that no image needs. */
export interface Leftover {
  readonly key: string
  readonly why: string
}

/**
 * The files of a store that no image needs, as its rows say now. Those of images that somebody may be at work on are not
 * among them.
 *
 * @param kept the images that unfinished tasks are about.
 */
export async function* leftoversIn(
  { images, stores }: Pick<Parts, 'images' | 'stores'>,
  store: Store,
  kept: ReadonlySet<string>,
): AsyncGenerator<Leftover> {
  for await (const keys of pagesOf(store.list())) {
    const known = new Map((await images.findAll(keys)).map((image) => [image.id, image]))
    for (const key of keys) {
      const why = kept.has(key) ? null : whyUnneeded(known.get(key), store, store === stores.staging)
      if (why !== null) yield { key, why }
    }
    await turn()
  }
}

/**
 * Removes the files of a store that no image needs. A file of an id that this database never had is not ours, whatever it
 * is: another service's images, say, in a folder that was taken over. It stays.
 *
 * Files younger than the scope allows stay too. So do those of an image that comes into use at the last moment: whoever
 * begins with it waits until the file is gone, or is seen here.
 *
 * @returns how many were removed, and how many are not ours.
 */
export async function sweepFiles(
  parts: Parts,
  store: Store,
  scope: Scope,
): Promise<{ readonly removed: number; readonly foreign: number }> {
  let removed = 0
  let foreign = 0
  for await (const { key } of leftoversIn(parts, store, await workedOn(parts))) {
    if (scope.signal?.aborted) break
    if (await parts.images.isKnown(key)) removed += await remove(parts, store, key, scope)
    else foreign += 1
  }
  return { removed, foreign }
}

async function remove(parts: Parts, store: Store, key: string, { unchangedSince }: Scope): Promise<number> {
  const removed = await parts.underWay.behind(key, async () => {
    const why = whyUnneeded(await parts.images.find(key), store, store === parts.stores.staging)
    if (why === null || (await store.changedAt(key)) > unchangedSince) return false
    if (!(await discard(store, key))) return false
    parts.log.warn({ image: key, store: store.id, why }, 'removed data that no image has')
    return true
  })
  return removed ? 1 : 0
}

/** Null: it is needed, or may be. Whoever writes data says so in the row first, and says what there is last. */
function whyUnneeded(image: Image | undefined, store: Store, isStaging: boolean): string | null {
  if (!image) return 'the image is deleted'
  const { status, staged, importTask, locations } = image
  if (importTask !== null || isBeingWritten(image)) return null
  if (isStaging) return staged === null ? `the image is ${status} and has nothing staged` : null
  const isThere = locations.some((location) => location.store === store.id)
  return isThere ? null : `the image is ${status} and has no location in this store`
}

async function* pagesOf(keys: AsyncIterable<string>): AsyncGenerator<string[]> {
  let gathered: string[] = []
  for await (const key of keys) {
    if (gathered.push(key) < page) continue
    yield gathered
    gathered = []
  }
  if (gathered.length > 0) yield gathered
}
