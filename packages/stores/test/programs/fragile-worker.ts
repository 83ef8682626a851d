// A hash worker that dies on images whose first bytes tell it to: `exit` or `fail`.
import { parentPort } from 'node:worker_threads'
import type { HashRequest } from '../../src/hashing/messages.ts'

const memories = new Map<number, SharedArrayBuffer>()

parentPort?.on('message', (request: HashRequest) => {
  if (request.kind === 'open') memories.set(request.job, request.memory)
  if (request.kind !== 'update') return
  const memory = memories.get(request.job)
  const mark = memory === undefined ? '' : Buffer.from(memory, request.offset, 4).toString('latin1')
  if (mark === 'exit') process.exit(3)
  if (mark === 'fail') throw new Error('out of luck')
})

await import('../../src/hashing/worker.ts')
