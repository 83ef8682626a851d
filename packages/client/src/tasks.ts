import { json } from './images.ts'
import { type FilterValue, walkPages } from './pages.ts'
import { type CallOptions, fetchJson, segment, type Transport } from './transport.ts'
import type { TaskStatus, TaskStub, TaskView } from './views.ts'

/** Which tasks to list, under the API's own names. */
export interface TaskFilters {
  /** Tasks a page, not in all. */
  readonly limit?: number | undefined
  readonly marker?: string | undefined
  readonly status?: TaskStatus | undefined
  readonly type?: string | undefined
  readonly sort_key?: string | undefined
  readonly sort_dir?: 'asc' | 'desc' | undefined
  readonly [column: string]: FilterValue | undefined
}

export interface NewTask {
  readonly type: string
  readonly input: Readonly<Record<string, unknown>>
}

export interface WaitOptions extends CallOptions {
  /** Told the task as it was first seen, and again whenever it has changed. */
  readonly onUpdate?: ((task: TaskView) => void) | undefined
  /** Milliseconds from an answer to the next question; 1000 when not given. */
  readonly intervalMs?: number | undefined
}

/** Tasks, for administrators; others see theirs through `images.tasks`. Rejects with an `ApiError`. */
export interface Tasks {
  create(task: NewTask, options?: CallOptions): Promise<TaskView>
  show(id: string, options?: CallOptions): Promise<TaskView>
  /** All tasks that match, newest first unless told otherwise; pages are fetched as the loop goes on. */
  list(filters?: TaskFilters, options?: CallOptions): AsyncGenerator<TaskStub, void, void>
  /**
   * Asks again and again until the task has ended, and resolves with it: look at its `status`, for a failed task is an
   * answer too. There is no limit of time but the signal's. A question without an answer rejects (status 0).
   */
  waitFor(id: string, options?: WaitOptions): Promise<TaskView>
}

export function createTasks(send: Transport): Tasks {
  const show: Tasks['show'] = async (id, { signal } = {}) =>
    fetchJson(send, { method: 'GET', path: `/v2/tasks/${segment(id)}`, signal })
  return {
    create: (task, { signal } = {}) => fetchJson(send, { method: 'POST', path: '/v2/tasks', ...json(task), signal }),
    show,
    list: (filters = {}, { signal } = {}) => walkPages(send, '/v2/tasks', 'tasks', filters, signal),
    waitFor: async (id, options = {}) => poll(() => show(id, options), options),
  }
}

/** The longest that timers can wait; beyond it they do not wait at all. */
const longest = 2 ** 31 - 1

async function poll(ask: () => Promise<TaskView>, options: WaitOptions): Promise<TaskView> {
  const { signal, onUpdate, intervalMs = 1000 } = options
  if (!(intervalMs >= 0 && intervalMs <= longest)) {
    throw new RangeError(`intervalMs is ${intervalMs}: 0 to ${longest} milliseconds are allowed`)
  }
  for (let seen = ''; ; ) {
    const task = await ask()
    const now = JSON.stringify(task)
    if (now !== seen) onUpdate?.(task)
    if (task.status === 'success' || task.status === 'failure') return task
    seen = now
    await pause(intervalMs, signal)
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
