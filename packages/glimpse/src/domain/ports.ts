import type { Image, ImageChange, ImageExpectation, NewImage } from './image.ts'
import type { NewTask, Task, TaskOutcome, TaskStatus, TaskType } from './task.ts'

export interface Clock {
  now(): Date
}

/** One comparison of a listing; several are joined by "and". */
export interface ImageFilter {
  readonly field:
    | 'id'
    | 'name'
    | 'status'
    | 'visibility'
    | 'owner'
    | 'containerFormat'
    | 'diskFormat'
    | 'protected'
    | 'hidden'
    | 'size'
    | 'minRam'
    | 'minDisk'
    | 'checksum'
    | 'hashValue'
    | 'createdAt'
    | 'updatedAt'
    | 'tag'
    /** An additional property, named by `property`. */
    | 'property'
  readonly property?: string
  readonly op: 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte' | 'in'
  readonly value: string | number | boolean | null | readonly (string | number)[]
}

export type ImageSortKey =
  | 'name'
  | 'status'
  | 'containerFormat'
  | 'diskFormat'
  | 'size'
  | 'id'
  | 'createdAt'
  | 'updatedAt'
export type SortDirection = 'asc' | 'desc'

export interface ImageQuery {
  readonly filters: readonly ImageFilter[]
  /** The tie-breakers `createdAt` and `id` are added where they are missing. */
  readonly sort: readonly { readonly key: ImageSortKey; readonly direction: SortDirection }[]
  /** The id of the image after which the page starts. */
  readonly marker?: string
  readonly limit: number
}

export interface ImageRepo {
  /** @throws ServiceError `image-exists` when the id is, or ever was, in use. */
  create(image: NewImage): Promise<Image>
  /** The image, if it exists and is not deleted. */
  find(id: string): Promise<Image | undefined>
  /** @throws ServiceError `image-not-found` when the marker does not exist. */
  list(query: ImageQuery): Promise<Image[]>
  /**
   * Changes a row that is in the expected state, in one transaction, and returns what it is now.
   * A change of `status` must be in the table of transitions.
   *
   * @throws ServiceError `image-not-found`; `image-transition` when the row is in another status than expected, or
   *   may not go where it should; `image-locked` when the import lock is not as expected.
   */
  update(id: string, change: ImageChange, expected?: ImageExpectation): Promise<Image>
  /** Marks the image deleted (its id is never given out again). Throws as {@link update} does. */
  remove(id: string, expected?: ImageExpectation): Promise<void>
  /** Those of these images that exist and are not deleted, in no order. */
  findAll(ids: readonly string[]): Promise<Image[]>
  /** Whether the id is, or ever was, an image's; forgotten when deleted images are purged. */
  isKnown(id: string): Promise<boolean>
  /**
   * Images that are not at rest, whoever owns them, by id: locked, or being written. One whose data is staged and waits
   * for its import is at rest.
   *
   * @param after the last id of the page before; null: the first page.
   */
  unsettled(after: string | null, limit: number): Promise<Image[]>
  /** All images, whoever owns them, in pages as {@link unsettled} gives them. */
  all(after: string | null, limit: number): Promise<Image[]>
}

export interface TaskQuery {
  readonly type?: TaskType
  readonly status?: TaskStatus
  readonly owner?: string
  readonly imageId?: string
  readonly sort: {
    readonly key: 'createdAt' | 'updatedAt' | 'expiresAt' | 'id' | 'status' | 'type'
    readonly direction: SortDirection
  }
  readonly marker?: string
  readonly limit: number
}

export interface TaskRepo {
  /**
   * Stores a new task as `pending`; with `lock`, takes the import lock of that image for it in the same transaction,
   * and makes the change that goes with it.
   *
   * @throws ServiceError as {@link ImageRepo.update} does; then no task is stored.
   */
  accept(
    task: NewTask,
    lock?: { readonly image: string; readonly expected: ImageExpectation; readonly change?: ImageChange },
  ): Promise<Task>
  find(id: string): Promise<Task | undefined>
  /** @throws ServiceError `task-not-found` when the marker does not exist. */
  list(query: TaskQuery): Promise<Task[]>
  /** `pending -> processing`. @throws ServiceError `task-transition`. */
  begin(id: string): Promise<Task>
  /** Says what an unfinished task is doing now, for those who poll. */
  say(id: string, message: string): Promise<void>
  /**
   * Ends a task and releases the import lock that it holds, in one transaction: a lock is held just as long as its
   * task is unfinished.
   *
   * @throws ServiceError `task-transition` when it has ended already.
   */
  finish(id: string, outcome: TaskOutcome): Promise<Task>
  /** Deletes tasks whose `expiresAt` has passed, whoever owns them; returns how many. */
  expire(): Promise<number>
  /** Tasks that were accepted and have not ended. */
  unfinished(): Promise<Task[]>
}
