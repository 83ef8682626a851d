import { discard } from '../data/writing.ts'
import type { Image } from '../domain/image.ts'
import { undo } from '../flows/steps/ownership.ts'
import type { Parts } from './parts.ts'

/** What a start found unfinished and put right, for the log. */
export interface Recovery {
  readonly tasks: number
  readonly images: number
  readonly files: number
}

const cause = 'The service stopped while this task was running; the image can be imported again'

/**
 * Puts right what a process that died left behind: its tasks fail with the cause, its images can be used again
 * (`queued`, or `uploading` with their staged data), half-written files go, and so do tasks whose time is over. Runs before anything is served.
 */
export async function recover(parts: Parts): Promise<Recovery> {
  const { images, tasks, stores } = parts
  const unfinished = await tasks.unfinished()
  const interrupted = await images.inStatus(['saving', 'uploading', 'importing'])
  let recovered = 0
  for (const image of interrupted) recovered += await release(parts, image)
  for (const { id, imageId } of unfinished) {
    if (imageId !== null) await discardLeftovers(parts, imageId)
    await tasks.finish(id, { status: 'failure', message: cause })
  }
  await tasks.expire()
  let files = 0
  for (const store of [stores.staging, ...stores.all.values()]) files += await store.removeParts()
  return { tasks: unfinished.length, images: recovered, files }
}

async function release({ images, stores }: Parts, image: Image): Promise<0 | 1> {
  if (image.status === 'uploading' && image.staged !== null) return 0
  const keepStaged = image.staged !== null && (await stores.staging.has(image.id))
  const set = keepStaged ? ({ status: 'uploading' } as const) : ({ status: 'queued', staged: null } as const)
  const removeLocations = image.locations.map(({ store }) => store)
  const changed = await undo(
    images,
    image.id,
    { set: { ...set, importingStores: [] }, removeLocations },
    { status: [image.status] },
  )
  if (!changed) return 0
  if (!keepStaged) await discard(stores.staging, image.id)
  for (const store of stores.all.values()) await discard(store, image.id)
  return 1
}

/** What a task had written that nobody knows of: staged data of an image that is active, anything of one that is gone. */
async function discardLeftovers({ images, stores }: Parts, id: string): Promise<void> {
  const image = await images.find(id)
  if (!image?.staged) await discard(stores.staging, id)
  if (image) return
  for (const store of stores.all.values()) await discard(store, id)
}
