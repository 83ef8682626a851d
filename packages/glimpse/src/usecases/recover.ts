import type { Store } from '@glimpse/stores'
import { discard } from '../data/writing.ts'
import type { Image } from '../domain/image.ts'
import type { Task, TaskOutcome } from '../domain/task.ts'
import { undo, unlessTaken } from '../flows/steps/ownership.ts'
import type { Parts } from './parts.ts'

/** What a start found unfinished and put right, for the log. */
export interface Recovery {
  readonly tasks: number
  readonly images: number
  readonly files: number
}

/**
 * Puts right what a process that died left behind and nobody goes on with: its tasks end, as a rule in failure, with the
 * cause; its images can be used again (`queued`, or `uploading` with their staged data); half-written files go, and so
 * do tasks whose time is over. Runs before anything is served.
 */
export async function recover(parts: Parts): Promise<Recovery> {
  const { images, tasks, stores, executor } = parts
  const unfinished: Task[] = []
  const kept = new Set<string>()
  for (const task of await tasks.unfinished()) {
    if (await executor.keeps(task.id)) kept.add(task.imageId ?? '')
    else unfinished.push(task)
  }
  const found = await images.inStatus(['saving', 'uploading', 'importing'])
  const interrupted = found.filter(({ id }) => !kept.has(id))
  let recovered = 0
  for (const image of interrupted) recovered += await release(parts, image)
  for (const task of unfinished) await tasks.finish(task.id, await settle(parts, task))
  await tasks.expire()
  let files = 0
  for (const store of [stores.staging, ...stores.all.values()])
    files += await store.removeParts({ keep: (image) => kept.has(image) })
  return { tasks: unfinished.length, images: recovered, files }
}

/** Data goes before the row says so: whatever dies in between, the next start comes by here again. */
async function release(parts: Parts, image: Image): Promise<0 | 1> {
  const { images, stores } = parts
  if (image.status === 'uploading' && image.staged !== null) return 0
  const keepStaged = image.staged !== null && (await stores.staging.has(image.id))
  await discardFrom(parts, image.id, keepStaged ? [] : [stores.staging])
  await discardFrom(parts, image.id, stores.all.values())
  const set = keepStaged ? ({ status: 'uploading' } as const) : ({ status: 'queued', staged: null } as const)
  const removeLocations = image.locations.map(({ store }) => store)
  const change = { set: { ...set, importingStores: [] }, removeLocations }
  return (await undo(images, image.id, change, { status: [image.status] })) ? 1 : 0
}

/** Removes what a task had written that nobody knows of, and says how the task ended. */
async function settle(parts: Parts, { id: task, imageId, status, type }: Task): Promise<TaskOutcome> {
  const { images, stores } = parts
  if (imageId === null) return failure('try again')
  if (type === 'import') await unlessTaken(images.remove(imageId, { status: ['queued'], importTask: task }))
  const image = await images.find(imageId)
  if (!image?.staged) await discardFrom(parts, imageId, [stores.staging])
  if (!image) await discardFrom(parts, imageId, stores.all.values())
  const done = image?.status === 'active' && status === 'processing'
  if (done) return { status: 'success', result: { image_id: imageId }, message: 'Imported' }
  return failure(type === 'import' ? 'try again' : 'the image can be imported again')
}

function failure(advice: string): TaskOutcome {
  return { status: 'failure', message: `The service stopped while this task was running; ${advice}` }
}

/** A store that keeps what it has of one image is told to the operator; it must not keep the service from starting. */
async function discardFrom({ log }: Parts, image: string, stores: Iterable<Store>): Promise<void> {
  for (const store of stores) {
    try {
      await discard(store, image)
    } catch (error) {
      log.error({ err: error, image, store: store.id }, 'data that no image has is left in a store')
    }
  }
}
