// The hash worker's program. It imports nothing but types and Node's own modules, so that it starts from `src` by
// type stripping and from `dist` alike.
import { createHash, type Hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import type { HashReply, HashRequest } from './messages.ts'

interface OpenJob {
  readonly hash: Hash
  readonly memory: SharedArrayBuffer
}

const port = parentPort
if (port === null) throw new Error('the hash worker is started by HashPool, as a worker thread')

const jobs = new Map<number, OpenJob>()

function answer(request: HashRequest): HashReply | undefined {
  if (request.kind === 'open') {
    jobs.set(request.job, { hash: createHash(request.algorithm), memory: request.memory })
    return undefined
  }
  if (request.kind === 'drop') {
    jobs.delete(request.job)
    return undefined
  }
  const job = jobs.get(request.job)
  if (job === undefined) throw new Error(`hash job ${request.job} is not open`)
  if (request.kind === 'update') {
    job.hash.update(new Uint8Array(job.memory, request.offset, request.length))
    return { kind: 'updated', job: request.job }
  }
  jobs.delete(request.job)
  return { kind: 'digest', job: request.job, hex: job.hash.digest('hex') }
}

port.on('message', (request: HashRequest) => {
  const reply = answer(request)
  if (reply !== undefined) port.postMessage(reply)
})
