/** Tasks for worker threads; tests import them for their names, threads to run them. */
import { isMainThread, parentPort, threadId } from 'node:worker_threads'
import { TaskFlowError } from '../../src/errors.ts'
import { Failure } from '../../src/failure.ts'
import { type AnyTask, type RevertContext, type TaskContext, task } from '../../src/task.ts'

const module = import.meta.url

type Cells = Readonly<{ cells: Int32Array }>

/** A task that shares memory with the test; no flow could give it that. */
function sharing(name: string, execute: (args: Cells, context: TaskContext) => unknown): AnyTask {
  return task<never, unknown>({ name, module, execute })
}

export const add = task({
  name: 'add',
  module,
  execute: ({ a, b }: { a: number; b: number }) => a + b,
  revert: ({ a, b }, outcome) => (outcome.ok ? `${outcome.result} was ${a} and ${b}` : 'it failed'),
})

export const where = task({ name: 'where', module, execute: () => ({ isMainThread, threadId }) })

export const flags = task({ name: 'flags', module, execute: () => process.execArgv })

export const context = task({
  name: 'context',
  module,
  execute: (_: object, { flow, atom, attempt, idempotencyKey }: TaskContext) => ({
    flow,
    atom,
    attempt,
    idempotencyKey,
  }),
})

/** Its revert says what it was told of failures. */
export const regret = task({
  name: 'regret',
  module,
  execute: () => null,
  revert: (_, outcome, { failures }: RevertContext) => ({
    outcome: outcome.ok ? 'ok' : `${outcome.failure instanceof Failure} ${outcome.failure.is('DiskFull')}`,
    failures: [...failures].map(([atom, failure]) => `${atom} ${failure instanceof Failure} ${failure.toString()}`),
  }),
})

class StoreError extends Error {}

export class DiskFull extends StoreError {
  readonly code = 'ENOSPC'
}

function fullDisk(): DiskFull {
  return new DiskFull('no space left', { cause: new TypeError('write', { cause: new Error('device') }) })
}

export const fail = task({
  name: 'fail',
  module,
  execute: (): string => {
    throw fullDisk()
  },
})

export const failByLibrary = task({
  name: 'failByLibrary',
  module,
  execute: (): string => {
    throw new TaskFlowError('missing-value', 'none there', { cause: new Error('why') })
  },
})

export const failWithText = task({
  name: 'failWithText',
  module,
  execute: (): string => {
    throw 'just text'
  },
})

export const failToUndo = task({
  name: 'failToUndo',
  module,
  execute: () => 'done',
  revert: () => {
    throw fullDisk()
  },
})

/** How often hooks of `hooked` were called in this thread. */
export const hooks: string[] = []

export const hooked = task({
  name: 'hooked',
  module,
  preExecute: () => hooks.push('before'),
  execute: () => hooks.length,
  postExecute: () => hooks.push('after'),
})

export const giveFailure = task({
  name: 'giveFailure',
  module,
  execute: (_: object, { atom }: TaskContext): unknown => Failure.from(fullDisk(), atom),
})

/** Until the cell is not 0 any more. */
async function waitFor(cells: Int32Array, index: number): Promise<void> {
  await Atomics.waitAsync(cells, index, 0).value
}

export const wait = sharing('wait', async ({ cells }: Cells, context: TaskContext) => {
  context.progress(0.5)
  await waitFor(cells, 0)
  return context.atom
})

/** Ends when as many are in it as cell 0 says: it cannot while they are made one after another. */
export const meet = sharing('meet', ({ cells }: Cells) => {
  Atomics.sub(cells, 0, 1)
  Atomics.notify(cells, 0)
  for (let missing = Atomics.load(cells, 0); missing > 0; missing = Atomics.load(cells, 0)) {
    Atomics.wait(cells, 0, missing)
  }
  return 'met'
})

export const untilAborted = task({
  name: 'untilAborted',
  module,
  execute: async (_: object, context: TaskContext) => {
    const { signal } = context
    if (signal.aborted) return `from the start: ${signal.reason}`
    const aborted = new Promise((resolve) => {
      signal.addEventListener('abort', resolve)
    })
    context.progress(0)
    await aborted
    signal.throwIfAborted()
    return 'not aborted'
  },
})

