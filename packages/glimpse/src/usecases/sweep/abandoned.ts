import { setImmediate as turn } from 'node:timers/promises'
import type { Store } from '@glimpse/stores'
import { discard } from '../../data/writing.ts'
import { type Image, type ImageChange, isBeingWritten } from '../../domain/image.ts'
import type { Task, TaskOutcome } from '../../domain/task.ts'
import { undo, unlessTaken } from '../../flows/steps/ownership.ts'
import type { Parts } from '../parts.ts'

/** Which tasks and images are looked at. */
export interface Scope {
  /** What was changed later may be somebody's who is about to begin with it. */
  readonly unchangedSince: Date
  /** Ends the pass early. */
  readonly signal?: AbortSignal
}

/** What was put right. */
export interface Settled {
  readonly tasks: number
  readonly images: number
}

const page = 100

/**
 * Puts right what nobody works on any more, and nobody will: tasks end, as a rule in failure, with the cause; images can
 * be used again (`queued`, or `uploading` with their staged data).
 */
export async function settleAbandoned(parts: Parts, scope: Scope): Promise<Settled> {
  const abandoned = await findAbandoned(parts, scope)
  let images = 0
  for await (const image of unsettled(parts, scope)) {
    const release = (): Promise<boolean> => releaseAbandoned(parts, image.id, abandoned)
    if (await parts.underWay.behind(image.id, release)) images += 1
  }
  let tasks = 0
  for (const task of abandoned.values()) if (await settle(parts, task)) tasks += 1
  return { tasks, images }
}

/** Unfinished tasks that no executor has or goes on with, by id. */
async function findAbandoned({ tasks, executor }: Parts, scope: Scope): Promise<Map<string, Task>> {
  const abandoned = new Map<string, Task>()
  for (const task of await tasks.unfinished()) {
    if (isFresh(task, scope) || (await executor.keeps(task.id))) continue
    abandoned.set(task.id, task)
  }
  return abandoned
}

function isFresh({ updatedAt }: { readonly updatedAt: string }, { unchangedSince }: Scope): boolean {
  return new Date(updatedAt) > unchangedSince
}

async function* unsettled({ images }: Parts, scope: Scope): AsyncGenerator<Image> {
  let after: string | null = null
  for (;;) {
    const found: readonly Image[] = await images.unsettled(after, page)
    for (const image of found) {
      if (scope.signal?.aborted) return
      if (!isFresh(image, scope)) yield image
    }
    if (found.length < page) return
    after = found.at(-1)!.id
    await turn()
  }
}

/**
 * What the row says now decides, as nobody writes to it who does not hold its lock. Data goes before the row says so:
 * whatever dies in between, the next pass comes by here again.
 */
async function releaseAbandoned(parts: Parts, id: string, abandoned: ReadonlyMap<string, Task>): Promise<boolean> {
  const image = await parts.images.find(id)
  if (!image || (await isWorkedOn(parts, image, abandoned))) return false
  const change = await changeFor(parts, image, abandoned)
  if (change === null) return false
  const { status, importTask } = image
  const released = await undo(parts.images, id, change, { status: [status], importTask })
  if (released) parts.log.warn({ image: id, was: status, importTask }, 'released an image that nobody works on')
  return released
}

/** A lock is held by a task that somebody has; without one, only requests write, and none does now. */
async function isWorkedOn(
  { tasks }: Parts,
  { importTask }: Image,
  abandoned: ReadonlyMap<string, Task>,
): Promise<boolean> {
  if (importTask === null || abandoned.has(importTask)) return false
  const task = await tasks.find(importTask)
  return task?.status === 'pending' || task?.status === 'processing'
}

/** A lock of an unfinished task goes with the end of that task. Null: there is nothing to change. */
async function changeFor(
  parts: Parts,
  image: Image,
  abandoned: ReadonlyMap<string, Task>,
): Promise<ImageChange | null> {
  const { stores } = parts
  const { staged, importTask, locations } = image
  const hasLostLock = importTask !== null && !abandoned.has(importTask)
  const unlocked = hasLostLock ? { importTask: null } : {}
  if (!isBeingWritten(image)) return hasLostLock ? { set: unlocked } : null
  const keepStaged = staged !== null && (await stores.staging.has(image.id))
  await discardFrom(parts, image.id, keepStaged ? [] : [stores.staging])
  await discardFrom(parts, image.id, stores.all.values())
  const set = keepStaged ? ({ status: 'uploading' } as const) : ({ status: 'queued', staged: null } as const)
  const removeLocations = locations.map(({ store }) => store)
  return { set: { ...set, ...unlocked, importingStores: [] }, removeLocations }
}

/** Removes what a task had written that nobody knows of, and ends it; false: it has ended by itself. */
async function settle(parts: Parts, { id, imageId, type }: Task): Promise<boolean> {
  const { images, stores, tasks, log } = parts
  const task = await tasks.find(id)
  if (task?.status !== 'pending' && task?.status !== 'processing') return false
  if (imageId !== null) {
    if (type === 'import') await unlessTaken(images.remove(imageId, { status: ['queued'], importTask: id }))
    const image = await images.find(imageId)
    if (!image?.staged) await discardFrom(parts, imageId, [stores.staging])
    if (!image) await discardFrom(parts, imageId, stores.all.values())
  }
  const { status, message } = await tasks.finish(id, await outcomeOf(parts, task))
  log.warn({ task: id, image: imageId, status, message }, 'ended a task that nobody works on')
  return true
}

async function outcomeOf({ images }: Parts, { imageId, status, type }: Task): Promise<TaskOutcome> {
  if (imageId === null) return failure('try again')
  const image = await images.find(imageId)
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
      const found = await discard(store, image)
      if (found)
        log.warn({ image, store: store.id, why: 'what wrote it has stopped' }, 'removed data that no image has')
    } catch (error) {
      log.error({ err: error, image, store: store.id }, 'data that no image has is left in a store')
    }
  }
}
