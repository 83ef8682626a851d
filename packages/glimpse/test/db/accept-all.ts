import { parentPort, workerData } from 'node:worker_threads'
import { createRepos } from '../../src/db/repos.ts'
import { ServiceError } from '../../src/domain/errors.ts'

/** A thread with a connection of its own: tries to accept a task for each image, when it is told to. */
interface Work {
  readonly file: string
  readonly name: string
  readonly images: readonly string[]
}

const { file, name, images } = workerData as Work
const { tasks, close } = await createRepos({ file, clock: { now: () => new Date() }, taskTtlHours: 1 })

async function tryAccept(image: string): Promise<string> {
  const task = {
    id: `${name}-${image}`,
    type: 'api_image_import',
    owner: null,
    input: {},
    imageId: image,
    requestId: null,
    userId: null,
  } as const
  const change = { set: { status: 'importing' } } as const
  try {
    await tasks.accept(task, { image, expected: { status: ['queued'], importTask: null }, change })
    return 'accepted'
  } catch (error) {
    return error instanceof ServiceError ? error.code : String(error)
  }
}

parentPort?.once('message', async () => {
  const outcomes: string[] = []
  for (const image of images) outcomes.push(await tryAccept(image))
  await close()
  parentPort?.postMessage(outcomes, [])
})
parentPort?.postMessage('ready', [])