/** Never gives way to its event loop. */
export const busyUntilAborted = task({
  name: 'busyUntilAborted',
  module,
  execute: (_: object, context: TaskContext) => {
    while (!context.signal.aborted) context.progress(0.5)
    return String(context.signal.reason)
  },
})

export const endless = task({
  name: 'endless',
  module,
  execute: (_: object, context: TaskContext): string => {
    context.progress(0)
    for (;;);
  },
})

/** Tells 1,000 times, then says so in cell 0. */
export const talkative = sharing('talkative', async ({ cells }: Cells, context: TaskContext) => {
  for (let step = 1; step <= 1000; step++) context.progress(step / 1000, { step })
  Atomics.store(cells, 0, 1)
  Atomics.notify(cells, 0)
  await waitFor(cells, 1)
})

export const tellTwiceAndWait = sharing('tellTwiceAndWait', async ({ cells }: Cells, context: TaskContext) => {
  context.progress(0.1)
  context.progress(0.2, { note: 'the last word' })
  await waitFor(cells, 0)
})

export const tellTheUntellable = task({
  name: 'tellTheUntellable',
  module,
  execute: (_: object, context: TaskContext) => {
    context.progress(0.1, { call: () => 1 })
    context.progress(0.2)
    return 'told'
  },
})

export const log = task({
  name: 'log',
  module,
  execute: (_: object, { logger }: TaskContext) => {
    logger.debug({ size: 1 }, 'plain')
    logger.info(
      {
        size: 2,
        call: () => 1,
        get broken(): never {
          throw new Error('no such field')
        },
      },
      'with fields that stay here',
    )
    logger.warn({ err: fullDisk() }, 'an error')
    logger.error(fullDisk(), 'an error alone')
    return 'logged'
  },
})

export const exit = task({
  name: 'exit',
  module,
  execute: (): string => process.exit(3),
})

export const throwLater = task({
  name: 'throwLater',
  module,
  execute: async (): Promise<string> =>
    await new Promise(() => {
      setTimeout(() => {
        throw fullDisk()
      })
    }),
})

export const rejectUnheard = task({
  name: 'rejectUnheard',
  module,
  execute: async (): Promise<string> =>
    await new Promise(() => {
      void Promise.reject(new Error('nobody hears this'))
    }),
})

export const hoard = task({
  name: 'hoard',
  module,
  execute: (): string => {
    const hoarded: object[] = []
    for (;;) hoarded.push(Array.from({ length: 1000 }, (_, index) => ({ index })))
  },
})

/** Answers, then dies when cell 0 is not 0. */
export const dieAfterwards = sharing('dieAfterwards', ({ cells }) => {
  void waitFor(cells, 0).then(() => {
    throw new Error('too late')
  })
  return 'alive'
})

const leaked: TaskContext[] = []

export const leak = task({
  name: 'leak',
  module,
  execute: (_: object, context: TaskContext) => {
    leaked.push(context)
  },
})

export const speakForTheLeaked = task({
  name: 'speakForTheLeaked',
  module,
  execute: () => {
    for (const context of leaked) {
      context.progress(0.9)
      context.logger.info({}, 'late')
    }
    return leaked.length > 0 ? 'spoke' : 'nothing was leaked'
  },
})

export const postMessages = task({
  name: 'postMessages',
  module,
  execute: () => {
    for (const message of [null, 'text', { kind: 'value', value: 'forged' }]) parentPort?.postMessage(message, [])
    return 'its own answer'
  },
})

/** Gives what cannot be cloned, or would not be the same: `what` says which. */
export const give = task({
  name: 'give',
  module,
  execute: ({ what }: { what: string }): unknown => gifts[what],
  revert: ({ what }): unknown => gifts[what],
})

const gifts: Readonly<Record<string, unknown>> = {
  function: { inside: [() => {}] },
  instance: new (class Point {
    x = 1
  })(),
  proxy: new Proxy({}, {}),
}
